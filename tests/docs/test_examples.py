"""Every Python and bash example of README and docs, run as a reader would."""

import inspect
import os
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests.support import photos
from tests.support.checkpoints import save_checkpoint
from vizion3d.core.container import reset_default_container
from vizion3d.lifting import DepthEstimation, DepthEstimationResult

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
NOT_RUN = re.compile(
    r"^(pip install|python -m training|make |git clone|cd |curl -fL|#|  |$|sudo apt-get)"
    # Servers, which do not end: other tests start them.
    r"|^vizion3d(-serve-rest| ui)\b"
)


def blocks(language: str) -> list[pytest.param]:
    found = []
    for page in PAGES:
        text = page.read_text()
        for match in re.finditer(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
            line = text[: match.start()].count("\n") + 2
            found.append(pytest.param(match[1], id=f"{page.relative_to(ROOT)}:{line}"))
    return found


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the examples name: photos, a model folder, the default checkpoint."""
    folder = tmp_path_factory.mktemp("home")
    photo = Image.fromarray(photos.coffee()).resize((300, 200))
    photo.save(folder / "scene.png")
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA405] = 26
    photo.save(folder / "photo_with_exif.jpg", exif=exif)
    (folder / "photos").mkdir()
    photo.save(folder / "photos" / "one.jpg")
    cached = save_checkpoint(folder / "cache" / "depth_anything_v2_vitb.pth")
    (folder / "models").mkdir()
    shutil.copy(cached, folder / "models" / "depth_anything_v2_vitl.pth")
    return folder


@pytest.fixture
def at_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(home)
    monkeypatch.setenv("VIZION3D_MODEL_CACHE", str(home / "cache"))
    monkeypatch.setenv("VIZION3D_OFFLINE", "1")
    reset_default_container()
    yield home
    reset_default_container()


@pytest.mark.parametrize("code", blocks("python"))
def test_python_example(code: str, at_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = code.replace('"/models/', f'"{at_home}/models/')
    exec(compile(code, "example", "exec"), {"__name__": "__main__"})
    assert capsys.readouterr().out or "print" not in code


def test_the_example_in_the_docstring(at_home: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", inspect.getdoc(DepthEstimation) or "", re.DOTALL)
    names: dict[str, object] = {"__name__": "__main__"}
    exec(compile(textwrap.dedent(code), "docstring", "exec"), names)
    assert isinstance(names["result"], DepthEstimationResult)


@pytest.mark.parametrize("code", blocks("bash"))
def test_shell_example(code: str, at_home: Path) -> None:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    ended = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", code],
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("code", blocks("console"))
def test_what_is_shown_but_not_run_only_installs_or_downloads(code: str) -> None:
    for line in code.splitlines():
        assert NOT_RUN.match(line), f"fence it as bash, so that it is run: {line}"


def test_the_seed_contract_is_documented() -> None:
    page = (ROOT / "docs" / "features" / "depth_estimation.md").read_text()
    assert len(re.findall(r"^## \d\.", page, re.MULTILINE)) >= 7


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_within_the_project_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), target
