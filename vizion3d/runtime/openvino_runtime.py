"""The network on OpenVINO: the fastest way on a CPU. torch is imported only to convert."""

import threading
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vizion3d.checkpoints.store import Checkpoint
from vizion3d.core.arrays import Float32Array, UInt8Array
from vizion3d.networks.depth_anything_v2.positions import resample_positions
from vizion3d.networks.depth_anything_v2.recipe import MEAN, PATCH_SIZE, STD
from vizion3d.runtime.conversions import ConversionStore
from vizion3d.runtime.openvino_library import best_precision, core, hints_for, ops, ov
from vizion3d.runtime.resample import bilinear
from vizion3d.settings import Precision

_KEPT_SIZES = 8
"""Input sizes whose positional embedding is kept: a few megabytes each."""


def _input_graph() -> Any:
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
    mean, std = (np.array(v, np.float32).reshape(1, 3, 1, 1) * 255 for v in (MEAN, STD))
    return ov.Model([ops.divide(ops.subtract(resized, mean), std)], [images, size], "input")


@dataclass(frozen=True)
class _Requests:
    """What one thread infers with: the recipe up to the network, and the network."""

    before: Any
    network: Any


class OpenVinoRuntime:
    """A checkpoint converted to OpenVINO and compiled for this CPU.

    Args:
        checkpoint: The checkpoint file.
        conversions: Finds or makes the converted network.
        precision: Of the network's arithmetic; ``auto`` is :func:`best_precision`. The recipe
            around the network stays in float32.

    Raises:
        CheckpointError: The file is not a Depth Anything V2 checkpoint.
    """

    def __init__(
        self, checkpoint: Checkpoint, conversions: ConversionStore, precision: Precision = "auto"
    ) -> None:
        if precision == "auto":
            precision = best_precision()
        self._converted = converted = conversions.get(checkpoint, precision)
        self._positions_for = lru_cache(maxsize=_KEPT_SIZES)(
            partial(resample_positions, converted.positions)
        )
        self._before = core.compile_model(_input_graph(), "CPU", hints_for("fp32"))
        self._local = threading.local()
        self.description = f"openvino cpu {precision}"

    def infer(self, images: UInt8Array, size: tuple[int, int]) -> Float32Array:
        """See :meth:`vizion3d.runtime.base.Runtime.infer`."""
        requests = self._requests()
        positions = self._positions_for(size[0] // PATCH_SIZE, size[1] // PATCH_SIZE)
        batch = _infer(requests.before, images, np.array(size))
        depth = _infer(requests.network, batch, positions)
        return bilinear(depth, *images.shape[1:3])

    def _requests(self) -> _Requests:
        """A request serves one caller at a time, so each thread has its own."""
        if not hasattr(self._local, "requests"):
            self._local.requests = _Requests(
                self._before.create_infer_request(),
                self._converted.network.create_infer_request(),
            )
        requests: _Requests = self._local.requests
        return requests


def _infer(request: Any, *inputs: NDArray[Any]) -> Float32Array:
    """Run a request on inputs that it may read in place; the result is a view of its memory."""
    request.infer(list(inputs), share_inputs=True)
    output: Float32Array = request.get_output_tensor(0).data
    return output
