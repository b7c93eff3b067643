import logging

import pytest
import torch
from torch import Tensor, nn

from tests.support.fake_graphs import FakeCapturer
from vizion3d.runtime.cuda_graphs import RUNS_BEFORE, RUNS_BETWEEN, GraphedModule

EXTRAS = (torch.tensor([3.0]),)


class Affine(nn.Module):
    """Two outputs; counts how often Python runs it."""

    def __init__(self) -> None:
        super().__init__()
        self.runs = 0

    def forward(self, image: Tensor, shift: Tensor) -> tuple[Tensor, Tensor]:
        self.runs += 1
        return 2 * image + shift, image.sum(dim=(1, 2, 3))


class Single(nn.Module):
    """One output, which is no tuple."""

    def forward(self, image: Tensor) -> Tensor:
        return image + 1


def image(number: float, width: int = 1, batch: int = 1) -> list[Tensor]:
    return [torch.full((batch, 3, 2, width), float(number))]


def right(given: list[Tensor], answers: tuple[Tensor, ...]) -> bool:
    expected = Affine()(*given, *EXTRAS)
    return len(answers) == 2 and all(map(torch.equal, answers, expected))


def until_captured(network: GraphedModule, width: int = 1) -> None:
    for number in range(RUNS_BEFORE + 1):
        given = image(number, width)
        assert right(given, network(given, EXTRAS))


def test_a_shape_that_comes_again_is_captured_and_replayed_with_new_numbers() -> None:
    module, capturer = Affine(), FakeCapturer()
    network = GraphedModule(module, capturer)
    for number in range(RUNS_BEFORE):
        given = image(number)
        assert right(given, network(given, EXTRAS))
    assert (network.count, module.runs, capturer.captured) == (0, RUNS_BEFORE, 0)
    for number in range(5, 8):
        given = image(number)
        assert right(given, network(given, EXTRAS))
        assert torch.equal(given[0], image(number)[0])  # what was handed in is left alone
    assert (network.count, capturer.captured, capturer.replayed) == (1, 1, 3)


def test_one_output_comes_as_one() -> None:
    network = GraphedModule(Single(), FakeCapturer())
    for _ in range(RUNS_BEFORE + 2):
        (answer,) = network(image(1), ())
        assert torch.equal(answer, image(2)[0])
    assert network.count == 1


def test_another_shape_has_a_graph_of_its_own() -> None:
    network = GraphedModule(Affine(), capturer := FakeCapturer())
    until_captured(network)
    until_captured(network, width=2)
    for width in (1, 2, 1, 3):
        given = image(9, width)
        assert right(given, network(given, EXTRAS))
    assert (network.count, capturer.captured, capturer.replayed) == (2, 2, 5)


def test_a_graph_reads_the_extras_that_it_was_captured_with() -> None:
    network = GraphedModule(Affine(), FakeCapturer())
    until_captured(network)
    given = image(1)
    # Computed anew after they were forgotten: equal numbers in another tensor.
    assert right(given, network(given, (EXTRAS[0].clone(),)))


def test_the_graph_used_longest_ago_gives_way_but_not_at_once() -> None:
    network = GraphedModule(Affine(), capturer := FakeCapturer(), kept=2)
    for width in (1, 2, 3):
        until_captured(network, width)
    assert (network.count, capturer.captured) == (2, 2)  # the third waits
    for _ in range(RUNS_BETWEEN):
        network(image(4, 1), EXTRAS)
    until_captured(network, width=3)
    assert (network.count, capturer.captured) == (2, 3)
    before = capturer.replayed
    for width in (1, 3, 2):  # the graph of 2 is gone
        given = image(5, width)
        assert right(given, network(given, EXTRAS))
    assert capturer.replayed == before + 2


def test_more_shapes_than_are_kept_are_seldom_captured() -> None:
    network = GraphedModule(Affine(), capturer := FakeCapturer(), kept=2)
    rounds = 100
    for _ in range(rounds):
        for width in (1, 2, 3):
            network(image(1, width), EXTRAS)
    assert 2 < capturer.captured <= 2 + 3 * rounds / RUNS_BETWEEN


def test_shapes_that_come_once_are_not_remembered_for_ever() -> None:
    network = GraphedModule(Affine(), capturer := FakeCapturer())
    for _ in range(RUNS_BEFORE):
        network(image(1, width=1), EXTRAS)
    for width in range(2, 100):
        network(image(1, width), EXTRAS)
    network(image(1, width=1), EXTRAS)
    assert capturer.captured == 0


@pytest.mark.parametrize(
    "error", [RuntimeError("operation not permitted"), torch.OutOfMemoryError("no memory left")]
)
def test_what_cannot_be_captured_runs_as_it_is(
    error: RuntimeError, caplog: pytest.LogCaptureFixture
) -> None:
    module, capturer = Affine(), FakeCapturer(fails_after=1, error=error)
    network = GraphedModule(module, capturer)
    until_captured(network)
    with caplog.at_level(logging.INFO, "vizion3d"):
        until_captured(network, width=2)  # the answer of the failed capture's run is right, too
        for _ in range(2 * RUNS_BETWEEN):
            network(image(1, width=3), EXTRAS)
    assert [r.getMessage() for r in caplog.records] == [
        f"Affine runs without further CUDA graphs: {error}"
    ]
    assert (capturer.tried, capturer.captured, capturer.given_back) == (2, 1, 1)
    given = image(7)
    replayed = capturer.replayed
    assert right(given, network(given, EXTRAS))
    assert capturer.replayed == replayed + 1  # the graph from before goes on


def test_released_graphs_are_gone_and_none_follows() -> None:
    network = GraphedModule(Affine(), capturer := FakeCapturer())
    until_captured(network)
    network.release()
    assert (network.count, capturer.given_back, capturer.alive) == (0, 1, 0)
    for _ in range(2):
        until_captured(network)
    assert (network.count, capturer.captured) == (0, 1)


@pytest.mark.parametrize(
    "network", [GraphedModule(Affine(), None), GraphedModule(Affine(), FakeCapturer(), kept=0)]
)
def test_without_graphs_everything_runs_as_it_is(network: GraphedModule) -> None:
    for _ in range(2):
        until_captured(network)
    assert network.count == 0
    network.release()
    until_captured(network)


def test_batches_run_as_they_are() -> None:
    network = GraphedModule(Affine(), capturer := FakeCapturer())
    for number in range(2 * RUNS_BEFORE):
        given = image(number, batch=2)
        assert right(given, network(given, EXTRAS))
    assert (network.count, capturer.tried) == (0, 0)
