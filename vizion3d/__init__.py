"""vizion3d: lift a single photo into 3D with Depth Anything V2.

The public API lives in :mod:`vizion3d.lifting`; importing this package loads nothing heavy.
"""

__version__: str


def __getattr__(name: str) -> str:
    """``__version__``, read from the installed package when it is asked for."""
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import version

    return version("vizion3d")
