"""Trains ``nano`` from nothing on images rendered in the loop.

On a CPU, about two hours on two cores (each image is used several times)::

    python -m training.train --preset cpu --state nano-state

On a CUDA GPU, several million fresh images, in slices of under ten minutes; repeat until it says
that it is done::

    python -m training.train --preset cuda --state nano-state --max-seconds 540

Then ``python -m training.export nano-state`` writes the checkpoint of the package.
"""

import argparse
import copy
import json
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from training.data import Pool, Stage
from training.losses import anchor_loss, depth_loss
from training.network import new_nano, normalise, raw_depth
from training.render import Renderer
from training.render.rand import Rand
from training.state import flatten_optimizer, load_state, part, restore_optimizer, save_state

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Plan:
    """One training run: how many images, in which stages, with which settings."""

    images: int
    stages: tuple[Stage, ...]
    reuse: int
    capacity: int
    ema_images: int
    learning_rate: float = 5e-4
    muon_rate: float = 0.01
    weight_decay: float = 0.02
    warmup: float = 0.02


PLANS = {
    # Layout is learnt from small images, which are cheap; edges and the look of large images last.
    "cpu": Plan(
        images=93_000,
        stages=(
            Stage(0.62, ((128, 168), (168, 128)), ((84, 112), (112, 84)), 8, 0.1),
            Stage(0.29, ((192, 256), (256, 192)), ((168, 224), (224, 168)), 8, 0.3),
            Stage(0.07, ((360, 480), (480, 360)), ((336, 448), (448, 336)), 4, 0.5),
            Stage(0.02, ((560, 744), (744, 560)), ((518, 686), (686, 518)), 2, 0.5),
        ),
        reuse=6,
        capacity=3000,
        ema_images=3000,
    ),
    "cuda": Plan(
        images=4_000_000,
        stages=(
            Stage(0.80, ((240, 320), (320, 240)), ((168, 224), (224, 168)), 128, 0.3),
            Stage(0.15, ((320, 432), (432, 320)), ((252, 336), (336, 252)), 64, 0.5),
            Stage(0.05, ((560, 744), (744, 560)), ((518, 686), (686, 518)), 16, 0.5),
        ),
        reuse=1,
        capacity=0,
        ema_images=100_000,
    ),
    # A few seconds, for tests.
    "tiny": Plan(
        images=48,
        stages=(Stage(1.0, ((48, 64),), ((42, 56),), 4, 0.1),),
        reuse=1,
        capacity=0,
        ema_images=1000,
    ),
}


class Training:
    """A run in progress.

    Args:
        plan: What to do.
        seed: Of weights, images and augmentation.
        device: Where to train.
    """

    def __init__(self, plan: Plan, seed: int, device: torch.device) -> None:
        self.plan, self.seed, self.device = plan, seed, device
        self.net = new_nano(seed).to(device)
        self.net.depth_head.to(memory_format=torch.channels_last)
        self.ema = copy.deepcopy(self.net).requires_grad_(False)
        self.optimizers = make_optimizers(self.net, plan)
        self.renderer = Renderer(seed + 1, device)
        self.rand = Rand(seed + 2, device)
        self.seen, self.step, self.seconds = 0, 0, 0.0
        self.curve: list[dict[str, float]] = []
        self._pool: tuple[int, Pool] | None = None

    @property
    def done(self) -> bool:
        return self.seen >= self.plan.images

    def advance(self) -> Tensor:
        """One step; returns the loss, still on the device."""
        pool = self._current_pool()
        image, target = pool.batch(self.rand, self.step)
        rate = schedule(self.seen / self.plan.images, self.plan.warmup)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate * group["full_rate"]
        with torch.autocast(self.device.type, torch.bfloat16):
            predicted = raw_depth(self.net, normalise(image))
        predicted = predicted.float()
        loss = depth_loss(predicted, target, pool.stage.gradient_weight)
        self.net.zero_grad(set_to_none=True)
        (loss + anchor_loss(predicted)).backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        for optimizer in self.optimizers:
            optimizer.step()
        self.seen += len(image)
        self.step += 1
        self._average(len(image))
        return loss.detach()

    def _current_pool(self) -> Pool:
        """The pool of the stage that the run has reached."""
        share, index = self.seen / self.plan.images, 0
        bounds = torch.tensor([s.share for s in self.plan.stages]).cumsum(0).tolist()
        while index < len(bounds) - 1 and share >= bounds[index]:
            index += 1
        if self._pool is None or self._pool[0] != index:
            stage = self.plan.stages[index]
            # The same memory whatever the size of the images.
            pixels = stage.rendered[0][0] * stage.rendered[0][1]
            capacity = self.plan.capacity * 192 * 256 // pixels
            self._pool = index, Pool(self.renderer, stage, self.plan.reuse, capacity)
        return self._pool[1]

    @torch.no_grad()
    def _average(self, count: int) -> None:
        # The average starts short, so that the first weights do not linger.
        keep = min(1 - count / self.plan.ema_images, self.step / (self.step + 9))
        averaged, current = list(self.ema.parameters()), list(self.net.parameters())
        torch._foreach_lerp_(averaged, current, 1 - keep)

    def save(self, folder: Path) -> None:
        tensors = {f"net.{k}": v for k, v in self.net.state_dict().items()}
        tensors |= {f"ema.{k}": v for k, v in self.ema.state_dict().items()}
        for index, optimizer in enumerate(self.optimizers):
            tensors |= flatten_optimizer(optimizer, f"optimizer{index}.")
        for name, rand in (("renderer", self.renderer.rand), ("rand", self.rand)):
            tensors |= {f"random.{name}.{k}": v for k, v in rand.state().items()}
        meta = {
            "seed": self.seed,
            "seen": self.seen,
            "step": self.step,
            "seconds": self.seconds,
            "curve": self.curve,
        }
        save_state(folder, tensors, meta)

    def load(self, folder: Path) -> None:
        """Continue a saved run: exactly where every image is fresh; a pool is filled anew."""
        tensors, meta = load_state(folder)
        if meta["seed"] != self.seed:
            raise ValueError(f"{folder} was started with --seed {meta['seed']}")
        self.net.load_state_dict(part(tensors, "net."))
        self.ema.load_state_dict(part(tensors, "ema."))
        for index, optimizer in enumerate(self.optimizers):
            restore_optimizer(optimizer, part(tensors, f"optimizer{index}."))
        for name, rand in (("renderer", self.renderer.rand), ("rand", self.rand)):
            rand.restore(part(tensors, f"random.{name}."))
        self.seen, self.step, self.seconds = meta["seen"], meta["step"], meta["seconds"]
        self.curve = meta["curve"]


