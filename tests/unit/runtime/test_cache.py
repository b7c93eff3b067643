import threading
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from tests.support.fakes import METRIC, RELATIVE
from vizion3d.checkpoints.store import Checkpoint
from vizion3d.core.scope import Scope, within
from vizion3d.errors import CheckpointError, DeadlineExceededError
from vizion3d.networks.base import Size
from vizion3d.runtime.base import Images, Maps, Runtime
from vizion3d.runtime.cache import RuntimeCache


class FakeRuntime:
    def __init__(self, name: str) -> None:
        self.description = name

    network = RELATIVE

    def infer(self, images: Images, size: Size) -> Maps:
        return {"depth": np.zeros(images["image"].shape[:3], np.float32)}


class FakeLoader:
    """Loads slowly, counts, and fails on demand."""

    def __init__(self) -> None:
        self.loads: Counter[str] = Counter()
        self.broken = False
        self.interrupted = False

    def __call__(self, checkpoint: Checkpoint) -> Runtime:
        self.loads[checkpoint.path.name] += 1
        threading.Event().wait(0.05)
        if self.interrupted:
            raise KeyboardInterrupt
        if self.broken:
            raise CheckpointError("broken")
        return FakeRuntime(checkpoint.path.name)


@pytest.fixture
def loader() -> FakeLoader:
    return FakeLoader()


def checkpoint(folder: Path, name: str) -> Checkpoint:
    path = folder / name
    if not path.exists():
        path.touch()
    return Checkpoint(path, RELATIVE)


def test_a_model_is_loaded_once_however_many_threads_ask(
    tmp_path: Path, loader: FakeLoader
) -> None:
    cache = RuntimeCache(loader, 2)
    wanted = checkpoint(tmp_path, "a")
    found: list[Runtime] = []
    threads = [threading.Thread(target=lambda: found.append(cache.get(wanted))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len({id(runtime) for runtime in found}) == 1
    assert loader.loads == {"a": 1}


def test_the_least_recently_used_goes_first(tmp_path: Path, loader: FakeLoader) -> None:
    cache = RuntimeCache(loader, 2)
    a, b, c = (checkpoint(tmp_path, name) for name in "abc")
    for wanted in (a, b, a, c, a, b):
        cache.get(wanted)
    assert loader.loads == {"a": 1, "b": 2, "c": 1}
    assert set(cache.loaded().values()) == {"a", "b"}


def test_a_model_is_loaded_once_also_while_others_push_into_the_cache(
    tmp_path: Path, loader: FakeLoader
) -> None:
    cache = RuntimeCache(loader, 3)
    names = ("a", "b", "c") * 3
    wanted = [checkpoint(tmp_path, name) for name in names]
    threads = [threading.Thread(target=cache.get, args=(w,)) for w in wanted]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert loader.loads == {"a": 1, "b": 1, "c": 1}


def test_an_interrupted_load_hurts_nobody_else(tmp_path: Path, loader: FakeLoader) -> None:
    cache = RuntimeCache(loader, 2)
    wanted = checkpoint(tmp_path, "a")
    loader.interrupted = True
    with pytest.raises(KeyboardInterrupt):
        cache.get(wanted)
    loader.interrupted = False
    assert cache.get(wanted).description == "a"


def test_one_file_is_one_model_however_it_is_named(
    tmp_path: Path, loader: FakeLoader, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = RuntimeCache(loader, 2)
    wanted = checkpoint(tmp_path, "a")
    monkeypatch.chdir(tmp_path)
    assert cache.get(wanted) is cache.get(Checkpoint(Path("a"), RELATIVE))
    assert list(cache.loaded()) == [wanted.path.resolve()]


def test_a_failed_load_is_tried_again(tmp_path: Path, loader: FakeLoader) -> None:
    cache = RuntimeCache(loader, 2)
    wanted = checkpoint(tmp_path, "a")
    loader.broken = True
    for _ in range(2):
        with pytest.raises(CheckpointError, match="broken"):
            cache.get(wanted)
    assert cache.loaded() == {}
    loader.broken = False
    assert cache.get(wanted).description == "a"
    assert loader.loads == {"a": 3}


def test_a_changed_file_is_loaded_anew(tmp_path: Path, loader: FakeLoader) -> None:
    cache = RuntimeCache(loader, 2)
    wanted = checkpoint(tmp_path, "a")
    first = cache.get(wanted)
    wanted.path.write_bytes(b"new weights")
    assert cache.get(wanted) is not first
    assert len(cache.loaded()) == 1, "the old weights are forgotten"


def test_the_same_file_read_as_metric_is_another_model(tmp_path: Path, loader: FakeLoader) -> None:
    cache = RuntimeCache(loader, 2)
    relative = checkpoint(tmp_path, "a")
    assert cache.get(relative) is not cache.get(Checkpoint(relative.path, METRIC))


def test_a_file_that_is_gone_is_told(tmp_path: Path, loader: FakeLoader) -> None:
    with pytest.raises(CheckpointError, match="cannot be read: No such file"):
        RuntimeCache(loader, 2).get(Checkpoint(tmp_path / "none", RELATIVE))


class Overflowing(FakeRuntime):
    """A lower precision, in which nothing is finite."""

    def infer(self, images: Images, size: Size) -> Maps:
        return {"depth": np.full(images["image"].shape[:3], np.nan, np.float32)}


def test_the_float32_network_under_a_lower_precision_counts_as_one_more(tmp_path: Path) -> None:
    loads: list[str] = []

    def load(checkpoint: Checkpoint) -> Runtime:
        loads.append(f"{checkpoint.path.name} fp16")
        return Overflowing(loads[-1])

    def load_exact(checkpoint: Checkpoint) -> Runtime:
        loads.append(f"{checkpoint.path.name} fp32")
        return FakeRuntime(loads[-1])

    cache = RuntimeCache(load, 2, load_exact)
    a, b = (checkpoint(tmp_path, name) for name in "ab")
    image = {"image": np.zeros((1, 4, 6, 3), np.uint8)}
    for _ in range(2):
        assert (cache.get(a).infer(image, (14, 14))["depth"] == 0).all()
    assert loads == ["a fp16", "a fp32"]
    assert cache.loaded() == {a.path: "a fp16"}
    cache.get(b)  # the third network: the least recently used goes, which is a in fp16
    assert cache.loaded() == {a.path: "a fp32", b.path: "b fp16"}
    cache.get(b).infer(image, (14, 14))
    assert cache.loaded() == {b.path: "b fp16"}
    assert loads == ["a fp16", "a fp32", "b fp16", "b fp32"]


def test_who_is_out_of_time_leaves_and_the_next_finds_it_loaded(
    tmp_path: Path, loader: FakeLoader
) -> None:
    cache, wanted = RuntimeCache(loader, 2), checkpoint(tmp_path, "a")
    with pytest.raises(DeadlineExceededError), within(Scope(0.01)):
        cache.get(wanted)
    assert cache.get(wanted).description == "a"
    assert loader.loads == {"a": 1}
