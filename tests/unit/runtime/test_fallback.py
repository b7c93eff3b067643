import logging

import numpy as np
import pytest

from tests.support.fakes import RELATIVE
from vizion3d.networks.base import Size
from vizion3d.runtime.base import Images, Maps
from vizion3d.runtime.fallback import PrecisionFallback


class OverflowingRuntime:
    """Overflows on bright images, as half precision may."""

    description = "fake fp16"
    network = RELATIVE

    def infer(self, images: Images, size: Size) -> Maps:
        depth = images["image"][..., 0].astype(np.float32)
        depth[depth > 200] = np.nan if depth.shape[1] % 2 else np.inf
        return {"sky": np.zeros_like(depth), "depth": depth}


class ExactRuntime:
    description = "fake fp32"
    network = RELATIVE

    def __init__(self) -> None:
        self.seen: list[int] = []

    def infer(self, images: Images, size: Size) -> Maps:
        depth = images["image"][..., 0].astype(np.float32)
        self.seen.append(len(depth))
        return {"sky": np.zeros_like(depth), "depth": depth}


@pytest.mark.parametrize("height", [4, 5])
def test_only_the_image_that_is_not_finite_is_run_again_with_one_warning(
    height: int, caplog: pytest.LogCaptureFixture
) -> None:
    exact = ExactRuntime()
    loads: list[ExactRuntime] = []

    def load() -> ExactRuntime:
        loads.append(exact)
        return exact

    runtime = PrecisionFallback(OverflowingRuntime(), load)
    images = np.full((3, height, 6, 3), 100, np.uint8)
    assert (runtime.infer({"image": images}, (14, 14))["depth"] == 100).all()
    assert loads == []
    images[1, 2, 3] = 250
    with caplog.at_level(logging.WARNING, logger="vizion3d"):
        for _ in range(2):
            assert np.array_equal(
                runtime.infer({"image": images}, (14, 14))["depth"], images[..., 0]
            )
    assert exact.seen == [1, 1]
    assert len(loads) == 2, "asked for each time: whoever keeps it may have let it go"
    assert [r.levelname for r in caplog.records] == ["WARNING"]
    assert "fake fp16 gave a depth that is not finite" in caplog.text
    assert runtime.description == "fake fp16"
