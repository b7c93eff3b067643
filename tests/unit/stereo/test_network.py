"""A network as a matcher: what is made of the disparity that it answers."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from tests.support import stereo_scenes as scenes
from tests.support.fakes import FakeStore
from vizion3d.errors import InferenceError
from vizion3d.media.limits import ImageLimits
from vizion3d.networks.base import Meaning, Network, Output, Recipe
from vizion3d.runtime.base import Images, Maps
from vizion3d.runtime.cache import RuntimeCache
from vizion3d.runtime.queue import DirectInference
from vizion3d.stereo.backends import Backends
from vizion3d.stereo.matching import DisparityRange
from vizion3d.stereo.models import StereoDepthAdvancedConfig
from vizion3d.stereo.network import seen_from_right

PAIR = scenes.render_pair(scenes.TWO)


@dataclass(frozen=True)
class PairNetwork(Network):
    """Takes a pair, tells disparity."""

    family: ClassVar[str] = "pairs"
    title: ClassVar[str] = "Pairs"
    inputs: ClassVar[tuple[str, ...]] = ("left", "right")

    @property
    def variant(self) -> str:
        return "one"

    @property
    def recipe(self) -> Recipe:
        return Recipe(240, 32)

    @property
    def outputs(self) -> tuple[Output, ...]:
        return (Output("disparity", Meaning.DISPARITY_PX),)

    def build(self, tensors: Any) -> Any:
        raise NotImplementedError


class GivenDisparityRuntime:
    """Answers a disparity that the test knows."""

    description = "given disparity"
    network = PairNetwork()

    def __init__(self, disparity: np.ndarray) -> None:
        self.disparity = disparity.astype(np.float32)
        self.sizes: list[tuple[int, int]] = []

    def infer(self, images: Images, size: tuple[int, int]) -> Maps:
        assert list(images) == ["left", "right"]
        self.sizes.append(size)
        return {"disparity": self.disparity[None]}


def backends(runtime: GivenDisparityRuntime, tmp_path: Path) -> Backends:
    store = FakeStore(tmp_path / "pairs.pth", PairNetwork())
    (tmp_path / "pairs.pth").touch()
    cache = RuntimeCache(lambda _: runtime, 1)
    return Backends(store, cache, DirectInference(), ImageLimits())


def test_a_networks_disparity_is_valid_where_both_cameras_see(tmp_path: Path) -> None:
    runtime = GivenDisparityRuntime(PAIR.disparity)
    backend = backends(runtime, tmp_path).find("pairs.pth", StereoDepthAdvancedConfig())
    assert backend.name.endswith("pairs.pth")
    match = backend.matcher.match(PAIR.left, PAIR.right, DisparityRange(0, 63))
    assert (match.valid == PAIR.seen_by_both).mean() > 0.98
    np.testing.assert_allclose(
        match.disparity[match.valid], PAIR.disparity[match.valid].astype(np.float32)
    )
    assert match.confidence[match.valid].mean() > 0.9
    assert runtime.sizes == [(256, 320)]


def test_the_scale_factor_is_the_networks_size(tmp_path: Path) -> None:
    runtime = GivenDisparityRuntime(PAIR.disparity)
    config = StereoDepthAdvancedConfig(scale_factor=0.5)
    backend = backends(runtime, tmp_path).find("pairs.pth", config)
    backend.matcher.match(PAIR.left, PAIR.right, DisparityRange(0, 63))
    assert runtime.sizes == [(128, 160)]


def test_what_is_not_finite_is_refused(tmp_path: Path) -> None:
    broken = PAIR.disparity.copy()
    broken[3, 3] = np.nan
    backend = backends(GivenDisparityRuntime(broken), tmp_path).find(
        "pairs.pth", StereoDepthAdvancedConfig()
    )
    with pytest.raises(InferenceError, match="not finite"):
        backend.matcher.match(PAIR.left, PAIR.right, DisparityRange(0, 63))


def test_what_lies_behind_or_outside_is_not_seen_from_the_right() -> None:
    disparity = np.full((2, 20), 2, np.float32)
    disparity[:, 10:14] = 6
    seen = seen_from_right(disparity)
    assert not seen[:, :2].any()  # left of the right image
    assert not seen[:, 6:10].any()  # hidden by what is nearer
    assert seen[:, 2:6].all()
    assert seen[:, 10:].all()
