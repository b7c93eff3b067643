#!/usr/bin/env bash
# Install the system libraries that Open3D loads and Python's venv module, and the packages that are
# named as arguments, where they are missing.
set -euo pipefail
python=${PYTHON:-python3}
wanted=(libusb-1.0-0 libgl1 libegl1 libgomp1 "$@")
"$python" -c 'import ensurepip' 2>/dev/null || wanted+=(python3-venv)

if ! command -v dpkg-query >/dev/null; then
    echo "Not a Debian-like system: Open3D needs libusb-1.0, libGL, libEGL and libgomp here${*:+; and $*}." >&2
    exit 0
fi
missing=()
for package in "${wanted[@]}"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    if ! sudo -n true 2>/dev/null; then
        echo "Please install the system libraries that are missing, then run make again:" >&2
        echo "  sudo apt-get update && sudo apt-get install ${missing[*]}" >&2
        exit 1
    fi
    as_root=(sudo -n)
fi
echo "installing ${missing[*]}"
"${as_root[@]}" apt-get update -qq
DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq "${missing[@]}" >/dev/null
