import pickle
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.fakes import METRIC, RELATIVE
from tests.support.toy.networks import ContrastNetwork, SunsetNetwork
from vizion3d.errors import InvalidImageError
from vizion3d.networks.base import Meaning, MismatchError, Output, Recipe

SIDES = st.integers(1, 5000)


@given(SIDES, SIDES, st.integers(14, 800), st.sampled_from([8, 14, 32]))
def test_with_a_lower_bound_no_side_falls_below_it(
    height: int, width: int, input_size: int, multiple: int
) -> None:
    recipe = Recipe(512, multiple, max_cells=10**9)
    size = recipe.network_size(height, width, input_size)
    assert size[0] % multiple == size[1] % multiple == 0
    assert input_size <= min(size) < input_size + multiple


@given(SIDES, SIDES, st.integers(14, 800), st.sampled_from([8, 14, 32]))
def test_with_an_upper_bound_each_side_is_the_nearest_multiple(
    height: int, width: int, input_size: int, multiple: int
) -> None:
    recipe = Recipe(512, multiple, "longer")
    size = recipe.network_size(height, width, input_size)
    scale = input_size / max(height, width)
    for side, length in zip(size, (height, width), strict=True):
        assert side % multiple == 0
        assert side >= multiple, "no side vanishes"
        assert side == multiple or abs(side - scale * length) <= multiple / 2 + 1e-9


@pytest.mark.parametrize(
    ("image", "expected"),
    [((480, 640), (378, 504)), ((640, 480), (504, 378)), ((3024, 4032), (378, 504))],
)
def test_a_recipe_has_its_own_input_size(image: tuple[int, int], expected: tuple[int, int]) -> None:
    recipe = Recipe(504, 14, "longer")
    assert recipe.network_size(*image) == expected
    assert recipe.network_size(*image, 336) == tuple(side * 2 // 3 for side in expected)


def test_too_large_a_size_is_refused_with_its_numbers() -> None:
    with pytest.raises(InvalidImageError, match=r"of 100 x 1 pixels .* becomes 100 .* limit of 99"):
        Recipe(14, 14, max_cells=99).network_size(1, 100)


def test_what_is_counted_in_pixels_follows_the_images_width() -> None:
    assert Meaning.DISPARITY_PX.factor(network_width_px=320, image_width_px=640) == 2
    assert Meaning.METRES_PER_FOCAL_PX.factor(320, 640) == 0.5
    others = set(Meaning) - {Meaning.DISPARITY_PX, Meaning.METRES_PER_FOCAL_PX}
    assert {meaning.factor(320, 640) for meaning in others} == {1}


def test_all_but_angles_are_maps() -> None:
    assert [meaning for meaning in Meaning if not meaning.is_map] == [Meaning.FIELD_OF_VIEW_RAD]


def test_an_output_is_found_by_what_it_means() -> None:
    network = SunsetNetwork(3)
    assert network.output(Meaning.SKY, Meaning.DEPTH) == Output("sky", Meaning.SKY)
    assert network.output(Meaning.DEPTH) is None


def test_equal_networks_have_equal_keys_and_others_have_others() -> None:
    networks = [RELATIVE, METRIC, replace(METRIC, max_depth_m=80.0), SunsetNetwork(3)]
    assert len({network.key for network in networks}) == len(networks)
    for network in networks:
        copy = pickle.loads(pickle.dumps(network))
        assert copy == network
        assert (hash(copy), copy.key) == (hash(network), network.key)


def test_a_network_without_extra_inputs_needs_nothing_for_them() -> None:
    assert ContrastNetwork().constants({}) == {}
    assert ContrastNetwork().extras({}, (32, 32)) == ()


def test_what_does_not_fit_is_told_in_one_sentence() -> None:
    assert str(MismatchError("lacks a", "has b")) == "lacks a; it has b"
