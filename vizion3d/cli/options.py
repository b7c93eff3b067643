"""Options that several commands have."""

from typing import Annotated

import typer

from vizion3d.networks.base import MIN_INPUT_SIZE
from vizion3d.settings import Precision

Model = Annotated[
    str, typer.Option(help="Name, URL or path of a checkpoint; see 'vizion3d models list'.")
]
InputSize = Annotated[
    int | None,
    typer.Option(
        help="Shorter side of the photo as the network sees it, in pixels.",
        min=MIN_INPUT_SIZE,
        show_default="the model's best",
    ),
]
ColorMap = Annotated[str, typer.Option(help="Colour map: inferno, turbo, viridis ...")]
Device = Annotated[
    str | None, typer.Option(help="Where the network runs: auto, cpu, cuda, cuda:1 or mps.")
]
PrecisionOption = Annotated[
    Precision | None,
    typer.Option("--precision", help="Arithmetic of the network; int8: Depth Anything V2 on CPUs."),
]
MaxPoints = Annotated[
    int | None,
    typer.Option(help="Most points of a cloud, and most vertices of a mesh (all).", min=1),
]
Voxel = Annotated[
    float | None,
    typer.Option(help="Keep one point in each cube of this side, in metres (all points)."),
]
