import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vizion3d.errors import InvalidConfigError
from vizion3d.geometry.alignment import Knowledge
from vizion3d.lifting.known import LENGTH, POINT, parse_rows, to_rows
from vizion3d.lifting.known_messages import from_message, to_message
from vizion3d.proto import lifting_pb2 as pb

NUMBERS = st.floats(0.001, 1000)
FULL = Knowledge(
    points=[(1, 2, 3, 1), (4.5, 5.25, 0.1, 7)],
    distances=[(1, 2, 3, 4, 0.3)],
    planes=[(1, 2, 30, 40, 2.5)],
    sparse_depth_m=np.array([[0, 1.5], [np.nan, 3]]),
    camera_height_m=1.4,
    camera_pitch_deg=-0.1,
)


def same(first: Knowledge, second: Knowledge) -> bool:
    tables = ("points", "distances", "planes", "sparse_depth_m")
    numbers = ("camera_height_m", "camera_pitch_deg")
    return all(np.array_equal(getattr(first, n), getattr(second, n)) for n in tables) and all(
        getattr(first, n) == getattr(second, n) for n in numbers
    )


def test_a_message_tells_everything_exactly() -> None:
    wire = to_message(FULL).SerializeToString()
    assert same(from_message(pb.Knowledge.FromString(wire)), FULL)
    assert same(from_message(to_message(Knowledge())), Knowledge(sparse_depth_m=None))


@settings(deadline=None)
@given(st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS), min_size=1, max_size=9))
def test_rows_as_text_are_exact(rows: list[tuple[float, float, float]]) -> None:
    known = Knowledge(rows)
    assert np.array_equal(
        Knowledge(parse_rows("points", to_rows(known.points), POINT)).points, known.points
    )
    text = "; ".join(f"{u!r},{v!r},{m!r}" for u, v, m in rows)
    assert np.array_equal(Knowledge(parse_rows("points", text, POINT)).points, known.points)


def test_no_rows_are_no_text() -> None:
    assert to_rows(Knowledge().points) == ""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1,2", "points must be u,v,metres, got '1,2'"),
        ("1,2,3,4,5", "got '1,2,3,4,5'"),
        ("1,2,x", "got '1,2,x'"),
        ("1,2,3;;4", "got '4'"),
        (";", "points is empty"),
        ("[1,2", "not JSON"),
        ("[" * 10_000, "not JSON"),
    ],
)
def test_what_is_no_row_is_refused(text: str, said: str) -> None:
    with pytest.raises(InvalidConfigError, match=said):
        parse_rows("points", text, POINT)


@pytest.mark.parametrize("text", ['[{"u":1}]', "[[1,2]]", '["a"]', "[[[1,2,3]]]", "[null]", "[1]"])
def test_json_of_another_shape_is_refused(text: str) -> None:
    with pytest.raises(InvalidConfigError, match="rows of 3 numbers"):
        Knowledge(parse_rows("points", text, POINT))


@pytest.mark.parametrize(
    "packed",
    [
        pb.PackedArray(data=b"1234", shape=(1, 1), dtype="object"),
        pb.PackedArray(data=b"1234", shape=(2, 1), dtype="float32"),
        pb.PackedArray(data=b"1234", shape=(1,), dtype="float32"),
        pb.PackedArray(data=b"", shape=(2**31, 2**31), dtype="float32"),
    ],
)
def test_a_packed_array_that_is_none_is_refused(packed: pb.PackedArray) -> None:
    with pytest.raises(InvalidConfigError, match="sparse_depth_m must be float32"):
        from_message(pb.Knowledge(sparse_depth_m=packed))


def test_lengths_have_five_columns() -> None:
    assert parse_rows("distances", "1,2,3,4,5.5", LENGTH) == [[1, 2, 3, 4, 5.5]]
