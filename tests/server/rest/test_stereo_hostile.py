"""What a real REST server answers on the stereo route to those who mean no good."""

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import requests
from PIL import Image

from tests.server.rest.test_hostile import assert_told
from tests.support import stereo_scenes as scenes
from tests.support.hostile import BAD_IMAGES, BAD_MODELS, NOT_OFFERED, encoded, every_mode
from tests.support.servers import Server, running

pytestmark = [pytest.mark.server, pytest.mark.process]

PAIR = scenes.render_pair(scenes.FRONT, scenes.camera(160, 120, 200.0))
CONFIG = {"focal_length": "200", "baseline": "100"}


def png(image: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()


LEFT, RIGHT = png(PAIR.left), png(PAIR.right)


@pytest.fixture(scope="module")
def rest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    log = tmp_path_factory.mktemp("hostile") / "log"
    flags = ("--stereo_depth", "--max-body-bytes", str(4 << 20))
    with running("rest", log, *flags) as server:
        yield server
    assert "Traceback" not in log.read_text()


def send(
    rest: Server,
    left: bytes = LEFT,
    right: bytes = RIGHT,
    calibration: bytes | None = None,
    accept: str = "application/json",
    **form: str,
) -> requests.Response:
    files = {"left_image": left, "right_image": right}
    if calibration is not None:
        files["calibration"] = calibration
    return requests.post(
        f"{rest.url}/lifting/stereo-depth",
        files=files,
        data={**CONFIG, "depth_map": "false", "disparity_map": "false", **form},
        headers={"Accept": accept},
        timeout=60,
    )


@pytest.fixture(scope="module")
def expected(rest: Server) -> bytes:
    answer = send(rest, accept="application/x-npy")
    assert answer.status_code == 200, answer.text
    return answer.content


@pytest.fixture(autouse=True)
def the_next_good_request_succeeds(rest: Server, expected: bytes) -> Iterator[None]:
    yield
    assert send(rest, accept="application/x-npy").content == expected


@pytest.mark.parametrize("image", BAD_IMAGES.values(), ids=BAD_IMAGES)
def test_what_is_no_image_is_refused_on_either_side(rest: Server, image: bytes) -> None:
    assert assert_told(send(rest, left=image), 400)
    assert assert_told(send(rest, right=image), 400)


@pytest.mark.parametrize("file_format", NOT_OFFERED)
def test_a_format_that_is_not_offered_is_refused(rest: Server, file_format: str) -> None:
    assert "is not an image of" in assert_told(send(rest, right=encoded(file_format)), 400)


def test_every_mode_is_read(rest: Server) -> None:
    for file_format, mode in every_mode():
        left, right = encoded(file_format, mode=mode), png(PAIR.left[:24, :32])
        assert send(rest, left, right).status_code in (200, 400), (file_format, mode)


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (2, 2), (7, 2000), (2000, 7)])
def test_extreme_shapes_are_answered(rest: Server, size: tuple[int, int]) -> None:
    random = np.random.default_rng(0)
    left, right = (
        png(random.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)) for _ in range(2)
    )
    answer = send(rest, left, right, accept="application/x-npy")
    if answer.status_code == 200:
        assert len(answer.content) == 128 + 4 * size[0] * size[1]
    else:
        assert "no common scene" in assert_told(answer, 400)


@pytest.mark.parametrize(
    "value", ["nan", "inf", "-inf", "0", "-1", "1e400", "1e-320", "x", "9" * 400]
)
@pytest.mark.parametrize("field", ["focal_length", "baseline", "z_far", "min_depth_m"])
def test_numbers_out_of_range_are_refused(rest: Server, field: str, value: str) -> None:
    form: Any = {field: value}
    assert assert_told(send(rest, **form), 422).startswith(f"{field}: ")


@pytest.mark.parametrize(
    "form",
    [
        {"doffs": "nan"},
        {"conf_threshold": "1.1"},
        {"occ_threshold": "-0.1"},
        {"scale_factor": "0"},
        {"scale_factor": "1e-9"},
        {"scale_factor": "2"},
        {"min_depth_m": "60"},
        {"min_depth_m": "3", "z_far": "2"},
        {"rectify": "perhaps"},
        {"fill": "maybe"},
        {"frame": "opengl\0"},
    ],
)
def test_senseless_fields_are_refused(rest: Server, form: dict[str, Any]) -> None:
    assert assert_told(send(rest, **form), 422)


@pytest.mark.parametrize(
    "form",
    [
        {"focal_length": "1e9", "baseline": "1e9", "min_depth_m": "1.1e-6"},
        {"focal_length": "1.1e-6", "baseline": "1.1e-6"},
        {"doffs": "1e9"},
        {"doffs": "-1e9"},
        {"cx": "-1e9", "z_far": "1e9"},
        {"scale_factor": "0.011"},
        {"rectify": "auto"},
        {"fill": "true", "z_far": "0.001"},
    ],
)
def test_numbers_at_the_edge_of_the_range_give_finite_points(
    rest: Server, form: dict[str, Any]
) -> None:
    answer = send(rest, accept="model/ply", **form)
    if answer.status_code != 200:
        assert assert_told(answer, 400, 422)
        return
    header, _, body = answer.content.partition(b"end_header\n")
    assert header.startswith(b"ply")
    kind = np.dtype([("position", "<f4", 3), ("color", "u1", 3)])
    assert np.isfinite(np.frombuffer(body, kind)["position"]).all()


@pytest.mark.parametrize(
    "calibration",
    [
        b"nothing",
        b"\xff" * 100,
        b"x" * 1_500_000,
        b"a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n",
        b"!!python/object/apply:os.system ['true']",
        b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "b">]><l>&a;</l>',
        b"cam0=[1e300 0 0; 0 1e300 0; 0 0 1]\ncam1=[1 0 0; 0 1 0; 0 0 1]\nbaseline=1",
        b"[" * 20_000,
        b"200 0 80 0 200 60 0 0 1\nbaseline: 100 mm\n" * 2 + b"width=7",
    ],
)
def test_a_hostile_calibration_is_refused_or_harmless(rest: Server, calibration: bytes) -> None:
    answer = send(rest, calibration=calibration)
    if answer.status_code != 200:
        assert assert_told(answer, 422)


@pytest.mark.parametrize("model", BAD_MODELS)
def test_a_model_that_is_not_offered_is_refused(rest: Server, model: str) -> None:
    assert assert_told(send(rest, model_backend=model), 403)


def test_both_photos_must_be_there(rest: Server) -> None:
    answer = requests.post(
        f"{rest.url}/lifting/stereo-depth", files={"left_image": LEFT}, timeout=60
    )
    assert "right_image" in assert_told(answer, 422)


def test_both_photos_count_against_the_body(rest: Server) -> None:
    half = b"\0" * (3 << 20)
    assert assert_told(send(rest, half, half), 413)


def test_what_is_no_pair_is_told(rest: Server) -> None:
    assert "pixel by pixel" in assert_told(send(rest, LEFT, LEFT), 400)
    assert "swapped" in assert_told(send(rest, RIGHT, LEFT), 400)
    other = png(scenes.texture(5)[:120, :160])
    assert "no common scene" in assert_told(send(rest, LEFT, other), 400)
