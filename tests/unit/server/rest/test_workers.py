"""Supervision with processes that are none: nothing is started, no time passes."""

from typing import Any, cast

import pytest

from vizion3d.server.rest.workers import LONGEST_PAUSE_S, Supervisor


class FakeProcess:
    """A process that ends when the test says so."""

    def __init__(self, pid: int) -> None:
        self.pid, self.terminated = pid, False
        self.exitcode: int | None = None

    @property
    def sentinel(self) -> int:
        raise AssertionError

    def is_alive(self) -> bool:
        return self.exitcode is None

    def terminate(self) -> None:
        self.terminated = True

    def join(self, timeout: float | None = None) -> None:
        pass


class Plant:
    """Starts fake processes, and has a clock of its own."""

    def __init__(self, count: int = 2) -> None:
        self.started: list[FakeProcess] = []
        self.buried: list[int] = []
        self.now_s = 0.0
        self.supervisor = Supervisor(
            cast(Any, self.start), count, self.buried.append, lambda: self.now_s
        )

    def start(self) -> FakeProcess:
        process = FakeProcess(len(self.started) + 1)
        self.started.append(process)
        return process

    def look(self, after_s: float = 0.0) -> int:
        """Let time pass and look; how many processes were started until now."""
        self.now_s += after_s
        self.supervisor.look()
        return len(self.started)


def test_a_process_that_dies_is_replaced_and_its_gauges_are_dropped() -> None:
    plant = Plant()
    plant.look(after_s=100)
    plant.started[0].exitcode = -9
    assert plant.look() == 3
    assert plant.buried == [1]
    assert plant.look() == 3
    assert [process.pid for process in plant.supervisor.alive()] == [3, 2]


def test_one_that_dies_at_once_is_started_again_after_longer_and_longer_pauses() -> None:
    plant = Plant(count=1)
    waited = []
    for _ in range(12):
        count = len(plant.started)
        plant.started[-1].exitcode = -11
        plant.look()
        pause_s = 0.0
        while plant.look() == count:
            plant.now_s += 0.1
            pause_s += 0.1
        waited.append(round(pause_s, 1))
    assert waited[:4] == pytest.approx([0.5, 1.0, 2.0, 4.0], abs=0.2)
    assert waited[-1] == pytest.approx(LONGEST_PAUSE_S, abs=0.2)
    assert plant.buried == list(range(1, 13))


def test_one_that_lived_long_is_replaced_at_once_again() -> None:
    plant = Plant(count=1)
    for _ in range(3):
        plant.started[-1].exitcode = -9
        plant.look()
        plant.look(after_s=60)
    plant.look(after_s=1000)
    count = len(plant.started)
    plant.started[-1].exitcode = -9
    assert plant.look() == count + 1


def test_one_that_cannot_start_ends_them_all() -> None:
    plant = Plant()
    assert plant.supervisor.code == 0
    plant.started[1].exitcode = 1
    plant.look()
    assert plant.supervisor.code == 1
    plant.supervisor.stop()
    assert [process.terminated for process in plant.started] == [True, False]
