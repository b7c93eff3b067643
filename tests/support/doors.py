"""The same photo and options through every entry point, in this process, on a known depth."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import requests
from numpy.typing import NDArray
from typer.testing import CliRunner

from tests.support.fakes import (
    FakeStore,
    GivenDepthLoader,
    GivenDepthRuntime,
    touch,
)
from tests.support.in_process import AsgiAdapter, Loop, over_grpc
from vizion3d.app import TASKS, build_container
from vizion3d.cli.context import Application
from vizion3d.cli.program import program
from vizion3d.container import Container
from vizion3d.core.arrays import Float32Array
from vizion3d.lifting import DepthEstimationCommand
from vizion3d.lifting.config import configure
from vizion3d.lifting.output import DepthOutput
from vizion3d.networks.base import Network
from vizion3d.outputs.facts import values_of
from vizion3d.proto import lifting_pb2 as pb
from vizion3d.runtime.cache import RuntimeCache
from vizion3d.server.metrics import Metrics
from vizion3d.server.rest.app import create_app
from vizion3d.server.scheduler import Scheduler
from vizion3d.server.service import Service
from vizion3d.server.settings import ServerSettings
from vizion3d.settings import load_settings
from vizion3d.wire.config import write_config

BASE = "http://in-process"
_VERTEX = np.dtype([("position", "<f4", 3), ("color", "u1", 3)])


class HereStore(FakeStore):
    """Its one checkpoint is here, so nothing is downloaded."""

    def fetch(self, backend: str) -> Path:
        return self.checkpoint.path


@dataclass(frozen=True)
class Answer:
    """What one entry point made of a photo.

    Attributes:
        points: ``(N, 3)``, of its PLY file.
        facts: What it tells of the result; JSON's own types.
    """

    points: NDArray[np.float32]
    facts: dict[str, Any]


Door: TypeAlias = Callable[[Path, dict[str, Any]], Answer]
"""Takes a photo and fields of the configuration."""


def without_file(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields but for the calibration's file."""
    return {name: value for name, value in fields.items() if name != "calibration"}


def read_ply(content: bytes) -> NDArray[np.float32]:
    """The positions in a PLY file of ours."""
    head, body = content.split(b"end_header\n", 1)
    assert b"format binary_little_endian 1.0" in head
    points: NDArray[np.float32] = np.frombuffer(body, _VERTEX)["position"]
    return points


def kitchen(folder: Path, depth: Float32Array, network: Network) -> Container:
    """An application whose network answers a known depth."""
    runtimes = RuntimeCache(GivenDepthLoader(GivenDepthRuntime(depth)), 1)
    store = HereStore(touch(folder / "fake.pth"), network)
    return build_container(load_settings(), checkpoints=store, runtimes=runtimes)


def through_python(container: Container) -> Door:
    """The library."""

    def ask(photo: Path, fields: dict[str, Any]) -> Answer:
        config = configure(fields.get("calibration"), without_file(fields))
        command = DepthEstimationCommand(photo, advanced_config=config)
        result = container.commands.dispatch(command)
        return Answer(DepthOutput(result, config).points[0], values_of(result))

    return ask


def through_cli(container: Container, folder: Path) -> Door:
    """``vizion3d depth``, with flying pixels kept as elsewhere."""
    app = program(Application(lambda _: container, lambda: container), TASKS)

    def ask(photo: Path, fields: dict[str, Any]) -> Answer:
        options = [f"--{name.replace('_', '-')}={value}" for name, value in fields.items()]
        if "edge_threshold" not in fields:
            options.append("--edge-threshold=0")
        arguments = ["depth", str(photo), f"--out={folder}", "--save=ply,json", *options]
        ended = CliRunner().invoke(app, arguments)
        stem = folder / photo.stem
        if not stem.with_suffix(".ply").exists():
            raise ended.exception or AssertionError(ended.output)
        points = read_ply(stem.with_suffix(".ply").read_bytes())
        facts = json.loads(stem.with_suffix(".json").read_text())
        return Answer(points, {**facts, "exit_code": ended.exit_code, "output": ended.output})

    return ask


def service_of(container: Container) -> Service:
    """A server of the application."""
    metrics = Metrics()
    return Service(ServerSettings(port=0), container, Scheduler(2, 60, metrics), metrics)


@contextmanager
def through_rest(container: Container) -> Iterator[Door]:
    """``POST /lifting/depth-estimation``."""
    loop = Loop()
    session = requests.Session()
    session.mount(BASE, AsgiAdapter(create_app(service_of(container)), loop))

    def ask(photo: Path, fields: dict[str, Any]) -> Answer:
        url, files = f"{BASE}/lifting/depth-estimation", {"image": photo.read_bytes()}
        if "calibration" in fields:
            files["calibration"] = fields["calibration"].read_bytes()
        fields = without_file(fields)
        ply = session.post(url, data=fields, files=files, headers={"Accept": "model/ply"})
        plain = {"Accept-Encoding": "identity"}
        told = session.post(url, {**fields, "depth_map": "false"}, files=files, headers=plain)
        assert ply.status_code == told.status_code == 200, told.text
        return Answer(read_ply(ply.content), told.json())

    yield ask
    loop.close()


@contextmanager
def through_grpc(container: Container) -> Iterator[Door]:
    """``RunDepthEstimation``."""
    with over_grpc(service_of(container)) as client:

        def ask(photo: Path, fields: dict[str, Any]) -> Answer:
            config = write_config(pb.DepthEstimationAdvanceConfig, without_file(fields))
            file = fields.get("calibration")
            request = pb.DepthEstimationRequest(
                image_bytes=photo.read_bytes(),
                packed_depth=True,
                return_point_cloud=True,
                advanced_config=config,
                calibration=file.read_bytes() if file else b"",
            )
            told = client._lifting.RunDepthEstimation(request)
            facts = {
                "notes": list(told.notes),
                "depth_limit": {
                    "metres": told.depth_limit.metres,
                    "source": told.depth_limit.source,
                },
                "intrinsics": {
                    "fx": told.intrinsics.fx,
                    "fy": told.intrinsics.fy,
                    "cx": told.intrinsics.cx,
                    "cy": told.intrinsics.cy,
                    "sources": dict(told.intrinsics.sources),
                },
            }
            return Answer(read_ply(told.point_cloud_ply), facts)

        yield ask


@contextmanager
def every_door(container: Container, folder: Path) -> Iterator[dict[str, Door]]:
    """All four, by name."""
    with through_rest(container) as rest, through_grpc(container) as grpc_door:
        yield {
            "python": through_python(container),
            "cli": through_cli(container, folder),
            "rest": rest,
            "grpc": grpc_door,
        }
