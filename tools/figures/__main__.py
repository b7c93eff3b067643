"""Write every picture into docs/images, and the outputs of the notebook into it."""

from collections.abc import Callable
from pathlib import Path

import nbformat
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from benchmarks import plots
from tools.figures import clouds, diagrams, notebook, stereo

FOLDER = Path(__file__).parents[2] / "docs" / "images"
OVERVIEW_HEIGHT_PX = 330

FIGURES: dict[str, Callable[[], Figure | np.ndarray]] = {
    "overview": clouds.overview,
    "effect_focal_length": clouds.focal_length,
    "effect_principal_point": clouds.principal_point,
    "effect_depth_near": clouds.depth_near,
    "effect_depth_trunc": clouds.depth_trunc,
    "effect_depth_scale": clouds.depth_scale,
    "effect_edge_threshold": clouds.edge_threshold,
    "wall": diagrams.wall,
    "alignment": diagrams.alignment,
    "depth_curves": diagrams.depth_curves,
    "pinhole": diagrams.pinhole,
    "frames": diagrams.frames,
    "stereo": stereo.pair,
    "stereo_error": stereo.error,
    "benchmark_pipeline": plots.pipeline,
    "benchmark_input_size": plots.input_size,
}


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, draw in FIGURES.items():
        path = FOLDER / f"{name}.png"
        as_picture(draw()).save(path, optimize=True)
        print(f"written: docs/images/{path.name}")
    nbformat.write(notebook.executed(), notebook.NOTEBOOK)
    print(f"written: examples/{notebook.NOTEBOOK.name}")


def as_picture(drawn: Figure | np.ndarray) -> Image.Image:
    """A figure at its own size, an array at the height of README's picture; 256 colours."""
    if isinstance(drawn, Figure):
        canvas = FigureCanvasAgg(drawn)
        canvas.draw()
        picture = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    else:
        width = drawn.shape[1] * OVERVIEW_HEIGHT_PX // drawn.shape[0]
        picture = Image.fromarray(drawn).resize((width, OVERVIEW_HEIGHT_PX))
    return picture.quantize(256)


if __name__ == "__main__":
    main()
