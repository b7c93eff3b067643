"""Networks converted to OpenVINO, kept on disk so that the next process needs no torch."""

import hashlib
import json
import logging
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock

from vizion3d.lifting.checkpoints.store import Checkpoint
from vizion3d.lifting.outputs.atomic import write_atomic
from vizion3d.lifting.runtime.positions import Float32Array

logger = logging.getLogger(__name__)

FORMAT = 1
"""Raised whenever the conversion changes, so that older ones are made anew."""

FOLDER = "openvino"
_NETWORK, _POSITIONS = "network.xml", "positions.npy"


@dataclass(frozen=True)
class Converted:
    """A converted network.

    Attributes:
        network: ``openvino.Model``: image float32 ``(N, 3, H, W)``, positional embedding
            ``(1, 1 + H/p * W/p, C)`` -> depth ``(N, H, W)``.
        positions: The stored positional embedding, ``(1, 1 + grid**2, C)``.
    """

    network: Any
    positions: Float32Array


class ConversionStore:
    """Converted networks in a folder of the model cache, keyed by the checkpoint's content.

    Args:
        cache: The model cache. Where it cannot be written, networks are converted in memory, anew
            in every process.
    """

    def __init__(self, cache: Path) -> None:
        self._folder = cache / FOLDER

    def get(self, checkpoint: Checkpoint) -> Converted:
        """The converted network, made if it is not there.

        Raises:
            CheckpointError: The file is not a Depth Anything V2 checkpoint.
        """
        try:
            folder = self._folder / _key(self._digest(checkpoint.path), checkpoint)
            kept = _read(folder)
            if kept is None:
                with FileLock(self._folder / f".{folder.name}.lock"):
                    kept = _read(folder) or self._make(checkpoint, folder)
            return kept
        except OSError as error:
            logger.warning(
                "cannot keep converted networks in %s (%s): converting %s in memory, in every "
                "process anew; set VIZION3D_MODEL_CACHE to a folder that can be written",
                self._folder,
                error.strerror or error,
                checkpoint.path,
            )
            return convert(checkpoint)

    def has(self, checkpoint: Checkpoint) -> bool:
        """Whether a checkpoint's converted network is there; reads no checkpoint to tell."""
        digest = self._remembered_digest(checkpoint.path)
        return digest is not None and (self._folder / _key(digest, checkpoint)).is_dir()

    def size_bytes(self) -> int:
        """How much all converted networks take."""
        return sum(p.stat().st_size for p in self._folder.rglob("*") if p.is_file())

    def clear(self) -> int:
        """Remove every converted network; they are made again when needed.

        Returns:
            How many bytes that freed.
        """
        freed = self.size_bytes()
        if self._folder.is_dir():
            shutil.rmtree(self._folder)
        return freed

    def _make(self, checkpoint: Checkpoint, folder: Path) -> Converted:
        from vizion3d.lifting.runtime.openvino_library import ov

        logger.info("converting %s for OpenVINO, once", checkpoint.path)
        converted = convert(checkpoint)
        beside = folder.with_name(f".{folder.name}.{os.getpid()}.part")
        shutil.rmtree(folder, ignore_errors=True)  # one that could not be read
        try:
            beside.mkdir(parents=True)
            ov.save_model(converted.network, beside / _NETWORK, compress_to_fp16=False)
            np.save(beside / _POSITIONS, converted.positions)
            beside.rename(folder)
        except RuntimeError as error:  # what OpenVINO makes of a full disk
            raise OSError(str(error)) from error
        finally:
            shutil.rmtree(beside, ignore_errors=True)
        return converted

    def _digest(self, path: Path) -> str:
        """SHA-256 of the file, remembered for as long as its size and time stay the same."""
        known = self._remembered_digest(path)
        if known:
            return known
        stamp = _stamp(path)
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        note = json.dumps({"file": stamp, "sha256": digest})
        write_atomic(self._note_of(path), note.encode())
        return digest

    def _remembered_digest(self, path: Path) -> str | None:
        try:
            note = json.loads(self._note_of(path).read_text())
            return str(note["sha256"]) if note["file"] == _stamp(path) else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _note_of(self, path: Path) -> Path:
        place = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:16]
        return self._folder / f"{place}.json"


def _read(folder: Path) -> Converted | None:
    """What is kept in the folder; ``None`` if there is nothing, or nothing that can be read."""
    from vizion3d.lifting.runtime.openvino_library import ov

    if not folder.is_dir():
        return None
    try:
        network = ov.Core().read_model(folder / _NETWORK)
        return Converted(network, np.load(folder / _POSITIONS))
    except (RuntimeError, ValueError, OSError) as error:
        logger.warning("the converted network in %s is damaged: %s", folder, error)
        return None


def _stamp(path: Path) -> list[str | int]:
    status = path.stat()
    return [str(path.resolve()), status.st_size, status.st_mtime_ns]


def _key(digest: str, checkpoint: Checkpoint) -> str:
    kind = "relative" if checkpoint.max_depth_m is None else f"{checkpoint.max_depth_m:g}m"
    return f"{digest[:16]}-{kind}-v{FORMAT}"


def convert(checkpoint: Checkpoint) -> Converted:
    """Convert a checkpoint's network, for every input size and batch at once.

    The positional embedding becomes a second input: it is the one part that depends on the input's
    size in more than shapes.

    Raises:
        CheckpointError: The file is not a Depth Anything V2 checkpoint.
    """
    import torch

    from vizion3d.lifting.network.model import DepthAnythingV2
    from vizion3d.lifting.network.weights import load_network
    from vizion3d.lifting.runtime.openvino_library import ov

    from openvino.frontend import FrontEndManager  # isort: skip (after the library above)
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder  # isort: skip

    class WithPositions(torch.nn.Module):
        def __init__(self, network: DepthAnythingV2) -> None:
            super().__init__()
            self.network = network

        def forward(self, image: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
            return self.network.with_positions(image, positions)

    network = load_network(checkpoint.path, checkpoint.max_depth_m)
    config = network.config
    rows, cols = 2, 3  # a small example; sides that differ, so that none is taken for the other
    image = torch.zeros(1, 3, rows * config.patch_size, cols * config.patch_size)
    positions = network.pretrained.positional_embedding(rows, cols)
    # Not openvino.convert_model: it reports every conversion to its makers over the network, and
    # takes twice the time. Nor torch's check of the trace, which would run and compare it again:
    # the tests compare every size with torch.
    with torch.no_grad():
        traced = torch.jit.trace(  # type: ignore[no-untyped-call]  # untyped in torch
            WithPositions(network).eval(), (image, positions), check_trace=False
        )
        decoder = TorchScriptPythonDecoder(traced, example_input=(image, positions))
        frontend = FrontEndManager().load_by_framework("pytorch")
        model = frontend.convert(frontend.load(decoder))
    any_size = ov.PartialShape([-1, 3, -1, -1])
    model.reshape({0: any_size, 1: ov.PartialShape([1, -1, config.embed_dim])})
    return Converted(model, network.pretrained.pos_embed.numpy().copy())
