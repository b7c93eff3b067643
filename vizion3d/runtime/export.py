"""Networks as files for other runtimes: ONNX, and OpenVINO's own format."""

import json
import shutil
import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from vizion3d.checkpoints.store import Checkpoint, CheckpointStore
from vizion3d.core.cqrs import Command
from vizion3d.errors import InferenceError, InvalidConfigError, MissingDependencyError
from vizion3d.networks.base import Network, Size

if TYPE_CHECKING:
    from torch import nn

ExportFormat = Literal["onnx", "openvino"]
ExportPrecision = Literal["fp32", "fp16"]

OPSET = 18
"""Version of ONNX's operators that files are written for."""

TOLERANCES: Mapping[ExportPrecision, float] = {"fp32": 1e-3, "fp16": 1e-2}
"""Largest difference from our own runtime that is accepted, as a share of an output's range."""

_CHECKED_SIZE = (100, 134)
"""Of the images that a file with preprocessing is checked with; unlike the network's own size."""


@dataclass
class ExportModelCommand(Command["Exported"]):
    """Write a model as a file for other runtimes, and check what it computes.

    Attributes:
        model_backend: As ``vizion3d models list`` shows them: a name, an https URL or a path.
        out: Folder of the file.
        file_format: ``"onnx"`` or ``"openvino"``.
        size: ``(height, width)`` at which the network sees images, fixed in the file; ``None``: its
            best for a landscape photo of 4 : 3.
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
        size: ``(height, width)`` at which the network sees images, in pixels; fixed in the file.
    """

    path: Path
    worst: Mapping[str, float]
    size: Size


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
    resampled positional embedding, is computed for ``size`` and becomes part of the file.

    Args:
        checkpoint: The network.
        out: Folder of the file; made if it is not there.
        name: Of the file, without its ending.
        file_format: ``"onnx"`` or ``"openvino"``.
        size: ``(height, width)`` at which the network sees images; its best for a landscape photo
            of 4 : 3 if it is not given.
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
    size = _checked_size(network, size)
    if with_preprocessing and network.recipe.host_resize:
        raise InvalidConfigError(
            f"{network.title} resizes images with operators that no graph has (averages of areas, "
            "in 8 bits): export it without preprocessing, and prepare images as its recipe says"
        )
    _require("onnx", "onnxruntime")
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out, prefix=".export-") as folder:
        written = Path(folder) / f"{name}.onnx"
        module = _graph(checkpoint, size, precision, with_preprocessing)
        _write_onnx(module, network, size, written, with_preprocessing)
        _describe(
            written, {**_facts(network, size, precision, with_preprocessing), **(metadata or {})}
        )
        if file_format == "openvino":
            written = _to_openvino(written, precision)
        worst = _compare(checkpoint, written, size, with_preprocessing)
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
    return Exported(path, worst, size)


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


def _checked_size(network: Network, size: Size | None) -> Size:
    recipe = network.recipe
    if size is None:
        return recipe.network_size(480, 640)
    if any(side <= 0 or side % recipe.multiple for side in size):
        raise InvalidConfigError(
            f"the size {size[0]}x{size[1]} does not fit: both sides of the input of "
            f"{network.title} are multiples of {recipe.multiple} pixels"
        )
    return size


def _require(*libraries: str) -> None:
    from importlib.util import find_spec

    missing = [library for library in libraries if find_spec(library) is None]
    if missing:
        raise MissingDependencyError(
            f"exporting needs {' and '.join(missing)}: pip install 'vizion3d[export]'"
        )


def _graph(
    checkpoint: Checkpoint, size: Size, precision: ExportPrecision, with_preprocessing: bool
) -> "nn.Module":
    import torch
    import torch.nn.functional as F
    from torch import Tensor, nn

    from vizion3d.checkpoints.weights import load

    network, loaded = checkpoint.network, load(checkpoint)
    recipe, dtype = network.recipe, torch.float16 if precision == "fp16" else torch.float32
    module = loaded.module.to(dtype)
    for part in network.float32_parts:
        module.get_submodule(part).float()

    class Graph(nn.Module):
        """The network with its extra inputs inside, and the recipe around it if asked for."""

        def __init__(self) -> None:
            super().__init__()
            self.module = module
            self.extras = [
                torch.from_numpy(extra).to(dtype)
                for extra in network.extras(loaded.constants, size)
            ]
            self.mean, self.deviation = (
                torch.tensor(v).view(1, 3, 1, 1) for v in (recipe.mean, recipe.deviation)
            )

        def forward(self, *images: Tensor) -> tuple[Tensor, ...]:
            inputs = [self.prepared(image) if with_preprocessing else image for image in images]
            answers = self.module(*(image.to(dtype) for image in inputs), *self.extras)
            answers = (answers,) if isinstance(answers, Tensor) else answers
            return tuple(
                self.finished(output, answer.float(), images[0])
                if with_preprocessing
                else answer.float()
                for output, answer in zip(network.outputs, answers, strict=True)
            )

        def prepared(self, image: Tensor) -> Tensor:
            scaled = image.permute(0, 3, 1, 2).float() / 255
            resized = F.interpolate(scaled, size=size, mode="bicubic", align_corners=False)
            return (resized - self.mean) / self.deviation

        def finished(self, output: Any, answer: Tensor, image: Tensor) -> Tensor:
            if not output.meaning.is_map:
                return answer
            factor = output.meaning.factor(size[1], image.shape[2])
            resized = F.interpolate(
                answer[:, None],
                size=(image.shape[1], image.shape[2]),
                mode="bilinear",
                align_corners=recipe.align_corners,
            )
            scaled: Tensor = resized[:, 0] * factor
            return scaled

    return Graph().eval()


