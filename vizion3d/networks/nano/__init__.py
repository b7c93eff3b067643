"""``nano``, the model in the box: EfficientNet-Lite below, a small decoder of depth above.

``config`` and ``network`` are free of torch; ``model``, ``encoder`` and ``decoder`` are the network
in torch.
"""

from vizion3d.networks.nano.network import NanoFamily

FAMILY = NanoFamily()
