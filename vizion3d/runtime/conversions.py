"""Networks converted to OpenVINO and compiled for this CPU, kept on disk.

The next process needs neither torch nor the compiler: it maps the file and runs.
"""

import hashlib
import json
import logging
import mmap
import os
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vizion3d.checkpoints.store import Checkpoint
from vizion3d.core.arrays import Float32Array
from vizion3d.core.files import write_atomic
from vizion3d.runtime.devices import require_torch
from vizion3d.runtime.ready import read_ready
from vizion3d.settings import Precision

logger = logging.getLogger(__name__)

FORMAT = 3
"""Raised whenever the conversion changes, so that older ones are made anew."""

FOLDER = "openvino"
_NETWORK, _CONSTANTS = "network.blob", "constants.npz"


@dataclass(frozen=True)
class Converted:
    """A converted network, compiled for this CPU.

    Attributes:
        network: ``openvino.CompiledModel``: the network's images, float32 ``(N, 3, h, w)`` each,
            then its extra inputs -> its outputs, in the order of its description.
        constants: What its extra inputs are computed from.
        memory: The mapped file that ``network`` reads its weights from: it must outlive it.
    """

    network: Any
    constants: dict[str, Float32Array]
    memory: Any = None


class ConversionStore:
    """Converted networks in a folder of the model cache.

    Keyed by the checkpoint's content, the network that it is read as, the precision, and what the
    network was compiled with and for: OpenVINO's version and the kind of CPU.

    Args:
        cache: The model cache. Where it cannot be written, networks are converted in memory, anew
            in every process.
    """

    def __init__(self, cache: Path) -> None:
        self._folder = cache / FOLDER

    def get(self, checkpoint: Checkpoint, precision: Precision) -> Converted:
        """The converted network, made if it is not there.

        Args:
            checkpoint: The checkpoint file.
            precision: Of the arithmetic: ``fp32``, ``bf16``, ``fp16`` or ``int8``.

        Raises:
            CheckpointError: The file's tensors are not those of its network.
            MissingDependencyError: What converts is not installed: torch, and NNCF for int8.
        """
        from vizion3d.runtime.openvino_library import fingerprint

        try:
            key = _key(self._digest(checkpoint.path), checkpoint)
            folder = self._folder / f"{key}-{precision}-{fingerprint()}"
            kept = _read(folder, precision)
            if kept is None:
                from filelock import FileLock  # imports asyncio, and is needed once a checkpoint

                with FileLock(self._folder / f".{folder.name}.lock"):
                    kept = _read(folder, precision) or self._make(checkpoint, precision, folder)
            return kept
        except OSError as error:
            logger.warning(
                "cannot keep converted networks in %s (%s): converting %s in memory, in every "
                "process anew; set VIZION3D_MODEL_CACHE to a folder that can be written",
                self._folder,
                error.strerror or error,
                checkpoint.path,
            )
            return _compile(checkpoint, precision)

    def place(self, checkpoint: Checkpoint, name: str) -> Path:
        """Folder for what another runtime makes of a checkpoint; it need not be there yet.

        Args:
            checkpoint: The checkpoint file.
            name: Of the runtime and what it depends on.

        Raises:
            OSError: The model cache cannot be written.
        """
        return self._folder / f"{_key(self._digest(checkpoint.path), checkpoint)}-{name}"

    def has(self, checkpoint: Checkpoint) -> bool:
        """Whether a checkpoint was converted, for any precision; reads no checkpoint to tell."""
        digest = self._remembered_digest(checkpoint.path)
        if digest is None:
            return False
        return any(self._folder.glob(f"{_key(digest, checkpoint)}-*"))

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

    def _make(self, checkpoint: Checkpoint, precision: Precision, folder: Path) -> Converted:
        logger.info("compiling %s for OpenVINO in %s, once", checkpoint.path, precision)
        made = _compile(checkpoint, precision)
        beside = folder.with_name(f".{folder.name}.{os.getpid()}.part")
        shutil.rmtree(folder, ignore_errors=True)  # one that could not be read
        try:
            beside.mkdir(parents=True)
            (beside / _NETWORK).write_bytes(made.network.export_model().getbuffer())
            np.savez(beside / _CONSTANTS, **made.constants)  # type: ignore[arg-type]  # its stub
            beside.rename(folder)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
        return made

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


