import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from tests.support.colmap import write_model
from tests.support.photos import coffee
from vizion3d.errors import InvalidConfigError, InvalidImageError
from vizion3d.lifting import DepthEstimation, DepthEstimationCommand
from vizion3d.programs.cli import app

SIZE = 56


def scene(folder: Path) -> np.ndarray:
    """Photos, a model of which the second photo has too few points, and the first one's depth."""
    photo = np.ascontiguousarray(coffee()[::8, ::8][:40, :60])
    (folder / "photos/a").mkdir(parents=True)
    for name in ("a/one.png", "two.png"):
        Image.fromarray(photo).save(folder / "photos" / name)
    raw = DepthEstimation().run(DepthEstimationCommand(photo, "nano", input_size=SIZE)).raw_depth
    depth = 4 / (raw - raw.min() + 0.5 * np.ptp(raw)) * np.ptp(raw)
    rng = np.random.default_rng(0)
    u, v = rng.integers(0, 60, 40), rng.integers(0, 40, 40)
    pixels = np.column_stack((u, v)).astype(float)
    write_model(
        folder / "sparse/0",
        {"a/one.png": (pixels, depth[v, u]), "two.png": (pixels[:2], depth[v, u][:2])},
        "OPENCV 60 40 50 52 30 20 0.01 0 0 0.002",
    )
    return np.asarray(depth)


def run(folder: Path, *more: str):  # type: ignore[no-untyped-def]
    model, photos = folder / "sparse/0", folder / "photos"
    arguments = ["align-colmap", str(model), str(photos), "--out", str(folder / "out")]
    options = ["--model", "nano", "--input-size", str(SIZE)]
    return CliRunner().invoke(app, [*arguments, *options, *more])


@pytest.mark.slow
def test_depths_are_in_the_models_unit(tmp_path: Path) -> None:
    depth = scene(tmp_path)
    result = run(tmp_path)
    assert result.exit_code == 1  # of the second photo
    assert "40 of 40 known values fit" in result.stderr
    assert "the model has 2 points in it" in result.stderr
    told = json.loads((tmp_path / "out/transforms.json").read_text())
    unit = told["depth_unit_scale_factor"]
    assert unit == 0.001
    (frame,) = told["frames"]
    assert frame["depth_file_path"] == "depths/a/one.png"
    assert Path(frame["file_path"]) == tmp_path / "photos/a/one.png"
    with Image.open(tmp_path / "out/depths/a/one.png") as image:
        assert image.mode == "I;16"
        np.testing.assert_allclose(np.asarray(image) * unit, depth, atol=2 * unit)
    assert (frame["w"], frame["h"], frame["fl_x"], frame["fl_y"]) == (60, 40, 50, 52)
    assert (frame["cx"], frame["cy"], frame["k1"], frame["p2"]) == (30, 20, 0.01, 0.002)
    pose = np.array(frame["transform_matrix"])
    np.testing.assert_allclose(pose[:3, :3], np.diag([1, -1, -1]))  # y up, z backward
    np.testing.assert_allclose(pose[:3, 3], [0, -0.1, 0.2])


def test_a_folder_that_is_no_model_and_one_without_the_photos(tmp_path: Path) -> None:
    (tmp_path / "sparse/0").mkdir(parents=True)
    assert isinstance(run(tmp_path).exception, InvalidConfigError)
    write_model(tmp_path / "sparse/0", {"x.png": (np.ones((3, 2)), np.ones(3))})
    assert isinstance(run(tmp_path).exception, InvalidImageError)


@pytest.mark.parametrize(("farthest", "unit"), [(10.0, 1e-3), (0.5, 1e-4), (1000.0, 1e-1)])
def test_the_unit_is_a_power_of_ten_that_the_depths_fit(
    tmp_path: Path, farthest: float, unit: float
) -> None:
    from vizion3d.lifting.cli.colmap import _Job, depth_unit
    from vizion3d.media.colmap import read_colmap

    write_model(tmp_path, {"x.png": (np.ones((3, 2)), np.full(3, farthest))})
    jobs = [_Job(image, tmp_path, tmp_path) for image in read_colmap(tmp_path)]
    assert depth_unit(jobs) == pytest.approx(unit)
    assert farthest / unit < 65535
