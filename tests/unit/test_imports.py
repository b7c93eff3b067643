import subprocess
import sys

import pytest

import vizion3d.lifting

HEAVY = ("torch", "open3d", "transformers", "openvino", "cv2", "requests")


def loaded_by(program: str, names: tuple[str, ...]) -> list[str]:
    """Which of the modules a program has loaded at its end."""
    told = f"{program}\nimport sys\nprint(*(name for name in {names!r} if name in sys.modules))"
    run = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    return run.stdout.split()


SERVER = ("vizion3d.server", "prometheus_client", "fastapi", "uvicorn", "vizion3d.app")
REST = """
from vizion3d.client import RestClient
from vizion3d.client.exchange import exchange_of
from vizion3d.lifting import DepthEstimationCommand
exchange_of(DepthEstimationCommand(b"")).rest
RestClient().close()
"""


@pytest.mark.process
def test_a_client_of_the_rest_server_loads_no_grpc_no_server_and_nothing_heavy() -> None:
    heavy = tuple(name for name in HEAVY if name != "requests")
    assert loaded_by("import vizion3d.client", (*HEAVY, *SERVER, "grpc")) == []
    assert loaded_by(REST, (*heavy, *SERVER, "grpc")) == []


@pytest.mark.process
def test_a_client_of_the_grpc_server_loads_no_server_and_nothing_heavy() -> None:
    program = "from vizion3d.client import GrpcClient\nGrpcClient().close()"
    assert loaded_by(program, (*HEAVY, *SERVER)) == []


@pytest.mark.process
def test_the_command_line_loads_nothing_that_only_servers_and_clients_need() -> None:
    names = (*HEAVY, *(n for n in SERVER if n != "vizion3d.app"), "grpc", "google.protobuf")
    assert loaded_by("import vizion3d.programs.cli", names) == []


@pytest.mark.process
def test_the_list_of_tasks_loads_no_adapter() -> None:
    adapters = ("rest", "grpc", "cli", "client")
    names = tuple(f"vizion3d.lifting.{adapter}" for adapter in adapters)
    assert loaded_by("import vizion3d.app", (*names, "vizion3d.server", "typer", "torch")) == []


@pytest.mark.process
def test_importing_the_library_imports_nothing_heavy() -> None:
    program = (
        f"import sys, vizion3d.lifting\nprint([name for name in {HEAVY!r} if name in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"


def test_the_public_names_are_exactly_the_documented_ones() -> None:
    assert sorted(vizion3d.lifting.__all__) == [
        "AlignDepthCommand",
        "AlignedDepth",
        "DepthEstimation",
        "DepthEstimationAdvanceConfig",
        "DepthEstimationCommand",
        "DepthEstimationResult",
        "Knowledge",
    ]


def test_the_version_is_the_packages() -> None:
    from importlib.metadata import version

    assert vizion3d.__version__ == version("vizion3d")


ESTIMATE = """
from vizion3d.errors import InvalidImageError
from vizion3d.lifting import DepthEstimation, DepthEstimationCommand
try:
    DepthEstimation().run(DepthEstimationCommand("no such photo"))
except InvalidImageError:
    print("estimated")
"""


@pytest.mark.process
def test_an_estimation_loads_nothing_of_other_tasks_or_other_work() -> None:
    others = (
        "vizion3d.stereo.commands",
        "vizion3d.stereo.handler",
        "vizion3d.geometry.alignment.fitting",
        "vizion3d.geometry.steady",
        "vizion3d.checkpoints.queries",
        "vizion3d.runtime.export",
        "vizion3d.networks.nano.network",
        "numpy.random",
        "cv2",
    )
    assert loaded_by(ESTIMATE, (*others, *(n for n in SERVER if n != "vizion3d.app"))) == [
        "estimated"
    ]


@pytest.mark.process
def test_the_command_line_loads_a_command_when_it_is_called() -> None:
    program = (
        "from typer.testing import CliRunner\nfrom vizion3d.programs.cli import app\n"
        "print(CliRunner().invoke(app, ['stereo', '--help']).exit_code)"
    )
    names = ("vizion3d.stereo.cli.stereo", "vizion3d.lifting.cli.depth", "vizion3d.cli.doctor")
    assert loaded_by(program, names) == ["0", "vizion3d.stereo.cli.stereo"]