def _read(folder: Path, precision: Precision) -> Converted | None:
    """What is kept in the folder; ``None`` if there is nothing, or nothing that can be read."""
    from vizion3d.runtime.openvino_library import core, hints_for, ov

    if not folder.is_dir():
        return None
    try:
        # Mapped, not read: the weights go from the page cache straight into the packed form that
        # the CPU computes with. Copied on write only because OpenVINO takes no read-only memory.
        with (folder / _NETWORK).open("rb") as file:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
        memory = ov.Tensor(np.frombuffer(mapped, np.uint8), shared_memory=True)
        network = core.import_model(memory, "CPU", hints_for(precision))
        # Opened here: NumPy leaves a damaged file open.
        with (folder / _CONSTANTS).open("rb") as file, np.load(file) as kept:
            constants = dict(kept)
        return Converted(network, constants, memory)
    # What NumPy and OpenVINO meet damaged bytes with.
    except (RuntimeError, ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        logger.warning("the converted network in %s is damaged: %s", folder, error)
        return None


def _compile(checkpoint: Checkpoint, precision: Precision) -> Converted:
    from vizion3d.runtime.int8 import quantize, require_int8
    from vizion3d.runtime.openvino_library import compress_to_half, core, hints_for

    if precision == "int8":
        require_int8(checkpoint.network)  # before the work, not after it
        model, constants = convert(checkpoint)
        model = quantize(model, checkpoint.network, constants)
    elif (ready := read_ready(checkpoint)) is not None:
        model, constants = ready, {}
    else:
        model, constants = convert(checkpoint)
        if precision != "fp32":
            compress_to_half(model)
    return Converted(core.compile_model(model, "CPU", hints_for(precision)), constants)


def _stamp(path: Path) -> list[str | int]:
    status = path.stat()
    return [str(path.resolve()), status.st_size, status.st_mtime_ns]


def _key(digest: str, checkpoint: Checkpoint) -> str:
    return f"{digest[:16]}-{checkpoint.network.key}-v{FORMAT}"


def convert(checkpoint: Checkpoint) -> tuple[Any, dict[str, Float32Array]]:
    """Convert a checkpoint's network, for every input size and batch at once.

    What depends on the input's size in more than shapes becomes further inputs.

    Returns:
        ``openvino.Model``, and what its extra inputs are computed from, as in :class:`Converted`.

    Raises:
        CheckpointError: The file's tensors are not those of its network.
        MissingDependencyError: torch is not installed.
    """
    require_torch(checkpoint.path)
    import torch

    from vizion3d.checkpoints.weights import load
    from vizion3d.runtime.openvino_library import ov

    from openvino.frontend import FrontEndManager  # isort: skip (after the library above)
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder  # isort: skip

    network, loaded = checkpoint.network, load(checkpoint)
    # A small example; sides that differ, so that none is taken for the other.
    unit = network.recipe.multiple
    small, other = (2 * unit, 3 * unit), (3 * unit, 3 * unit)
    extras = network.extras(loaded.constants, small)
    example = (
        *(torch.zeros(1, 3, *small) for _ in network.inputs),
        *(torch.from_numpy(extra) for extra in extras),
    )
    # Not openvino.convert_model: it reports every conversion to its makers over the network, and
    # takes twice the time. Nor torch's check of the trace, which would run and compare it again:
    # the tests compare every size with torch.
    with torch.no_grad():
        traced = torch.jit.trace(loaded.module, example, check_trace=False)
        decoder = TorchScriptPythonDecoder(traced, example_input=example)
        frontend = FrontEndManager().load_by_framework("pytorch")
        model = frontend.convert(frontend.load(decoder))
    any_size = ov.PartialShape([-1, 3, -1, -1])
    shapes = [any_size for _ in network.inputs]
    for a, b in zip(extras, network.extras(loaded.constants, other), strict=True):
        # A side that changes with the input's size may be any.
        sides = [x if x == y else -1 for x, y in zip(a.shape, b.shape, strict=True)]
        shapes.append(ov.PartialShape(sides))
    model.reshape(dict(enumerate(shapes)))
    return model, loaded.constants
