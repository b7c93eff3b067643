import numpy as np
import pytest

from vizion3d.geometry.cut import Cut

FAR = Cut(10.0, "depth_trunc", "--depth-trunc")


def test_a_cloud_that_keeps_half_is_not_worth_a_word() -> None:
    depth = np.full((10, 10), 5.0, np.float32)
    assert FAR.explain(depth) is None
    depth[:5] = 20
    assert FAR.explain(depth) is None


@pytest.mark.parametrize("kept", [0, 49])
def test_what_lies_beyond_the_end_is_counted_and_the_remedy_told(kept: int) -> None:
    depth = np.full(100, 60.0, np.float32)
    depth[:kept] = 3.0
    told = FAR.explain(depth.reshape(10, 10))
    assert told is not None
    assert told.startswith(f"{kept} of 100 pixels become points: only {kept} of 100 are nearer")
    assert "raise depth_trunc (--depth-trunc)" in told
    assert ("nearest is at 60 m" if kept == 0 else "nearest is at 3 m") in told


def test_edges_that_take_most_of_it_are_told_apart() -> None:
    depth = np.random.default_rng(0).uniform(1, 9, (20, 20)).astype(np.float32)
    told = Cut(10.0, "z_far", "--z-far", edge_threshold=1e-6).explain(depth)
    assert told is not None
    assert "raise edge_threshold (--edge-threshold)" in told


def test_what_has_no_depth_is_no_fault_of_the_settings() -> None:
    depth = np.ones((10, 10), np.float32)
    hidden = np.zeros((10, 10), bool)
    hidden[:8] = True
    told = FAR.explain(depth, hidden)
    assert told == "20 of 100 pixels become points: 80 of 100 have no depth or show sky"
    assert FAR.explain(np.zeros((4, 4), np.float32)) is not None


def test_a_large_image_is_judged_on_a_part_of_its_pixels() -> None:
    told = FAR.explain(np.full((1500, 2000), 60.0, np.float32))
    assert told is not None
    assert told.startswith("about 0 % of the pixels become points")
