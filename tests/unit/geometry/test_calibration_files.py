import contextlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vizion3d.errors import InvalidConfigError
from vizion3d.geometry.calibration import StereoCalibration
from vizion3d.geometry.calibration_files import read_camera, read_stereo, write_stereo

MIDDLEBURY = b"""cam0=[994.978 0 311.193; 0 994.978 254.877; 0 0 1]
cam1=[994.978 0 342.279; 0 994.978 254.877; 0 0 1]
doffs=31.086
baseline=193.001
width=741
height=497
ndisp=70
isint=0
"""

KALIBR = b"""cam0:
  cam_overlaps: [1]
  camera_model: pinhole
  distortion_coeffs: [-0.28, 0.07, 0.0002, 0.00002]
  distortion_model: radtan
  intrinsics: [458.6, 457.3, 367.2, 248.4]
  resolution: [752, 480]
cam1:
  T_cn_cnm1:
  - [0.99999, 0.0023, 0.0004, -0.11007]
  - [-0.0023, 0.99989, 0.0141, 0.0004]
  - [-0.0003, -0.0141, 0.9999, -0.0008]
  - [0.0, 0.0, 0.0, 1.0]
  camera_model: pinhole
  distortion_coeffs: [-0.28, 0.07, -0.0001, -0.00003]
  distortion_model: radtan
  intrinsics: [457.5, 456.1, 379.9, 255.2]
  resolution: [752, 480]
"""


def ros(shift: float, cx: float = 320.0) -> bytes:
    return f"""image_width: 640
image_height: 480
camera_name: narrow_stereo
camera_matrix:
  rows: 3
  cols: 3
  data: [500.0, 0, {cx}, 0, 500.0, 240.0, 0, 0, 1]
distortion_model: plumb_bob
distortion_coefficients:
  rows: 1
  cols: 5
  data: [0.1, -0.05, 0, 0, 0]
rectification_matrix:
  rows: 3
  cols: 3
  data: [1, 0, 0, 0, 1, 0, 0, 0, 1]
projection_matrix:
  rows: 3
  cols: 4
  data: [480, 0, 322.5, {shift}, 0, 480, 241.5, 0, 0, 0, 1, 0]
""".encode()


def opencv_file(path: Path, **entries: Any) -> Path:
    """What OpenCV itself writes."""
    storage = cv2.FileStorage(str(path), cv2.FILE_STORAGE_WRITE)
    for name, value in entries.items():
        storage.write(name, value)
    storage.release()
    return path


K = np.array([[800.0, 0, 330], [0, 810, 250], [0, 0, 1]])
D = np.array([[0.1, -0.2, 0.001, -0.002, 0.05]])
R = cv2.Rodrigues(np.array([0.01, -0.02, 0.005]))[0]
T = np.array([[-120.0], [1.0], [2.0]])


def test_middlebury() -> None:
    calibration = read_stereo(MIDDLEBURY)
    assert calibration.focal_px == 994.978
    assert calibration.centre_px == (311.193, 254.877)
    assert calibration.doffs_px == pytest.approx(31.086)
    assert calibration.baseline_mm == pytest.approx(193.001)
    assert (calibration.left.width_px, calibration.left.height_px) == (741, 497)
    assert not calibration.needs_rectification


@pytest.mark.parametrize("ending", ["yml", "yaml", "xml"])
def test_opencv_extrinsics_as_opencv_rectifies_them(tmp_path: Path, ending: str) -> None:
    path = opencv_file(
        tmp_path / f"stereo.{ending}",
        **{"image_width": 640, "image_height": 480, "K1": K, "D1": D, "K2": K, "D2": D},
        R=R,
        T=T,
    )
    calibration = read_stereo(path)
    first, second, p1, p2, *_ = cv2.stereoRectify(K, D, K, D, (640, 480), R, T, alpha=0)
    assert calibration.needs_rectification
    assert calibration.focal_px == pytest.approx(p1[0, 0])
    assert calibration.baseline_mm == pytest.approx(-p2[0, 3] / p2[0, 0])
    assert calibration.baseline_mm == pytest.approx(np.linalg.norm(T))
    np.testing.assert_allclose(np.asarray(calibration.left.rotation), np.asarray(first))
    np.testing.assert_allclose(np.asarray(calibration.right.rotation), np.asarray(second))


def test_opencv_projections_and_q(tmp_path: Path) -> None:
    first, second, p1, p2, q, *_ = cv2.stereoRectify(K, D, K, D, (640, 480), R, T, alpha=0)
    both = opencv_file(tmp_path / "p.yml", P1=p1, P2=p2)
    whole = opencv_file(
        tmp_path / "all.yml", K1=K, D1=D, K2=K, D2=D, R1=first, R2=second, P1=p1, P2=p2
    )
    only_q = opencv_file(tmp_path / "q.yml", Q=q)
    for path, turned in ((both, False), (whole, True), (only_q, False)):
        calibration = read_stereo(path)
        assert calibration.focal_px == pytest.approx(p1[0, 0])
        assert calibration.centre_px == pytest.approx((p1[0, 2], p1[1, 2]))
        assert calibration.baseline_mm == pytest.approx(np.linalg.norm(T))
        assert calibration.doffs_px == pytest.approx(0, abs=1e-9)
        assert calibration.needs_rectification is turned


def test_a_pair_of_ros_files() -> None:
    calibration = read_stereo(ros(0.0), ros(-57.6))
    assert calibration.focal_px == 480
    assert calibration.baseline_mm == pytest.approx(120)
    assert calibration.needs_rectification


