import gzip
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from vizion3d.server import encoding

depths = hnp.arrays(
    np.float32,
    hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=80),
    elements=st.floats(width=32, allow_nan=False, allow_infinity=False),
)


@given(depths)
def test_json_rows_read_back_as_the_same_floats(depth: np.ndarray) -> None:
    rows = json.loads(encoding.json_rows(depth))
    assert np.array_equal(np.array(rows, np.float32), depth)
    assert (len(rows), len(rows[0])) == depth.shape


@pytest.mark.parametrize("view", [np.s_[::2], np.s_[:, ::-1], np.s_[:, 3:9]])
def test_a_view_is_written_as_what_it_shows(view: Any) -> None:
    depth = np.random.default_rng(0).random((40, 50), np.float32)[view]
    rows = json.loads(encoding.json_rows(depth))
    assert np.array_equal(np.array(rows, np.float32), depth)


def test_compressed_content_is_the_same() -> None:
    content = b"depth " * 1000
    assert gzip.decompress(encoding.compress(content)) == content
    assert len(encoding.compress(content)) < 100
