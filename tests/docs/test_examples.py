"""Every Python and bash example of README and docs, run as a reader would."""

import inspect
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from vizion3d.lifting import DepthEstimation, DepthEstimationResult

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
NOT_RUN = re.compile(
    r"^(pip (install|download)|python -m training|make |git clone|cd |curl -fL|#|  |$|sudo apt-get)"
)


def blocks(language: str) -> list[pytest.param]:
    found = []
    for page in PAGES:
        text = page.read_text()
        for match in re.finditer(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
            line = text[: match.start()].count("\n") + 2
            found.append(pytest.param(match[1], id=f"{page.relative_to(ROOT)}:{line}"))
    return found


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
