import pytest
from hypothesis import given
from hypothesis import strategies as st

from vizion3d.errors import InvalidImageError
from vizion3d.networks.depth_anything_v2.network import RECIPE


@pytest.mark.parametrize(
    ("height", "width", "expected"),
    [
        (518, 518, (518, 518)),
        (480, 640, (518, 686)),
        (640, 480, (686, 518)),
        (500, 741, (518, 770)),
        (750, 1000, (518, 686)),
        (150, 200, (518, 686)),
        (1080, 1920, (518, 924)),
        (3000, 4000, (518, 686)),
        (1, 1, (518, 518)),
    ],
)
def test_sizes_of_the_official_recipe(height: int, width: int, expected: tuple[int, int]) -> None:
    assert RECIPE.network_size(height, width) == expected


@given(st.integers(1, 10_000), st.integers(1, 10_000), st.integers(14, 1200))
def test_every_size_is_a_multiple_of_the_patch_and_not_below_the_input_size(
    height: int, width: int, input_size: int
) -> None:
    try:
        rows, cols = RECIPE.network_size(height, width, input_size)
    except InvalidImageError:
        return
    assert rows % 14 == cols % 14 == 0
    assert min(rows, cols) >= input_size
    assert min(rows, cols) <= input_size + 14
    assert (rows // 14) * (cols // 14) <= RECIPE.max_cells
    # The shape is kept but for the rounding of each side to a patch.
    scale = max(input_size / height, input_size / width)
    assert abs(rows - scale * height) <= 14
    assert abs(cols - scale * width) <= 14


def test_an_extreme_shape_is_refused_with_its_numbers() -> None:
    with pytest.raises(InvalidImageError, match=r"10000 x 1 pixels at input size 518 becomes"):
        RECIPE.network_size(1, 10_000)