def schedule(share: float, warmup: float) -> float:
    """Learning rate at a share of the run: linear warm-up, then a cosine to 0."""
    if share < warmup:
        return (share + 1e-4) / warmup
    return 0.5 + 0.5 * math.cos(math.pi * min(1.0, (share - warmup) / (1 - warmup)))


def make_optimizers(net: nn.Module, plan: Plan) -> list[torch.optim.Optimizer]:
    """Muon (Jordan et al. 2024) for the matrices of the encoder's blocks, AdamW for the rest.

    From scratch, Muon leaves the plateau where every image gets the same depth sooner than AdamW.
    """
    named = dict(net.named_parameters())
    blocks = [p for n, p in named.items() if "blocks" in n and p.ndim == 2]
    kernels = [p for n, p in named.items() if "depth_head" in n and p.ndim > 1]
    chosen = {id(p) for p in (*blocks, *kernels)}
    rest = [p for p in named.values() if id(p) not in chosen]
    decay = plan.weight_decay
    muon = torch.optim.Muon(blocks, lr=plan.muon_rate, weight_decay=decay)
    groups: list[dict[str, Any]] = [
        {"params": kernels, "weight_decay": decay},
        {"params": rest, "weight_decay": 0.0},
    ]
    adam = torch.optim.AdamW(groups, lr=plan.learning_rate, betas=(0.9, 0.98))
    for optimizer in (muon, adam):
        for group in optimizer.param_groups:
            group["full_rate"] = group["lr"]
    return [muon, adam]


def run(training: Training, folder: Path | None, max_seconds: float, report: int) -> None:
    """Train until done or until time is up, then save; every ``report`` steps print and record."""
    begin = last = time.monotonic()
    losses: list[Tensor] = []
    saved, seen = begin, training.seen
    while not training.done and time.monotonic() - begin < max_seconds:
        losses.append(training.advance())
        if len(losses) < report and not training.done:
            continue
        loss = torch.stack(losses).mean().item()  # the only wait for the device
        now = time.monotonic()
        training.seconds += now - last
        rate = (training.seen - seen) / (now - last)
        point = {
            "images": training.seen,
            "seconds": round(training.seconds),
            "loss": round(loss, 4),
        }
        training.curve.append(point)
        print(f"{training.seen:8} images  loss {loss:.4f}  {rate:.1f} images/s", flush=True)
        losses, last, seen = [], now, training.seen
        if folder and now - saved > 180:
            training.save(folder)
            saved = now
    if folder:
        training.save(folder)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--preset", choices=PLANS, default="cpu")
    parser.add_argument("--state", type=Path, help="folder to resume from and to save to")
    parser.add_argument("--max-seconds", type=float, default=math.inf)
    parser.add_argument("--images", type=int, help="length of the run, instead of the preset's")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2, help="CPU threads")
    parser.add_argument("--report", type=int, default=50, help="steps between reports")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    plan = PLANS[args.preset]
    if args.images:
        plan = Plan(**{**vars(plan), "images": args.images})
    device = torch.device("cuda" if args.preset == "cuda" else "cpu")
    training = Training(plan, args.seed, device)
    if args.state and (args.state / "meta.json").exists():
        training.load(args.state)
    run(training, args.state, args.max_seconds, args.report)
    RESULTS.mkdir(exist_ok=True)
    summary = {"preset": args.preset, "seed": args.seed, "images": training.seen}
    summary |= {
        "seconds": round(training.seconds),
        "torch": torch.__version__,
        "curve": training.curve,
    }
    (RESULTS / "curve.json").write_text(json.dumps(summary, indent=1) + "\n")
    print("done" if training.done else f"{training.seen} of {plan.images} images: run it again")


if __name__ == "__main__":
    main()
