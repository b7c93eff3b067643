"""Writes the chosen weights of a run as the package's checkpoint.

``python -m training.export STATE`` takes the average that did best on real scenes, and where none
was kept, or with ``--latest``, the latest one.
"""

import argparse
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from training.network import CONFIG
from training.state import load_state, part
from vizion3d.networks.nano.model import Nano

CHECKPOINT = Path(__file__).parents[1] / "vizion3d/checkpoints/nano.safetensors"


def best_path(state: Path) -> Path:
    """Where a run keeps the averaged weights that did best on real scenes."""
    return state.with_name(f"{state.name}-best.safetensors")


def averaged_weights(state: Path, latest: bool = False) -> dict[str, Tensor]:
    """Those that did best on real scenes; where there are none, or with ``latest``, the latest."""
    best = best_path(state)
    if best.exists() and not latest:
        return load_file(best)
    return part(load_state(state)[0], "ema.")


def export(state: Path, output: Path, latest: bool = False) -> int:
    """Write float16 weights under the network's own names; returns the file's size in bytes."""
    weights = averaged_weights(state, latest)
    Nano(CONFIG).load_state_dict(weights)  # strict: all there, nothing else
    halves = {name: tensor.half().contiguous() for name, tensor in weights.items()}
    if not all(torch.isfinite(tensor).all() for tensor in halves.values()):
        raise ValueError(f"{state} holds weights that float16 cannot represent")
    output.parent.mkdir(parents=True, exist_ok=True)
    save_file(halves, output, metadata={"license": "Apache-2.0", "format": "pt"})
    return output.stat().st_size


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("state", type=Path)
    parser.add_argument("--latest", action="store_true", help="not the best, but the last weights")
    parser.add_argument("--output", type=Path, default=CHECKPOINT)
    args = parser.parse_args()
    print(f"{args.output}: {export(args.state, args.output, args.latest) / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
