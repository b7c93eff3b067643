"""A network as an ONNX or an OpenVINO file."""

import json
import warnings
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from vizion3d.checkpoints.store import Checkpoint
from vizion3d.networks.base import Network, Output, Size

if TYPE_CHECKING:
    from torch import nn

ExportFormat = Literal["onnx", "openvino"]
ExportPrecision = Literal["fp32", "fp16"]

OPSET = 18
"""Version of ONNX's operators that files are written for."""

TRACED_SIZE = (100, 134)
"""Of the images that a file with preprocessing is traced with; unlike the network's own size."""


def graph_of(
    checkpoint: Checkpoint, size: Size | None, precision: ExportPrecision, with_preprocessing: bool
) -> "nn.Module":
    """The network with its extra inputs inside, and the recipe around it if asked for.

    Args:
        checkpoint: The network.
        size: ``(height, width)`` at which the network sees images; ``None``: any, which the
            network's ``graph_parts`` must allow.
        precision: Of its weights and arithmetic.
        with_preprocessing: See :func:`vizion3d.runtime.export.export`.

    Raises:
        CheckpointError: The file's tensors are not those of its network.
    """
    import torch
    import torch.nn.functional as F
    from torch import Tensor, nn

    from vizion3d.checkpoints.weights import load
    from vizion3d.networks.graph import GraphParts, TracedSize

    network, loaded = checkpoint.network, load(checkpoint)
    recipe, dtype = network.recipe, torch.float16 if precision == "fp16" else torch.float32
    module = loaded.module.to(dtype)
    for part in network.float32_parts:
        module.get_submodule(part).float()

    class Graph(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.module = module
            self.parts = network.graph_parts(loaded.constants) or GraphParts(recipe)
            extras = () if size is None else network.extras(loaded.constants, size)
            self.extras = tuple(map(torch.from_numpy, extras))
            self.fixed = None if size is None else (torch.tensor(size[0]), torch.tensor(size[1]))
            self.mean, self.deviation = (
                torch.tensor(v).view(1, 3, 1, 1) for v in (recipe.mean, recipe.deviation)
            )

        def forward(self, *images: Tensor) -> tuple[Tensor, ...]:
            sides = [torch.as_tensor(side) for side in images[0].shape[1:]]
            if with_preprocessing:
                seen = self.fixed or self.parts.network_size(sides[0], sides[1])
                inputs = [self.prepared(image, seen) for image in images]
            else:
                seen, inputs = (sides[1], sides[2]), list(images)
            extras = self.extras if self.fixed else self.parts.extras(*seen)
            answers = self.module(*(t.to(dtype) for t in (*inputs, *extras)))
            answers = (answers,) if isinstance(answers, Tensor) else answers
            return tuple(
                self.finished(output, answer.float(), images[0])
                if with_preprocessing
                else answer.float()
                for output, answer in zip(network.outputs, answers, strict=True)
            )

        def prepared(self, image: Tensor, seen: TracedSize) -> Tensor:
            resized = self.parts.resize(image.permute(0, 3, 1, 2).float(), seen)
            return (resized / 255 - self.mean) / self.deviation

        def finished(self, output: Output, answer: Tensor, image: Tensor) -> Tensor:
            if not output.meaning.is_map:
                return answer
            factor = output.meaning.factor(answer.shape[2], image.shape[2])
            resized = F.interpolate(
                answer[:, None],
                size=(image.shape[1], image.shape[2]),
                mode="bilinear",
                align_corners=recipe.align_corners,
            )
            scaled: Tensor = resized[:, 0] * factor
            return scaled

    return Graph().eval()


def write_onnx(
    module: "nn.Module", network: Network, size: Size | None, path: Path, with_preprocessing: bool
) -> None:
    """Trace a network for any batch; for images of any size if preprocessing is inside, or if
    ``size`` is ``None``."""
    import torch

    maps = {0: "batch", 1: "height", 2: "width"}
    if with_preprocessing:
        image, images = torch.zeros(1, *TRACED_SIZE, 3, dtype=torch.uint8), maps
    elif size is None:
        sides = network.recipe.network_size(*TRACED_SIZE, network.recipe.input_size // 4)
        image, images = torch.zeros(1, 3, *sides), {0: "batch", 2: "height", 3: "width"}
    else:
        image, images, maps = torch.zeros(1, 3, *size), {0: "batch"}, {0: "batch"}
    axes = dict.fromkeys(network.inputs, images)
    for output in network.outputs:
        axes[output.name] = maps if output.meaning.is_map else {0: "batch"}
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


def facts_of(
    network: Network, size: Size | None, precision: ExportPrecision, with_preprocessing: bool
) -> dict[str, str]:
    """What a file says of itself."""
    recipe = {k: v for k, v in asdict(network.recipe).items() if k != "host_resize"}
    return {
        "network": network.title,
        "variant": network.variant,
        "outputs": json.dumps({output.name: output.meaning.value for output in network.outputs}),
        "recipe": json.dumps(recipe),
        "network_size": "any" if size is None else f"{size[0]}x{size[1]}",
        "precision": precision,
        "preprocessing": "inside" if with_preprocessing else "none",
        "opset": str(OPSET),
    }


def describe(path: Path, metadata: Mapping[str, str]) -> None:
    """Write ``metadata`` into an ONNX file, with ``vizion3d.`` before each name."""
    import onnx

    model = onnx.load(path)
    for key, value in metadata.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = f"vizion3d.{key}", value
    onnx.save(model, path)


def to_openvino(path: Path, precision: ExportPrecision) -> Path:
    """Convert an ONNX file; the answer lies beside it."""
    from vizion3d.runtime.openvino_library import core, ov

    model = core.read_model(str(path))
    written = path.with_suffix(".xml")
    ov.save_model(model, str(written), compress_to_fp16=precision == "fp16")
    return written
