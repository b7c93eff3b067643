"""Lower precision with a net under it."""

import logging
from collections.abc import Callable

import numpy as np

from vizion3d.networks.base import Network, Size
from vizion3d.runtime.base import Images, Maps, Runtime

logger = logging.getLogger(__name__)


class PrecisionFallback:
    """Runs images again in float32 whose maps are not finite in a lower precision.

    Args:
        fast: The runtime of lower precision.
        exact: Gives the float32 runtime, which is kept elsewhere.
    """

    def __init__(self, fast: Runtime, exact: Callable[[], Runtime]) -> None:
        self._fast = fast
        self._exact = exact
        self._told = False

    @property
    def description(self) -> str:
        """Of the runtime of lower precision."""
        return self._fast.description

    @property
    def network(self) -> Network:
        """See :attr:`vizion3d.runtime.base.Runtime.network`."""
        return self._fast.network

    def infer(self, images: Images, size: Size) -> Maps:
        """See :meth:`vizion3d.runtime.base.Runtime.infer`."""
        maps = self._fast.infer(images, size)
        # Both ends of an image are finite only if every pixel is, and cost no array of flags.
        flat = [m.reshape(len(m), -1) for m in maps.values()]
        ends = [end for m in flat for end in (m.min(axis=1), m.max(axis=1))]
        bad = ~np.isfinite(ends).all(axis=0)
        if not bad.any():
            return maps
        self._tell()
        exact = self._exact().infer({n: i[bad] for n, i in images.items()}, size)
        mended = {name: values.copy() for name, values in maps.items()}
        for name, values in mended.items():
            values[bad] = exact[name]
        return mended

    def _tell(self) -> None:
        if not self._told:
            logger.warning(
                "%s gave a depth that is not finite: running such images again in fp32 "
                "(VIZION3D_PRECISION=fp32 does so from the beginning)",
                self._fast.description,
            )
        self._told = True
