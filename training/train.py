"""Trains ``nano`` on images rendered in the loop, from the published ImageNet encoder.

On a CPU, some hours on two cores (each image is used several times; stop it and start it again at
will)::

    python -m training.train --preset cpu --state nano-state

On a CUDA GPU, with fresh images, in slices of under ten minutes; repeat until it says that it is
done::

    python -m training.train --preset cuda --state nano-state --max-seconds 540

Then ``python -m training.export nano-state`` writes the checkpoint of the package.
"""

import argparse
import copy
import json
import math
import time
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from training.data import Pool
from training.export import best_path
from training.losses import anchor_loss, depth_loss, relative_loss
from training.network import in_channels_last, new_nano, normalise
from training.optimizer import make_optimizer, schedule
from training.plans import PLANS, Plan
from training.real import Scene, compare, predictor, real_scenes
from training.render import Renderer
from training.render.rand import Rand
from training.state import flatten_optimizer, load_state, part, restore_optimizer, save_state

FROZEN = ("encoder.stem.", "encoder.stages.0.", "encoder.stages.1.")
"""What stays as published: edges and textures look alike in renderings and photographs."""
RESULTS = Path(__file__).parent / "results"


class Training:
    """A run in progress.

    Args:
        plan: What to do.
        seed: Of weights, images and augmentation.
        device: Where to train.
    """

    def __init__(
        self, plan: Plan, seed: int, device: torch.device, folder: Path | None = None
    ) -> None:
        self.plan, self.seed, self.device, self.folder = plan, seed, device, folder
        self.net = in_channels_last(new_nano(seed).to(device))
        self.optimizer = make_optimizer(self.net, plan, FROZEN)
        self.ema = copy.deepcopy(self.net).requires_grad_(False)
        moving = [p for p in self.net.encoder.parameters() if p.requires_grad]
        self.encoder = [(p, p.detach().clone()) for p in moving]
        self.trained = [p for p in self.net.parameters() if p.requires_grad]
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
        rate = schedule(self.seen / self.plan.images, self.plan.warmup, self.plan.decay)
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["full_rate"]
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"):
            predicted = self.net.raw(normalise(image).to(memory_format=torch.channels_last))
        predicted = predicted.float()
        loss = depth_loss(predicted, target, pool.stage.gradient_weight)
        loss = loss + self.plan.relative_weight * relative_loss(predicted, target)
        self.net.zero_grad(set_to_none=True)
        (loss + anchor_loss(predicted)).backward()
        nn.utils.clip_grad_norm_(self.trained, 1.0)
        self.optimizer.step()
        self._pull(rate)
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
            if self._pool:
                self._pool[1].close()
            rendered = "x".join(map(str, stage.rendered))
            folder = self.folder and self.folder.with_name(f"{self.folder.name}-pool-{rendered}")
            pool = Pool(self.renderer, stage, self.plan.reuse, self.plan.capacity, folder)
            self._pool = index, pool
        return self._pool[1]

    @torch.no_grad()
    def _pull(self, rate: float) -> None:
        current, first = (list(weights) for weights in zip(*self.encoder, strict=True))
        torch._foreach_lerp_(current, first, self.plan.pull * rate)

    @torch.no_grad()
    def _average(self, count: int) -> None:
        # The average starts short, so that the first weights do not linger.
        keep = min(1 - count / self.plan.ema_images, self.step / (self.step + 9))
        averaged: list[Tensor] = list(self.ema.parameters())
        current: list[Tensor] = list(self.net.parameters())
        torch._foreach_lerp_(averaged, current, 1 - keep)

    def save(self, folder: Path) -> None:
        tensors = {f"net.{k}": v for k, v in self.net.state_dict().items()}
        tensors |= {f"ema.{k}": v for k, v in self.ema.state_dict().items()}
        tensors |= flatten_optimizer(self.optimizer, "optimizer.")
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
        """Continue a saved run: exactly where every image is fresh, with a pool roughly."""
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


class Selection:
    """Keeps the averaged weights that did best on real scenes, next to the state.

    Args:
        scenes: Real scenes with measured depth; training never sees them.
        folder: The state's.
    """

    def __init__(self, scenes: list[Scene], folder: Path) -> None:
        self.scenes, self.path = scenes, best_path(folder)

    def consider(self, training: Training) -> dict[str, float]:
        found = compare(predictor(training.ema), self.scenes)
        best = min((p["real"] for p in training.curve if "real" in p), default=math.inf)
        mean = found.pop("mean")
        if mean < best:
            weights = training.ema.state_dict()
            save_file({k: v.contiguous() for k, v in weights.items()}, self.path)
        return {"real": mean, **found}


def run(
    training: Training,
    folder: Path | None,
    max_seconds: float,
    report: int,
    selection: Selection | None = None,
) -> None:
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
        point |= selection.consider(training) if selection else {}
        training.curve.append(point)
        print(json.dumps(point), f"{rate:.1f} images/s", flush=True)
        losses, last, seen = [], time.monotonic(), training.seen
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
    parser.add_argument("--threads", type=int, default=1, help="CPU threads beside the renderer's")
    parser.add_argument("--report", type=int, default=100, help="steps between reports")
    parser.add_argument(
        "--rgbd", type=Path, help="folder of photos with measured depth, for early stopping only"
    )
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    plan = PLANS[args.preset]
    if args.images:
        plan = replace(plan, images=args.images)
    device = torch.device("cuda" if args.preset == "cuda" else "cpu")
    training = Training(plan, args.seed, device, args.state)
    if args.state and (args.state / "meta.json").exists():
        training.load(args.state)
    selection = Selection(real_scenes(args.rgbd), args.state) if args.state else None
    run(training, args.state, args.max_seconds, args.report, selection)
    summary = {"preset": args.preset, "seed": args.seed, "images": training.seen}
    summary |= {
        "seconds": round(training.seconds),
        "torch": torch.__version__,
        "curve": training.curve,
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "curve.json").write_text(json.dumps(summary, indent=1) + "\n")
    print("done" if training.done else f"{training.seen} of {plan.images} images: run it again")


if __name__ == "__main__":
    main()
