import subprocess
import sys

import pytest

import vizion3d.lifting

HEAVY = ("torch", "open3d", "transformers", "openvino", "cv2", "requests")


@pytest.mark.process
def test_importing_the_library_imports_nothing_heavy() -> None:
    program = (
        f"import sys, vizion3d.lifting\nprint([name for name in {HEAVY!r} if name in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"


def test_the_public_names_are_exactly_the_four_documented_ones() -> None:
    assert sorted(vizion3d.lifting.__all__) == [
        "DepthEstimation",
        "DepthEstimationAdvanceConfig",
        "DepthEstimationCommand",
        "DepthEstimationResult",
    ]


def test_the_version_is_the_packages() -> None:
    from importlib.metadata import version

    assert vizion3d.__version__ == version("vizion3d")
