"""Depth Anything V2: the DINOv2 encoder and the DPT head.

``config``, ``network`` and ``positions`` are free of torch; ``model``, ``vit`` and ``dpt`` are the
network in torch.
"""

from vizion3d.networks.depth_anything_v2.network import DepthAnythingV2Family

FAMILY = DepthAnythingV2Family()
