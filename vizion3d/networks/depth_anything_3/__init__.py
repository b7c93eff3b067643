"""Depth Anything 3 for single photos (Lin et al. 2025, arXiv:2511.10647).

Two architectures: the monocular one (depth and sky, ``monocular``) and the any-view one, here for
one view (depth, confidence and field of view, ``any_view``). Only ``config``, ``network``,
``recipe`` and ``rotation`` are free of torch.
"""

from vizion3d.networks.depth_anything_3.network import DepthAnything3Family

FAMILY = DepthAnything3Family()
