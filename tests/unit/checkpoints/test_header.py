import io
import json
import pickle
import struct
import subprocess
import sys
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file

from tests.support.checkpoints import TINY, save_checkpoint, seeded_network
from vizion3d.checkpoints.header import read_names
from vizion3d.checkpoints.weights import read_tensors
from vizion3d.errors import CheckpointError


@pytest.mark.parametrize("suffix", [".pth", ".pt", ".safetensors"])
def test_names_and_shapes_are_those_of_the_weights(tmp_path: Path, suffix: str) -> None:
    path = save_checkpoint(tmp_path / f"tiny{suffix}")
    names = read_names(path)
    assert names.shapes == {n: tuple(t.shape) for n, t in read_tensors(path).items()}
    assert names.parameters == sum(p.numel() for p in seeded_network(TINY).parameters())
    assert names.metadata == {}


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "older"])
def test_every_way_in_which_torch_writes_is_read(
    tmp_path: Path, dtype: torch.dtype, zipped: bool
) -> None:
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 5), torch.nn.BatchNorm2d(4)).to(dtype)
    whole = torch.zeros(6, 8)
    content = OrderedDict(module.state_dict(), view=whole[2:4].T, parameter=module[0].weight)
    path = tmp_path / "module.pth"
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    expected = {n: tuple(t.shape) for n, t in content.items() if "num_batches" not in n}
    assert read_names(path).shapes == expected
    assert read_tensors(path).keys() == expected.keys(), "counters are no weights"


def test_what_a_safetensors_file_says_of_itself_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_file({"a": torch.zeros(2, 3), "scalar": torch.zeros(())}, path, {"input_size": "384"})
    names = read_names(path)
    assert names.shapes == {"a": (2, 3), "scalar": ()}
    assert names.metadata == {"input_size": "384"}


@pytest.mark.process
def test_torch_is_not_imported(tmp_path: Path) -> None:
    paths = [save_checkpoint(tmp_path / f"tiny{s}") for s in (".pth", ".safetensors")]
    program = (
        "import sys; from pathlib import Path\n"
        "from vizion3d.checkpoints.store import CheckpointStore\n"
        "store = CheckpointStore(Path())\n"
        "print([store.read(Path(p)).checkpoint.network.variant for p in sys.argv[1:]])\n"
        "print('torch' in sys.modules)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program, *paths], capture_output=True, text=True, check=True
    )
    assert run.stdout.split("\n")[:2] == ["['vit-64x4', 'vit-64x4']", "False"]


def safetensors(header: Any, data: bytes = b"") -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (
            safetensors({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}),
            "its header states",
        ),
        (safetensors({"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 0]}}), "no shape"),
        (safetensors({"a": {"dtype": "F32", "shape": ["2"], "data_offsets": [0, 0]}}), "no shape"),
        (safetensors({"a": 7}), "cannot be read"),
        (safetensors([1]), "cannot be read"),
        (struct.pack("<Q", 1 << 60) + b"{}", "header would have"),
        (safetensors({"a": {"dtype": "I8", "shape": [0], "data_offsets": [0, 0]}}), r"a \(I8\)"),
    ],
)
def test_a_safetensors_header_that_makes_no_sense_is_told(
    tmp_path: Path, content: bytes, told: str
) -> None:
    path = tmp_path / "bad.safetensors"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=told):
        read_names(path)


def test_too_many_names_are_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "bomb.pth"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", b"\0" * (5 << 20))
    with pytest.raises(CheckpointError, match="its names would have 5,242,880 bytes"):
        read_names(path)


def test_an_archive_without_names_is_told(tmp_path: Path) -> None:
    path = tmp_path / "other.pth"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "nothing here")
    with pytest.raises(CheckpointError, match="cannot be read as a checkpoint"):
        read_names(path)


@given(st.binary(max_size=200), st.integers(0, 400), st.booleans())
def test_damaged_names_are_told_and_nothing_else_happens(
    tmp_path_factory: pytest.TempPathFactory, damage: bytes, place: int, zipped: bool
) -> None:
    buffer = io.BytesIO()
    torch.save({"weight": torch.zeros(2, 3)}, buffer, _use_new_zipfile_serialization=False)
    whole = buffer.getvalue()
    content = whole[:place] + damage + whole[place + len(damage) :]
    path = tmp_path_factory.getbasetemp() / "damaged.pth"
    if zipped:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a/data.pkl", content)
    else:
        path.write_bytes(content)
    try:
        names = read_names(path)
    except CheckpointError:
        return
    assert all(isinstance(n, str) and isinstance(s, tuple) for n, s in names.shapes.items())


def test_a_memo_index_of_billions_reserves_nothing(tmp_path: Path) -> None:
    """Python's own reader in C makes room for as many entries."""
    opcodes = pickle.PROTO + b"\x02" + pickle.EMPTY_DICT + pickle.LONG_BINPUT
    path = tmp_path / "bomb.pth"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/data.pkl", opcodes + struct.pack("<I", 0xFFFF_FFF0) + pickle.STOP)
    assert read_names(path).shapes == {}
