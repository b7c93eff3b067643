import numpy as np
import pytest
from numpy.typing import NDArray

from tests.support.photos import coffee
from vizion3d.errors import InvalidConfigError
from vizion3d.geometry.steady import FrameFit, Steadier

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]

HEIGHT, WIDTH = 120, 160


def scenery(seed: int, height: int, width: int) -> tuple[Bytes, Floats]:
    """A part of a photo, and an inverse depth: a slope with boxes on it."""
    photo = coffee()[:height, :width]
    rng = np.random.default_rng(seed)
    rows = np.linspace(0.3, 1.0, height, dtype=np.float32)
    inverse = np.repeat(rows[:, None], width, axis=1)
    for _ in range(6):
        v, u = rng.integers(0, height - 30), rng.integers(0, width - 40)
        inverse[v : v + 30, u : u + 40] += np.float32(rng.uniform(0.2, 0.8))
    return np.ascontiguousarray(photo), inverse


def panning(count: int, step_px: int) -> tuple[list[Bytes], list[Floats]]:
    """A camera that looks at a picture wall and goes along it."""
    photo, inverse = scenery(0, HEIGHT, WIDTH + step_px * count)
    cuts = [slice(i * step_px, i * step_px + WIDTH) for i in range(count)]
    return [photo[:, cut].copy() for cut in cuts], [inverse[:, cut].copy() for cut in cuts]


def flickering(depths: list[Floats], seed: int = 0, noise: float = 0.0) -> list[Floats]:
    rng = np.random.default_rng(seed)
    return [
        (
            np.exp(rng.normal(0, 0.2)) * (d + rng.normal(0, noise, d.shape) if noise else d)
            + rng.normal(0, 0.2)
        ).astype(np.float32)
        for d in depths
    ]


def run(images: list[Bytes], depths: list[Floats]) -> tuple[list[FrameFit], list[Floats]]:
    steadier = Steadier()
    fits = [steadier.follow(d, i) for d, i in zip(depths, images, strict=True)]
    return fits, [fit.apply(d) for fit, d in zip(fits, depths, strict=True)]


def lines(truth: list[Floats], depths: list[Floats]) -> NDArray[np.float64]:
    """Slope and offset of each frame over the truth, ``(N, 2)``."""
    return np.array(
        [np.polyfit(t.ravel(), d.ravel(), 1) for t, d in zip(truth, depths, strict=True)]
    )


@pytest.mark.parametrize(
    ("height", "width"), [(800, 1200), (797, 1199), (60, 1199), (3, 1199), (397, 599)]
)
def test_frames_that_no_whole_number_divides_are_fitted_too(height: int, width: int) -> None:
    photo = coffee().repeat(2, axis=0).repeat(2, axis=1)[:height, :width].copy()
    truth = np.tile(np.linspace(0.3, 1, width, dtype=np.float32), (height, 1))
    _, (first, second) = run([photo] * 2, [truth, 2 * truth + 3])
    np.testing.assert_allclose(second, first, atol=0.05)


@pytest.mark.parametrize("step_px", [0, 2])
@pytest.mark.parametrize("noise", [0.0, 0.02])
def test_the_scale_and_shift_of_every_frame_become_the_firsts(step_px: int, noise: float) -> None:
    images, truth = panning(12, step_px)
    raw = flickering(truth, noise=noise)
    fits, steady = run(images, raw)
    assert [fit.new_shot for fit in fits] == [True] + [False] * 11
    assert (fits[0].scale, fits[0].shift) == (1, 0)
    before, after = lines(truth, raw), lines(truth, steady)
    flicker = np.abs(np.diff(after, axis=0)).mean() / np.abs(np.diff(before, axis=0)).mean()
    assert flicker < 0.1
    assert all(fit.share > 0.3 for fit in fits[1:])


def test_a_frame_keeps_its_shape() -> None:
    images, truth = panning(5, 2)
    raw = flickering(truth)
    fits, steady = run(images, raw)
    for fit, before, after in zip(fits, raw, steady, strict=True):
        np.testing.assert_allclose(after, fit.scale * before + fit.shift, rtol=1e-6, atol=1e-6)
        assert after.dtype == np.float32
        assert fit.scale > 0


