import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import torch

from vizion3d.runtime.tf32 import ExactConvolutions, Switch, cudnn_switch


@dataclass
class FakeCudnn:
    allow_tf32: bool = True


def test_the_switch_stays_off_until_the_last_has_left_and_is_then_as_it_was() -> None:
    cudnn = FakeCudnn()
    exact = ExactConvolutions(lambda: Switch(cudnn, "allow_tf32", False))
    inside, leave = threading.Event(), threading.Event()
    seen: list[bool] = []

    def long() -> None:
        with exact():
            inside.set()
            assert leave.wait(30)
            seen.append(cudnn.allow_tf32)

    thread = threading.Thread(target=long)
    with exact():
        thread.start()
        assert inside.wait(30)
    assert not cudnn.allow_tf32, "the other is inside still"
    leave.set()
    thread.join()
    assert seen == [False]
    assert cudnn.allow_tf32


def test_what_somebody_else_has_set_meanwhile_stays() -> None:
    cudnn = FakeCudnn()
    with ExactConvolutions(lambda: Switch(cudnn, "allow_tf32", "off"))():
        cudnn.allow_tf32 = True
    assert cudnn.allow_tf32 is True


@pytest.fixture
def cudnn() -> Iterator[Any]:
    module: Any = torch.backends.cudnn
    yield module
    module.allow_tf32 = True  # torch's default


def test_torchs_own_settings_are_left_as_they_were(cudnn: Any) -> None:
    def settings() -> tuple[object, ...]:
        return cudnn.allow_tf32, cudnn.benchmark, cudnn.deterministic, cudnn.conv.fp32_precision

    cudnn.benchmark, before = True, settings()
    with ExactConvolutions()():
        assert cudnn.allow_tf32 is False
        assert cudnn.benchmark is True
    cudnn.benchmark = False
    assert settings() == (before[0], False, *before[2:])


def test_a_process_that_uses_torchs_newer_switch_is_left_as_it_was(cudnn: Any) -> None:
    cudnn.conv.fp32_precision, cudnn.rnn.fp32_precision = "tf32", "ieee"
    assert cudnn_switch().name == "fp32_precision"
    with ExactConvolutions()():
        assert cudnn.conv.fp32_precision == "ieee"
    assert (cudnn.conv.fp32_precision, cudnn.rnn.fp32_precision) == ("tf32", "ieee")
