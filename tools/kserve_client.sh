#!/usr/bin/env bash
# Ask both servers with KServe's own client, in an environment of its own: it needs protobuf < 7.
set -euo pipefail
cd "$(dirname "$0")/.."
client=.venv-kserve/bin
test -x "$client/python" || { python3 -m venv .venv-kserve && "$client/pip" install --quiet kserve==0.21.0; }
.venv/bin/python -m vizion3d.programs.rest --depth_model nano --port 18431 2> .venv-kserve/rest.log &
rest=$!
.venv/bin/python -m vizion3d.programs.grpc --depth_model nano --port 18432 2> .venv-kserve/grpc.log &
grpc=$!
trap 'kill $rest $grpc' EXIT
until grep -qs 'serving gRPC' .venv-kserve/grpc.log && curl -sf localhost:18431/ready > .venv-kserve/ready; do sleep 0.5; done
"$client/python" tools/kserve_client.py http://127.0.0.1:18431 127.0.0.1:18432
