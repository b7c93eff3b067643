import asyncio
import os
import signal
import socket
import threading
from collections.abc import Callable

import pytest
from prometheus_client import CollectorRegistry

from vizion3d.errors import InvalidConfigError
from vizion3d.server.grpc.process import serve_metrics, stop_on_signals
from vizion3d.server.settings import ServerSettings


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
