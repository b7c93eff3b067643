"""The families of networks that checkpoints are recognised as."""

from collections.abc import Sequence

from vizion3d.core.lazy import LazySequence
from vizion3d.errors import CheckpointError
from vizion3d.networks import s2m2
from vizion3d.networks.base import Family, Header, MismatchError, Network

FAMILIES: Sequence[Family] = LazySequence(
    "vizion3d.networks.depth_anything_v2:FAMILY",
    "vizion3d.networks.depth_anything_3:FAMILY",
    "vizion3d.networks.lite_any_stereo:FAMILY",
    "vizion3d.networks.nano:FAMILY",
    "vizion3d.networks.s2m2:FAMILY",
)
"""Tried in this order, each imported when it is tried. Another network is another folder and
another entry here."""


REFUSED = {"s2m2": s2m2.REFUSAL}
"""Part of a file's name -> why such files are not run."""


def refuse_by_name(source: str) -> None:
    """Refuse a file by its name, so that it is not downloaded in vain.

    Args:
        source: A name, URL or path.

    Raises:
        CheckpointError: It is one of those that are not run; the message says why.
    """
    file_name = source.replace("\\", "/").rpartition("/")[2].lower()
    for part, reason in REFUSED.items():
        if part in file_name:
            raise CheckpointError(f"{source} {reason}")


def input_size_of(title: str, families: Sequence[Family] = FAMILIES) -> int | None:
    """The side in pixels at which a family's networks see images if nobody wishes another."""
    return next((f.input_size for f in families if f.title == title), None)


def recognise(header: Header, source: str, families: Sequence[Family] = FAMILIES) -> Network:
    """The network that a checkpoint holds, by the names and shapes of its tensors.

    Args:
        header: What the file says.
        source: What to call the file in an error message.
        families: Which are tried, in their order.

    Raises:
        CheckpointError: It is none of them; the message names each and what it misses.
    """
    tried = []
    for family in families:
        try:
            return family.recognise(header)
        except MismatchError as mismatch:
            tried.append(f"not a {family.title} checkpoint: it {mismatch}")
    found = sorted(header.shapes)
    listed = ", ".join(found[:3]) + (" ..." if len(found) > 3 else "")
    raise CheckpointError(
        f"{source} is {'; '.join(tried)} (it has {listed or 'no tensors at all'}). "
        "Use a .pth or .safetensors file of an official release, whole and unchanged."
    )
