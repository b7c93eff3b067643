"""What the page has from elsewhere is what ``make web`` writes; no network is needed to tell."""

import re
from pathlib import Path

from tools import web_assets


def test_three_is_the_pinned_package_s() -> None:
    there = {path.name: path.read_bytes() for path in web_assets.VENDOR.iterdir()}
    recorded = there.pop(web_assets.SUMS.name).decode()
    assert set(there) == {Path(name).name for name in web_assets.THREE_FILES}
    assert web_assets.sums(there) == recorded
    assert list(web_assets.VENDOR.parent.iterdir()) == [web_assets.VENDOR]


def test_the_modules_load_the_three_that_is_there() -> None:
    for module in (web_assets.STATIC / "js").glob("*.js"):
        for line in module.read_text().splitlines():
            if "/vendor/" in line:
                assert f"/{web_assets.VENDOR.name}/" in line


def test_the_colour_maps_are_the_library_s() -> None:
    assert web_assets.COLOUR_MAP_FILE.read_text() == web_assets.colour_maps_module()


def test_the_formats_are_the_library_s() -> None:
    assert web_assets.FORMATS_FILE.read_text() == web_assets.formats_module()


def test_the_presets_are_the_library_s() -> None:
    assert web_assets.PRESETS_FILE.read_text() == web_assets.presets_module()


def test_the_headers_are_the_library_s_and_are_written_nowhere_else() -> None:
    assert web_assets.HEADERS_FILE.read_text() == web_assets.headers_module()
    names = re.findall(r'"(X-[\w-]+)"', web_assets.headers_module())
    for module in (web_assets.STATIC / "js").glob("*.js"):
        if module != web_assets.HEADERS_FILE:
            assert [name for name in names if name in module.read_text()] == [], module.name


def test_every_sample_has_its_credit() -> None:
    folder = web_assets.STATIC / "samples"
    credits_ = (folder / "ATTRIBUTION.txt").read_text()
    photos = [path.name for path in folder.glob("*.jpg")]
    assert len(photos) == 5
    assert all(re.search(rf"\b{re.escape(name)}[ ,]", credits_) for name in photos)
