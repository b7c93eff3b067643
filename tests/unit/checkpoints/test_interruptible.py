import socket
import threading
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from tests.support.http_server import Served, serve
from vizion3d.checkpoints.download import Downloader
from vizion3d.checkpoints.interruptible import interruptible
from vizion3d.checkpoints.transfers import Transfers
from vizion3d.checkpoints.watch import CalledOffError, Watch

PROMPT_S = 1.0
WITHIN_S = 10


def test_items_come_in_order_and_an_error_after_those_before_it() -> None:
    def items() -> Iterator[int]:
        yield from range(20)
        raise OSError("cut off")

    wanted = interruptible(items, Watch())
    assert list(islice(wanted, 20)) == list(range(20))
    with pytest.raises(OSError, match="cut off"):
        next(wanted)


def test_what_nobody_takes_any_more_is_not_read_further() -> None:
    read = []

    def items() -> Iterator[int]:
        for number in range(1000):
            read.append(number)
            yield number

    ended = threading.Event()

    def watched() -> Iterator[int]:
        try:
            yield from items()
        finally:
            ended.set()

    wanted = interruptible(watched, Watch())
    assert next(wanted) == 0
    wanted.close()
    assert ended.wait(WITHIN_S)
    assert len(read) < 10


def test_a_transfer_that_stalls_is_called_off_at_once_and_goes_on_where_it_stopped(
    tmp_path: Path,
) -> None:
    content = save({"w": np.zeros(100_000, np.float32)})
    served, target = Served(content, halfway=threading.Event()), tmp_path / "w.safetensors"
    assert served.halfway is not None
    with serve(served) as url:
        transfers = Transfers(Downloader())
        transfers.begin(f"{url}/w.safetensors", target, None)
        _until(lambda: transfers.of(target).done_bytes > 0)
        took_s = _seconds_until_ended(transfers, target)
        served.halfway.set()
        transfers.fetch(f"{url}/w.safetensors", target, None)
    assert took_s < PROMPT_S
    assert target.read_bytes() == content
    assert served.ranges[0] is None
    assert (served.ranges[1] or "").startswith("bytes="), "it begins anew"


def test_a_server_that_never_answers_is_called_off_at_once(tmp_path: Path) -> None:
    target = tmp_path / "w.safetensors"
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/w.safetensors"
        transfers = Transfers(Downloader())
        transfers.begin(url, target, None)
        accepted, _ = silent.accept()
        with accepted:
            assert _seconds_until_ended(transfers, target) < PROMPT_S


def test_the_pause_between_attempts_is_called_off_at_once(tmp_path: Path) -> None:
    target = tmp_path / "w.safetensors"
    served = Served(b"w", statuses=[503] * 9)
    with serve(served) as url:
        transfers = Transfers(Downloader(backoff_s=60))
        transfers.begin(f"{url}/w.safetensors", target, None)
        _until(lambda: bool(served.ranges))
        assert _seconds_until_ended(transfers, target) < PROMPT_S


def _seconds_until_ended(transfers: Transfers, target: Path) -> float:
    """Call the download off: how long its thread, and whoever waits for it, takes to end."""
    done = transfers._running[target].done
    begin = time.monotonic()
    transfers.call_off(target)
    assert isinstance(done.exception(WITHIN_S), CalledOffError)
    return time.monotonic() - begin


def _until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + WITHIN_S
    while not holds():
        assert time.monotonic() < end
        threading.Event().wait(0.005)
