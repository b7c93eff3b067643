#!/usr/bin/env bash
# Generate vizion3d/proto from protos/. With --check: fail if what is checked in differs.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-.venv/bin/python}
out=.
if [ "${1:-}" = "--check" ]; then
    out=$(mktemp -d)
    trap 'rm -rf "$out"' EXIT
fi
# The mapped path makes the generated imports those of the package, vizion3d.proto.
PATH="$(dirname "$python"):$PATH" "$python" -m grpc_tools.protoc -Ivizion3d/proto=protos \
    --python_out="$out" --grpc_python_out="$out" --mypy_out="quiet:$out" --mypy_grpc_out="quiet:$out" \
    vizion3d/proto/lifting.proto vizion3d/proto/open_inference.proto
if [ "$out" != . ]; then
    for file in "$out"/vizion3d/proto/*; do
        diff -u "vizion3d/proto/$(basename "$file")" "$file" ||
            { echo "vizion3d/proto differs from protos/: run 'make protos'" >&2; exit 1; }
    done
fi
