"""A real pair with measured disparity, which training never sees: for choosing among the weights of
a run, and for evaluation.

``python -m training.stereo.real FILE.npz`` writes scikit-image's ``stereo_motorcycle`` to a file,
for machines that cannot download it.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from training.network import normalise
from training.stereo.config import MULTIPLE_PX
from training.stereo.model import NanoStereo


@dataclass(frozen=True)
class PairWithTruth:
    """Photos ``(H, W, 3)`` uint8 and the left one's disparity ``(H, W)``, pixels; not finite where
    it is not known."""

    left: NDArray[np.uint8]
    right: NDArray[np.uint8]
    disparity: NDArray[np.float32]

    @property
    def known(self) -> NDArray[np.bool_]:
        """``(H, W)``, where the disparity is known."""
        return np.isfinite(self.disparity)

    def dimmed(self) -> "PairWithTruth":
        """The right photo with gamma 0.7 and gain 0.8."""
        other = 255 * 0.8 * (self.right / 255) ** 0.7
        return PairWithTruth(self.left, other.round().astype(np.uint8), self.disparity)


def motorcycle(path: Path | None = None) -> PairWithTruth | None:
    """scikit-image's ``stereo_motorcycle``, from a file that this module wrote or from where
    scikit-image keeps it; ``None`` where neither is to be had."""
    if path:
        stored = np.load(path)
        return PairWithTruth(stored["left"], stored["right"], stored["disparity"])
    try:
        from skimage import data

        return PairWithTruth(*data.stereo_motorcycle())
    except (ImportError, OSError):
        return None


@torch.inference_mode()
def predict(net: NanoStereo, left: Tensor, right: Tensor) -> Tensor:
    """Disparity ``(B, H, W)`` of pairs ``(B, 3, H, W)`` in [0, 1], of any size."""
    height, width = left.shape[2:]
    size = [max(1, round(side / MULTIPLE_PX)) * MULTIPLE_PX for side in (height, width)]
    images = (
        normalise(F.interpolate(x, size=size, mode="bicubic").clamp(0, 1)) for x in (left, right)
    )
    disparity, _ = net(*images)
    whole = F.interpolate(disparity[:, None], size=(height, width), mode="bilinear")[:, 0]
    return whole * (width / size[1])


def network_disparity(
    net: NanoStereo, left: NDArray[np.uint8], right: NDArray[np.uint8], device: torch.device
) -> NDArray[np.float32]:
    """Disparity ``(H, W)``, pixels, of photos ``(H, W, 3)``."""
    images = (
        torch.from_numpy(np.array(x)).permute(2, 0, 1)[None].float().to(device) / 255
        for x in (left, right)
    )
    found: NDArray[np.float32] = predict(net, *images)[0].cpu().numpy()
    return found


def bad_share(net: NanoStereo, pair: PairWithTruth, device: torch.device) -> float:
    """Share of all pixels with a known disparity whose error is over 2 px."""
    found = network_disparity(net, pair.left, pair.right, device)
    return round(float((np.abs(found - pair.disparity)[pair.known] > 2).mean()), 4)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path)
    args = parser.parse_args()
    pair = motorcycle()
    if pair is None:
        raise SystemExit("scikit-image cannot give its stereo_motorcycle here")
    np.savez_compressed(args.output, left=pair.left, right=pair.right, disparity=pair.disparity)


if __name__ == "__main__":
    main()
