"""Networks as files for other runtimes: ONNX, and OpenVINO's own format."""

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from vizion3d.checkpoints.store import Checkpoint, CheckpointStore
from vizion3d.core.cqrs import Command
from vizion3d.errors import InferenceError, InvalidConfigError, MissingDependencyError
from vizion3d.networks.base import Network, Size
from vizion3d.runtime.export.checking import compare, sizes_to_check
from vizion3d.runtime.export.writing import (
    OPSET,
    ExportFormat,
    ExportPrecision,
    describe,
    facts_of,
    graph_of,
    to_openvino,
    write_onnx,
)

__all__ = [
    "OPSET",
    "ExportFormat",
    "ExportHandler",
    "ExportModelCommand",
    "ExportPrecision",
    "Exported",
    "export",
    "write_triton_model",
]

TOLERANCES: Mapping[ExportPrecision, float] = {"fp32": 1e-3, "fp16": 1e-2}
"""Largest difference from our own runtime that is accepted, as a share of an output's range."""


@dataclass
class ExportModelCommand(Command["Exported"]):
    """Write a model as a file for other runtimes, and check what it computes.

    Attributes:
        model_backend: As ``vizion3d models list`` shows them: a name, an https URL or a path.
        out: Folder of the file.
        file_format: ``"onnx"`` or ``"openvino"``.
        size: ``(height, width)`` at which the network sees images, fixed in the file, or ``None``.
        precision: ``"fp32"`` or ``"fp16"``.
        with_preprocessing: Take uint8 images of any size; see :func:`export`.
    """

    model_backend: str
    out: Path
    file_format: ExportFormat = "onnx"
    size: Size | None = None
    precision: ExportPrecision = "fp32"
    with_preprocessing: bool = False


@dataclass(frozen=True)
class Exported:
    """A file that was written and checked.

    Attributes:
        path: The file: ``.onnx``, or ``.xml`` beside its ``.bin``.
        worst: Largest difference from our runtime, as a share of the output's range, by output.
        size: ``(height, width)`` at which the network sees images, in pixels, if it is fixed in the
            file; ``None``: any, or with preprocessing inside what the recipe says.
        checked: Sizes of the inputs that were compared, ``(height, width)``.
    """

    path: Path
    worst: Mapping[str, float]
    size: Size | None
    checked: tuple[Size, ...]


def export(
    checkpoint: Checkpoint,
    out: Path,
    name: str,
    file_format: ExportFormat = "onnx",
    size: Size | None = None,
    precision: ExportPrecision = "fp32",
    *,
    with_preprocessing: bool = False,
    metadata: Mapping[str, str] | None = None,
) -> Exported:
    """Write a network as a file for other runtimes, and check what it computes.

    The batch may be of any size. What depends on the input's size in more than shapes, such as a
    resampled positional embedding, is computed inside the file, or becomes part of it for ``size``.

    Args:
        checkpoint: The network.
        out: Folder of the file; made if it is not there.
        name: Of the file, without its ending.
        file_format: ``"onnx"`` or ``"openvino"``.
        size: ``(height, width)`` at which the network sees images, fixed in the file. If it is not
            given, the file takes any multiple of the recipe's, or, with preprocessing, sees an
            image at the size that the recipe says.
        precision: Of the weights and the arithmetic in the file; its inputs and outputs are
            float32 whatever it is.
        with_preprocessing: Inputs are uint8 ``(N, H, W, 3)`` of any size and maps come back at the
            images' size: the whole recipe is in the file. Without it, inputs are float32
            ``(N, 3, h, w)``, normalised.
        metadata: What else the file is to say of itself.

    Raises:
        InvalidConfigError: A size that the network cannot have, or preprocessing that cannot be
            part of a file.
        InferenceError: The file computes something else than our runtime.
        MissingDependencyError: ``onnx`` or ``onnxruntime`` is not installed.
        CheckpointError: The file's tensors are not those of its network.
    """
    network = checkpoint.network
    _require("onnx", "onnxruntime")
    _check(network, size, with_preprocessing)
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out, prefix=".export-") as folder:
        written = Path(folder) / f"{name}.onnx"
        module = graph_of(checkpoint, size, precision, with_preprocessing)
        write_onnx(module, network, size, written, with_preprocessing)
        describe(
            written, {**facts_of(network, size, precision, with_preprocessing), **(metadata or {})}
        )
        if file_format == "openvino":
            written = to_openvino(written, precision)
        inputs = sizes_to_check(network, size, with_preprocessing)
        worst = compare(checkpoint, written, inputs, size, with_preprocessing)
        bad = {o: w for o, w in worst.items() if not w <= TOLERANCES[precision]}
        if bad:
            told = ", ".join(f"{output} by {share:.2g}" for output, share in bad.items())
            raise InferenceError(
                f"the exported {network.title} differs from what it was exported from: {told} of "
                f"the range, more than {TOLERANCES[precision]:g}; nothing was written. "
                + ("Export it with fp32" if precision == "fp16" else "Please report this")
            )
        path = out / written.name
        for part in Path(folder).glob(f"{name}.*"):
            if file_format == "onnx" or part.suffix != ".onnx":
                shutil.move(part, out / part.name)
    return Exported(path, worst, size, inputs)


