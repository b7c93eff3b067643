"""S2M2, the stereo network of vizion3d 1.5.6: known, and refused."""

from vizion3d.errors import CheckpointError
from vizion3d.networks.base import Header, MismatchError, Network

_PARTS = ("cnn_backbone.", "feat_pyramid.", "disp_init.", "global_refiner.")
"""What the names of its tensors begin with."""

REFUSAL = (
    "is a checkpoint of S2M2, whose code and weights are licensed for non-commercial use only "
    "(CC-BY-NC), so vizion3d 2 does not run it. Leave model_backend out: 'sgbm' matches stereo "
    "pairs without weights; or take a network with a free licence, which 'vizion3d models list' "
    "shows"
)


class S2M2Family:
    """Recognises S2M2's checkpoints, to say why they are not run."""

    title = "S2M2"
    input_size = None

    def recognise(self, header: Header) -> Network:
        """Never a network.

        Raises:
            CheckpointError: It is one of S2M2's.
            MismatchError: It is not.
        """
        missing = [part for part in _PARTS if not any(part in f".{name}" for name in header.shapes)]
        if missing:
            raise MismatchError(f"has no tensors {missing[0]}*")
        raise CheckpointError(f"this file {REFUSAL}")


FAMILY = S2M2Family()
