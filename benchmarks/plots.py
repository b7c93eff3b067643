"""The docs' pictures of ``benchmarks/results/*.json``; ``make figures`` draws them."""

import json
import statistics
from typing import Any

from matplotlib.figure import Figure

from benchmarks.contestants import BASELINE, RESULTS

COLORS = {"vizion3d": "#c2410c", BASELINE.label: "#475569"}
OTHER = "#cbd5e1"


def pipeline() -> Figure:
    """Bars of every contestant: fresh process, warm, memory; a row an encoder."""
    raw = _measured("pipeline")
    figure = Figure(figsize=(10, 2.6 * len(raw)), dpi=120, layout="constrained")
    for row, (encoder, run) in enumerate(sorted(raw.items(), reverse=True)):
        measured = run["measured"]
        columns = {
            "fresh process to a depth PNG, s": {
                k: statistics.median(m["png_s"]) for k, m in measured.items()
            },
            "warm, s": {
                k: statistics.median(m["warm_s"]) for k, m in measured.items() if m["warm_s"]
            },
            "peak memory, MB": {
                k: m["peak_bytes"] / 1e6 for k, m in measured.items() if m["peak_bytes"]
            },
        }
        for column, (title, values) in enumerate(columns.items()):
            axes = figure.add_subplot(len(raw), 3, 3 * row + column + 1)
            labels = list(measured)
            heights = [values.get(label, 0) for label in labels]
            bars = axes.barh(labels, heights, color=[COLORS.get(k, OTHER) for k in labels])
            axes.bar_label(bars, [_label(h) for h in heights], padding=2, fontsize=8)
            axes.invert_yaxis()
            axes.margins(x=0.15)
            axes.spines[["top", "right"]].set_visible(False)
            axes.set_title(f"{encoder}: {title}", fontsize=9, loc="left")
            axes.tick_params(labelsize=8, labelleft=column == 0)
    return figure


def _label(value: float) -> str:
    """Three figures, and nothing where nothing was measured."""
    return f"{value:.{0 if value >= 100 else 2}f}" if value else ""


def input_size() -> Figure:
    """Time of vits and quality of nano over the input size."""
    points = _measured("input_size")
    figure = Figure(figsize=(10, 3), dpi=120, layout="constrained")
    sizes = [p["size_px"] for p in points]
    time, quality = figure.subplots(1, 2)
    time.plot(sizes, [p["vits_s"] * 1e3 for p in points], "o-", color=COLORS["vizion3d"])
    time.set_title("vits: ms of a warm run", fontsize=9, loc="left")
    for key, label in (
        ("deviation", "against its depth at 256"),
        ("measured", "against measured depth"),
    ):
        name = "delta_1" if key == "deviation" else "delta1"
        quality.plot(sizes, [p[key][name] for p in points], "o-", label=label)
    quality.set_title("nano: delta-1", fontsize=9, loc="left")
    quality.legend(fontsize=8)
    for axes in (time, quality):
        axes.set_xlabel("input_size, pixels", fontsize=8)
        axes.set_xticks(sizes)
        axes.set_ylim(bottom=0)
        axes.tick_params(labelsize=8)
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def _measured(name: str) -> Any:
    return json.loads((RESULTS / f"{name}.json").read_text())
