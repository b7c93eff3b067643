"""``nano-stereo``, the matcher in the box: features of EfficientNet-Lite, a correlation volume.

``config`` is free of torch; the other modules are the network in torch.
"""
