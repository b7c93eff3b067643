"""The network on OpenVINO: the fastest way on a CPU. torch is imported only to convert."""

import threading
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vizion3d.checkpoints.store import Checkpoint
from vizion3d.core.arrays import Float32Array, UInt8Array
from vizion3d.networks.base import Output, Recipe, Size
from vizion3d.runtime.base import KEPT_SIZES, Images, Maps
from vizion3d.runtime.conversions import ConversionStore
from vizion3d.runtime.openvino_library import best_precision, core, hints_for, ops, ov
from vizion3d.runtime.resample import bilinear
from vizion3d.settings import Precision


def _input_graph(recipe: Recipe) -> Any:
    """uint8 RGB ``(N, H, W, 3)``, size ``(2,)`` -> normalised float32 ``(N, 3, *size)``."""
    images = ops.parameter([-1, -1, -1, 3], ov.Type.u8)
    size = ops.parameter([2], ov.Type.i64)
    channels_first = ops.transpose(ops.convert(images, ov.Type.f32), np.array([0, 3, 1, 2]))
    resized = ops.interpolate(
        channels_first,
        size,
        "cubic",
        "sizes",
        coordinate_transformation_mode="half_pixel",
        cube_coeff=-0.75,
        axes=np.array([2, 3]),
    )
    mean, deviation = (
        np.array(v, np.float32).reshape(1, 3, 1, 1) * 255 for v in (recipe.mean, recipe.deviation)
    )
    return ov.Model([ops.divide(ops.subtract(resized, mean), deviation)], [images, size], "input")


@dataclass(frozen=True)
class _Requests:
    """What one thread infers with: the recipe up to the network, once an input, and the network."""

    before: tuple[Any, ...]
    network: Any


class OpenVinoRuntime:
    """A checkpoint converted to OpenVINO and compiled for this CPU.

    Args:
        checkpoint: The checkpoint file.
        conversions: Finds or makes the converted network.
        precision: Of the network's arithmetic; ``auto`` is :func:`best_precision`. The recipe
            around the network stays in float32.

    Raises:
        CheckpointError: The file's tensors are not those of its network.
    """

    def __init__(
        self, checkpoint: Checkpoint, conversions: ConversionStore, precision: Precision = "auto"
    ) -> None:
        if precision == "auto":
            precision = best_precision()
        self.network = checkpoint.network
        self._converted = converted = conversions.get(checkpoint, precision)
        self._extras_for = lru_cache(maxsize=KEPT_SIZES)(
            partial(self.network.extras, converted.constants)
        )
        before = _input_graph(self.network.recipe)
        self._before = core.compile_model(before, "CPU", hints_for("fp32"))
        self._local = threading.local()
        self.description = f"openvino cpu {precision}"

    def infer(self, images: Images, size: Size) -> Maps:
        """See :meth:`vizion3d.runtime.base.Runtime.infer`."""
        requests = self._requests()
        inputs = [
            self._prepared(request, images[name], size)
            for request, name in zip(requests.before, self.network.inputs, strict=True)
        ]
        height, width = images[self.network.inputs[0]].shape[1:3]
        answers = _infer(requests.network, *inputs, *self._extras_for(size))
        return {
            output.name: self._finished(output, answer, height, width)
            for output, answer in zip(self.network.outputs, answers, strict=True)
        }

    def _prepared(self, request: Any, images: UInt8Array, size: Size) -> Float32Array:
        resize = self.network.recipe.host_resize
        if resize:
            images = resize(images, size)
        (prepared,) = _infer(request, images, np.array(size))
        return prepared

    def _finished(
        self, output: Output, answer: Float32Array, height: int, width: int
    ) -> Float32Array:
        """A map at the images' size and in its pixels, in memory of its own."""
        if not output.meaning.is_map:
            return answer.copy()
        factor = output.meaning.factor(answer.shape[-1], width)
        resized = bilinear(answer, height, width, self.network.recipe.align_corners)
        return resized if factor == 1 else np.multiply(resized, np.float32(factor), out=resized)

    def _requests(self) -> _Requests:
        """A request serves one caller at a time, so each thread has its own."""
        if not hasattr(self._local, "requests"):
            self._local.requests = _Requests(
                tuple(self._before.create_infer_request() for _ in self.network.inputs),
                self._converted.network.create_infer_request(),
            )
        requests: _Requests = self._local.requests
        return requests


def _infer(request: Any, *inputs: NDArray[Any]) -> list[Float32Array]:
    """Run a request on inputs that it may read in place; the results are views of its memory."""
    request.infer(list(inputs), share_inputs=True)
    return [tensor.data for tensor in request.output_tensors]
