import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.support.checkpoints import save_checkpoint
from tests.support.seeds import (
    DA3_MONO_TINY,
    DA3_TINY,
    LAS2,
    save_depth_anything_3,
    save_lite_any_stereo,
)
from tests.support.toy.networks import ContrastFamily, ContrastNetwork, SunsetFamily
from vizion3d.app import build_container
from vizion3d.checkpoints.queries import ModelInfo, ModelInfoQuery
from vizion3d.checkpoints.store import CheckpointStore
from vizion3d.checkpoints.weights import load
from vizion3d.errors import CheckpointError
from vizion3d.networks.base import Header
from vizion3d.networks.registry import FAMILIES, recognise
from vizion3d.settings import Settings

TITLES = [family.title for family in FAMILIES]
MADE = {
    "Depth Anything V2": lambda path: save_checkpoint(path.with_suffix(".pth")),
    "Depth Anything 3, any view": lambda path: save_depth_anything_3(path, DA3_TINY),
    "Depth Anything 3, monocular": lambda path: save_depth_anything_3(path, DA3_MONO_TINY),
    "Lite Any Stereo V2": lambda path: save_lite_any_stereo(
        path.with_suffix(".pth"), LAS2["las2-s"]
    ),
    "Lite Any Stereo V2, iterative": lambda path: save_lite_any_stereo(
        path.with_suffix(".pth"), LAS2["las2-h"]
    ),
    "nano": lambda path: Path(shutil.copyfile("vizion3d/checkpoints/nano.safetensors", path)),
}
"""What it is -> writes it, as the authors do, under a name that says nothing."""


def info_of(path: Path) -> ModelInfo:
    """``vizion3d models info FILE``."""
    container = build_container(Settings(model_cache=path.parent / "cache"))
    return container.queries.dispatch(ModelInfoQuery(str(path)))


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


@pytest.mark.parametrize("name", MADE)
def test_a_file_is_known_by_its_tensors_whatever_it_is_called(tmp_path: Path, name: str) -> None:
    path = MADE[name](tmp_path / "weights.safetensors")
    renamed = path.with_name("da3metric_las2_depth_anything_v2_metric_hypersim" + path.suffix)
    info = info_of(path)
    assert info.network == name.partition(",")[0]
    assert info.parameters
    path.rename(renamed)
    assert info_of(renamed).network == info.network


@pytest.mark.parametrize("name", MADE)
def test_a_file_that_lacks_a_tensor_is_none_that_was_tried(tmp_path: Path, name: str) -> None:
    path = MADE[name](tmp_path / "weights.safetensors")
    safe = path.suffix == ".safetensors"
    tensors = load_file(path) if safe else torch.load(path, weights_only=True)
    first = {tensor: value for tensor, value in tensors.items() if "norm" not in tensor}
    few = dict(list(first.items())[: len(first) // 3])
    save_file(few, path) if safe else torch.save(few, path)
    with pytest.raises(CheckpointError) as refused:
        info_of(path)
    told = str(refused.value)
    for title in TITLES:
        assert f"not a {title} checkpoint: it " in told
    assert "of an official release, whole and unchanged" in told


@pytest.mark.parametrize("name", MADE)
def test_a_truncated_file_is_told(tmp_path: Path, name: str) -> None:
    path = MADE[name](tmp_path / "weights.safetensors")
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(CheckpointError, match=r"cannot be read|was refused|its header states"):
        load(CheckpointStore(tmp_path).read(path).checkpoint)


class Attack:
    """Pickles into a call that would make a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
def test_a_malicious_file_with_a_network_s_names_executes_nothing(tmp_path: Path) -> None:
    path = save_lite_any_stereo(tmp_path / "las2.pth", LAS2["las2-s"])
    tensors, mark = torch.load(path, weights_only=True), tmp_path / "was-here"
    torch.save(tensors | {next(iter(tensors)): Attack(mark)}, path)
    with pytest.raises(CheckpointError, match=r"nothing in it was run: it refers to posix\.mkdir"):
        info_of(path)
    assert not mark.exists()
