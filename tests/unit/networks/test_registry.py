import pytest

from tests.support.toy.networks import ContrastFamily, ContrastNetwork, SunsetFamily
from vizion3d.errors import CheckpointError
from vizion3d.networks.base import Header
from vizion3d.networks.registry import FAMILIES, recognise


def test_the_first_family_that_knows_a_file_is_taken() -> None:
    families = (*FAMILIES, SunsetFamily(), ContrastFamily())
    header = Header({"gain": (1,)})
    assert recognise(header, "a.pth", families) == ContrastNetwork()


def test_a_file_of_no_family_is_told_with_all_that_were_tried() -> None:
    with pytest.raises(CheckpointError, match=r"no tensors at all") as refused:
        recognise(Header({}), "a.pth", (SunsetFamily(), ContrastFamily()))
    assert str(refused.value).startswith(
        "a.pth is not a Sunset checkpoint: it lacks the tensor mix.weight; not a Contrast "
        "checkpoint: it lacks the tensor gain (it has"
    )


def test_families_have_titles_of_their_own() -> None:
    assert len({family.title for family in FAMILIES}) == len(FAMILIES)
