"""What the web page has from elsewhere: three.js from its npm package, colour maps from cmap, the
tables of formats, of camera presets and of headers from the library.

``make web`` writes it into the package; ``tests/web/test_assets.py`` checks, without a network,
that what is checked in is what this writes.
"""

import base64
import hashlib
import io
import json
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from vizion3d.geometry.cameras import PRESETS
from vizion3d.lifting.result import DepthEstimationResult
from vizion3d.outputs.depth_files import color_table
from vizion3d.outputs.facts import facts_of
from vizion3d.outputs.formats import FORMATS
from vizion3d.stereo.result import StereoDepthResult
from vizion3d.wire.headers import API_KEY

STATIC = Path(__file__).parents[1] / "vizion3d" / "server" / "web" / "static"

THREE_VERSION = "0.185.1"
THREE_INTEGRITY = (
    "sha512-5aojFCXKwnjBRZvUnt3WFfEcvUJgkN5LlijRFN95"
    "hMy8WVkG4I0QNcJE+OuWvuJ0bOdStrbfXn0pkd6/QyiAlg=="
)
THREE_FILES = (
    "LICENSE",
    "build/three.core.min.js",
    "build/three.module.min.js",
    "examples/jsm/controls/OrbitControls.js",
)
VENDOR = STATIC / "vendor" / f"three-{THREE_VERSION}"
SUMS = VENDOR / "SHA256SUMS"

COLOUR_MAPS = ("inferno", "magma", "plasma", "viridis", "cividis", "turbo", "gray")
COLOUR_MAP_FILE = STATIC / "js" / "colourmaps.js"
FORMATS_FILE = STATIC / "js" / "formats.js"
PRESETS_FILE = STATIC / "js" / "presets.js"
HEADERS_FILE = STATIC / "js" / "headers.js"


def colour_maps_module() -> str:
    """A JavaScript module with the tables that the library colours depth with."""
    tables = "".join(
        f'  {name}: "{base64.b64encode(color_table(name).tobytes()).decode()}",\n'
        for name in COLOUR_MAPS
    )
    return (
        "// Made by `make web` from the library's colour maps (cmap); do not edit.\n\n"
        "/** 256 RGB colours each, as base64. @type {Record<string, string>} */\n"
        f"export const COLOUR_MAPS = {{\n{tables}}};\n"
    )


def formats_module() -> str:
    """A JavaScript module with the library's table of formats."""
    table = {
        row.name: {
            "ending": row.ending,
            "title": row.title,
            "mediaType": row.media_types[0] if row.media_types else None,
        }
        for row in FORMATS
    }
    rows = "".join(f"  {json.dumps(name)}: {json.dumps(row)},\n" for name, row in table.items())
    return (
        "// Made by `make web` from the library's table of formats; do not edit.\n\n"
        "/**\n"
        " * What `--save` calls a format -> its files' ending, what it is, and its media type\n"
        " * where the server answers with it.\n"
        " *\n"
        " * @type {Record<string, {ending: string, title: string, mediaType: string | null}>}\n"
        " */\n"
        f"export const FORMATS = {{\n{rows}}};\n"
    )


def presets_module() -> str:
    """A JavaScript module with the library's camera presets."""
    rows = "".join(
        f"  {json.dumps(name)}: {{ widthPx: {camera.width_px}, heightPx: {camera.height_px}, "
        f"focalPx: {camera.focal_px!r} }},\n"
        for name, camera in PRESETS.items()
    )
    return (
        "// Made by `make web` from the library's camera presets; do not edit.\n\n"
        "/**\n"
        " * Name -> the size that a camera's maker states it for, and its focal length there.\n"
        " *\n"
        " * @type {Record<string, {widthPx: number, heightPx: number, focalPx: number}>}\n"
        " */\n"
        f"export const PRESETS = {{\n{rows}}};\n"
    )


def headers_module() -> str:
    """A JavaScript module with the names of the headers that carry the facts of results."""
    text = (
        "// Made by `make web` from the facts of the library's results; do not edit.\n\n"
        f"export const API_KEY = {json.dumps(API_KEY)};\n"
    )
    for name, result in (("DEPTH", DepthEstimationResult), ("STEREO", StereoDepthResult)):
        rows = "".join(
            f"  {field}: {json.dumps(fact.header)},\n"
            for field, fact in facts_of(result).items()
            if fact.header
        )
        text += f"\n/** Field of a result -> its header. */\nexport const {name} = {{\n{rows}}};\n"
    return text


def fetch_three() -> dict[str, bytes]:
    """Name -> content of the files that the page needs, from the package with the pinned hash."""
    with tempfile.TemporaryDirectory() as folder:
        pack = ["npm", "pack", "--silent", f"three@{THREE_VERSION}"]
        subprocess.run(pack, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        packed = next(Path(folder).glob("*.tgz")).read_bytes()
    digest = "sha512-" + base64.b64encode(hashlib.sha512(packed).digest()).decode()
    if digest != THREE_INTEGRITY:
        sys.exit(f"three@{THREE_VERSION} has the integrity {digest}, not {THREE_INTEGRITY}")
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        members = {name: archive.extractfile(f"package/{name}") for name in THREE_FILES}
        files = {Path(name).name: file.read() for name, file in members.items() if file}
    # A browser resolves a bare name only with an inline import map, which the page's
    # Content-Security-Policy forbids.
    bare, relative = b"from 'three'", b"from './three.module.min.js'"
    controls = files["OrbitControls.js"]
    if controls.count(bare) != 1:
        sys.exit("OrbitControls.js no longer imports 'three' once")
    return files | {"OrbitControls.js": controls.replace(bare, relative)}


def sums(files: dict[str, bytes]) -> str:
    """What ``sha256sum`` prints of the files."""
    return "".join(
        f"{hashlib.sha256(content).hexdigest()}  {name}\n"
        for name, content in sorted(files.items())
    )


def main() -> None:
    files = fetch_three()
    VENDOR.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (VENDOR / name).write_bytes(content)
    SUMS.write_text(sums(files))
    COLOUR_MAP_FILE.write_text(colour_maps_module())
    FORMATS_FILE.write_text(formats_module())
    PRESETS_FILE.write_text(presets_module())
    HEADERS_FILE.write_text(headers_module())
    written = (VENDOR, COLOUR_MAP_FILE, FORMATS_FILE, PRESETS_FILE, HEADERS_FILE)
    print("written:", *(path.relative_to(STATIC) for path in written))


if __name__ == "__main__":
    main()
