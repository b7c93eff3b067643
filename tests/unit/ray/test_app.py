from typing import Any

import pytest

from vizion3d.errors import InvalidConfigError
from vizion3d.ray.app import build

SCALING = {
    "target_ongoing_requests": 3.0,
    "upscale_delay_s": 5.0,
    "downscale_delay_s": 60.0,
    "look_back_period_s": 10.0,
}


def deployment(**arguments: Any) -> Any:
    """What Serve is told of the application's deployment."""
    return build(arguments)._bound_deployment._deployment_config


def test_what_is_said_of_scaling_reaches_serve() -> None:
    told = deployment(min_replicas=1, max_replicas=4, **SCALING).autoscaling_config
    assert {name: getattr(told, name) for name in SCALING} == SCALING
    assert (told.min_replicas, told.max_replicas) == (1, 4)


@pytest.mark.parametrize(("average_s", "report_s"), [(30, 10), (120, 10), (6, 2)])
def test_requests_are_reported_several_times_in_what_is_averaged(
    average_s: float, report_s: float
) -> None:
    told = deployment(max_replicas=2, look_back_period_s=average_s).autoscaling_config
    assert told.metrics_interval_s == report_s


def test_as_many_replicas_at_least_as_at_most_are_not_scaled() -> None:
    told = deployment(min_replicas=3, max_replicas=3, **SCALING)
    assert (told.autoscaling_config, told.num_replicas) == (None, 3)


def test_the_deployment_before_several_models_takes_what_all_of_them_do() -> None:
    alone = deployment(depth_model="nano", max_queue=5)
    before = deployment(depth_model=["nano", "small"], max_queue=5)
    assert before.max_ongoing_requests == 2 * alone.max_ongoing_requests == 12


@pytest.mark.parametrize(
    "arguments",
    [
        {"depth_modle": "nano"},
        {"min_replicas": 3, "max_replicas": 2},
        {"upscale_delay_s": -1},
        {"depth_model": ["nano", "small"], "stereo_model": ["sgbm", "s2m2"]},
    ],
)
def test_what_makes_no_sense_is_told(arguments: dict[str, Any]) -> None:
    with pytest.raises(InvalidConfigError):
        build(arguments)
