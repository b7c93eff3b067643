"""Writes the averaged weights of a run as the package's checkpoint.

``python -m training.export STATE``
"""

import argparse
from pathlib import Path

import torch
from safetensors.torch import save_file

from training.network import NANO
from training.state import load_state
from vizion3d.networks.depth_anything_v2.model import DepthAnythingV2

CHECKPOINT = Path(__file__).parents[1] / "vizion3d/checkpoints/nano.safetensors"


def export(state: Path, output: Path) -> int:
    """Write float16 weights under the network's own names; returns the file's size in bytes."""
    tensors, _ = load_state(state)
    weights = {k.removeprefix("ema."): v for k, v in tensors.items() if k.startswith("ema.")}
    DepthAnythingV2(NANO).load_state_dict(weights)  # strict: all there, nothing else
    halves = {name: tensor.half() for name, tensor in weights.items()}
    if not all(torch.isfinite(tensor).all() for tensor in halves.values()):
        raise ValueError(f"{state} holds weights that float16 cannot represent")
    output.parent.mkdir(parents=True, exist_ok=True)
    save_file(halves, output, metadata={"license": "Apache-2.0", "format": "pt"})
    return output.stat().st_size


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("state", type=Path)
    parser.add_argument("--output", type=Path, default=CHECKPOINT)
    args = parser.parse_args()
    print(f"{args.output}: {export(args.state, args.output) / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
