import os
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.support.checkpoints import (
    TINY,
    checkpoint_at,
    save_checkpoint,
    seeded_network,
    state_dict,
)
from vizion3d.checkpoints.header import read_names
from vizion3d.checkpoints.weights import load, read_tensors
from vizion3d.errors import CheckpointError
from vizion3d.networks.depth_anything_v2.model import DepthAnythingV2


def load_network(path: Path) -> DepthAnythingV2:
    module = load(checkpoint_at(path)).module
    assert isinstance(module, DepthAnythingV2)
    return module


@pytest.mark.parametrize("suffix", [".pth", ".pt", ".safetensors"])
def test_every_format_loads_the_same_network(tmp_path: Path, suffix: str) -> None:
    path = save_checkpoint(tmp_path / f"tiny{suffix}")
    network = load_network(path)
    for name, tensor in seeded_network(TINY).state_dict().items():
        assert torch.equal(network.state_dict()[name], tensor), name
    assert not network.training


def test_the_older_torch_format_loads(tmp_path: Path) -> None:
    path = tmp_path / "old.pth"
    tensors = state_dict(seeded_network(TINY))
    torch.save(tensors, path, _use_new_zipfile_serialization=False)
    assert read_tensors(path).keys() == tensors.keys()


def test_half_precision_weights_become_float32(tmp_path: Path) -> None:
    path = tmp_path / "half.pth"
    torch.save({n: t.half() for n, t in state_dict(seeded_network(TINY)).items()}, path)
    assert {p.dtype for p in load_network(path).parameters()} == {torch.float32}


def test_the_network_outlives_its_file(tmp_path: Path) -> None:
    path = save_checkpoint(tmp_path / "tiny.pth")
    network = load_network(path)
    path.write_bytes(b"")
    assert torch.isfinite(network(torch.zeros(1, 3, 28, 28))).all()


class Attack:
    """Pickles into a call that would write a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("how", ["torch", "old torch", "pickle"])
def test_a_pickle_that_would_run_code_is_refused_without_running_it(
    tmp_path: Path, how: str
) -> None:
    path, mark = tmp_path / "evil.pth", tmp_path / "was-here"
    content = {"pretrained.cls_token": Attack(mark)}
    if how == "pickle":
        path.write_bytes(pickle.dumps(content))
    else:
        torch.save(content, path, _use_new_zipfile_serialization=how == "torch")
    with pytest.raises(CheckpointError, match=r"nothing in it was run: it refers to posix.mkdir"):
        read_names(path)
    with pytest.raises(CheckpointError, match="nothing in it was run"):
        read_tensors(path)
    assert not mark.exists()
    pickle.loads(pickle.dumps(Attack(mark)))
    assert mark.exists(), "the attack itself must work, or the test shows nothing"


@pytest.mark.parametrize("suffix", [".pth", ".pt", ".safetensors"])
@pytest.mark.parametrize("content", [b"", b"garbage", b"PK\x03\x04garbage", b"\x80\x02garbage"])
def test_what_is_no_checkpoint_is_told(tmp_path: Path, suffix: str, content: bytes) -> None:
    path = tmp_path / f"bad{suffix}"
    path.write_bytes(content)
    for read in (read_names, read_tensors):
        with pytest.raises(CheckpointError, match=rf"bad{suffix} (cannot be read|was refused)"):
            read(path)


@pytest.mark.parametrize("cut", [100, 5000, 100_000])
def test_a_truncated_checkpoint_is_told(tmp_path: Path, cut: int) -> None:
    for suffix in (".pth", ".safetensors"):
        path = save_checkpoint(tmp_path / f"tiny{suffix}")
        path.write_bytes(path.read_bytes()[:-cut])
        with pytest.raises(CheckpointError, match=r"cannot be read|was refused"):
            load_network(path)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    for suffix in (".pth", ".safetensors"):
        for read in (read_names, read_tensors):
            with pytest.raises(CheckpointError, match="no checkpoint file at"):
                read(tmp_path / f"none{suffix}")


@pytest.mark.parametrize(
    "content", [[1, 2], {"epoch": 3}, torch.zeros(3), {1: torch.zeros(3)}, {"a": 1, 2: "b"}]
)
def test_what_holds_no_named_tensors_is_told(tmp_path: Path, content: Any) -> None:
    path = tmp_path / "other.pth"
    torch.save(content, path)
    for read in (read_names, read_tensors):
        with pytest.raises(CheckpointError, match="does not hold named tensors"):
            read(path)


@pytest.mark.parametrize(
    "odd",
    [
        torch.zeros(64, dtype=torch.int8),
        torch.zeros(64, dtype=torch.bool),
        torch.zeros(64, dtype=torch.complex64),
        torch.zeros(64, device="meta"),
        torch.zeros(64).to_sparse(),
    ],
    ids=lambda tensor: f"{tensor.dtype} {tensor.layout} {tensor.device}",
)
def test_tensors_that_are_no_floating_point_weights_are_told(
    tmp_path: Path, odd: torch.Tensor
) -> None:
    path = tmp_path / "odd.pth"
    torch.save(state_dict(seeded_network(TINY)) | {"pretrained.norm.weight": odd}, path)
    for read in (read_names, read_tensors):
        with pytest.raises(
            CheckpointError, match=r"no floating-point weights: pretrained.norm.weight"
        ):
            read(path)


def test_a_small_file_that_claims_terabytes_is_told(tmp_path: Path) -> None:
    path = tmp_path / "bomb.pth"
    claimed = torch.zeros(1).as_strided((1, 37 * 37 + 1, 1 << 30), (0, 0, 0))
    torch.save(state_dict(seeded_network(TINY)) | {"pretrained.pos_embed": claimed}, path)
    with pytest.raises(CheckpointError, match=r"claims [\d,]+ bytes of weights in a file of"):
        load_network(path)


def test_wrong_tensors_are_named(tmp_path: Path) -> None:
    tensors = state_dict(seeded_network(TINY))
    del tensors["pretrained.blocks.1.attn.qkv.bias"]
    tensors["pretrained.norm.weight"] = torch.zeros(3)
    tensors["optimizer.step"] = torch.zeros(1)
    path = tmp_path / "wrong.pth"
    torch.save(tensors, path)
    with pytest.raises(CheckpointError) as refused:
        load_network(path)
    told = str(refused.value)
    assert "lacks pretrained.blocks.1.attn.qkv.bias" in told
    assert "has an unknown optimizer.step" in told
    assert "has pretrained.norm.weight of shape (3,), expected (64,)" in told


def test_weights_of_another_network_are_told(tmp_path: Path) -> None:
    path = tmp_path / "linear.pth"
    torch.save(torch.nn.Linear(2, 2).state_dict(), path)
    with pytest.raises(CheckpointError, match=r"lacks the tensors pretrained.cls_token, .*bias"):
        load_network(path)
