#!/usr/bin/env bash
# Check the types that the web page's modules state in JSDoc, by TypeScript's compiler. Where node or its
# packages cannot be had, say that they are not checked.
set -euo pipefail
cd "$(dirname "$0")"
if ! command -v npm >/dev/null; then
    echo "No node here: the types of the web page's modules are not checked." >&2
    exit 0
fi
if [ ! node_modules/.package-lock.json -nt package-lock.json ]; then
    npm ci --no-audit --no-fund --silent || {
        echo "npm could not install TypeScript: the types of the web page's modules are not checked." >&2
        exit 0
    }
    touch node_modules/.package-lock.json
fi
node_modules/.bin/tsc --project .
