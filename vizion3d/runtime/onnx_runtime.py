"""The network on onnxruntime, for machines that have it and no OpenVINO. torch is imported only to
convert."""

import logging
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock

from vizion3d.checkpoints.store import Checkpoint
from vizion3d.core.arrays import Float32Array, UInt8Array
from vizion3d.errors import InvalidConfigError, MissingDependencyError
from vizion3d.networks.base import Network, Output, Recipe, Size
from vizion3d.runtime.base import Images, Maps
from vizion3d.runtime.conversions import ConversionStore
from vizion3d.runtime.export.writing import OPSET, graph_of, write_onnx
from vizion3d.runtime.resample import bilinear

logger = logging.getLogger(__name__)

FORMAT = 1
"""Raised whenever the graph changes, so that older ones are made anew."""


class OnnxRuntime:
    """A checkpoint as an ONNX graph for any size, on the CPU in float32.

    Args:
        checkpoint: The checkpoint file.
        conversions: Where the graph is kept.

    Raises:
        CheckpointError: The file's tensors are not those of its network.
        InvalidConfigError: The network cannot be written as a graph for any size.
        MissingDependencyError: onnxruntime is not installed.
    """

    description = "onnxruntime cpu fp32"

    def __init__(self, checkpoint: Checkpoint, conversions: ConversionStore) -> None:
        self.network = checkpoint.network
        if type(self.network).graph_parts is Network.graph_parts:
            raise InvalidConfigError(
                f"{self.network.title} cannot run on onnxruntime: set VIZION3D_RUNTIME=auto"
            )
        self._session = _session(checkpoint, conversions)

    def infer(self, images: Images, size: Size) -> Maps:
        """See :meth:`vizion3d.runtime.base.Runtime.infer`."""
        recipe = self.network.recipe
        inputs = {name: prepare(images[name], size, recipe) for name in self.network.inputs}
        height, width = images[self.network.inputs[0]].shape[1:3]
        answers = self._session.run(None, inputs)
        return {
            output.name: self._finished(output, answer, height, width)
            for output, answer in zip(self.network.outputs, answers, strict=True)
        }

    def _finished(
        self, output: Output, answer: Float32Array, height: int, width: int
    ) -> Float32Array:
        if not output.meaning.is_map:
            return answer
        factor = output.meaning.factor(answer.shape[-1], width)
        resized = bilinear(answer, height, width, self.network.recipe.align_corners)
        return resized if factor == 1 else np.multiply(resized, np.float32(factor), out=resized)


def prepare(images: UInt8Array, size: Size, recipe: Recipe) -> Float32Array:
    """uint8 RGB ``(N, H, W, 3)`` -> normalised float32 ``(N, 3, *size)``, as the recipe says.

    OpenCV's bicubic has a = -0.75 and half-pixel centres, as torch's has.
    """
    import cv2

    if recipe.host_resize:
        images = recipe.host_resize(images, size)
    scaled = images.astype(np.float32) / np.float32(255)
    if scaled.shape[1:3] != size:
        new = size[1], size[0]
        scaled = np.stack([cv2.resize(i, new, interpolation=cv2.INTER_CUBIC) for i in scaled])
    scaled -= np.array(recipe.mean, np.float32)
    scaled /= np.array(recipe.deviation, np.float32)
    return np.ascontiguousarray(scaled.transpose(0, 3, 1, 2))


def _session(checkpoint: Checkpoint, conversions: ConversionStore) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingDependencyError(
            "VIZION3D_RUNTIME=onnxruntime needs onnxruntime: pip install 'vizion3d[export]'"
        ) from error

    def load(path: Path) -> Any:
        return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])

    try:
        path = conversions.place(checkpoint, f"onnx-{OPSET}-{FORMAT}") / "network.onnx"
        with FileLock(path.parent.with_name(f".{path.parent.name}.lock")):
            if not path.is_file():
                logger.info("converting %s for onnxruntime, once", checkpoint.path)
                path.parent.mkdir(parents=True, exist_ok=True)
                beside = path.with_suffix(f".{os.getpid()}.part")
                try:
                    _write(checkpoint, beside)
                    beside.replace(path)
                finally:
                    beside.unlink(missing_ok=True)
        return load(path)
    except OSError as error:
        logger.warning(
            "cannot keep converted networks (%s): converting %s in every process anew; set "
            "VIZION3D_MODEL_CACHE to a folder that can be written",
            error.strerror or error,
            checkpoint.path,
        )
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "network.onnx"
            _write(checkpoint, path)
            return load(path)


def _write(checkpoint: Checkpoint, path: Path) -> None:
    module = graph_of(checkpoint, None, "fp32", with_preprocessing=False)
    write_onnx(module, checkpoint.network, None, path, with_preprocessing=False)