def _write_onnx(
    module: "nn.Module", network: Network, size: Size, path: Path, with_preprocessing: bool
) -> None:
    import torch

    if with_preprocessing:
        image = torch.zeros(1, *_CHECKED_SIZE, 3, dtype=torch.uint8)
        any_sides = {0: "batch", 1: "height", 2: "width"}
    else:
        image, any_sides = torch.zeros(1, 3, *size), {0: "batch"}
    axes = dict.fromkeys(network.inputs, any_sides)
    for output in network.outputs:
        is_map = output.meaning.is_map
        axes[output.name] = any_sides if is_map else {0: "batch"}
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own, of its way to write ONNX
        torch.onnx.export(
            module,
            tuple(image.clone() for _ in network.inputs),
            str(path),
            input_names=list(network.inputs),
            output_names=[output.name for output in network.outputs],
            dynamic_axes=axes,
            opset_version=OPSET,
            dynamo=False,
        )


def _facts(
    network: Network, size: Size, precision: ExportPrecision, with_preprocessing: bool
) -> dict[str, str]:
    recipe = {k: v for k, v in asdict(network.recipe).items() if k != "host_resize"}
    return {
        "network": network.title,
        "variant": network.variant,
        "outputs": json.dumps({output.name: output.meaning.value for output in network.outputs}),
        "recipe": json.dumps(recipe),
        "network_size": f"{size[0]}x{size[1]}",
        "precision": precision,
        "preprocessing": "inside" if with_preprocessing else "none",
        "opset": str(OPSET),
    }


def _describe(path: Path, metadata: Mapping[str, str]) -> None:
    import onnx

    model = onnx.load(path)
    for key, value in metadata.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = f"vizion3d.{key}", value
    onnx.save(model, path)


def _to_openvino(path: Path, precision: ExportPrecision) -> Path:
    from vizion3d.runtime.openvino_library import core, ov

    model = core.read_model(str(path))
    written = path.with_suffix(".xml")
    ov.save_model(model, str(written), compress_to_fp16=precision == "fp16")
    return written


def _compare(
    checkpoint: Checkpoint, path: Path, size: Size, with_preprocessing: bool
) -> dict[str, float]:
    """Largest difference of every output, as a share of its range, for two images at once."""
    network = checkpoint.network
    images = _images(network, size, with_preprocessing)
    expected = _expected(checkpoint, images, size, with_preprocessing)
    found = _run(path, [images[name] for name in network.inputs])
    worst = {}
    for output, answer in zip(network.outputs, found, strict=True):
        reference = expected[output.name]
        spread = float(reference.max() - reference.min())
        worst[output.name] = float(np.abs(answer - reference).max()) / (spread or 1.0)
    return worst


def _images(network: Network, size: Size, with_preprocessing: bool) -> dict[str, NDArray[Any]]:
    generator = np.random.default_rng(0)
    if with_preprocessing:
        shape = (2, *_CHECKED_SIZE, 3)
        return {name: generator.integers(0, 256, shape, np.uint8) for name in network.inputs}
    return {
        name: generator.standard_normal((2, 3, *size)).astype(np.float32) for name in network.inputs
    }


def _expected(
    checkpoint: Checkpoint, images: Mapping[str, NDArray[Any]], size: Size, with_preprocessing: bool
) -> Mapping[str, NDArray[Any]]:
    import torch

    from vizion3d.checkpoints.weights import load
    from vizion3d.runtime.torch_runtime import TorchRuntime

    if with_preprocessing:
        return TorchRuntime(checkpoint, "cpu", "fp32").infer(images, size)
    network, loaded = checkpoint.network, load(checkpoint)
    extras = network.extras(loaded.constants, size)
    arrays = (*(images[name] for name in network.inputs), *extras)
    with torch.inference_mode():
        answers = loaded.module(*(torch.from_numpy(array) for array in arrays))
    answers = (answers,) if isinstance(answers, torch.Tensor) else answers
    return {o.name: a.numpy() for o, a in zip(network.outputs, answers, strict=True)}


def _run(path: Path, inputs: list[NDArray[Any]]) -> list[NDArray[Any]]:
    """What the file computes, in the runtime that it is written for."""
    if path.suffix == ".xml":
        from vizion3d.runtime.openvino_library import core, hints_for

        compiled = core.compile_model(str(path), "CPU", hints_for("fp32"))
        return [np.array(tensor) for tensor in compiled(inputs).values()]
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [given.name for given in session.get_inputs()]
    answers: list[NDArray[Any]] = session.run(None, dict(zip(names, inputs, strict=True)))
    return answers


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
