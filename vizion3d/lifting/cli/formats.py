"""What ``vizion3d depth --save`` can write, and how each is made from a result."""

import typer

from vizion3d.lifting.output import DepthOutput as Output
from vizion3d.outputs.formats import FORMATS

__all__ = ["ENCODERS", "Output", "SaveFormat", "parse_formats"]

SaveFormat = tuple(row.name for row in FORMATS)
"""What can be written for an image."""

ENCODERS = {row.name: (row.ending, row.encode) for row in FORMATS}


def parse_formats(text: str) -> list[str]:
    """``"png,ply"`` -> formats; what is not one is a usage error."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in SaveFormat]
    if unknown or not names:
        raise typer.BadParameter(
            f"{', '.join(unknown) or 'nothing'}; choose from {','.join(SaveFormat)}"
        )
    return list(dict.fromkeys(names))