def write_triton_model(exported: Exported, repository: Path, name: str) -> Path:
    """Put an ONNX file where NVIDIA Triton looks for models.

    Returns:
        The model's folder: ``config.pbtxt`` and ``1/model.onnx``.

    Raises:
        InvalidConfigError: It is no ONNX file.
    """
    if exported.path.suffix != ".onnx":
        raise InvalidConfigError(
            "a Triton repository takes an ONNX file: export with --format onnx"
        )
    folder = repository / name
    (folder / "1").mkdir(parents=True, exist_ok=True)
    shutil.copyfile(exported.path, folder / "1" / "model.onnx")
    # Triton reads names, types and shapes from the file itself.
    (folder / "config.pbtxt").write_text(
        f'name: "{name}"\nbackend: "onnxruntime"\nmax_batch_size: 8\ndynamic_batching {{}}\n'
    )
    return folder


def _check(network: Network, size: Size | None, with_preprocessing: bool) -> None:
    recipe = network.recipe
    if size is not None and any(side <= 0 or side % recipe.multiple for side in size):
        raise InvalidConfigError(
            f"the size {size[0]}x{size[1]} does not fit: both sides of the input of "
            f"{network.title} are multiples of {recipe.multiple} pixels"
        )
    if type(network).graph_parts is not Network.graph_parts:
        return
    if size is None:
        height, width = recipe.network_size(480, 640)
        raise InvalidConfigError(
            f"a file with {network.title} has one fixed input size: give it, such as "
            f"{height}x{width}"
        )
    if with_preprocessing and recipe.host_resize:
        raise InvalidConfigError(
            f"{network.title} resizes images with operators that no graph has: export it without "
            "preprocessing, and prepare images as its recipe says"
        )


def _require(*libraries: str) -> None:
    from importlib.util import find_spec

    missing = [library for library in libraries if find_spec(library) is None]
    if missing:
        raise MissingDependencyError(
            f"exporting needs {' and '.join(missing)}: pip install 'vizion3d[export]'"
        )


class ExportHandler:
    """Exports models.

    Args:
        checkpoints: Finds checkpoint files.
    """

    def __init__(self, checkpoints: CheckpointStore) -> None:
        self._checkpoints = checkpoints

    def handle(self, command: ExportModelCommand) -> Exported:
        """See :func:`export`."""
        release = self._checkpoints.release_of(command.model_backend)
        checkpoint = self._checkpoints.resolve(command.model_backend)
        return export(
            checkpoint,
            command.out,
            release.name if release else checkpoint.path.stem,
            command.file_format,
            command.size,
            command.precision,
            with_preprocessing=command.with_preprocessing,
            metadata={"licence": release.licence if release else "unknown"},
        )
