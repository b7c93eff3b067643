import copy
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import open3d as o3d
import pytest

from tests.support.geometry import open3d_image
from vizion3d.lifting import DepthEstimationResult

RNG = np.random.default_rng(0)
DEPTH = RNG.uniform(1, 5, (6, 8)).astype(np.float32)


def cloud() -> o3d.geometry.PointCloud:
    made = o3d.geometry.PointCloud(o3d.utility.Vector3dVector(RNG.normal(size=(9, 3))))
    made.colors = o3d.utility.Vector3dVector(RNG.uniform(size=(9, 3)))
    made.normals = o3d.utility.Vector3dVector(RNG.normal(size=(9, 3)))
    made.covariances = o3d.utility.Matrix3dVector(RNG.normal(size=(9, 3, 3)))
    return made


def result() -> DepthEstimationResult:
    return DepthEstimationResult(
        raw_depth=DEPTH.copy(),
        rgb=RNG.integers(0, 256, (6, 8, 3), np.uint8),
        min_depth=float(DEPTH.min()),
        max_depth=float(DEPTH.max()),
        backend_used="model.pth",
        depth_image=open3d_image(RNG.integers(0, 65536, (6, 8), np.uint16)),
        point_cloud=cloud(),
    )


def through_pickle(original: DepthEstimationResult) -> DepthEstimationResult:
    duplicate = pickle.loads(pickle.dumps(original))
    assert isinstance(duplicate, DepthEstimationResult)
    return duplicate


@pytest.mark.parametrize("duplicate", [through_pickle, copy.deepcopy])
def test_a_result_with_open3d_objects_is_duplicated_whole(
    duplicate: Callable[[DepthEstimationResult], DepthEstimationResult],
) -> None:
    original = result()
    original.depth_map  # noqa: B018 (the lists are kept from here on)
    made = duplicate(original)
    assert made == original
    assert made.depth_map == original.depth_map
    assert made.model_fields_set == original.model_fields_set
    assert made.rgb is not None
    assert original.rgb is not None
    assert np.array_equal(made.rgb, original.rgb)
    assert np.array_equal(np.asarray(made.depth_image), np.asarray(original.depth_image))
    for part in ("points", "colors", "normals", "covariances"):
        given = np.asarray(getattr(original.point_cloud, part))
        assert np.array_equal(np.asarray(getattr(made.point_cloud, part)), given)
    assert original.point_cloud is not None
    assert made.point_cloud is not None
    np.asarray(original.point_cloud.points)[:] = 0
    original.raw_depth[:] = 0
    assert np.asarray(made.point_cloud.points).any()
    assert made.raw_depth.any()


@pytest.mark.process
def test_another_process_reads_it_and_without_open3d_objects_imports_no_open3d(
    tmp_path: Path,
) -> None:
    plain = result().model_copy(update={"depth_image": None, "point_cloud": None})
    for name, given in {"plain": plain, "whole": result()}.items():
        (tmp_path / name).write_bytes(pickle.dumps(given))
    program = (
        "import pickle, sys; from pathlib import Path\n"
        f"plain = pickle.loads(Path({str(tmp_path / 'plain')!r}).read_bytes())\n"
        "print(plain.raw_depth.shape, 'open3d' in sys.modules)\n"
        f"whole = pickle.loads(Path({str(tmp_path / 'whole')!r}).read_bytes())\n"
        "print(len(whole.point_cloud.points))"
    )
    told = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    assert told.splitlines() == ["(6, 8) False", "9"]
