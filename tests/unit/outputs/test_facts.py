from typing import Annotated, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from vizion3d.geometry.cameras import CameraIntrinsics
from vizion3d.outputs.facts import (
    Fact,
    answer_model,
    as_headers,
    facts_of,
    from_headers,
    headers_of,
    values_of,
)


class Measured(BaseModel):
    """A result of no task, with a fact of every type."""

    length_m: Annotated[float, Fact("How long it is.", "X-Length")]
    place: Annotated[str, Fact("Where it lies.", "X-Place")] = "/a b"
    kind: Annotated[Literal["rough", "fine"], Fact("How it was measured.", "X-Kind")] = "fine"
    camera: Annotated[CameraIntrinsics | None, Fact("The camera.", "X-Camera")] = None
    scale: Annotated[float, Fact("In JSON only.")] = 1.0
    secret: str = "no fact"


numbers = st.floats(allow_nan=False, allow_infinity=False)
cameras = st.builds(
    CameraIntrinsics,
    numbers,
    numbers,
    numbers,
    numbers,
    st.integers(1, 9999),
    st.integers(1, 9999),
    st.dictionaries(st.text(max_size=5), st.text(max_size=20), max_size=4),
)


@given(
    st.builds(
        Measured,
        length_m=numbers,
        place=st.text(st.characters(exclude_categories=["Cs"])),
        kind=st.sampled_from(["rough", "fine"]),
        camera=st.none() | cameras,
    )
)
def test_what_headers_tell_is_what_is_read_from_them(measured: Measured) -> None:
    headers = as_headers(measured)
    assert list(headers) == ["X-Length", "X-Place", "X-Kind", "X-Camera"]
    assert all(value.isascii() and value.isprintable() for value in headers.values())
    assert from_headers(Measured, headers) == {
        "length_m": measured.length_m,
        "place": measured.place,
        "kind": measured.kind,
        "camera": measured.camera,
    }


def test_only_facts_are_told() -> None:
    assert list(facts_of(Measured)) == ["length_m", "place", "kind", "camera", "scale"]
    assert headers_of(Measured) == {
        "X-Length": "How long it is",
        "X-Place": "Where it lies, percent-encoded",
        "X-Kind": "How it was measured",
        "X-Camera": "The camera, JSON",
    }
    camera = CameraIntrinsics(1, 2, 3, 4, 5, 6)
    told = values_of(Measured(length_m=2, camera=camera))
    assert told["scale"] == 1.0
    assert told["camera"]["width_px"] == 5
    assert "secret" not in told


def test_a_header_that_holds_another_type_is_refused() -> None:
    headers = as_headers(Measured(length_m=1.0))
    with pytest.raises(ValidationError):
        from_headers(Measured, headers | {"X-Length": "long"})
    with pytest.raises(ValidationError):
        from_headers(Measured, headers | {"X-Kind": "other"})
    with pytest.raises(KeyError, match="X-Length"):
        from_headers(Measured, {name: v for name, v in headers.items() if name != "X-Length"})


def test_the_model_of_an_answer_has_the_facts_types_and_descriptions() -> None:
    parts = {"rows": (list[float] | None, "Every length.")}
    answer = answer_model("Answer", Measured, "What was measured.", parts, {"scale": int})
    schema = answer.model_json_schema()
    assert schema["title"] == "Answer"
    assert schema["description"] == "What was measured."
    assert schema["required"] == ["length_m", "place", "kind", "camera", "scale", "rows"]
    assert schema["properties"]["rows"]["description"] == "Every length."
    assert schema["properties"]["length_m"] == {
        "description": "How long it is.",
        "title": "Length M",
        "type": "number",
    }
    assert schema["properties"]["scale"]["type"] == "integer"
