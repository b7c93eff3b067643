"""HEIC, the format that iPhones take photos in: read where pillow-heif is installed."""

import importlib.util
from functools import cache

INSTALL = "pip install 'vizion3d[heic]'"
SUFFIXES = frozenset({".heic", ".heif", ".hif"})

_BRANDS = frozenset(
    {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}
)


@cache
def register() -> bool:
    """Have Pillow open HEIC files; whether it can."""
    if importlib.util.find_spec("pillow_heif") is None:
        return False
    from pillow_heif import register_heif_opener

    register_heif_opener()
    return True


def is_heif(head: bytes) -> bool:
    """Whether a file that begins with ``head`` (16 bytes) is a HEIC photo (ISO 23008-12)."""
    return head[4:8] == b"ftyp" and head[8:12] in _BRANDS
