"""The command line from its arguments to its files and its exit code; ``test_program`` has what a
process of its own shows."""

import json
from pathlib import Path

import av
import numpy as np
import open3d as o3d
import pytest
from PIL import Image

from tests.support.checkpoints import save_checkpoint
from tests.support.command_line import vizion3d
from tests.support.videos import panning, write_video
from vizion3d import __version__

pytestmark = pytest.mark.slow


def pixels_of(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def test_damaged_metadata_stop_nothing(folder: Path, tiny: Path) -> None:
    with Image.open(folder / "plain.png") as photo:
        photo.save(folder / "odd.png", exif=b"x")
    (folder / "broken.jpg").unlink()
    ended = vizion3d("depth", folder, "--model", tiny, "--out", folder / "o", "--input-size", 98)
    assert ended.returncode == 0, ended.stderr
    assert len(list((folder / "o").glob("*.ply"))) == 3


def test_every_format(folder: Path, tiny: Path) -> None:
    formats = "png,color,metric-png,ply,glb,view,npy,npz,json"
    out = folder / "out"
    ended = vizion3d(
        *("depth", folder / "plain.png", "--model", tiny, "--out", out, "--save", formats),
        *("--input-size", 98, "--fov", 60, "--near", 1, "--depth-trunc", 4, "--frame", "opengl"),
        *("--edge-threshold", 0, "--device", "cpu", "--precision", "fp32"),
    )
    assert ended.returncode == 0, ended.stderr
    depth = np.load(out / "plain.npy")
    assert (depth.shape, depth.dtype) == ((100, 150), np.float32)
    assert np.array_equal(np.load(out / "plain.npz")["depth"], depth)
    facts = json.loads((out / "plain.json").read_text())
    assert facts["min_depth"] == pytest.approx(float(depth.min()))
    assert facts["depth_kind"] == "relative"
    assert facts["intrinsics"]["fx"] == pytest.approx(75 / np.tan(np.radians(30)))
    assert facts["intrinsics"]["sources"]["fx"] == "field of view 60°"
    assert facts["depth_range"]["depth_trunc"] == 4
    pixels = pixels_of(out / "plain.depth.png")
    assert (pixels.dtype, pixels.min(), pixels.max()) == (np.uint16, 0, 65535)
    millimetres = pixels_of(out / "plain.metric.png")
    assert (millimetres.min(), millimetres.max()) == (1000, 4000)
    cloud = o3d.io.read_point_cloud(out / "plain.ply")
    z = np.asarray(cloud.points)[:, 2]
    assert -4 < z.min() < z.max() == pytest.approx(-1)
    assert (out / "plain.glb").read_bytes()[:4] == b"glTF"
    for name in ("plain.color.png", "plain.view.png"):
        with Image.open(out / name) as picture:
            assert picture.size == (150, 100)


def test_the_metric_png_is_a_depth_image_to_open3d(folder: Path, tiny: Path) -> None:
    out = folder / "out"
    options = ("--save", "metric-png,ply,json", "--input-size", 98, "--edge-threshold", 0)
    assert (
        vizion3d("depth", folder / "plain.png", "--model", tiny, "--out", out, *options).returncode
        == 0
    )
    used = json.loads((out / "plain.json").read_text())["intrinsics"]
    camera = o3d.camera.PinholeCameraIntrinsic(
        150, 100, used["fx"], used["fy"], used["cx"], used["cy"]
    )
    depth = o3d.io.read_image(out / "plain.metric.png")
    theirs = o3d.geometry.PointCloud.create_from_depth_image(
        depth, camera, depth_scale=1000.0, depth_trunc=9.999
    )
    ours = o3d.io.read_point_cloud(out / "plain.ply")
    distances = np.asarray(theirs.compute_point_cloud_distance(ours))
    assert len(theirs.points) > 14_000
    assert distances.max() < 2e-3  # half a millimetre of depth, seen at up to 35 degrees


def test_skip_existing_leaves_finished_images_alone(folder: Path, tiny: Path) -> None:
    out, photo = folder / "out", folder / "plain.png"
    arguments = ("depth", photo, "--model", tiny, "--out", out, "--save", "npy", "--input-size", 98)
    assert vizion3d(*arguments).returncode == 0
    (out / "plain.npy").write_bytes(b"mine")
    skipped = vizion3d(*arguments, "--skip-existing")
    assert skipped.returncode == 0
    assert "1 of 1 images have their results already" in skipped.stderr
    assert (out / "plain.npy").read_bytes() == b"mine"
    assert vizion3d(*arguments).returncode == 0
    assert np.load(out / "plain.npy").shape == (100, 150)


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["--model", "smal"], 1, "Did you mean 'small'?"),
        (["--save", "png,stl"], 2, "stl; choose from png"),
        (["--camera", "gopro"], 2, "'gopro'; choose from auto, primesense"),
        (["--fx", "-1"], 1, "fx: greater than 0.000001, got -1.0"),
        (["--near", "20"], 1, "depth_near (20.0 m) must be less than depth_trunc (10.0 m)"),
        (["--color-map", "plaid"], 1, "no colour map 'plaid'"),
        (["--device", "tpu"], 1, "device"),
        (["--fov", "180"], 1, "fov: less than 180, got 180.0"),
    ],
)
def test_a_senseless_option_is_told_without_a_traceback(
    folder: Path, tiny: Path, arguments: list[str], code: int, told: str
) -> None:
    ended = vizion3d(
        "depth", folder / "plain.png", "--model", tiny, "--out", folder / "o", *arguments
    )
    assert ended.returncode == code
    assert told in " ".join(ended.stderr.replace("│", "").split())
    assert "Traceback" not in ended.stderr
    assert not (folder / "o").exists()


