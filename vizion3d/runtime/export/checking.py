"""Whether a file computes what the network does that it was written from."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vizion3d.checkpoints.store import Checkpoint
from vizion3d.networks.base import Network, Size

Expected = Callable[[Mapping[str, NDArray[Any]], Size], Mapping[str, NDArray[Any]]]
"""Inputs, and the size at which the network sees them -> outputs, by name."""


def sizes_to_check(
    network: Network, size: Size | None, with_preprocessing: bool
) -> tuple[Size, ...]:
    """Sizes of inputs, ``(height, width)``, that a file takes; of both orientations, if it may."""
    recipe = network.recipe
    if with_preprocessing:
        side = recipe.input_size
        reduced = (
            (2 * side - 90, side + 35) if recipe.bound == "shorter" else (side + 82, side // 2)
        )
        return (100, 134), reduced  # the first is enlarged
    if size is not None:
        return (size,)
    half = recipe.input_size // 2
    return recipe.network_size(480, 640), recipe.network_size(640, 370, half)


def compare(
    checkpoint: Checkpoint,
    path: Path,
    sizes: Iterable[Size],
    size: Size | None,
    with_preprocessing: bool,
) -> dict[str, float]:
    """Largest difference of every output, as a share of its range.

    Args:
        checkpoint: The network.
        path: The file.
        sizes: Of the inputs that are compared, two images of the first and one of each other.
        size: ``(height, width)`` at which the network sees images, if that is fixed in the file.
        with_preprocessing: Whether the inputs are images.
    """
    network, run = checkpoint.network, _runner(path)
    expected = (_by_our_runtime if with_preprocessing else _by_torch)(checkpoint)
    worst = dict.fromkeys((output.name for output in network.outputs), 0.0)
    for index, sides in enumerate(sizes):
        count = 1 if index else 2
        images = _images(network, count, sides, with_preprocessing)
        seen = size or (network.recipe.network_size(*sides) if with_preprocessing else sides)
        references = expected(images, seen)
        answers = run([images[name] for name in network.inputs])
        for output, answer in zip(network.outputs, answers, strict=True):
            reference = references[output.name]
            spread = float(reference.max() - reference.min())
            share = float(np.abs(answer - reference).max()) / (spread or 1.0)
            # max() would take what is not a number for smaller.
            worst[output.name] = share if not share <= worst[output.name] else worst[output.name]
    return worst


def _images(
    network: Network, count: int, size: Size, with_preprocessing: bool
) -> dict[str, NDArray[Any]]:
    generator = np.random.default_rng(0)
    if with_preprocessing:
        shape = (count, *size, 3)
        return {name: generator.integers(0, 256, shape, np.uint8) for name in network.inputs}
    return {
        name: generator.standard_normal((count, 3, *size)).astype(np.float32)
        for name in network.inputs
    }


def _by_our_runtime(checkpoint: Checkpoint) -> Expected:
    from vizion3d.runtime.torch_runtime import TorchRuntime

    return TorchRuntime(checkpoint, "cpu", "fp32").infer


def _by_torch(checkpoint: Checkpoint) -> Expected:
    import torch

    from vizion3d.checkpoints.weights import load

    network, loaded = checkpoint.network, load(checkpoint)

    def run(images: Mapping[str, NDArray[Any]], size: Size) -> Mapping[str, NDArray[Any]]:
        extras = network.extras(loaded.constants, size)
        arrays = (*(images[name] for name in network.inputs), *extras)
        with torch.inference_mode():
            answers = loaded.module(*(torch.from_numpy(array) for array in arrays))
        answers = (answers,) if isinstance(answers, torch.Tensor) else answers
        return {o.name: a.numpy() for o, a in zip(network.outputs, answers, strict=True)}

    return run


def _runner(path: Path) -> Callable[[list[NDArray[Any]]], list[NDArray[Any]]]:
    """What the file computes, in the runtime that it is written for."""
    if path.suffix == ".xml":
        from vizion3d.runtime.openvino_library import core, hints_for

        compiled = core.compile_model(str(path), "CPU", hints_for("fp32"))
        return lambda inputs: [np.array(tensor) for tensor in compiled(inputs).values()]
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [given.name for given in session.get_inputs()]

    def run(inputs: list[NDArray[Any]]) -> list[NDArray[Any]]:
        answers: list[NDArray[Any]] = session.run(None, dict(zip(names, inputs, strict=True)))
        return answers

    return run
