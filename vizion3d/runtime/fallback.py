"""Lower precision with a net under it."""

import logging
import threading
from collections.abc import Callable

import numpy as np

from vizion3d.core.arrays import Float32Array, UInt8Array
from vizion3d.runtime.base import Runtime

logger = logging.getLogger(__name__)


class PrecisionFallback:
    """Runs images again in float32 whose depth is not finite in a lower precision.

    Args:
        fast: The runtime of lower precision.
        load_exact: Loads the float32 runtime, when it is needed for the first time.
    """

    def __init__(self, fast: Runtime, load_exact: Callable[[], Runtime]) -> None:
        self._fast = fast
        self._load_exact = load_exact
        self._exact: Runtime | None = None
        self._lock = threading.Lock()

    @property
    def description(self) -> str:
        return self._fast.description

    def infer(self, images: UInt8Array, size: tuple[int, int]) -> Float32Array:
        """See :meth:`vizion3d.runtime.base.Runtime.infer`."""
        depth = self._fast.infer(images, size)
        # The sum of an image is finite only if every pixel is, and costs no array of flags.
        bad = ~np.isfinite(depth.sum(axis=(1, 2), dtype=np.float64))
        if bad.any():
            depth = depth.copy()
            depth[bad] = self._exact_runtime().infer(images[bad], size)
        return depth

    def _exact_runtime(self) -> Runtime:
        with self._lock:
            if self._exact is None:
                logger.warning(
                    "%s gave a depth that is not finite: running such images again in fp32 "
                    "(VIZION3D_PRECISION=fp32 does so from the beginning)",
                    self._fast.description,
                )
                self._exact = self._load_exact()
            return self._exact
