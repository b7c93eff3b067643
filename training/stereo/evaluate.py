"""Measures a stereo network beside ``sgbm``, on the motorcycle and on rendered pairs that no
training draws.

``python -m training.stereo.evaluate WEIGHTS`` writes ``training/results/stereo_metrics.json``.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from training.stereo.real import PairWithTruth, motorcycle, network_disparity
from training.stereo.rendered import rendered_pairs
from training.stereo.train import new_network
from vizion3d.errors import InvalidImageError
from vizion3d.stereo import StereoDepth, StereoDepthAdvancedConfig, StereoDepthCommand

RESULT = Path(__file__).parents[1] / "results" / "stereo_metrics.json"
START = RESULT.with_name("nano_stereo_start.safetensors")
CONFIG = StereoDepthAdvancedConfig(fill=True)

Match = tuple[NDArray[np.float32], NDArray[np.bool_]]
Matcher = Callable[[NDArray[np.uint8], NDArray[np.uint8]], Match]
"""Photos ``(H, W, 3)`` -> disparity ``(H, W)`` of every pixel, pixels, and where there was a match
before holes were filled."""


def semi_global(left: NDArray[np.uint8], right: NDArray[np.uint8]) -> Match:
    """``sgbm``, holes filled, nothing known of the cameras; no match anywhere in a pair that it
    refuses."""
    command = StereoDepthCommand(left, right, return_depth_image=False, advanced_config=CONFIG)
    try:
        result = StereoDepth().run(command)
    except InvalidImageError:
        return np.zeros(left.shape[:2], np.float32), np.zeros(left.shape[:2], np.bool_)
    assert result.valid is not None
    return result.disparity, result.valid


def scores(match: Matcher, pairs: Iterable[PairWithTruth]) -> dict[str, float]:
    """Mean error in pixels and the share of errors over 2 px, of all pixels of all pairs whose
    disparity is known; that share of those with a match; and how many have one."""
    errors, matched = [], []
    for pair in pairs:
        disparity, valid = match(pair.left, pair.right)
        errors.append(np.abs(disparity - pair.disparity)[pair.known])
        matched.append(valid[pair.known])
    error, valid = np.concatenate(errors), np.concatenate(matched)
    return {
        "epe": round(float(error.mean()), 3),
        "bad2": round(float((error > 2).mean()), 4),
        "bad2_valid": round(float((error > 2)[valid].mean()), 4),
        "density": round(float(valid.mean()), 4),
    }


def compare(
    matchers: Mapping[str, Matcher], real: PairWithTruth | None, rendered: list[PairWithTruth]
) -> dict[str, dict[str, dict[str, float]]]:
    """Scores by set of pairs and by matcher."""
    sets = {f"{len(rendered)} rendered pairs": rendered}
    if real:
        sets |= {"motorcycle": [real], "motorcycle, dimmed": [real.dimmed()]}
    return {
        title: {name: scores(match, pairs) for name, match in matchers.items()}
        for title, pairs in sets.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights", type=Path, nargs="?", default=START)
    parser.add_argument("--pairs", type=int, default=64, help="rendered ones, a multiple of 4")
    parser.add_argument("--real", type=Path, help="what `python -m training.stereo.real` wrote")
    parser.add_argument("--output", type=Path, default=RESULT)
    args = parser.parse_args()
    net = new_network(0, args.weights).eval()

    def network(left: NDArray[np.uint8], right: NDArray[np.uint8]) -> Match:
        disparity = network_disparity(net, left, right, torch.device("cpu"))
        return disparity, np.ones(disparity.shape, np.bool_)

    matchers = {"nano-stereo": network, "sgbm": semi_global}
    begin = time.monotonic()
    found = compare(matchers, motorcycle(args.real), list(rendered_pairs(args.pairs)))
    args.output.write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps(found, indent=1))
    print(f"{time.monotonic() - begin:.0f} s")


if __name__ == "__main__":
    main()
