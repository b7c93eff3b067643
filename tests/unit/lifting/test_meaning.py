"""Units, sky and camera: what a network's answer becomes.

The traps that users of Depth Anything 3 fell into (issues 72, 94, 142, 179, 226 of its repository)
each have a test: metres follow from the focal length in pixels of the image *as the network saw
it*, and the same scene in an image of another size, shape or part must give the same metres.
"""

import math
from pathlib import Path

import numpy as np
import pytest

from tests.support.seeds import DA3_MONO_TINY, DA3_TINY
from vizion3d.checkpoints.store import Checkpoint
from vizion3d.core.arrays import Float32Array
from vizion3d.lifting.meaning import Understood, understand
from vizion3d.lifting.models import DepthEstimationAdvanceConfig
from vizion3d.networks.base import Meaning, Network
from vizion3d.networks.depth_anything_3.network import DepthAnything3Network

MONO = DepthAnything3Network(DA3_MONO_TINY)
METRIC = DepthAnything3Network(DA3_MONO_TINY, metric=True)
SINGLE_VIEW = DepthAnything3Network(DA3_TINY)


def answered(
    network: Network, height: int, width: int, raw: float, **maps: Float32Array
) -> tuple[dict[str, Float32Array], tuple[int, int]]:
    """What a runtime hands over of a network that answers ``raw`` everywhere."""
    size = network.recipe.network_size(height, width)
    value = raw / 300 if network is METRIC else raw
    factor = network.outputs[0].meaning.factor(size[1], width)
    depth = np.full((height, width), value * factor, np.float32)
    others = {
        "sky": np.zeros((height, width), np.float32),
        "confidence": np.full((height, width), 1.5, np.float32),
    }
    return {"depth": depth, **others, **maps}, size


def metres(
    height: int, width: int, raw: float, config: DepthEstimationAdvanceConfig
) -> tuple[float, Understood]:
    maps, size = answered(METRIC, height, width, raw)
    found = understand(maps, Checkpoint(Path("a.pth"), METRIC), config, size)
    assert np.ptp(found.depth) == 0
    return float(found.depth[0, 0]), found


@pytest.mark.parametrize(
    ("height", "width"), [(480, 640), (640, 480), (3024, 4032), (4032, 3024), (777, 1023), (90, 60)]
)
def test_metres_are_the_processed_focal_length_times_the_output_by_300(
    height: int, width: int
) -> None:
    config = DepthEstimationAdvanceConfig(fx=800.0, fy=820.0)
    found, understood = metres(height, width, raw=2.5, config=config)
    rows, cols = METRIC.recipe.network_size(height, width)
    processed_px = (800.0 * cols / width + 820.0 * rows / height) / 2
    assert found == pytest.approx(processed_px * 2.5 / 300, rel=1e-6)
    assert understood.intrinsics.sources["fx"] == "given"
    assert understood.notes == ()
    # What the metres are proportional to, in pixels of the image that was handed in.
    assert understood.focal_px == pytest.approx(processed_px * width / cols)


def test_the_same_scene_at_half_the_size_has_the_same_metres() -> None:
    """Handing over the original's focal length with a resized image is the commonest mistake."""
    full, _ = metres(1512, 2016, 2.0, DepthEstimationAdvanceConfig(fx=1600.0, fy=1600.0))
    half, _ = metres(756, 1008, 2.0, DepthEstimationAdvanceConfig(fx=800.0, fy=800.0))
    assert half == pytest.approx(full, rel=1e-6)


def test_a_portrait_photo_has_the_metres_of_the_landscape_one() -> None:
    config = DepthEstimationAdvanceConfig(fx=1600.0, fy=1600.0)
    landscape, _ = metres(1512, 2016, 2.0, config)
    portrait, _ = metres(2016, 1512, 2.0, config)
    assert portrait == pytest.approx(landscape, rel=1e-6)


def test_a_crop_keeps_the_focal_length_in_its_own_pixels() -> None:
    """Half of the width, seen at the same network size, is a lens of twice the focal length."""
    config = DepthEstimationAdvanceConfig(fx=1000.0, fy=1000.0)
    whole, _ = metres(1008, 1008, 1.0, config)
    crop, understood = metres(504, 504, 1.0, config)
    assert crop == pytest.approx(2 * whole, rel=1e-6)
    assert understood.intrinsics.fx == 1000.0


def test_a_focal_length_that_nobody_gave_is_told() -> None:
    found, understood = metres(480, 640, 3.0, DepthEstimationAdvanceConfig())
    assert found == pytest.approx(525.0 * 504 / 640 * 3.0 / 300, rel=1e-6)
    (note,) = understood.notes
    assert "fx = 525.0 px, fy = 525.0 px is assumed" in note
    assert understood.intrinsics.sources["fx"].startswith("primesense")
    _, one_given = metres(480, 640, 3.0, DepthEstimationAdvanceConfig(fx=600.0))
    assert one_given.notes == ()  # it holds for both


@pytest.mark.parametrize("source", ["fov", "preset"])
def test_a_focal_length_that_was_derived_is_no_assumption(source: str) -> None:
    config = (
        DepthEstimationAdvanceConfig.from_fov(60.0, 640, 480)
        if source == "fov"
        else DepthEstimationAdvanceConfig.preset("realsense-d435", 640, 480)
    )
    _, understood = metres(480, 640, 3.0, config)
    assert understood.notes == ()


