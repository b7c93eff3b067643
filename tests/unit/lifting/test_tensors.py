import numpy as np
import pytest

from vizion3d.errors import InvalidConfigError
from vizion3d.geometry.cameras import CameraIntrinsics
from vizion3d.lifting.models import DepthEstimationAdvanceConfig, DepthEstimationResult
from vizion3d.lifting.output import DepthOutput
from vizion3d.lifting.tensors import TENSORS, read

DEPTH = np.ones((6, 8), np.float32)
EVERYTHING = DepthEstimationResult(
    raw_depth=DEPTH,
    rgb=np.zeros((6, 8, 3), np.uint8),
    confidence=DEPTH,
    min_depth=1.0,
    max_depth=1.0,
    sky_depth=1.0,
    backend_used="tiny.pth",
    intrinsics=CameraIntrinsics(8.0, 8.0, 3.5, 2.5, 8, 6, {"fx": "given"}),
)


def test_every_array_of_a_result_is_told_beforehand() -> None:
    told = {spec.name: spec for spec in TENSORS.arrays}
    arrays = DepthOutput(EVERYTHING, DepthEstimationAdvanceConfig()).arrays
    assert told.keys() == arrays.keys()
    for name, array in arrays.items():
        assert (array.dtype.name, array.ndim) == (told[name].dtype, len(told[name].shape))


def test_parameters_are_the_commands_and_the_configs() -> None:
    command = read(
        {"image": b"photo"},
        {"model_backend": "nano", "input_size": 64, "fov": 60, "points": "1,2,3"},
    )
    assert (command.image_input, command.model_backend) == (b"photo", "nano")
    assert command.input_size == 64
    assert command.advanced_config == DepthEstimationAdvanceConfig(fov=60)
    assert command.knowledge is not None
    assert np.array_equal(np.asarray(command.knowledge.points)[:, :3], [[1, 2, 3]])


@pytest.mark.parametrize(
    "parameters", [{"fof": 60}, {"input_size": 3}, {"points": 1}, {"points": "1,2"}, {"fov": "x"}]
)
def test_a_parameter_that_makes_no_sense_is_told(parameters: dict[str, object]) -> None:
    with pytest.raises(InvalidConfigError):
        read({"image": b"photo"}, parameters)
