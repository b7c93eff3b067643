"""Depth Anything V2 in plain torch: the DINOv2 encoder, the DPT head, and safe weight loading.

``config`` is free of torch; everything else here imports it, so import this package's modules from
where they are used, not at the top of a module that a light import reaches.
"""
