"""Every link and picture of the built site leads somewhere."""

import os
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

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


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, Page]:
    """The pages of the site, built as ``make docs`` does, any warning being an error."""
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
