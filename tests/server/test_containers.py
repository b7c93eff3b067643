"""What can be checked of the container files without building them."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]


@pytest.mark.process
def test_the_dockerfile_is_clean() -> None:
    hadolint = shutil.which("hadolint", path=str(Path(sys.executable).parent))
    if hadolint is None:
        pytest.skip("hadolint has no wheel for this platform")
    run = subprocess.run([hadolint, ROOT / "Dockerfile"], capture_output=True, text=True)
    assert run.returncode == 0, run.stdout


def test_the_build_copies_only_what_the_context_has() -> None:
    ignored = (ROOT / ".dockerignore").read_text().split()
    allowed = {line[1:] for line in ignored if line.startswith("!")}
    copied = {
        name
        for line in (ROOT / "Dockerfile").read_text().splitlines()
        if line.startswith("COPY ") and "--from" not in line
        for name in line.split()[1:-1]
    }
    assert copied == allowed
    assert all((ROOT / name).exists() for name in copied)


@pytest.mark.process
@pytest.mark.parametrize("service", ["rest", "grpc"])
def test_services_use_flags_that_exist_and_ports_of_their_own(service: str) -> None:
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text())
    described = compose["services"][service]
    program, *flags = described["command"]
    assert program == f"vizion3d-serve-{service}"
    told = subprocess.run(
        [sys.executable, "-m", f"vizion3d.programs.{service}", "--help"],
        capture_output=True,
        text=True,
        check=True,
        env={"COLUMNS": "200", "PATH": ""},
    ).stdout
    assert all(flag in told for flag in flags if flag.startswith("--"))
    (port,) = described["ports"]
    assert port.endswith(":8000:8000" if service == "rest" else ":50051:50051")
    assert described["cap_drop"] == ["ALL"]
    assert described["read_only"] is True


def test_the_image_runs_without_root_and_stops_in_time() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert "\nUSER 10001\n" in dockerfile
    assert "HEALTHCHECK" in dockerfile
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text())
    # Longer than the servers' own drain, so that they finish what is under way.
    assert all(s["stop_grace_period"] == "40s" for s in compose["services"].values())
