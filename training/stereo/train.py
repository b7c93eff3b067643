"""Trains ``nano-stereo`` on pairs rendered in the loop, from the published ImageNet encoder.

On a CUDA GPU, in one go of ten minutes::

    python -m training.stereo.train --preset cuda --state stereo-state --seconds 600

``--max-seconds`` cuts a run into slices; started again, it continues.
"""

import argparse
import copy
import json
import math
import time
from collections import deque
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from training.encoder_weights import load_published
from training.network import normalise
from training.optimizer import make_optimizer, schedule
from training.render import Renderer
from training.render.rand import Rand
from training.state import flatten_optimizer, load_state, part, restore_optimizer, save_state
from training.stereo.config import NanoStereoConfig
from training.stereo.data import Batch, PairSource
from training.stereo.losses import stereo_loss
from training.stereo.measure import Measure
from training.stereo.model import NanoStereo, Stages
from training.stereo.plans import PLANS, StereoPlan
from training.stereo.real import motorcycle

ENCODER = "features.encoder."
FROZEN = (ENCODER + "stem.", ENCODER + "stages.0.")
VARIANT = "lite0"
_RECENT = 8
"""Batches over which the averaged network's normalisation is measured."""
RESULT = Path(__file__).parents[1] / "results" / "stereo_curve.json"


