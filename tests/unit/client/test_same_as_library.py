"""What a client returns equals what the library returns, whatever is asked for."""

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.support.checkpoints import save_checkpoint
from tests.support.in_process import over_grpc, over_rest
from vizion3d.app import build_container
from vizion3d.client import GrpcClient, RestClient
from vizion3d.errors import InvalidConfigError, Vizion3DError
from vizion3d.geometry.cameras import PRESETS
from vizion3d.lifting import (
    DepthEstimationAdvanceConfig,
    DepthEstimationCommand,
    DepthEstimationResult,
)
from vizion3d.media import heif
from vizion3d.media.images import ImageInput
from vizion3d.server.settings import ServerSettings
from vizion3d.serving import build_service
from vizion3d.settings import load_settings

Client = RestClient | GrpcClient
Config = DepthEstimationAdvanceConfig

SIZES_PX = ((24, 16), (16, 24), (20, 20), (9, 31))
PIXELS = {
    size: np.random.default_rng(size[0]).integers(0, 256, (size[1], size[0], 3), np.uint8)
    for size in SIZES_PX
}


def as_file(pixels: np.ndarray, kind: str) -> bytes:
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA405] = 26
    Image.fromarray(pixels).save(buffer, kind, exif=exif)
    return buffer.getvalue()


positive = st.floats(1e-5, 1e8)
fields = st.fixed_dictionaries(
    {},
    optional={
        "fx": st.floats(1, 1e5),
        "fy": st.floats(1, 1e5),
        "cx": st.floats(-2, 30),
        "cy": st.floats(-2, 30),
        "camera": st.sampled_from(["auto", *PRESETS]),
        "depth_scale": positive,
        "depth_near": st.floats(1e-3, 1.0),
        "depth_trunc": st.floats(1.0, 1e3, exclude_min=True),
        "frame": st.sampled_from(["opencv", "opengl"]),
        "edge_threshold": st.floats(1e-5, 10),
    },
)


@st.composite
def commands(draw: st.DrawFn) -> DepthEstimationCommand:
    """A command as somebody might write it; its size may be another than the photo's."""
    size = draw(st.sampled_from(SIZES_PX))
    pixels = PIXELS[size]
    kinds: list[ImageInput] = [
        pixels,
        Image.fromarray(pixels),
        as_file(pixels, "PNG"),
        as_file(pixels, "JPEG"),
    ]
    image = draw(st.sampled_from(kinds))
    made_for = draw(st.one_of(st.just(size), st.sampled_from(SIZES_PX)))
    given_fields: dict[str, Any] = draw(fields)
    config = draw(
        st.one_of(
            st.just(Config(**given_fields)),
            st.floats(1, 179).map(lambda deg: Config.from_fov(deg, *made_for, **given_fields)),
            st.sampled_from(sorted(PRESETS)).map(
                lambda name: Config.preset(name, *made_for, **given_fields)
            ),
            st.just(Config.from_exif(as_file(PIXELS[made_for], "JPEG"), **given_fields)),
        )
    )
    return DepthEstimationCommand(
        image,
        return_depth_image=draw(st.booleans()),
        return_point_cloud=draw(st.booleans()),
        advanced_config=config,
        input_size=draw(st.sampled_from([14, 28, 42])),
    )


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_checkpoint(tmp_path_factory.mktemp("models") / "tiny.safetensors")


@pytest.fixture(scope="module")
def clients(checkpoint: Path) -> Iterator[tuple[Client, Client]]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("VIZION3D_RUNTIME", "torch")
        environment.setenv("VIZION3D_DEVICE", "cpu")

        def served() -> Any:
            return build_service(
                ServerSettings(
                    port=0, tell_paths=True, models={"depth_estimation": str(checkpoint)}
                )
            )

        with over_rest(served()) as rest, over_grpc(served()) as grpc_client:
            yield rest, grpc_client


@pytest.fixture(scope="module")
def library(checkpoint: Path) -> Any:
    commands = build_container(load_settings(runtime="torch", device="cpu")).commands
    return lambda command: commands.dispatch(replace(command, model_backend=str(checkpoint)))


def outcome(run: Any, command: DepthEstimationCommand) -> DepthEstimationResult | type[Exception]:
    try:
        result: DepthEstimationResult = run(command)
    except Vizion3DError as error:
        return type(error)
    return result


def parts(result: DepthEstimationResult) -> dict[str, Any]:
    cloud = result.point_cloud
    return {
        "facts": result.model_dump(exclude={"depth_map", "depth_image", "point_cloud"}),
        "rgb": np.asarray(result.rgb).tobytes(),
        "depth": result.raw_depth.tobytes(),
        "image": None if result.depth_image is None else np.asarray(result.depth_image).tobytes(),
        "points": None if cloud is None else np.asarray(cloud.points).tobytes(),
        "colors": None if cloud is None else np.asarray(cloud.colors).tobytes(),
    }


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(command=commands())
def test_both_clients_return_what_the_library_returns(
    clients: tuple[Client, Client], library: Any, command: DepthEstimationCommand
) -> None:
    expected = outcome(library, command)
    for client in clients:
        told = outcome(client.run, command)
        if isinstance(expected, DepthEstimationResult):
            assert isinstance(told, DepthEstimationResult), told
            assert told == expected
            assert parts(told) == parts(expected)
        else:
            assert told == expected


@pytest.mark.parametrize("kind", ["HEIF", "AVIF"])
def test_a_phones_photo_is_read_by_the_servers_as_by_the_library(
    clients: tuple[Client, Client], library: Any, kind: str
) -> None:
    heif.register()
    buffer = io.BytesIO()
    Image.fromarray(PIXELS[24, 16]).save(buffer, kind)
    command = DepthEstimationCommand(buffer.getvalue(), input_size=14)
    expected = library(command)
    for client in clients:
        told = client.run(command)
        assert told == expected
        assert told.rgb is not None
        assert np.array_equal(told.rgb, expected.rgb)


def test_where_intrinsics_came_from_is_told_as_the_library_tells_it(
    clients: tuple[Client, Client],
) -> None:
    config = Config.from_fov(60, 24, 16, cy=3.25)
    for client in clients:
        result = client.run(
            DepthEstimationCommand(PIXELS[24, 16], advanced_config=config, input_size=14)
        )
        assert result.intrinsics is not None
        assert result.intrinsics.fx == config.fx
        assert result.intrinsics.sources == {
            "fx": "field of view 60°",
            "fy": "field of view 60°",
            "cx": "field of view 60°",
            "cy": "given",
        }


def test_a_config_made_for_another_size_is_refused_before_anything_is_sent(
    clients: tuple[Client, Client],
) -> None:
    config = Config.preset("kinect-v2", 640, 480)
    for client in clients:
        with pytest.raises(InvalidConfigError, match="made for 640 x 480 pixels"):
            client.run(DepthEstimationCommand(PIXELS[24, 16], advanced_config=config))


@pytest.mark.parametrize(
    "fields",
    [
        {"depth_near": 1.0, "depth_trunc": 1.0 + 1e-12},
        {"fx": 1.0000000000001e-6},
        {"edge_threshold": 1e9},
    ],
)
def test_numbers_that_float32_would_round_to_others_arrive_as_they_are(
    clients: tuple[Client, Client], library: Any, fields: dict[str, float]
) -> None:
    command = DepthEstimationCommand(
        PIXELS[20, 20], advanced_config=Config(**fields), input_size=14
    )
    for client in clients:
        assert client.run(command) == library(command)
