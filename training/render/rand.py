"""Seeded random draws on one device."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor


@cache
def constant(values: tuple[Any, ...], device: torch.device) -> Tensor:
    """A small tensor, made once per device: making one anew would wait for the device.

    Treat it as read-only.
    """
    with torch.inference_mode(mode=False):
        return torch.tensor(values, device=device)


class Rand:
    """Draws that never leave the device, so that the render loop needs no host synchronisation."""

    def __init__(self, seed: int, device: torch.device | str = "cpu") -> None:
        self.device = torch.device(device)
        self.generator = torch.Generator(self.device).manual_seed(seed)
        self.host = torch.Generator().manual_seed(seed)

    def uniform(self, *shape: int, low: float = 0.0, high: float = 1.0) -> Tensor:
        draw = torch.rand(*shape, generator=self.generator, device=self.device)
        return low + (high - low) * draw

    def log_uniform(self, *shape: int, low: float, high: float) -> Tensor:
        return low * (high / low) ** self.uniform(*shape)

    def normal(self, *shape: int, mean: float = 0.0, std: float = 1.0) -> Tensor:
        return mean + std * torch.randn(*shape, generator=self.generator, device=self.device)

    def chance(self, *shape: int, p: float | Tensor) -> Tensor:
        """``True`` with probability ``p``."""
        return self.uniform(*shape) < p

    def integers(self, high: int, *shape: int) -> Tensor:
        return torch.randint(high, shape, generator=self.generator, device=self.device)

    def pick(self, weights: Tensor) -> Tensor:
        """One index per row, drawn in proportion to the weights ``(..., K)`` -> ``(...)``."""
        edges = weights.cumsum(-1)
        draw = self.uniform(*weights.shape[:-1], 1) * edges[..., -1:]
        return (draw >= edges).sum(-1).clamp_max(weights.shape[-1] - 1)

    def of(self, values: Sequence[float], *shape: int) -> Tensor:
        """Uniform choice among a few values."""
        return constant(tuple(values), self.device)[self.integers(len(values), *shape)]

    def state(self) -> dict[str, Tensor]:
        return {"device": self.generator.get_state(), "host": self.host.get_state()}

    def restore(self, state: dict[str, Tensor]) -> None:
        self.generator.set_state(state["device"])
        self.host.set_state(state["host"])