@pytest.mark.parametrize("option", [["--fx", "-1"], ["--near", "20"], ["--fov", "180"], []])
def test_what_is_wrong_is_told_before_anything_is_downloaded(
    folder: Path, option: list[str]
) -> None:
    photo = "plain.png" if option else "none.png"
    ended = vizion3d("depth", folder / photo, "--model", "large", *option, VIZION3D_OFFLINE="1")
    assert ended.returncode == 1
    assert "curl" not in ended.stderr
    assert "Traceback" not in ended.stderr


def test_the_licence_is_shown(folder: Path) -> None:
    save_checkpoint(folder / "cache" / "depth_anything_v2_vitb.pth")
    arguments = ("depth", folder / "plain.png", "--out", folder / "o", "--save", "png")
    ended = vizion3d(*arguments, "--input-size", 98, VIZION3D_MODEL_CACHE=str(folder / "cache"))
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr.count("licensed CC-BY-NC-4.0 (no commercial use)") == 1


def test_the_pixel_limit_is_the_environments(folder: Path, tiny: Path) -> None:
    arguments = ("depth", folder / "plain.png", "--model", tiny, "--out", folder / "o")
    ended = vizion3d(*arguments, VIZION3D_MAX_PIXELS="14999")
    assert ended.returncode == 1
    assert "150 x 100 = 15,000 pixels, more than the limit of 14,999" in ended.stderr


def test_offline_tells_the_line_to_run(folder: Path) -> None:
    environment = {"VIZION3D_OFFLINE": "1", "VIZION3D_MODEL_CACHE": str(folder / "cache")}
    ended = vizion3d("depth", folder / "plain.png", "--out", folder / "o", **environment)
    assert ended.returncode == 1
    assert "curl -fL https://github.com/OlafenwaMoses/vizion3D/releases" in ended.stderr


def test_a_video(tiny: Path, tmp_path: Path) -> None:
    original = write_video(tmp_path / "in.mp4", panning(6), sound_s=0.6)
    out = tmp_path / "out" / "depth.mp4"
    options = ("--model", tiny, "--input-size", 98, "--save-frames", "png,ply", "--fov", 60)
    ended = vizion3d("video", original, "--out", out, *options, "--gray16", out.with_suffix(".mkv"))
    assert ended.returncode == 0, ended.stderr
    assert f"{original} -> {out}, {out.with_suffix('')}/" in ended.stderr
    with av.open(out) as container:
        assert len(container.streams.audio) == 1
        times = [frame.time for frame in container.decode(video=0)]
    assert times == [n / 10 for n in range(6)]
    saved = sorted(p.name for p in (tmp_path / "out" / "depth").iterdir())
    assert saved == [f"{n:06d}{end}" for n in range(1, 7) for end in (".depth.png", ".ply")]
    assert pixels_of(tmp_path / "out" / "depth" / "000003.depth.png").shape == (64, 96)
    told = json.loads(out.with_suffix(".steady.json").read_text())
    assert [frame["frame"] for frame in told["frames"]] == [1, 2, 3, 4, 5, 6]
    assert [frame["time_s"] for frame in told["frames"]] == times
    assert told["frames"][0]["new_shot"]
    with av.open(out.with_suffix(".mkv")) as container:
        assert [f.format.name for f in container.decode(video=0)] == ["gray16le"] * 6
    assert all(frame["scale"] > 0 for frame in told["frames"])


