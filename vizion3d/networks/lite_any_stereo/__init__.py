"""Lite Any Stereo V2 (Jing et al. 2026, arXiv:2606.24457): disparity from a rectified pair.

S, M and L predict it at once (``feed_forward``), H improves M's prediction in four steps
(``iterative``). Only ``config`` and ``network`` are free of torch.
"""

from vizion3d.networks.lite_any_stereo.network import LiteAnyStereoFamily

FAMILY = LiteAnyStereoFamily()
