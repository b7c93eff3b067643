"""``vizion3d export``: networks as files for other runtimes."""

import re
from pathlib import Path
from typing import Annotated

import typer

from vizion3d.cli.context import application_of
from vizion3d.cli.log import show_log
from vizion3d.errors import InvalidConfigError
from vizion3d.networks.base import Size
from vizion3d.runtime.export import (
    OPSET,
    ExportFormat,
    ExportModelCommand,
    ExportPrecision,
    write_triton_model,
)


def export(
    context: typer.Context,
    model: Annotated[str, typer.Argument(help="A name, an https URL, or a path.")],
    out: Annotated[Path, typer.Option(help="Folder of the file.", file_okay=False)] = Path(),
    file_format: Annotated[
        ExportFormat, typer.Option("--format", help="Kind of file: onnx or openvino.")
    ] = "onnx",
    static: Annotated[
        str | None,
        typer.Option(
            help="Height and width at which the network sees images, fixed in the file: 518x686.",
            show_default="any",
        ),
    ] = None,
    precision: Annotated[
        ExportPrecision, typer.Option(help="Precision of weights and arithmetic: fp32 or fp16.")
    ] = "fp32",
    with_preprocessing: Annotated[
        bool,
        typer.Option(
            help="Put resizing and normalising into the file too: uint8 photos of any size in, "
            "depth of their size out."
        ),
    ] = False,
    triton_repository: Annotated[
        Path | None,
        typer.Option(
            help="Also put the file into this model repository of NVIDIA Triton.", file_okay=False
        ),
    ] = None,
) -> None:
    """Write a network as a file for other runtimes, check it, and print its path."""
    show_log()
    command = ExportModelCommand(
        model, out, file_format, _size(static), precision, with_preprocessing
    )
    exported = application_of(context).default().commands.dispatch(command)
    typer.echo(exported.path)
    size = "any size" if exported.size is None else "size {}x{}".format(*exported.size)
    opset = f", opset {OPSET}" if file_format == "onnx" else ""
    typer.echo(f"for {size} and any batch{opset}", err=True)
    checked = " and ".join(f"{height}x{width}" for height, width in exported.checked)
    for output, share in exported.worst.items():
        told = f"{output}: differs by at most {share:.2g} of its range, for inputs of {checked}"
        typer.echo(told, err=True)
    if triton_repository is not None:
        typer.echo(write_triton_model(exported, triton_repository, exported.path.stem))


def _size(text: str | None) -> Size | None:
    if text is None:
        return None
    match = re.fullmatch(r"(\d+)x(\d+)", text)
    if match is None:
        raise InvalidConfigError(f"a size is HEIGHTxWIDTH, such as 518x686; got {text!r}")
    return int(match[1]), int(match[2])