def test_kalibr() -> None:
    calibration = read_stereo(KALIBR)
    assert calibration.baseline_mm == pytest.approx(110.07, abs=0.05)
    camera = read_camera(KALIBR)
    assert camera.matrix[0, 0] == 458.6
    assert camera.distortion.tolist() == [-0.28, 0.07, 0.0002, 0.00002]
    assert (camera.width_px, camera.height_px) == (752, 480)


@pytest.mark.parametrize(
    ("line", "baseline_mm"),
    [
        (b"0.12", 120),
        (b"baseline: 120 mm", 120),
        (b"baseline=0.12 m", 120),
        (b"baseline_mm: 7", 7),
        (b"Baseline: 63", 63),
    ],
)
def test_a_matrix_with_a_baseline(line: bytes, baseline_mm: float) -> None:
    calibration = read_stereo(b"700 0 320 0 700 240 0 0 1\n" + line + b"\n")
    assert calibration.focal_px == 700
    assert calibration.baseline_mm == pytest.approx(baseline_mm)


@pytest.mark.parametrize(
    "text",
    [
        b"700 0 320\n0 700 240\n0 0 1\n",
        b"[[700, 0, 320], [0, 700, 240], [0, 0, 1]]",
        b"700, 0, 320; 0, 700, 240; 0, 0, 1",
        ros(0.0, 320.0).replace(b"500.0", b"700"),
    ],
)
def test_one_camera(text: bytes) -> None:
    camera = read_camera(text)
    assert camera.matrix.tolist() == [[700, 0, 320], [0, 700, 240], [0, 0, 1]]


def test_one_camera_of_opencv(tmp_path: Path) -> None:
    path = opencv_file(
        tmp_path / "one.xml", camera_matrix=K, distortion_coefficients=D, image_width=640
    )
    camera = read_camera(path)
    np.testing.assert_allclose(camera.matrix, K)
    np.testing.assert_allclose(camera.distortion, D.ravel())


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"", "neither Middlebury"),
        (b"hello", "neither Middlebury"),
        (b"\xff\xfe\x00", "not a text file"),
        (b"a: [", "no calibration that can be read"),
        (b"a: &x [1]\nb: *x\n", "aliases"),
        (b"!!python/object/apply:os.system ['true']", "no calibration that can be read"),
        (b"<opencv_storage>", "damaged XML"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "DOCTYPE"),
        (b"K1: [1, 2]", "how the cameras stand"),
        (b"cam0=[1 2 3]\n", "no line cam1"),
        (b"700 0 320 0 700 240 0 0 1\n5", "may be millimetres, centimetres or metres"),
        (b"700 0 320 0 700 240 0 0 1\n", "no baseline"),
        (b"-700 0 320 0 700 240 0 0 1\n0.1", "positive focal lengths"),
        (b"700 0 320 0 700 240 0 0 1\n-0.1", "to the left of the first"),
        (b"1 2 3", "has 3 numbers"),
        (b"x" * 1_000_001, "larger than"),
        (MIDDLEBURY.replace(b"=193.001", b"=nan"), "baseline"),
        (b"P1: [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0]\nP2: 7\nunit: mm", "P2 is 3 x 4"),
        (MIDDLEBURY + b"unit=furlong\n", "mm, cm or m"),
    ],
)
def test_what_cannot_be_read_is_told(text: bytes, told: str) -> None:
    with pytest.raises(InvalidConfigError, match=told):
        read_stereo(text)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfigError, match=r"nowhere\.yml cannot be read"):
        read_stereo(tmp_path / "nowhere.yml")


@given(st.one_of(st.binary(max_size=300), st.text(max_size=300).map(lambda t: t.encode("utf-8"))))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    for read in (read_stereo, read_camera):
        with contextlib.suppress(InvalidConfigError):
            read(content)


VALUES = st.recursive(
    st.one_of(st.none(), st.floats(), st.integers(), st.text(max_size=5), st.just("500")),
    lambda inner: (
        st.lists(inner, max_size=12) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=20,
)
NAMES = st.sampled_from(
    [
        "K1",
        "D1",
        "K2",
        "D2",
        "R",
        "T",
        "P1",
        "P2",
        "R1",
        "R2",
        "Q",
        "image_width",
        "image_height",
        "cam0",
        "cam1",
        "baseline",
        "unit",
        "camera_matrix",
        "distortion_model",
        "imageSize",
    ]
)


@given(st.dictionaries(NAMES, VALUES, max_size=8))
def test_any_fields_are_read_or_refused(fields: dict[str, Any]) -> None:
    import yaml

    content = yaml.safe_dump(fields).encode()
    for read in (read_stereo, read_camera):
        with contextlib.suppress(InvalidConfigError):
            read(content)


def numbers_of(calibration: StereoCalibration) -> list[float]:
    return [
        calibration.focal_px,
        *calibration.centre_px,
        calibration.baseline_mm,
        calibration.doffs_px,
    ]


@pytest.mark.parametrize("content", [MIDDLEBURY, KALIBR])
def test_what_is_written_reads_back(content: bytes) -> None:
    calibration = read_stereo(content)
    again = read_stereo(write_stereo(calibration))
    assert numbers_of(again) == numbers_of(calibration)
    assert again.fingerprint() == read_stereo(write_stereo(again)).fingerprint()


def test_scaling_keeps_pixel_centres() -> None:
    calibration = read_stereo(MIDDLEBURY)
    half = calibration.scaled(2 * 741, 2 * 497)
    assert half.focal_px == pytest.approx(2 * 994.978)
    assert half.centre_px[0] == pytest.approx((311.193 + 0.5) * 2 - 0.5)
    assert half.doffs_px == pytest.approx(2 * 31.086)
    assert half.baseline_mm == pytest.approx(193.001)
    with pytest.raises(InvalidConfigError, match="another shape"):
        calibration.scaled(741, 741)
