import numpy as np

from vizion3d.stereo import filling


def test_a_gap_takes_the_background() -> None:
    disparity = np.array([[30, 30, 0, 0, 10, 10]], np.float32)
    known = disparity > 0
    np.testing.assert_array_equal(
        filling.from_background(disparity, known), [[30, 30, 10, 10, 10, 10]]
    )


def test_borders_and_rows_without_anything_take_what_is_nearest() -> None:
    disparity = np.array([[0, 5, 0], [0, 0, 0], [0, 0, 0], [0, 0, 9]], np.float32)
    filled = filling.from_background(disparity, disparity > 0)
    np.testing.assert_array_equal(filled, [[5] * 3, [5] * 3, [9] * 3, [9] * 3])


def test_nothing_known_is_nothing() -> None:
    nothing = np.zeros((4, 5), np.float32)
    image = np.zeros((4, 5, 3), np.uint8)
    np.testing.assert_array_equal(filling.fill(image, nothing, nothing > 0), nothing)


def two_surfaces() -> tuple[np.ndarray, np.ndarray]:
    """A red object of disparity 30 before a blue wall of 10; the edge at column 30."""
    image = np.zeros((60, 60, 3), np.uint8)
    image[:, :30], image[:, 30:] = (200, 0, 0), (0, 0, 200)
    disparity = np.where(np.arange(60) < 30, np.float32(30), np.float32(10))
    return image, np.repeat(disparity[None], 60, axis=0)


def test_a_fill_keeps_to_the_edges_of_the_picture() -> None:
    image, truth = two_surfaces()
    known = np.ones(truth.shape, bool)
    known[:, 26:34] = False
    filled = filling.fill(image, np.where(known, truth, 0), known)
    wrong = np.abs(filled - truth)[10:50] > 0.5
    assert wrong.mean() <= 1 / 60  # but for the column on the edge itself


def test_a_vote_finds_what_took_the_wrong_sides_disparity() -> None:
    image, truth = two_surfaces()
    fattened = truth.copy()
    fattened[:, 30:33] = 30  # the wall beside the object
    where = filling.edges(fattened)
    voted = filling.vote(image, fattened, np.ones_like(fattened), where)
    np.testing.assert_allclose(voted[10:50, 31:33], 10, atol=0.01)
