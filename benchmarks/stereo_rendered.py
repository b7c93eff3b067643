"""The matchers of ``benchmarks.stereo`` on rendered pairs, by which none of them was tuned, and
what is refused as no pair: ``python -m benchmarks.stereo --rendered 64``."""

from collections import Counter

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.stereo import OURS, PLAIN, TWENTY_LINES, plain_sgbm, twenty_lines
from training.stereo.evaluate import Matcher, scores, semi_global
from training.stereo.real import PairWithTruth
from training.stereo.rendered import rendered_pairs
from vizion3d.errors import InvalidImageError
from vizion3d.stereo import StereoDepthAdvancedConfig
from vizion3d.stereo.pair import prepare

DISPARITIES = 192
"""Where the other two look; ours finds out where."""
CONFIG = StereoDepthAdvancedConfig(focal_length=500, baseline=100)

Photos = tuple[NDArray[np.uint8], NDArray[np.uint8]]


def report(count: int) -> str:
    """A section of Markdown about ``count`` pairs."""
    pairs = list(rendered_pairs(count))
    return f"""### Accuracy, on {len(pairs)} rendered pairs (544 x 288)

`python -m benchmarks.stereo --rendered {count}`

{chr(10).join(table(pairs))}

What is no pair, made of the same photos; "told": a note says that few features found a partner.

{chr(10).join(refusals(pairs))}
"""


def table(pairs: list[PairWithTruth]) -> list[str]:
    matchers: dict[str, Matcher] = {
        PLAIN: lambda left, right: plain_sgbm(left, right, DISPARITIES),
        TWENTY_LINES: lambda left, right: twenty_lines(left, right, DISPARITIES),
        OURS: semi_global,
    }
    lines = [
        "| matcher | bad 2.0, all | bad 2.0, valid | density | mean error, px |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, match in matchers.items():
        found = scores(match, pairs)
        lines.append(
            f"| {name} | {found['bad2']:.3f} | {found['bad2_valid']:.3f} | "
            f"{found['density']:.3f} | {found['epe']:.1f} |"
        )
    return lines


def refusals(pairs: list[PairWithTruth]) -> list[str]:
    """How many true pairs are refused or told, and of what is no pair."""
    others = [*pairs[1:], *pairs[:1]]
    sets: dict[str, list[Photos]] = {
        "true pairs": [(pair.left, pair.right) for pair in pairs],
        "left and right exchanged": [(pair.right, pair.left) for pair in pairs],
        "the right one mirrored": [
            (pair.left, np.ascontiguousarray(pair.right[:, ::-1])) for pair in pairs
        ],
        "the left one twice, once as JPEG": [(pair.left, _saved(pair.left)) for pair in pairs],
        "the right one of another scene": [
            (pair.left, other.right) for pair, other in zip(pairs, others, strict=True)
        ],
    }
    lines = ["| | refused | told | neither |", "| --- | --- | --- | --- |"]
    for name, photos in sets.items():
        found = Counter(_outcome(*each) for each in photos)
        lines.append(f"| {name} | {found['refused']} | {found['told']} | {found['neither']} |")
    return lines


def _outcome(left: NDArray[np.uint8], right: NDArray[np.uint8]) -> str:
    try:
        pair = prepare(left, right, CONFIG)
    except InvalidImageError:
        return "refused"
    return "told" if any("features only" in note for note in pair.notes) else "neither"


def _saved(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.imdecode(cv2.imencode(".jpg", image)[1], cv2.IMREAD_COLOR), np.uint8)
