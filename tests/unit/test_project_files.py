"""What the project says of itself in several files is the same in each."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
WORKFLOW = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
REPOSITORY = "https://github.com/OlafenwaMoses/vizion3D"
RAW = "https://raw.githubusercontent.com/OlafenwaMoses/vizion3D"
PROSE = ("README.md", "CONTRIBUTING.md", "SECURITY.md")


def make_targets(text: str) -> set[str]:
    """The targets of each command that begins with ``make``."""
    commands = re.findall(r"^\s*(?:- run: |entry: )?make ([a-z][a-z -]*)", text, re.MULTILINE)
    return {target for command in commands for target in command.split()}


def test_a_commit_is_checked_by_what_make_lint_types_runs() -> None:
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    hooks = [hook for repo in config["repos"] for hook in repo["hooks"]]
    assert [hook["entry"] for hook in hooks] == ["make lint", "make types"]
    assert not any(hook["pass_filenames"] for hook in hooks)


@pytest.mark.parametrize("job", WORKFLOW["jobs"])
def test_every_supported_python_is_tested(job: str) -> None:
    told = {
        line.rpartition(" ")[2]
        for line in PROJECT["classifiers"]
        if re.search(r"Python :: 3\.\d+$", line)
    }
    assert set(WORKFLOW["jobs"][job]["strategy"]["matrix"]["python"]) == told


@pytest.mark.parametrize(
    "name", [*PROSE, ".ci/run", ".github/workflows/ci.yml", ".pre-commit-config.yaml"]
)
def test_the_targets_that_are_named_exist(name: str) -> None:
    assert make_targets((ROOT / name).read_text()) <= TARGETS


def test_the_workflow_checks_what_make_check_does() -> None:
    (needs,) = re.findall(r"^check: (.*?) \$\(READY\)", (ROOT / "Makefile").read_text(), re.M)
    steps = "\n".join(step.get("run", "") for step in WORKFLOW["jobs"]["check"]["steps"])
    assert set(needs.split()) <= make_targets(steps)
    assert "tools/generate_protos.sh --check" in steps


@pytest.mark.parametrize("name", PROSE)
def test_links_lead_somewhere(name: str) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", (ROOT / name).read_text()):
        ours = re.sub(rf"^{REPOSITORY}/(blob|tree)/main/|^{RAW}/main/", "", target)
        assert "://" in ours or (ROOT / ours).exists(), target


def test_pypi_shows_the_readme_s_links_and_pictures() -> None:
    """PyPI knows nothing of the repository's folders."""
    targets = re.findall(r"\]\(([^)\s]+)\)", (ROOT / PROJECT["readme"]).read_text())
    assert len(targets) > 20
    assert [target for target in targets if not target.startswith(("https://", "#"))] == []


def test_the_form_for_faults_asks_for_what_doctor_says() -> None:
    form = yaml.safe_load((ROOT / ".github" / "ISSUE_TEMPLATE" / "bug.yml").read_text())
    (asked,) = [part for part in form["body"] if part["id"] == "doctor"]
    assert asked["validations"]["required"]


def test_files_are_short() -> None:
    """Generated code aside: vizion3d/proto, and what `make web` fetches."""
    package = ROOT / "vizion3d"
    ours = [
        path
        for ending in ("py", "js")
        for path in package.rglob(f"*.{ending}")
        if not {"proto", "vendor"} & set(path.relative_to(package).parts)
    ]
    assert len(ours) > 200
    long = {str(p.relative_to(ROOT)) for p in ours if len(p.read_text().splitlines()) > 300}
    assert long == set()
