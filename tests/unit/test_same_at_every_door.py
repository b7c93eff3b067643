"""The same photo gives the same cloud and the same facts, however it is asked for."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.support.doors import Door, every_door, kitchen
from vizion3d.geometry.calibration import CalibratedCamera
from vizion3d.geometry.calibration_files import write_camera
from vizion3d.networks.base import Network
from vizion3d.networks.depth_anything_v2.config import NetworkConfig
from vizion3d.networks.depth_anything_v2.network import DepthAnythingV2Network

EXIF_IFD, FOCAL_LENGTH_35MM = 0x8769, 0xA405
SIZE = HEIGHT_PX, WIDTH_PX = 60, 80
TINY = NetworkConfig(embed_dim=64, depth=4, features=16, head_channels=(8, 16, 24, 32))
RELATIVE, OUTDOOR = DepthAnythingV2Network(TINY), DepthAnythingV2Network(TINY, max_depth_m=80.0)
RNG = np.random.default_rng(0)
DEPTH = RNG.uniform(1, 5, SIZE).astype(np.float32)
FAR_M = RNG.uniform(20, 70, SIZE).astype(np.float32)

ENTRY_POINTS = ("python", "cli", "rest", "grpc")


@contextmanager
def doors(folder: Path, depth: Any, network: Network) -> Iterator[dict[str, Door]]:
    with every_door(kitchen(folder, depth, network), folder / "out") as opened:
        yield opened


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A photo whose EXIF data tell a focal length."""
    path = tmp_path_factory.mktemp("photo") / "phone.jpg"
    exif = Image.Exif()
    exif.get_ifd(EXIF_IFD)[FOCAL_LENGTH_35MM] = 26
    pixels = RNG.integers(0, 256, (*SIZE, 3), np.uint8)
    Image.fromarray(pixels).save(path, exif=exif)
    return path


def all_of(opened: dict[str, Door], photo: Path, **fields: Any) -> dict[str, Any]:
    return {name: door(photo, fields) for name, door in opened.items()}


def test_the_cloud_of_a_photo_with_exif_data(tmp_path: Path, photo: Path) -> None:
    with doors(tmp_path, DEPTH, RELATIVE) as opened:
        answers = all_of(opened, photo, camera="auto")
    expected = answers["python"]
    assert tuple(answers) == ENTRY_POINTS
    assert len(expected.points) > 0.99 * DEPTH.size
    assert expected.facts["intrinsics"]["sources"]["fx"] == "EXIF focal length"
    for answer in answers.values():
        np.testing.assert_array_equal(answer.points, expected.points)
        assert answer.facts["intrinsics"]["sources"] == expected.facts["intrinsics"]["sources"]


def test_a_metric_checkpoints_own_range_ends_the_cloud(tmp_path: Path, photo: Path) -> None:
    with doors(tmp_path, FAR_M, OUTDOOR) as opened:
        answers = all_of(opened, photo)
    for answer in answers.values():
        assert len(answer.points) == FAR_M.size
        assert answer.facts["depth_limit"] == {"metres": 80.0, "source": "range of the checkpoint"}
        assert not any("pixels become points" in note for note in answer.facts["notes"])
    assert answers["cli"].facts["exit_code"] == 0


def test_an_empty_cloud_is_told_with_the_remedy(tmp_path: Path, photo: Path) -> None:
    with doors(tmp_path, FAR_M, OUTDOOR) as opened:
        answers = all_of(opened, photo, depth_trunc=10.0)
    for answer in answers.values():
        assert len(answer.points) == 0
        assert answer.facts["depth_limit"] == {"metres": 10.0, "source": "given"}
        (told,) = (n for n in answer.facts["notes"] if "pixels become points" in n)
        assert told.startswith("0 of 4,800 pixels become points")
        assert "raise depth_trunc (--depth-trunc)" in told
    assert answers["cli"].facts["exit_code"] == 1
    assert "the point cloud is empty" in answers["cli"].facts["output"]


def test_a_relative_checkpoint_ends_where_it_always_did(tmp_path: Path, photo: Path) -> None:
    with doors(tmp_path, DEPTH, RELATIVE) as opened:
        answers = all_of(opened, photo)
    for answer in answers.values():
        assert answer.facts["depth_limit"] == {"metres": 10.0, "source": "default"}


def test_a_cloud_that_edges_eat_is_told(tmp_path: Path, photo: Path) -> None:
    with doors(tmp_path, DEPTH, RELATIVE) as opened:
        answers = all_of(opened, photo, edge_threshold=1e-5)
    for answer in answers.values():
        assert any("raise edge_threshold" in note for note in answer.facts["notes"])


def test_one_focal_length_is_both_and_each_source_is_told(tmp_path: Path, photo: Path) -> None:
    with doors(tmp_path, DEPTH, RELATIVE) as opened:
        answers = all_of(opened, photo, fx=70.0)
    for answer in answers.values():
        assert (answer.facts["intrinsics"]["fx"], answer.facts["intrinsics"]["fy"]) == (70, 70)
        assert answer.facts["intrinsics"]["sources"]["fy"] == "equal to fx"


def test_intrinsics_of_another_size_are_scaled_and_a_point_outside_is_told(
    tmp_path: Path, photo: Path
) -> None:
    fields = {"fx": 800.0, "cx": 400.0, "cy": 300.0}
    with doors(tmp_path, DEPTH, RELATIVE) as opened:
        plain = all_of(opened, photo, **fields)
        scaled = all_of(opened, photo, **fields, width_px=800, height_px=600)
    for answer in plain.values():
        assert any("lies outside the image of 80 x 60" in n for n in answer.facts["notes"])
    for answer in scaled.values():
        assert answer.facts["intrinsics"]["fx"] == pytest.approx(80)
        assert answer.facts["intrinsics"]["cx"] == pytest.approx(39.55)
        assert not any("lies outside" in note for note in answer.facts["notes"])
        np.testing.assert_array_equal(answer.points, scaled["python"].points)


def test_a_cloud_is_made_smaller(tmp_path: Path, photo: Path) -> None:
    with doors(tmp_path, DEPTH, RELATIVE) as opened:
        few = all_of(opened, photo, camera="auto", max_points=100)
        coarse = all_of(opened, photo, camera="auto", voxel=0.5)
    for answers, most in ((few, 100), (coarse, DEPTH.size // 4)):
        for answer in answers.values():
            assert 0 < len(answer.points) <= most
            np.testing.assert_array_equal(answer.points, answers["python"].points)


def test_a_calibration_with_distortion_gives_the_same_cloud(tmp_path: Path, photo: Path) -> None:
    matrix = np.array([[800.0, 0, 400], [0, 810, 300], [0, 0, 1]])
    lens = CalibratedCamera(matrix, np.array([-0.3, 0.1, 0, 0, 0]), False, 800, 600)
    file = tmp_path / "cam.yaml"
    file.write_bytes(write_camera(lens))
    with doors(tmp_path, DEPTH, RELATIVE) as opened:
        answers = all_of(opened, photo, calibration=file)
    expected = answers["python"]
    for answer in answers.values():
        np.testing.assert_allclose(answer.points, expected.points, rtol=1e-6)
        assert answer.facts["intrinsics"]["sources"]["fx"].startswith("calibration")
        assert any("distortion was undone" in note for note in answer.facts["notes"])
    assert expected.facts["intrinsics"]["fx"] != pytest.approx(80)
