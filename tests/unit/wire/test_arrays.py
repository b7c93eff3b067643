import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from vizion3d.proto import lifting_pb2 as pb
from vizion3d.wire.arrays import encode_rows, pack, unpack

DEPTH_MAP = pb.DepthEstimationResponse.DEPTH_MAP_FIELD_NUMBER


depths = hnp.arrays(
    np.float32,
    hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=300),
    elements=st.floats(width=32),
    fill=st.just(np.float32(1.5)),
)


@given(depths)
def test_rows_are_those_of_protobuf_itself(depth: np.ndarray) -> None:
    theirs = pb.DepthEstimationResponse(
        depth_map=[pb.FloatRow(values=row.tolist()) for row in depth]
    )
    assert encode_rows(depth, DEPTH_MAP) == theirs.SerializeToString()


@given(depths)
def test_packed_arrays_unpack_to_the_same(depth: np.ndarray) -> None:
    packed = pb.PackedArray.FromString(pack(depth).SerializeToString())
    assert np.array_equal(unpack(packed), depth, equal_nan=True)


def test_a_view_is_packed_as_what_it_shows() -> None:
    depth = np.arange(24, dtype=np.float32).reshape(4, 6)[::2, ::-1]
    assert np.array_equal(unpack(pack(depth)), depth)
    rows = pb.DepthEstimationResponse.FromString(encode_rows(depth, DEPTH_MAP)).depth_map
    assert [list(row.values) for row in rows] == depth.tolist()
