"""The built site: links lead somewhere, the search finds what users type, nothing is cut off."""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from playwright.sync_api import sync_playwright

from tests.support.browser import CHROMIUM, MISSING, launch

pytestmark = pytest.mark.process

ROOT = Path(__file__).parents[2]


class Page(HTMLParser):
    """What a page points to, and what in it can be pointed to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.loaded: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id" and value:
                self.anchors.add(value)
            if value and (name == "src" or (name == "href" and tag == "link")):
                self.loaded.append(value)
            if value and name in ("href", "src"):
                self.targets.append(value)


# What a user types -> a page that must be among the first five found.
SEARCHED = {
    "install": "installation/",
    "license": "faq/",
    "licence": "how-to/choose_a_model/",
    "kubernetes": "operations/deployment/",
    "nginx": "operations/deployment/",
    "iphone": "troubleshooting/",
    "heic": "troubleshooting/",
    "docker": "operations/docker/",
    "prometheus": "operations/deployment/",
    "grafana": "operations/deployment/",
    "systemd": "operations/deployment/",
    "gpu": "how-to/tuning/",
    "cuda": "installation/",
    "proxy": "troubleshooting/",
    "offline": "how-to/offline/",
    "point cloud": "features/depth_estimation/",
    "tutorial": "tutorial/",
    "focal length": "concepts/intrinsics/",
    "calibration": "how-to/stereo_calibration/",
    "depth_trunc": "features/depth_estimation_advanced_config/",
    "edge_threshold": "features/depth_estimation_advanced_config/",
    "metres": "how-to/measure/",
    "lidar": "how-to/measure/",
    "blender": "how-to/blender/",
    "ros": "how-to/robotics/",
    "video": "how-to/video/",
    "flickers": "troubleshooting/",
    "colmap": "how-to/structure_from_motion/",
    "413": "troubleshooting/",
    "api key": "operations/security/",
    "commercial use": "faq/",
}
FOUND_AMONG = 5
WIDTH_PX = 1440
TITLE_BOOST = 1000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as ``make docs`` does, any warning being an error."""
    folder = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "-d", str(folder)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    return folder


@pytest.fixture(scope="module")
def site(folder: Path) -> dict[Path, Page]:
    """Its pages."""
    return {p: Page(p.read_text()) for p in folder.rglob("*.html") if p.name != "404.html"}


def test_links_of_the_site_lead_somewhere(site: dict[Path, Page]) -> None:
    broken = []
    for path, page in site.items():
        for target in page.targets:
            parts = urlsplit(target)
            if parts.scheme:
                continue
            aim = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            aim = aim / "index.html" if aim.is_dir() else aim
            lost_anchor = parts.fragment and parts.fragment not in site[aim].anchors
            if not aim.exists() or lost_anchor:
                broken.append(f"{path.parent.name}: {target}")
    assert not broken


def test_the_site_loads_nothing_from_elsewhere(site: dict[Path, Page]) -> None:
    remote = {t for page in site.values() for t in page.loaded if urlsplit(t).scheme == "https"}
    assert not remote


def pages_found(index: dict[str, Any], query: str) -> list[str]:
    """Pages in about the order of the theme's search.

    Every word that is typed begins one of the section; those of titles count most.
    """
    separator = re.compile(index["config"]["separator"])

    def words(text: str) -> list[str]:
        return [word for word in separator.split(re.sub("<[^>]*>", " ", text).lower()) if word]

    wanted = words(query)
    scores: Counter[str] = Counter()
    for section in index["docs"]:
        title, text = words(section["title"]), words(section["text"])

        def hits(there: list[str], term: str) -> int:
            return sum(word.startswith(term) for word in there)

        found = [TITLE_BOOST * hits(title, term) + hits(text, term) for term in wanted]
        if all(found):
            page = section["location"].partition("#")[0]
            scores[page] = max(scores[page], sum(found))
    return [page for page, _ in scores.most_common()]


@pytest.mark.parametrize(("typed", "page"), SEARCHED.items(), ids=SEARCHED)
def test_the_search_finds_what_users_type(folder: Path, typed: str, page: str) -> None:
    index = json.loads((folder / "search" / "search_index.json").read_text())
    assert page in pages_found(index, typed)[:FOUND_AMONG]


def test_no_markup_of_docstrings_leaks_into_the_pages(site: dict[Path, Page]) -> None:
    leaks = {
        path.parent.name
        for path in site
        if re.search(r":(class|meth|func|data):", path.read_text())
    }
    assert not leaks


def test_nothing_is_cut_off_on_a_usual_screen(site: dict[Path, Page]) -> None:
    """The pages at 1440 pixels: neither the page nor a table or an example scrolls sideways."""
    if CHROMIUM is None:
        pytest.skip(MISSING)
    wide = {}
    with sync_playwright() as playwright:
        browser = launch(playwright, "--disable-gpu")
        page = browser.new_page(viewport={"width": WIDTH_PX, "height": 900})
        page.route("**/*.js", lambda route: route.abort())  # search and menus
        for path in site:
            page.goto(path.as_uri())
            wide[path.parent.name] = page.evaluate(
                """() => ["html", "table", "pre > code", ".md-content"].flatMap((selector) =>
                    [...document.querySelectorAll(selector)]
                        .filter((e) => e.scrollWidth > e.clientWidth + 1)
                        .map((e) => `${selector}: ${e.textContent.trim().slice(0, 60)}`))"""
            )
        browser.close()
    assert {name: what for name, what in wide.items() if what} == {}
