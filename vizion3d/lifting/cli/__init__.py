"""``vizion3d depth``, ``vizion3d video`` and ``vizion3d align-colmap``."""