def new_network(seed: int, start: Path | None = None) -> NanoStereo:
    """The weights of the file ``start``; without it, the published encoder's first stages, and all
    else untrained."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = NanoStereo(NanoStereoConfig())
    if start:
        net.load_state_dict(load_file(start))
        return net
    own = net.features.encoder
    published = load_published(VARIANT).state_dict()
    own.load_state_dict({name: published[name] for name in own.state_dict()})
    return net


class StereoTraining:
    """A run in progress.

    Args:
        plan: What to do.
        seed: Of weights, pairs and augmentation.
        device: Where to train.
        start: File of the first weights; see `new_network`.
    """

    def __init__(
        self, plan: StereoPlan, seed: int, device: torch.device, start: Path | None = None
    ) -> None:
        self.plan, self.seed, self.device = plan, seed, device
        self.net = new_network(seed, start).to(device)
        _store_channels_last(self.net)
        self.optimizer = make_optimizer(self.net, plan, FROZEN, ENCODER)
        self.ema = copy.deepcopy(self.net).requires_grad_(False).eval()
        self.trained = [p for p in self.net.parameters() if p.requires_grad]
        self.renderer = Renderer(seed + 1, device)
        self.source = PairSource(self.renderer, plan.data)
        self.rand = Rand(seed + 2, device)
        self.recent: deque[Batch] = deque(maxlen=_RECENT)
        self.seen, self.step, self.seconds = 0, 0, 0.0
        self.curve: list[dict[str, float]] = []

    @property
    def share(self) -> float:
        """How much of the run is done."""
        return min(1.0, max(self.seen / self.plan.pairs, self.seconds / self.plan.seconds))

    @property
    def done(self) -> bool:
        return self.share >= 1

    def advance(self) -> Tensor:
        """One step on new pairs; returns the loss, still on the device."""
        return self.learn(self.source.batch(self.rand))

    def learn(self, batch: Batch) -> Tensor:
        """One step on a batch; returns the loss, still on the device."""
        rate = schedule(self.share, self.plan.warmup, self.plan.decay)
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["full_rate"]
        self.net.train()
        stages = self._stages(self.net, batch)
        loss = stereo_loss(stages, batch)
        self.net.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.trained, 1.0)
        self.optimizer.step()
        self.recent.append(batch)
        self.seen += batch.count
        self.step += 1
        self._average()
        return loss.detach()

    def _stages(self, net: NanoStereo, batch: Batch) -> Stages:
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"):
            return net.stages(normalise(batch.left), normalise(batch.right))

    @torch.no_grad()
    def _average(self) -> None:
        # The average starts short, so that the first weights do not linger.
        keep = min(1 - 1 / self.plan.ema_steps, self.step / (self.step + 9))
        averaged: list[Tensor] = list(self.ema.parameters())
        current: list[Tensor] = list(self.net.parameters())
        torch._foreach_lerp_(averaged, current, 1 - keep)

    @torch.no_grad()
    def averaged(self) -> NanoStereo:
        """The averaged weights, with the statistics of normalisation that these weights have: an
        average of the statistics is not that."""
        norms = [m for m in self.ema.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # the mean of all batches
        self.ema.train()
        for batch in self.recent:
            self._stages(self.ema, batch)
        return self.ema.eval()

    def save(self, folder: Path) -> None:
        self.averaged()
        tensors = {f"net.{k}": v for k, v in self.net.state_dict().items()}
        tensors |= {f"ema.{k}": v for k, v in self.ema.state_dict().items()}
        tensors |= flatten_optimizer(self.optimizer, "optimizer.")
        for name, rand in (("renderer", self.renderer.rand), ("rand", self.rand)):
            tensors |= {f"random.{name}.{k}": v for k, v in rand.state().items()}
        meta = {name: getattr(self, name) for name in ("seed", "seen", "step", "seconds", "curve")}
        save_state(folder, tensors, meta)

    def load(self, folder: Path) -> None:
        """Continue a saved run; rendered pairs that were kept are rendered anew."""
        tensors, meta = load_state(folder)
        if meta["seed"] != self.seed:
            raise ValueError(f"{folder} was started with --seed {meta['seed']}")
        self.net.load_state_dict(part(tensors, "net."))
        self.ema.load_state_dict(part(tensors, "ema."))
        restore_optimizer(self.optimizer, part(tensors, "optimizer."))
        for name, rand in (("renderer", self.renderer.rand), ("rand", self.rand)):
            rand.restore(part(tensors, f"random.{name}."))
        self.seen, self.step, self.seconds = meta["seen"], meta["step"], meta["seconds"]
        self.curve = meta["curve"]


def _store_channels_last(net: NanoStereo) -> None:
    formats = {4: torch.channels_last, 5: torch.channels_last_3d}
    for parameter in net.parameters():
        if parameter.ndim in formats:
            parameter.data = parameter.data.contiguous(memory_format=formats[parameter.ndim])


def run(
    training: StereoTraining,
    folder: Path | None,
    max_seconds: float,
    report: int,
    measure: Measure | None = None,
) -> None:
    """Train until done or until time is up, then save; every ``report`` steps print and record."""
    begin = last = saved = time.monotonic()
    losses: list[Tensor] = []
    seen, before = training.seen, training.seconds
    while not training.done and time.monotonic() - begin < max_seconds:
        losses.append(training.advance())
        if len(losses) % 10 == 0 or training.device.type == "cpu":
            losses[-1].item()  # so that the clock below is the device's
        now = time.monotonic()
        training.seconds = before + now - begin
        if len(losses) < report and not training.done:
            continue
        rate = (training.seen - seen) / (now - last)
        point: dict[str, Any] = {
            "pairs": training.seen,
            "seconds": round(training.seconds),
            "loss": round(torch.stack(losses).mean().item(), 4),
        }
        point |= measure.consider(training.averaged(), training.curve) if measure else {}
        training.curve.append(point)
        print(json.dumps(point), f"{rate:.1f} pairs/s", flush=True)
        losses, last, seen = [], time.monotonic(), training.seen
        if folder and time.monotonic() - saved > 120:
            training.save(folder)
            saved = time.monotonic()
    if folder:
        training.save(folder)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--preset", choices=PLANS, default="cpu")
    parser.add_argument("--state", type=Path, help="folder to resume from and to save to")
    parser.add_argument("--start", type=Path, help="safetensors file that a new run starts from")
    parser.add_argument("--max-seconds", type=float, default=math.inf, help="of this call")
    parser.add_argument("--seconds", type=float, help="length of the whole run, by the clock")
    parser.add_argument("--batch", type=int, help="pairs of a batch, instead of the preset's")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--report", type=int, default=100, help="steps between reports")
    parser.add_argument(
        "--real", type=Path, help="what `python -m training.stereo.real` wrote; to measure on only"
    )
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.backends.cudnn.benchmark = True
    # Without a compiler at hand, the renderer's fused kernel is run as it is written, slower.
    torch._dynamo.config.suppress_errors = True
    plan = PLANS[args.preset]
    if args.batch:
        plan = replace(plan, data=replace(plan.data, batch=args.batch))
    if args.seconds:
        plan = replace(plan, seconds=args.seconds)
    device = torch.device("cuda" if args.preset == "cuda" else "cpu")
    training = StereoTraining(plan, args.seed, device, args.start)
    if args.state:
        args.state.parent.mkdir(parents=True, exist_ok=True)
    if args.state and (args.state / "meta.json").exists():
        training.load(args.state)
    measure = (
        Measure(plan.data, plan.held_out, device, motorcycle(args.real), args.state)
        if args.state
        else None
    )
    run(training, args.state, args.max_seconds, args.report, measure)
    summary = {"preset": args.preset, "seed": args.seed, "pairs": training.seen}
    summary |= {"seconds": round(training.seconds), "torch": torch.__version__}
    folder = args.state.parent if args.state else RESULT.parent
    (folder / RESULT.name).write_text(
        json.dumps({**summary, "curve": training.curve}, indent=1) + "\n"
    )
    if device.type == "cuda":
        print(f"{torch.cuda.max_memory_allocated() / 2**30:.1f} GiB of GPU memory at most")
    print("done" if training.done else f"{training.share:.0%} of the run: run it again")


if __name__ == "__main__":
    main()
