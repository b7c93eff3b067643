from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.support.checkpoints import save_checkpoint
from tests.support.fakes import GivenDepthLoader, GivenDepthRuntime
from vizion3d.checkpoints.catalogue import is_permissive
from vizion3d.checkpoints.store import CheckpointStore
from vizion3d.runtime.cache import RuntimeCache
from vizion3d.runtime.recommend import RecommendHandler, RecommendQuery, fitting_releases


def test_what_fits_is_told_by_licence_kind_and_scene() -> None:
    named = {
        (commercial, metric, scene): [
            r.name for r in fitting_releases(RecommendQuery(commercial, metric, scene))
        ]
        for commercial in (True, False)
        for metric in (True, False)
        for scene in ("any", "indoor")
    }
    assert named[True, True, "any"] == ["da3metric-large"]
    assert named[True, True, "indoor"] == ["da3metric-large", "metric-indoor-small"]
    assert named[False, True, "indoor"][0] == "metric-indoor-large"
    assert named[False, False, "any"][0] == "large"
    assert named[True, False, "any"][0] == "da3mono-large"
    assert named[True, False, "any"][-1] == "nano"
    assert all(is_permissive(r.licence) for r in fitting_releases(RecommendQuery()))


def ticking(steps: list[float]) -> Iterator[float]:
    now = 0.0
    for step in steps:
        yield now
        now += step
        yield now


def handler(tmp_path: Path, steps: list[float]) -> RecommendHandler:
    store = CheckpointStore(tmp_path)
    save_checkpoint(store.locate("small"))
    runtime = GivenDepthRuntime(np.zeros((480, 640), np.float32))
    clock = ticking(steps)
    return RecommendHandler(store, RuntimeCache(GivenDepthLoader(runtime), 2), lambda: next(clock))


@pytest.mark.parametrize(
    ("within_s", "steps", "name", "seconds"),
    [
        (1.0, [9.0, 0.6, 0.5], "small", 0.5),  # the first run warms up
        (0.2, [9.0, 0.6, 0.5, 9.0, 0.2, 0.1], "nano", 0.1),
        (0.05, [9.0, 0.6, 0.5, 9.0, 0.2, 0.1], "da3-small", None),
        (None, [], "da3mono-large", None),
    ],
)
def test_time_is_measured_on_what_is_here(
    tmp_path: Path, within_s: float | None, steps: list[float], name: str, seconds: float | None
) -> None:
    found = handler(tmp_path, steps).handle(RecommendQuery(within_s=within_s))
    assert found is not None
    assert found.release.name == name
    assert found.seconds == (None if seconds is None else pytest.approx(seconds))
