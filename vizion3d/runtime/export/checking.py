"""Whether a file computes what the network does that it was written from."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vizion3d.checkpoints.store import Checkpoint
from vizion3d.networks.base import Network, Size
from vizion3d.runtime.export.writing import CHECKED_SIZE


def compare(
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
        shape = (2, *CHECKED_SIZE, 3)
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
