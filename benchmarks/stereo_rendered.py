"""The matchers of ``benchmarks.stereo`` on rendered pairs, by which none of them was tuned:
``python -m benchmarks.stereo --rendered 64``."""

from benchmarks.stereo import OURS, PLAIN, TWENTY_LINES, plain_sgbm, twenty_lines
from training.stereo.evaluate import Matcher, accepted, scores, semi_global
from training.stereo.real import PairWithTruth
from training.stereo.rendered import rendered_pairs

DISPARITIES = 192
"""Where the other two look; ours finds out where."""


def report(count: int) -> str:
    """A section of Markdown about ``count`` pairs."""
    kept = accepted(rendered_pairs(count))
    return f"""### Accuracy, on {len(kept)} rendered pairs (544 x 288)

{count} were rendered; ours refuses the others as showing no common scene.

{chr(10).join(table(kept))}
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