@pytest.mark.parametrize(("height", "width"), [(480, 640), (640, 480)])
def test_the_focal_length_of_the_photos_exif_data_is_that_of_the_original(
    height: int, width: int
) -> None:
    """In pixels of the photo as it was handed in, upright; the network's size is seen to here."""
    maps, size = answered(METRIC, height, width, 2.0)
    config = DepthEstimationAdvanceConfig(camera="auto")
    found = understand(maps, Checkpoint(Path("a.pth"), METRIC), config, size, exif_focal_px=900.0)
    assert found.depth[0, 0] == pytest.approx(900.0 * 504 / 640 * 2.0 / 300, rel=1e-6)
    assert found.intrinsics.sources["fx"] == "EXIF focal length"
    assert found.notes == ()


def test_the_estimated_field_of_view_becomes_the_intrinsics_that_nobody_gave() -> None:
    fov = np.array([math.radians(40), math.radians(50)], np.float32)
    maps, size = answered(SINGLE_VIEW, 300, 400, 2.0, field_of_view=fov)
    checkpoint = Checkpoint(Path("a.pth"), SINGLE_VIEW)
    found = understand(maps, checkpoint, DepthEstimationAdvanceConfig(), size).intrinsics
    assert found.fx == pytest.approx(200 / math.tan(math.radians(25)), rel=1e-5)
    assert found.fy == pytest.approx(150 / math.tan(math.radians(20)), rel=1e-5)
    assert (found.cx, found.cy) == (199.5, 149.5)
    assert found.sources["fx"] == found.sources["fy"] == "estimated by the network"
    given = understand(maps, checkpoint, DepthEstimationAdvanceConfig(fx=333.0), size).intrinsics
    assert (given.fx, given.sources["fx"]) == (333.0, "given")
    assert given.sources["fy"] == "equal to fx"


@pytest.mark.parametrize("fov", [(0.0, 0.0), (9.0, -1.0)])
def test_a_field_of_view_that_no_lens_has_is_bounded(fov: tuple[float, float]) -> None:
    maps, size = answered(SINGLE_VIEW, 30, 40, 2.0, field_of_view=np.array(fov, np.float32))
    found = understand(
        maps, Checkpoint(Path("a.pth"), SINGLE_VIEW), DepthEstimationAdvanceConfig(), size
    )
    assert found.intrinsics.fx > 0
    assert math.isfinite(found.intrinsics.fy)


def test_the_confidence_of_a_network_that_tells_it_is_handed_on() -> None:
    confidence = np.linspace(1, 3, 12, dtype=np.float32).reshape(3, 4)
    fov = np.ones(2, np.float32)
    maps, size = answered(SINGLE_VIEW, 3, 4, 2.0, field_of_view=fov, confidence=confidence)
    config = DepthEstimationAdvanceConfig()
    found = understand(maps, Checkpoint(Path("a.pth"), SINGLE_VIEW), config, size)
    assert found.confidence is confidence
    maps, size = answered(MONO, 3, 4, 2.0)
    assert understand(maps, Checkpoint(Path("a.pth"), MONO), config, size).confidence is None


def test_sky_is_marked_by_a_value_above_everything_else() -> None:
    maps, size = answered(MONO, 4, 6, 2.0)
    maps["depth"][1, 1] = 7.0
    maps["depth"][0] = 900.0  # what a network says of the sky means nothing
    maps["sky"][0] = 0.3
    maps["sky"][2] = 0.2999
    found = understand(maps, Checkpoint(Path("a.pth"), MONO), DepthEstimationAdvanceConfig(), size)
    assert found.sky_depth == np.nextafter(np.float32(7), np.float32(8))
    assert (found.depth[0] == np.float32(found.sky_depth)).all()
    assert found.depth[1:].max() == 7.0
    assert maps["depth"][0, 0] == 900.0, "what the runtime handed over is not ours to change"


def test_a_photo_without_sky_says_so_and_one_of_sky_alone_is_all_sky() -> None:
    maps, size = answered(MONO, 4, 6, 2.0)
    checkpoint, config = Checkpoint(Path("a.pth"), MONO), DepthEstimationAdvanceConfig()
    assert understand(maps, checkpoint, config, size).sky_depth is None
    maps["sky"][:] = 1.0
    found = understand(maps, checkpoint, config, size)
    assert found.sky_depth is not None
    assert (found.depth == np.float32(found.sky_depth)).all()


def test_metric_sky_is_scaled_with_everything_else() -> None:
    maps, size = answered(METRIC, 480, 640, 3.0)
    maps["sky"][:100] = 1.0
    config = DepthEstimationAdvanceConfig(fx=600.0, fy=600.0)
    found = understand(maps, Checkpoint(Path("a.pth"), METRIC), config, size)
    assert METRIC.outputs[0].meaning is Meaning.METRES_PER_FOCAL_PX
    assert found.sky_depth is not None
    assert found.sky_depth > found.depth[200, 200]
    assert found.sky_depth == pytest.approx(float(found.depth[200, 200]), rel=1e-6)
