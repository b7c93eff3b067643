#!/usr/bin/env bash
# Install what pip cannot, where it is missing: the system libraries that Open3D loads and Python's venv
# module; with --tests, what the tests call besides (a browser, curl, openssl, nginx, systemd's checker of
# units). Without root and sudo, say what is missing; tests whose program is not there are then skipped.
set -euo pipefail
python=${PYTHON:-python3}
for_tests=
[ "${1:-}" = --tests ] && for_tests=yes

wanted=()
if [ "$for_tests" ]; then
    command -v curl >/dev/null || wanted+=(curl)
    command -v openssl >/dev/null || wanted+=(openssl)
    browser=chromium-headless-shell  # Debian alone has it; it starts and draws sooner
    grep -qs '^ID=debian$' "${OS_RELEASE:-/etc/os-release}" || browser=chromium
    command -v chromium-headless-shell >/dev/null || command -v chromium >/dev/null ||
        command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || wanted+=("$browser")
    command -v nginx >/dev/null || wanted+=(nginx)
    command -v systemd-analyze >/dev/null || wanted+=(systemd)
else
    wanted=(libusb-1.0-0 libgl1 libegl1 libgomp1)
    "$python" -c 'import ensurepip' 2>/dev/null || wanted+=(python3-venv)
fi

if ! command -v dpkg-query >/dev/null; then
    if [ "$for_tests" ]; then
        [ ${#wanted[@]} -eq 0 ] || echo "Not a Debian-like system: tests that need ${wanted[*]} will be skipped." >&2
    else
        echo "Not a Debian-like system: Open3D needs libusb-1.0, libGL, libEGL and libgomp here." >&2
    fi
    exit 0
fi
missing=()
for package in ${wanted[@]+"${wanted[@]}"}; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    if ! sudo -n true 2>/dev/null; then
        install="sudo apt-get update && sudo apt-get install ${missing[*]}"
        if [ "$for_tests" ]; then
            printf 'Tests that need %s will be skipped. To run them:\n  %s\n' "${missing[*]}" "$install" >&2
            exit 0
        fi
        printf 'Please install what is missing, then run make again:\n  %s\n' "$install" >&2
        exit 1
    fi
    as_root=(sudo -n)
fi
echo "installing ${missing[*]}"
"${as_root[@]+"${as_root[@]}"}" apt-get update -qq
DEBIAN_FRONTEND=noninteractive "${as_root[@]+"${as_root[@]}"}" apt-get install -y -qq "${missing[@]}" >/dev/null
