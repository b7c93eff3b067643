"""Where the examples of README and docs run: a folder with what they name."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support import photos
from tests.support import stereo_scenes as scenes
from tests.support.checkpoints import TINY, save_checkpoint, seeded_network
from tests.support.servers import running
from tests.support.videos import panning, write_video
from vizion3d.app import reset_default_container
from vizion3d.checkpoints.catalogue import BY_NAME
from vizion3d.checkpoints.store import CheckpointStore

ROOT = Path(__file__).parents[2]
RELATIVE, METRIC = ("default", "small"), ("metric-indoor-small", "metric-outdoor-small")


def put_photos(folder: Path) -> None:
    photo = Image.fromarray(photos.coffee()).resize((300, 200))
    photo.save(folder / "scene.png")
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA405] = 26
    photo.save(folder / "photo_with_exif.jpg", exif=exif)
    (folder / "photos").mkdir()
    photo.save(folder / "photos" / "one.jpg")
    photo.rotate(90, expand=True).save(folder / "photos" / "two.jpg")
    write_video(folder / "clip.mp4", panning(3), sound_s=0.3)


def put_pairs(folder: Path) -> None:
    """A stereo pair in several forms, its calibration, and photos of a checkerboard."""
    pair = scenes.motorcycle()
    left, right = Image.fromarray(pair.left), Image.fromarray(pair.right)
    (folder / "pairs").mkdir()
    for name, photo in (("left", left), ("right", right)):
        photo.save(folder / f"{name}.png")
        photo.save(folder / "pairs" / f"one_{name}.png")
    Image.fromarray(np.hstack([pair.left, pair.right])).save(folder / "both.png")
    shutil.copy(ROOT / "examples" / "motorcycle_calib.txt", folder / "calib.txt")
    scenes.write_boards(folder / "boards")


def put_checkpoints(folder: Path) -> None:
    """Seeded checkpoints under the names of released ones, and two in a folder of their own."""
    store = CheckpointStore(folder / "cache", offline=True)
    for name in RELATIVE + METRIC:
        save_checkpoint(store.locate(name), max_depth_m=BY_NAME[name].max_depth_m, smooth=True)
    (folder / "models").mkdir()
    for variant in ("vitb", "vitl"):
        shutil.copy(store.locate("default"), folder / "models" / f"depth_anything_v2_{variant}.pth")
    save_checkpoint(folder / "models" / "warehouse.pth", max_depth_m=30, smooth=True)


def put_transformers_model(folder: Path) -> None:
    """A model that transformers finds under its repository's name, before it looks further."""
    from transformers import DPTImageProcessor

    from tests.support.peer import IMAGE_PROCESSOR, to_transformers

    place = folder / "depth-anything" / "Depth-Anything-V2-Small-hf"
    to_transformers(seeded_network(TINY)).save_pretrained(place)
    DPTImageProcessor(**IMAGE_PROCESSOR).save_pretrained(place)


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the examples name: photos, models, a filled model cache."""
    folder = tmp_path_factory.mktemp("home")
    (folder / ".curlrc").write_text("fail-with-body\nsilent\nshow-error\n")  # else it ends with 0
    put_photos(folder)
    put_pairs(folder)
    put_checkpoints(folder)
    put_transformers_model(folder)
    return folder


@pytest.fixture
def at_home(home: Path, uncounted: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(home)
    monkeypatch.setenv("VIZION3D_MODEL_CACHE", str(home / "cache"))
    monkeypatch.setenv("VIZION3D_OFFLINE", "1")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("CURL_HOME", str(home))
    monkeypatch.setenv("BROWSER", "true")  # the program that does nothing
    reset_default_container()
    yield home
    reset_default_container()


@pytest.fixture(scope="session")
def servers(home: Path) -> Iterator[dict[int, int]]:
    """Both servers: the ports that the pages name -> those that they are at."""
    env = {"VIZION3D_MODEL_CACHE": str(home / "cache"), "VIZION3D_OFFLINE": "1"}
    offer = (
        "--stereo-depth",
        "--depth-model",
        "default",
        "--allow-model",
        "nano",
        "--allow-model",
        "small",
    )
    with (
        running("rest", home / "rest.log", *offer, **env) as rest,
        running("grpc", home / "grpc.log", *offer, **env) as grpc,
    ):
        yield {8000: rest.port, 50051: grpc.port}


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """Ray on this machine, which the examples of batch jobs find and leave running."""
    from vizion3d.ray.cluster import connected

    with connected():
        yield
