import asyncio
import os
import signal
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from prometheus_client import CollectorRegistry

from tests.support.toy.task import DIFFERENCE
from tests.unit.server.test_service import NoNetwork
from vizion3d.app import build_container
from vizion3d.errors import InvalidConfigError
from vizion3d.server.grpc.process import (
    build_server,
    serve_metrics,
    serve_when_ready,
    stop_on_signals,
)
from vizion3d.server.metrics import Metrics
from vizion3d.server.scheduler import Scheduler
from vizion3d.server.service import Service
from vizion3d.server.settings import ServerSettings
from vizion3d.settings import load_settings


def test_a_metrics_port_that_is_taken_is_told() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        settings = ServerSettings(port=0, metrics_port=port)
        with pytest.raises(InvalidConfigError, match=f"metrics cannot be served.*{port}"):
            serve_metrics(settings, CollectorRegistry())


def test_no_metrics_port_no_metrics() -> None:
    serve_metrics(ServerSettings(port=0), CollectorRegistry())


class WindowsLoop(asyncio.SelectorEventLoop):
    """A loop as on Windows, which has no signal handlers of its own."""

    def add_signal_handler(self, sig: int, callback: Callable[..., object], *args: object) -> None:
        raise NotImplementedError


@pytest.mark.parametrize("loop", [asyncio.SelectorEventLoop, WindowsLoop])
def test_a_signal_stops_the_server_on_every_platform(
    loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    async def scenario() -> None:
        stop = asyncio.Event()
        stop_on_signals(stop)
        threading.Timer(0.01, os.kill, (os.getpid(), signal.SIGTERM)).start()
        await asyncio.wait_for(stop.wait(), 10)

    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        with asyncio.Runner(loop_factory=loop) as runner:
            runner.run(scenario())
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def test_health_is_serving_only_when_a_model_can_answer(tmp_path: Path) -> None:
    metrics, store = Metrics(), NoNetwork(tmp_path)
    container = build_container(load_settings(), checkpoints=store, tasks=(DIFFERENCE,))
    service = Service(ServerSettings(port=0), container, Scheduler(1, 60, metrics), metrics)
    network_wanted, network_is_back = asyncio.Event(), asyncio.Event()

    async def pause(_seconds: float) -> None:
        network_wanted.set()
        await network_is_back.wait()

    service._default_files._sleep = pause

    async def scenario() -> None:
        server, health = await build_server(service)
        address = f"unix:{tmp_path / 'socket'}"
        server.add_insecure_port(address)
        ready = asyncio.create_task(serve_when_ready(service, server, health))
        async with grpc.aio.insecure_channel(address) as channel:
            stub = health_pb2_grpc.HealthStub(channel)

            async def told() -> set[int]:
                names = ("", "vizion3d.lifting.LiftingService", "inference.GRPCInferenceService")
                asked = (health_pb2.HealthCheckRequest(service=name) for name in names)
                return {(await stub.Check(each, wait_for_ready=True)).status for each in asked}

            await asyncio.wait_for(network_wanted.wait(), 10)
            assert await told() == {health_pb2.HealthCheckResponse.NOT_SERVING}
            store.network.set()
            network_is_back.set()
            await asyncio.wait_for(ready, 10)
            assert await told() == {health_pb2.HealthCheckResponse.SERVING}
        await server.stop(0)

    asyncio.run(scenario())
