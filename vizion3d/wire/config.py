"""A configuration's fields in a protobuf message, numbers unrounded.

The messages' own fields are of 32 bits, as their first clients know them. A message that has a
``map<string, double> exact`` carries the numbers a second time, as they are.
"""

from collections.abc import Mapping
from typing import Any, TypeVar

from google.protobuf.message import Message

from vizion3d.wire.arrays import set_fields

M = TypeVar("M", bound=Message)

_EXACT = "exact"


def write_config(kind: type[M], fields: Mapping[str, Any]) -> M:
    """The fields as a message that has ``exact``."""
    return kind(**fields, **{_EXACT: {n: v for n, v in fields.items() if isinstance(v, float)}})


def read_config(message: Message) -> dict[str, Any]:
    """The fields that a message sets; the exact numbers where it has them."""
    fields = set_fields(message)
    exact = fields.pop(_EXACT, {})
    return {**fields, **exact}
