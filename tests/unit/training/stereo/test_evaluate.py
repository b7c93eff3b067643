"""What a matcher is measured by."""

import numpy as np
import pytest
import torch

from tests.support import stereo_scenes as scenes
from training.stereo.data import Batch
from training.stereo.evaluate import Match, compare, scores, semi_global
from training.stereo.real import PairWithTruth
from training.stereo.rendered import as_photos

PHOTO = np.zeros((4, 10, 3), np.uint8)


def flat(disparity: float) -> PairWithTruth:
    return PairWithTruth(PHOTO, PHOTO, np.full((4, 10), disparity, np.float32))


def always_five(left: np.ndarray, right: np.ndarray) -> Match:
    valid = np.zeros((4, 10), np.bool_)
    valid[:, :5] = True
    return np.full((4, 10), 5, np.float32), valid


def test_all_known_pixels_count_alike() -> None:
    far, unknown = flat(8.0), flat(5.0)
    far.disparity[:, :2] = 6.0  # 1 px off; 3 px beside it
    unknown.disparity[:2] = np.inf
    assert scores(always_five, [far, unknown]) == {
        "epe": round((8 * 1 + 32 * 3) / 60, 3),
        "bad2": round(32 / 60, 4),
        "bad2_valid": round(12 / 30, 4),
        "density": 0.5,
    }


def test_the_real_pair_is_measured_in_another_exposure_too() -> None:
    seen = []

    def match(left: np.ndarray, right: np.ndarray) -> Match:
        seen.append(int(right[0, 0, 0]))
        return always_five(left, right)

    real = PairWithTruth(PHOTO, PHOTO + 255, flat(5.0).disparity)
    found = compare({"five": match}, real, [flat(9.0)])
    assert {title: each["five"]["bad2"] for title, each in found.items()} == {
        "1 rendered pairs": 1.0,
        "motorcycle": 0.0,
        "motorcycle, dimmed": 0.0,
    }
    assert seen == [0, 255, 204]


def test_sgbm_finds_the_disparity_by_itself() -> None:
    scene = scenes.render_pair(scenes.FRONT)
    pair = PairWithTruth(scene.left, scene.right, scene.disparity.astype(np.float32))
    found = scores(semi_global, [pair])
    assert found["bad2"] < 0.02
    assert 0.8 < found["density"] < 1


def test_a_pair_that_sgbm_refuses_counts_as_without_a_match() -> None:
    scene = scenes.render_pair(scenes.FRONT)
    truth = scene.disparity.astype(np.float32)
    good = PairWithTruth(scene.left, scene.right, truth)
    refused = PairWithTruth(scene.left, scene.left, truth)
    alone, both = scores(semi_global, [good]), scores(semi_global, [good, refused])
    assert both["bad2_valid"] == alone["bad2_valid"]
    assert both["density"] == pytest.approx(alone["density"] / 2, abs=1e-4)
    assert both["bad2"] == pytest.approx((alone["bad2"] + 1) / 2, abs=1e-4)


def test_rendered_pairs_are_photos_with_truth() -> None:
    image = torch.linspace(-0.5, 1.5, 9).view(1, 1, 3, 3).expand(2, 3, 3, 3)
    valid = torch.zeros(2, 3, 3, dtype=torch.bool)
    valid[1, 0] = True  # the first pair teaches nothing
    (pair,) = as_photos(Batch(image, image, torch.full((2, 3, 3), 7.0), valid, valid))
    assert pair.left.shape == (3, 3, 3)
    assert pair.right[..., 0].tolist() == [[0, 0, 0], [64, 128, 191], [255, 255, 255]]
    assert np.array_equal(pair.known, valid[1].numpy())
    assert (pair.disparity[pair.known] == 7).all()
