"""The wheel and the source distribution, built, and used where nothing else of the project is."""

import ast
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from importlib.metadata import Distribution, distribution, packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from pathspec import GitIgnoreSpec

from tests.support.checkpoints import save_checkpoint

pytestmark = pytest.mark.process

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
OTHERS_NEED = {
    "annotated_types": "pydantic",
    "fsspec": "ray",
    "h11": "uvicorn",
    "pydantic_core": "pydantic",
    "starlette": "fastapi",
    "urllib3": "requests",
}
"""Imported, but declared by what it belongs to."""


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def sources(folder: str = ".") -> set[str]:
    """Files of the project, without those that git ignores."""
    ignored = GitIgnoreSpec.from_lines([*(ROOT / ".gitignore").read_text().splitlines(), ".git"])
    found = set()
    for path, folders, names in os.walk(ROOT / folder):
        below = Path(path).relative_to(ROOT)
        # What is below an ignored folder is not even looked at.
        folders[:] = [name for name in folders if not ignored.match_file(f"{below / name}/")]
        found |= {str(below / name) for name in names}
    return {name for name in found if not ignored.match_file(name)} - {"PKG-INFO"}


@pytest.fixture(scope="module")
def built(uncounted: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    (path,) = built.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def unpacked(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source distribution, unpacked."""
    (path,) = built.glob("*.tar.gz")
    folder = tmp_path_factory.mktemp("sdist")
    with tarfile.open(path) as archive:
        archive.extractall(folder, filter="data")
    (unpacked,) = folder.iterdir()
    return unpacked


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``bin`` of an environment that has the wheel, and borrows its dependencies from this one."""
    folder = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder)
    python = folder / "bin" / "python"
    (own,) = (folder / "lib").glob("python*/site-packages")
    lent = [path for path in sys.path if Path(path).name == "site-packages"]
    (own / "borrowed.pth").write_text("\n".join(lent))
    pip = (sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check")
    # The project itself is borrowed, too: it is to be installed all the same.
    run(*pip, "install", "--no-deps", "--no-index", "--ignore-installed", wheel, cwd=folder)
    return python.parent


def test_the_wheel_has_all_of_the_package_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert packed == sources("vizion3d")


def test_the_source_distribution_has_all_of_the_project(unpacked: Path) -> None:
    packed = {str(path.relative_to(unpacked)) for path in unpacked.rglob("*") if path.is_file()}
    kept = {name for name in packed if "__pycache__" not in name}  # what a test has compiled there
    assert kept == sources() | {"PKG-INFO"}


def test_tests_run_from_the_source_distribution(unpacked: Path) -> None:
    pytest_ = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    run(*pytest_, "tests/docs/test_errors_page.py", "tests/server/test_containers.py", cwd=unpacked)


def test_the_wheel_lifts_a_photo(installed: Path, tmp_path: Path) -> None:
    where = "import vizion3d; print(vizion3d.__file__)"
    told = run(installed / "python", "-P", "-c", where, cwd=tmp_path)
    assert Path(told.strip()).is_relative_to(installed.parent)
    photo = ROOT / "examples" / "astronaut.jpg"
    options = ("--model", "nano", "--input-size", "168", "--out", tmp_path / "lifted")
    run(installed / "vizion3d", "depth", photo, *options, cwd=tmp_path)
    made = {path.name for path in (tmp_path / "lifted").iterdir()}
    assert made == {"astronaut.depth.png", "astronaut.color.png", "astronaut.ply"}


NOT_SLIM = ("torch", "open3d")
SLIM_LIST = ROOT / "examples" / "deploy" / "requirements-slim.txt"


def test_the_slim_list_is_everything_but_torch_and_open3d() -> None:
    lines = SLIM_LIST.read_text().splitlines()
    wanted = {d for d in PROJECT["dependencies"] if re.split(r"[>\[;]", d)[0] not in NOT_SLIM}
    assert {line for line in lines if not line.startswith("#")} == wanted


@pytest.fixture(scope="module")
def slim(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``bin`` of an environment with the wheel and what the slim list brings, and nothing else."""
    folder = tmp_path_factory.mktemp("slim")
    run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder)
    (own,) = (folder / "lib").glob("python*/site-packages")
    for package in installed_with(SLIM_LIST.read_text().splitlines()):
        for top in {Path(file).parts[0] for file in package.files or ()} - {".."}:
            if not (own / top).exists():
                (own / top).symlink_to(str(package.locate_file(top)))
    pip = (sys.executable, "-m", "pip", "--python", folder / "bin" / "python")
    quiet = ("--disable-pip-version-check", "--no-deps", "--no-index")
    run(*pip, "install", *quiet, wheel, cwd=folder)
    return folder / "bin"


def installed_with(lines: list[str]) -> list[Distribution]:
    """What pip installs for a list of requirements, as far as this environment has it."""
    waiting = [Requirement(line) for line in lines if not line.startswith("#")]
    found: dict[str, Distribution] = {}
    while waiting:
        wanted = waiting.pop()
        holds = wanted.marker is None or wanted.marker.evaluate({"extra": ""})
        if holds and wanted.name not in found:
            found[wanted.name] = package = distribution(wanted.name)
            waiting += [Requirement(line) for line in package.requires or ()]
    return list(found.values())


@pytest.mark.slow
def test_nano_lifts_a_photo_where_torch_and_open3d_are_not_installed(
    installed: Path, slim: Path, tmp_path: Path
) -> None:
    find = "from importlib.util import find_spec; print(*map(find_spec, ('torch', 'open3d')))"
    assert run(slim / "python", "-c", find, cwd=tmp_path) == "None None\n"
    photo = ROOT / "examples" / "astronaut.jpg"
    options = ("depth", photo, "--model", "nano", "--save", "png,npy,ply,mesh")
    made = {}
    for environment in (installed, slim):
        folder = tmp_path / environment.parent.name
        command = [str(part) for part in (environment / "vizion3d", *options, "--out", folder)]
        variables = {**os.environ, "VIZION3D_MODEL_CACHE": str(folder / "cache")}
        done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        endings = (".depth.png", ".npy", ".ply", ".mesh.glb")
        made[environment] = [(folder / f"astronaut{end}").read_bytes() for end in endings]
    assert made[slim] == made[installed]


@pytest.mark.slow
def test_what_needs_torch_says_so_where_it_is_not_installed(slim: Path, tmp_path: Path) -> None:
    weights = save_checkpoint(tmp_path / "tiny.safetensors")
    photo = ROOT / "examples" / "astronaut.jpg"
    command = [str(slim / "vizion3d"), "depth", str(photo), "--model", str(weights)]
    variables = {**os.environ, "VIZION3D_MODEL_CACHE": str(tmp_path / "cache")}
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "torch" in done.stderr


@pytest.mark.parametrize("program", PROJECT["scripts"])
def test_every_program_starts(installed: Path, program: str, tmp_path: Path) -> None:
    assert "Usage" in run(installed / program, "--help", cwd=tmp_path)


def imported() -> set[str]:
    """Packages that ``vizion3d`` imports, but for the standard library and itself."""
    names = set()
    for path in (ROOT / "vizion3d").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names.add(node.module.split(".")[0])
    return names - sys.stdlib_module_names - {"vizion3d"}


def test_what_is_imported_is_declared() -> None:
    def plain(name: str) -> str:
        return re.sub(r"[-_.]+", "-", re.split(r"[^\w.-]", name)[0]).lower()

    extras = [
        line
        for name, extra in PROJECT["optional-dependencies"].items()
        if name != "dev"
        for line in extra
    ]
    declared = {plain(line) for line in [*PROJECT["dependencies"], *extras]}
    distributions = packages_distributions()
    for name in imported():
        given_by = {plain(each) for each in distributions.get(name, [name])}
        assert given_by & declared or OTHERS_NEED.get(name) in declared, name
