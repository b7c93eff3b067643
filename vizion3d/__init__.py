"""vizion3d: lift a single photo into 3D with Depth Anything V2.

The public API lives in :mod:`vizion3d.lifting`; importing this package loads nothing heavy.
"""

from importlib.metadata import version

__version__ = version("vizion3d")