def test_what_moves_by_itself_does_not_pull_the_rest() -> None:
    images, truth = panning(12, 0)
    for number, (image, depth) in enumerate(zip(images, truth, strict=True)):
        left = 4 * number
        image[40:90, left : left + 50] = 255 - image[40:90, left : left + 50]
        depth[40:90, left : left + 50] = 2.5 + 0.1 * number  # it comes closer
    raw = flickering(truth)
    _, steady = run(images, raw)
    still = [np.delete(d, slice(40, 90), axis=0) for d in steady]
    known = [np.delete(d, slice(40, 90), axis=0) for d in truth]
    after = lines(known, still)
    before = lines(known, [np.delete(d, slice(40, 90), axis=0) for d in raw])
    flicker = np.abs(np.diff(after, axis=0)).mean() / np.abs(np.diff(before, axis=0)).mean()
    assert flicker < 0.1


def test_a_cut_begins_a_new_shot() -> None:
    images, truth = panning(6, 2)
    other = [np.ascontiguousarray(image[::-1, ::-1][:, :, ::-1]) for image in images]
    fits, _ = run([*images, *other], flickering([*truth, *truth[::-1]]))
    assert [n for n, fit in enumerate(fits) if fit.new_shot] == [0, 6]
    assert (fits[6].scale, fits[6].shift, fits[6].share) == (1, 0, 0)


def test_a_flash_is_no_cut() -> None:
    images, truth = panning(6, 0)
    images[3] = np.clip(images[3].astype(np.int16) + 10, 0, 255).astype(np.uint8)
    fits, _ = run(images, flickering(truth))
    assert not any(fit.new_shot for fit in fits[1:])


def test_a_shot_keeps_its_range_until_a_frame_goes_far_beyond() -> None:
    images, truth = panning(3, 0)
    least, most = float(truth[0].min()), float(truth[0].max())
    truth[1][:20, :20] = most + (most - least)
    truth[2][:20, :20] = most + 3 * (most - least)
    fits, _ = run(images, truth)
    assert not any(fit.new_shot for fit in fits[1:])
    assert fits[0].range == fits[1].range == (least, most)
    assert fits[2].low == least
    assert fits[2].high == pytest.approx(most + 3 * (most - least), rel=0.05)


def test_drift_is_bounded() -> None:
    """Each frame alike and never any error to correct: scale and shift go back to the network's."""
    images, truth = panning(1, 0)
    images, truth = [images[0][:48, :64].copy()], [truth[0][:48, :64].copy()]
    steadier = Steadier()
    steadier.follow(truth[0] * np.float32(2) + np.float32(1), images[0])
    fits = [steadier.follow(truth[0], images[0]) for _ in range(400)]
    assert fits[0].scale == pytest.approx(2, rel=0.02)
    assert abs(fits[-1].scale - 1) < 0.5 * abs(fits[0].scale - 1)
    assert abs(fits[-1].shift) < 0.5 * abs(fits[0].shift)
    steps = np.diff([fit.scale for fit in fits])
    assert np.abs(steps).max() < 0.011  # nobody sees it


def test_memory_does_not_grow() -> None:
    images, truth = panning(4, 2)
    steadier = Steadier()
    for _ in range(3):
        for image, depth in zip(images, truth, strict=True):
            steadier.follow(depth, image)
    shot = steadier._shot
    assert shot is not None
    arrays = [value for value in vars(shot).values() if isinstance(value, np.ndarray)]
    assert sum(array.nbytes for array in arrays) <= 5 * 256 * 256


@pytest.mark.parametrize("shape", [(1, 1), (3, 200), (400, 2), (17, 17)])
def test_any_size_and_frames_without_contrast(shape: tuple[int, int]) -> None:
    steadier = Steadier()
    image = np.full((*shape, 3), 90, np.uint8)
    for level in (1.0, 2.0, 2.0):
        fit = steadier.follow(np.full(shape, level, np.float32), image)
        assert np.isfinite((fit.scale, fit.shift)).all()
        assert fit.scale > 0


def test_a_frame_of_another_size_begins_a_shot() -> None:
    images, truth = panning(2, 0)
    steadier = Steadier()
    steadier.follow(truth[0], images[0])
    fit = steadier.follow(truth[1][:, :100].copy(), images[1][:, :100].copy())
    assert fit.new_shot


def test_depth_and_frame_must_belong_together() -> None:
    images, truth = panning(1, 0)
    with pytest.raises(InvalidConfigError, match="does not belong"):
        Steadier().follow(truth[0][:50], images[0])
