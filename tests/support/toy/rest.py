"""The task's route: two photos in one form."""

from typing import Annotated, Any

import orjson
from fastapi import Form
from pydantic import BaseModel

from tests.support.toy import wire
from tests.support.toy.commands import DifferenceCommand, DifferenceConfig, DifferenceResult
from vizion3d.outputs.depth_files import encode_npy
from vizion3d.server.encoding import json_rows
from vizion3d.server.rest.forms import ModelName, Photo, form
from vizion3d.server.rest.route import Asked, Binary, Route


class DifferenceAnswer(BaseModel):
    """How much two photos differ."""

    mean: float
    difference: list[list[float]] | None


@form(DifferenceConfig)
async def read_form(
    first: Photo,
    second: Photo,
    config: dict[str, Any],
    model_backend: ModelName = "",
    difference: Annotated[bool, Form(description="JSON: also the difference's rows.")] = False,
) -> Asked[DifferenceCommand]:
    """What a form asks for."""
    photos = await first.read(), await second.read()
    command = DifferenceCommand(*photos, model_backend, DifferenceConfig(**config))
    return Asked(command, {"difference": difference})


def json(result: DifferenceResult, asked: Asked[DifferenceCommand]) -> bytes:
    """The JSON answer."""
    rows = orjson.Fragment(json_rows(result.difference)) if asked.parts["difference"] else None
    return orjson.dumps({"mean": result.mean, "difference": rows})


ROUTE: Route[DifferenceCommand, DifferenceResult] = Route(
    path=wire.PATH,
    name="compare_photos",
    summary="Compare two photos",
    description="As JSON, or as a NumPy array.",
    success="The difference.",
    read=read_form,
    answer=DifferenceAnswer,
    json=json,
    binary={
        "application/x-npy": Binary(
            "difference.npy", lambda result, _command: encode_npy(result.difference)
        )
    },
    facts={wire.MEAN: "Mean of the difference (binary answers)."},
    tell=lambda result: {wire.MEAN: repr(result.mean)},
)
