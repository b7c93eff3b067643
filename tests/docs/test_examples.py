"""Every Python and bash example of README and docs, run as a reader would.

Blocks that only call ``vizion3d`` or a Python program run it in this process, those that only serve
in a forked one, the others in a shell.
"""

import inspect
import os
import re
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from tests.docs.calls import WRITTEN_AND_RUN, plain_calls
from tests.docs.serving import (
    free_ports,
    names_a_server,
    serves_and_stops,
    shell,
    starts_a_server,
    stays,
    with_ports,
)
from tests.support.command_line import vizion3d
from vizion3d.client import GrpcClient, RestClient
from vizion3d.lifting import DepthEstimation, DepthEstimationResult
from vizion3d.stereo import StereoDepth, StereoDepthResult

pytestmark = pytest.mark.process

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
NOT_RUN = re.compile(
    r"^(pip (install|download)|python -m training|make |git clone|cd |curl -fL|#|  |$"
    r"|sudo apt-get|docker (build|run|compose)"
    # What needs a reconstruction, or nerfstudio.
    r"|vizion3d align-colmap|ns-train|nft add )"
)

DOCSTRINGS = (
    DepthEstimation,
    DepthEstimation.run_many,
    StereoDepth,
    StereoDepth.run_many,
    RestClient,
    GrpcClient,
)
EXAMPLE_TIMEOUT_S = 300
USES_RAY = re.compile(r"^vizion3d batch |vizion3d\.ray", re.MULTILINE)


def blocks(language: str) -> list[ParameterSet]:
    """Each block once, named after the places where it stands."""
    places: dict[str, list[str]] = {}
    for page in PAGES:
        text = page.read_text()
        for match in re.finditer(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
            line = text[: match.start()].count("\n") + 2
            places.setdefault(match[1], []).append(f"{page.relative_to(ROOT)}:{line}")
    return [pytest.param(code, id="=".join(found)) for code, found in places.items()]


@pytest.fixture
def placed(request: pytest.FixtureRequest) -> Callable[[str], str]:
    """An example, with the paths and servers that are here in place of those that it names."""
    folder = request.getfixturevalue("at_home")

    def place(code: str) -> str:
        if USES_RAY.search(code):
            request.getfixturevalue("cluster")
        code = re.sub(r"(?<![\w.~])/models/", f"{folder}/models/", code)
        if starts_a_server(code):
            return with_ports(code, free_ports())
        if names_a_server(code):
            return with_ports(code, request.getfixturevalue("servers"))
        return code

    return place


@pytest.mark.parametrize("code", blocks("python"))
def test_python_example(
    code: str, placed: Callable[[str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    exec(compile(placed(code), "example", "exec"), {"__name__": "__main__"})
    assert capsys.readouterr().out or "print" not in code


def test_the_example_of_many_in_the_docstring(
    at_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    doc = inspect.getdoc(DepthEstimation.run_many) or ""
    (code,) = re.findall(r"```python\n(.*?)```", doc, re.DOTALL)
    exec(compile(textwrap.dedent(code), "docstring", "exec"), {"__name__": "__main__"})
    assert "one.jpg" in capsys.readouterr().out


@pytest.mark.parametrize("documented", DOCSTRINGS, ids=lambda documented: documented.__qualname__)
def test_the_example_in_a_docstring(documented: object, placed: Callable[[str], str]) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", inspect.getdoc(documented) or "", re.DOTALL)
    names: dict[str, object] = {"__name__": "__main__"}
    exec(compile(placed(textwrap.dedent(code)), "docstring", "exec"), names)
    assert isinstance(names["result"], DepthEstimationResult | StereoDepthResult)


@pytest.mark.parametrize("code", blocks("bash"))
def test_shell_example(code: str, placed: Callable[[str], str], tmp_path: Path) -> None:
    code = placed(code)
    written = WRITTEN_AND_RUN.fullmatch(code)
    if written:
        exec(compile(written["code"], written["name"], "exec"), {"__name__": "__main__"})
        return
    calls = plain_calls(code)
    if calls:
        for call in calls:
            ended = vizion3d(*call.arguments, **call.environment)
            assert ended.returncode == 0, ended
        return
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    log = tmp_path / "log"
    if stays(code):
        serves_and_stops(code, env, log)
        return
    with shell(code, env, log) as process:
        assert process.wait(EXAMPLE_TIMEOUT_S) == 0, log.read_text()


@pytest.mark.parametrize("code", blocks("console"))
def test_what_is_shown_but_not_run_only_installs_or_downloads(code: str) -> None:
    for line in code.splitlines():
        assert NOT_RUN.match(line), f"fence it as bash, so that it is run: {line}"


def test_the_seed_contract_is_documented() -> None:
    page = (ROOT / "docs" / "features" / "depth_estimation.md").read_text()
    assert len(re.findall(r"^## \d\.", page, re.MULTILINE)) == 9