def test_metres_from_what_is_known(tmp_path: Path) -> None:
    options = ("--model", "nano", "--input-size", 98, "--save", "npy,metric-png,json")
    known = ("--known", "105,30,0.42", "--known", "183,145,0.45", "--known", "260,30,0.65")
    ended = vizion3d("depth", "examples/coffee.jpg", "--out", tmp_path, *options, *known)
    assert ended.returncode == 0, ended.stderr
    assert "of 3 known values fit, median error" in ended.stderr
    depth_m = np.load(tmp_path / "coffee.npy")
    assert 0.05 < depth_m.min() < depth_m.max() < 10
    millimetres = pixels_of(tmp_path / "coffee.metric.png")
    np.testing.assert_allclose(millimetres, depth_m * 1000, atol=0.51)
    told = json.loads((tmp_path / "coffee.json").read_text())
    assert (told["depth_kind"], told["alignment"]["known"]) == ("metric", 3)
    upside_down = ("--known", "105,30,9", "--known", "30,20,0.1")
    refused = vizion3d("depth", "examples/coffee.jpg", "--out", tmp_path, *options, *upside_down)
    assert refused.returncode == 1
    assert "known 9 m, fitted" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("text.mp4",), "cannot be read as a video"),
        (("in.mp4", "--out", "depth.gif"), "a depth video ends in .mp4"),
        (("in.mp4", "--range", "2", "1"), "is empty"),
        (("in.mp4", "--save-frames", "tiff"), "tiff; choose from"),
    ],
)
def test_a_video_that_cannot_be_made_is_told(
    options: tuple[str, ...], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_video(tmp_path / "in.mp4", panning(2))
    (tmp_path / "text.mp4").write_text("no video")
    ended = vizion3d("video", *options, "--model", "nano")
    assert ended.returncode in (1, 2)
    assert told in ended.stderr
    assert "Traceback" not in ended.stderr
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.mp4", "text.mp4"]


def test_models(tiny: Path, tmp_path: Path) -> None:
    environment = {"VIZION3D_MODEL_CACHE": str(tmp_path)}
    listed = vizion3d("models", "list", **environment).stdout
    assert "metric-outdoor-large" in listed
    assert "CC-BY-NC-4.0" in listed
    assert str(tmp_path) in listed
    told = vizion3d("models", "info", tiny, **environment).stdout
    assert "vit-64x4" in told
    assert "0 MB freed" in vizion3d("models", "clear", **environment).stdout
    default = tmp_path / "depth_anything_v2_vitb.pth"
    assert vizion3d("models", "path", "default", **environment).stdout.strip() == str(default)
    default.touch()
    assert vizion3d("models", "download", "default", **environment).stdout.strip() == str(default)
    unknown = vizion3d("models", "info", "smal", **environment)
    assert unknown.returncode == 1
    assert unknown.stderr.startswith("error: 'smal' is not a model")


@pytest.mark.process  # platform asks uname
def test_doctor(tmp_path: Path) -> None:
    told = vizion3d("doctor", VIZION3D_MODEL_CACHE=str(tmp_path / "cache"))
    assert told.returncode == 0, told.stdout
    assert f"vizion3d   {__version__}" in told.stdout
    assert "open3d     imports" in told.stdout
    assert "2 models here, " in told.stdout  # nano, in the package, and sgbm, which needs no file
    assert "precision  auto (VIZION3D_PRECISION); auto is " in told.stdout


@pytest.mark.process  # platform asks uname
def test_doctor_diagnoses_settings_that_make_no_sense(tmp_path: Path) -> None:
    for variable, value in {"VIZION3D_DEVICE": "cuda:7", "VIZION3D_PRECISION": "fp8"}.items():
        told = vizion3d("doctor", VIZION3D_MODEL_CACHE=str(tmp_path), **{variable: value})
        assert told.returncode == 1
        assert "AMISS" in told.stdout
        assert value in told.stdout
        assert "open3d     imports" in told.stdout
        assert "Traceback" not in told.stderr
