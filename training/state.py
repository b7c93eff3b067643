"""A training run's state on disk, in pieces of at most 16 MiB."""

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

PIECE_BYTES = 15 << 20


def save_state(folder: Path, tensors: dict[str, Tensor], meta: dict[str, Any]) -> None:
    """Write tensors and JSON-able ``meta``; an interrupted call leaves the old state in place."""
    fresh, old = folder.with_name(folder.name + ".new"), folder.with_name(folder.name + ".old")
    for leftover in (fresh, old):
        shutil.rmtree(leftover, ignore_errors=True)
    fresh.mkdir(parents=True)
    piece: dict[str, Tensor] = {}
    count, size = 0, 0
    for name, tensor in tensors.items():
        if piece and size + tensor.nbytes > PIECE_BYTES:
            save_file(piece, fresh / f"state-{count:03}.safetensors")
            piece, count, size = {}, count + 1, 0
        piece[name] = tensor.detach().cpu().contiguous()
        size += tensor.nbytes
    save_file(piece, fresh / f"state-{count:03}.safetensors")
    (fresh / "meta.json").write_text(json.dumps(meta))
    if folder.exists():
        folder.rename(old)
    fresh.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def load_state(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """What `save_state` wrote."""
    tensors: dict[str, Tensor] = {}
    for path in sorted(folder.glob("state-*.safetensors")):
        tensors |= load_file(path)
    return tensors, json.loads((folder / "meta.json").read_text())


def part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors whose names start with ``prefix``, without it."""
    return {k[len(prefix) :]: v for k, v in tensors.items() if k.startswith(prefix)}


def flatten_optimizer(optimizer: torch.optim.Optimizer, prefix: str) -> dict[str, Tensor]:
    """Moments and step counts under ``<prefix><parameter>.<name>``."""
    state = optimizer.state_dict()["state"]
    return {
        f"{prefix}{index}.{name}": value
        for index, entry in state.items()
        for name, value in entry.items()
    }


def restore_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """Take back what `flatten_optimizer` made, without its prefix."""
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        index, name = key.split(".")
        state.setdefault(int(index), {})[name] = value
    whole = optimizer.state_dict()
    optimizer.load_state_dict({"state": state, "param_groups": whole["param_groups"]})
