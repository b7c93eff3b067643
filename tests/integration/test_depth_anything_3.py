"""Depth Anything 3 from a photo to every kind of output, through the library and the program."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.support import photos
from tests.support.seeds import DA3_MONO_TINY, DA3_TINY, save_depth_anything_3
from vizion3d.app import build_container
from vizion3d.lifting import (
    DepthEstimationAdvanceConfig,
    DepthEstimationCommand,
    DepthEstimationResult,
)
from vizion3d.settings import Settings

pytestmark = pytest.mark.slow

CONFIGS = {"da3metric": DA3_MONO_TINY, "da3mono": DA3_MONO_TINY, "da3-any-view": DA3_TINY}
INPUT_SIZE = 140


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    return {n: save_depth_anything_3(folder / f"{n}.safetensors", c) for n, c in CONFIGS.items()}


def run(
    checkpoint: Path,
    image: NDArray[np.uint8],
    config: DepthEstimationAdvanceConfig | None = None,
    runtime: str = "torch",
) -> DepthEstimationResult:
    command = DepthEstimationCommand(
        image,
        str(checkpoint),
        return_depth_image=True,
        return_point_cloud=True,
        advanced_config=config or DepthEstimationAdvanceConfig(),
        input_size=INPUT_SIZE,
    )
    settings = Settings(
        runtime=runtime,
        precision="fp32",
        model_cache=checkpoint.parent / "cache",
        device="cpu",
    )
    return build_container(settings).commands.dispatch(command)


@pytest.mark.parametrize("name", CONFIGS)
def test_both_runtimes_give_the_same_result(name: str, checkpoints: dict[str, Path]) -> None:
    photo = photos.coffee()
    ours, theirs = (run(checkpoints[name], photo, runtime=r) for r in ("torch", "openvino"))
    assert ours.depth_kind == ("metric" if name == "da3metric" else "up_to_scale")
    spread = ours.max_depth - ours.min_depth
    assert spread > 0.1
    agree = ours.sky == theirs.sky
    assert agree.mean() > 0.999
    assert np.abs(ours.raw_depth - theirs.raw_depth)[agree].max() / spread < 1e-4
    assert ours.intrinsics is not None
    assert theirs.intrinsics is not None
    assert ours.intrinsics.fx == pytest.approx(theirs.intrinsics.fx, rel=1e-4)


@pytest.mark.parametrize("name", ["da3metric", "da3mono"])
def test_sky_has_no_points_and_is_the_farthest_in_the_image(
    name: str, checkpoints: dict[str, Path]
) -> None:
    config = DepthEstimationAdvanceConfig(fx=500.0, fy=500.0, depth_trunc=1000.0)
    result = run(checkpoints[name], photos.coffee(), config)
    assert result.sky is not None
    assert result.sky_depth is not None
    assert 0.05 < result.sky.mean() < 0.95
    assert (result.raw_depth[~result.sky] < result.sky_depth).all()
    pixels = np.asarray(result.depth_image)
    assert (pixels[result.sky] == 65535).all()  # higher = farther, as in the map
    assert result.point_cloud is not None
    points = len(result.point_cloud.points)
    others = int((~result.sky).sum())
    # Up to scale, the farthest pixel that is no sky may round to the distance where points end.
    assert others - 2 <= points <= others
    assert result.model_dump()["sky_depth"] == result.sky_depth


def test_metres_follow_the_focal_length_that_was_given(checkpoints: dict[str, Path]) -> None:
    photo = photos.coffee()
    short, long = (
        run(checkpoints["da3metric"], photo, DepthEstimationAdvanceConfig(fx=f, fy=f))
        for f in (400.0, 800.0)
    )
    np.testing.assert_allclose(long.raw_depth, 2 * short.raw_depth, rtol=1e-5)
    assert short.notes == ()


def test_an_assumed_focal_length_is_warned_of(
    checkpoints: dict[str, Path], caplog: pytest.LogCaptureFixture
) -> None:
    result = run(checkpoints["da3metric"], photos.coffee())
    (note,) = result.notes
    assert "the focal length was not given" in note
    assert note in caplog.text
    assert not run(checkpoints["da3mono"], photos.coffee()).notes


def test_the_estimated_camera_is_told(checkpoints: dict[str, Path]) -> None:
    camera = run(checkpoints["da3-any-view"], photos.coffee()).intrinsics
    assert camera is not None
    assert camera.sources["fx"] == camera.sources["fy"] == "estimated by the network"


@pytest.mark.process
def test_the_program_writes_what_the_library_returns(
    checkpoints: dict[str, Path], tmp_path: Path
) -> None:
    Image.fromarray(photos.coffee()).save(tmp_path / "photo.png")
    program = "from vizion3d.programs.cli import main; main()"
    arguments = (
        *("depth", tmp_path / "photo.png", "--model", checkpoints["da3metric"]),
        *("--input-size", INPUT_SIZE, "--save", "npz,json,png", "--out", tmp_path / "out"),
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, "VIZION3D_RUNTIME": "torch", "VIZION3D_DEVICE": "cpu"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "the focal length was not given" in done.stdout + done.stderr
    expected = run(checkpoints["da3metric"], photos.coffee())
    arrays = np.load(tmp_path / "out" / "photo.npz")
    assert np.array_equal(arrays["depth"], expected.raw_depth)
    assert np.array_equal(arrays["sky"], expected.sky)
    facts = json.loads((tmp_path / "out" / "photo.json").read_text())
    assert facts["depth_kind"] == "metric"
    assert facts["sky_depth"] == expected.sky_depth
    assert set(expected.notes) <= set(facts["notes"])
