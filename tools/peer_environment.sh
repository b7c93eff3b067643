#!/usr/bin/env bash
# A virtual environment with vizion3d 1.5.6, for the benchmarks. Newer transformers break that
# release; its own range asks for Python 3.12, but what is timed of it runs on 3.11 too.
set -euo pipefail
folder=$1
[ -e "$folder/.ready" ] && exit 0
"${PYTHON:-python3}" -m venv "$folder"
pip=("$folder/bin/python" -m pip install --quiet --disable-pip-version-check)
"${pip[@]}" torch==2.13.0 transformers==5.6.2 open3d pydantic clean-ioc pillow numpy
"${pip[@]}" --no-deps --ignore-requires-python vizion3d==1.5.6
touch "$folder/.ready"
