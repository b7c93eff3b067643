"""How a stereo network does, as its training goes on."""

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import save_file

from training.export import best_path
from training.network import normalise
from training.render import Renderer
from training.render.rand import Rand
from training.stereo.data import Batch, PairPlan, PairSource
from training.stereo.losses import errors
from training.stereo.model import NanoStereo
from training.stereo.real import PairWithTruth, bad_share

HELD_OUT_SEED = 777


def held_out(plan: PairPlan, count: int, device: torch.device) -> Iterator[Batch]:
    """Batches of pairs that no training draws: ``count`` pairs in all, the same ones every time."""
    plan = replace(plan, batch=min(count, plan.batch), reuse=1, kept=1)
    source = PairSource(Renderer(HELD_OUT_SEED, device), plan)
    rand = Rand(HELD_OUT_SEED + 1, device)
    for _ in range(max(1, count // plan.batch)):
        yield source.batch(rand)


class Measure:
    """Measures a network, and keeps the weights that did best.

    Args:
        plan: What the rendered pairs are like.
        count: How many of them.
        device: Where to measure.
        real: A real pair, which decides where there is one; else the rendered ones do.
        state: Folder of the run's state; the best weights lie beside it.
    """

    def __init__(
        self,
        plan: PairPlan,
        count: int,
        device: torch.device,
        real: PairWithTruth | None,
        state: Path,
    ) -> None:
        self.batches = list(held_out(plan, count, device))
        self.device, self.real, self.path = device, real, best_path(state)

    @torch.inference_mode()
    def consider(self, net: NanoStereo, curve: list[dict[str, float]]) -> dict[str, float]:
        """Measure ``net``, and keep it if nothing in ``curve`` was better.

        Returns:
            End-point error and share of errors over 2 px on rendered pairs; where there is a real
            pair, that share there (``"real"``), and with its right photo in another exposure.
        """
        found = [errors(net(normalise(b.left), normalise(b.right))[0], b) for b in self.batches]
        point = {k: round(sum(f[k] for f in found) / len(found), 4) for k in found[0]}
        decisive = "epe"
        if self.real:
            decisive = "real"
            point["real"] = bad_share(net, self.real, self.device)
            point["dimmed"] = bad_share(net, self.real.dimmed(), self.device)
        best = min((p[decisive] for p in curve if decisive in p), default=math.inf)
        if point[decisive] < best:
            save_file({k: v.contiguous() for k, v in net.state_dict().items()}, self.path)
        return point
