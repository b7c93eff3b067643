"""A checkpoint file, and the network that it holds."""

from dataclasses import dataclass
from pathlib import Path

from vizion3d.geometry.depth import DepthKind
from vizion3d.networks.base import Meaning, Network, Output

_DEPTH_KINDS: dict[Meaning, DepthKind] = {
    Meaning.INVERSE_DEPTH: "relative",
    Meaning.DEPTH: "up_to_scale",
    Meaning.METRES: "metric",
    Meaning.METRES_PER_FOCAL_PX: "metric",
}


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint file that exists on this machine.

    Attributes:
        path: The file.
        network: The network that its tensors are.
    """

    path: Path
    network: Network

    @property
    def depth(self) -> tuple[Output, DepthKind] | None:
        """The network's depth output and its kind; ``None`` if it has none."""
        output = self.network.output(*_DEPTH_KINDS)
        return None if output is None else (output, _DEPTH_KINDS[output.meaning])


@dataclass(frozen=True)
class ReadCheckpoint:
    """A checkpoint, and what else its header says.

    Attributes:
        checkpoint: The file and its network.
        parameters: Number of weights.
    """

    checkpoint: Checkpoint
    parameters: int
