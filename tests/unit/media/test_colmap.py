import sys
from pathlib import Path

import numpy as np
import pytest

from tests.support.colmap import write_model
from vizion3d.errors import InvalidConfigError, MissingDependencyError
from vizion3d.media.colmap import read_colmap

PIXELS = np.array([[3.0, 4.0], [30.25, 20.5], [55, 35]])
DEPTHS = np.array([1.5, 4.0, 2.25])


def model(folder: Path) -> Path:
    return write_model(
        folder, {"b/two.jpg": (PIXELS, DEPTHS), "a/one one.jpg": (PIXELS[:2], DEPTHS[1:])}
    )


def test_pixels_and_depths_come_back(tmp_path: Path) -> None:
    first, second = read_colmap(model(tmp_path))
    assert (first.name, second.name) == ("a/one one.jpg", "b/two.jpg")
    np.testing.assert_allclose(second.points, np.column_stack((PIXELS, DEPTHS)))
    np.testing.assert_allclose(first.points, np.column_stack((PIXELS[:2], DEPTHS[1:])))
    assert (second.camera.model, second.camera.width_px, second.camera.height_px) == (
        "PINHOLE",
        60,
        40,
    )
    assert second.camera.parameters == {"fx": 50, "fy": 52, "cx": 30, "cy": 20}


def test_poses_are_rigid_and_lead_back(tmp_path: Path) -> None:
    for image in read_colmap(model(tmp_path)):
        rotation = image.camera_to_world[:3, :3]
        np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
        assert np.linalg.det(rotation) == pytest.approx(1)
    here = read_colmap(tmp_path)[1]  # the first that was written: not turned
    np.testing.assert_allclose(here.camera_to_world[:3, 3], [0, -0.1, 0.2])


def test_a_photo_without_points(tmp_path: Path) -> None:
    model(tmp_path)
    path = tmp_path / "images.txt"
    lines = path.read_text().splitlines()
    lines[2] = ""
    path.write_text("\n".join(lines) + "\n")
    assert [len(image.points) for image in read_colmap(tmp_path)] == [2, 0]
    (tmp_path / "points3D.txt").write_text("")
    assert [len(image.points) for image in read_colmap(tmp_path)] == [0, 0]


def test_points_behind_the_camera_or_unknown_are_left_out(tmp_path: Path) -> None:
    write_model(tmp_path, {"one.jpg": (PIXELS, DEPTHS * (1, -1, 1))})
    (image,) = read_colmap(tmp_path)
    assert image.points[:, 2].tolist() == pytest.approx([1.5, 2.25])


@pytest.mark.parametrize("name", ["cameras.txt", "images.txt", "points3D.txt"])
def test_a_folder_that_lacks_a_file_is_no_model(tmp_path: Path, name: str) -> None:
    (model(tmp_path) / name).unlink()
    with pytest.raises(InvalidConfigError, match=r"is no COLMAP model: it needs cameras\.txt"):
        read_colmap(tmp_path)


@pytest.mark.parametrize(
    ("name", "line", "text", "said"),
    [
        ("cameras.txt", 1, "1 PINHOLE 60 40 50 52 30", "line 2: PINHOLE has 4 finite parameters"),
        ("cameras.txt", 1, "1 PINHOLE 60 40 50 52 30 nan", "4 finite parameters"),
        ("cameras.txt", 1, "1 PINHOLE 0 40 50 52 30 20", "4 finite parameters"),
        ("cameras.txt", 1, "1 LENS 60 40 1", "the camera model is none of"),
        ("cameras.txt", 1, "1 PINHOLE", "not CAMERA_ID MODEL"),
        ("images.txt", 1, "1 1 0 0 0 0 0 0 1", "line 2: not IMAGE_ID"),
        ("images.txt", 1, "1 0 0 0 0 0 0 0 1 x.jpg", "the pose is not one"),
        ("images.txt", 1, "1 1 0 0 0 nan 0 0 1 x.jpg", "the pose is not one"),
        ("images.txt", 1, "1 1 0 0 0 0 0 0 1 ../x.jpg", "leads out of its folder"),
        ("images.txt", 1, "1 1 0 0 0 0 0 0 1 /etc/x.jpg", "leads out of its folder"),
        ("images.txt", 2, "1 2", "line 3: not X Y POINT3D_ID"),
        ("images.txt", 2, "1 2 x", "not X Y POINT3D_ID"),
        ("images.txt", 4, None, "points is missing"),
        ("points3D.txt", 1, "7 1 2", "line 2: not POINT3D_ID"),
        ("points3D.txt", 1, "x 1 2 3", "not POINT3D_ID"),
        ("points3D.txt", 1, f"{10**30} 1 2 3 ", "too large"),
    ],
)
def test_damage_is_told_with_file_and_line(
    tmp_path: Path, name: str, line: int, text: str | None, said: str
) -> None:
    path = model(tmp_path) / name
    lines = path.read_text().splitlines()
    lines[line : line + 1] = [] if text is None else [text]
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(InvalidConfigError, match=said) as error:
        read_colmap(tmp_path)
    assert name in str(error.value)


def test_a_photo_of_a_camera_that_is_not_there(tmp_path: Path) -> None:
    (model(tmp_path) / "cameras.txt").write_text("2 PINHOLE 60 40 50 52 30 20\n")
    with pytest.raises(InvalidConfigError, match=r"images\.txt, line 2: .* of a camera"):
        read_colmap(tmp_path)


def test_files_that_are_no_text(tmp_path: Path) -> None:
    (model(tmp_path) / "images.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidConfigError, match="cannot be read as text"):
        read_colmap(tmp_path)


def test_a_model_without_images(tmp_path: Path) -> None:
    (model(tmp_path) / "images.txt").write_text("# nothing\n")
    with pytest.raises(InvalidConfigError, match="has no image"):
        read_colmap(tmp_path)


def test_the_binary_form_needs_pycolmap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("cameras.bin", "images.bin", "points3D.bin"):
        (tmp_path / name).write_bytes(b"")
    monkeypatch.setitem(sys.modules, "pycolmap", None)
    with pytest.raises(MissingDependencyError, match="model_converter"):
        read_colmap(tmp_path)


def test_the_binary_form_is_pycolmaps(tmp_path: Path) -> None:
    pycolmap = pytest.importorskip("pycolmap")
    text, binary = model(tmp_path / "text"), tmp_path / "binary"
    binary.mkdir()
    pycolmap.Reconstruction(str(text)).write_binary(str(binary))
    for ours, theirs in zip(read_colmap(text), read_colmap(binary), strict=True):
        np.testing.assert_allclose(ours.points, theirs.points)
        np.testing.assert_allclose(ours.camera_to_world, theirs.camera_to_world)
    (binary / "images.bin").write_bytes(b"\xff" * 40)
    with pytest.raises(InvalidConfigError):
        read_colmap(binary)
