"""The optimizer of a run, and its learning rate along the way."""

from typing import Any, Protocol

import torch
from torch import nn


class Rates(Protocol):
    """Settings of the optimizer.

    Attributes:
        decoder_rate: Learning rate of what is new.
        encoder_rate: Of the encoder, as a share of each tensor's root mean square.
        weight_decay: Of the weights of what is new.
    """

    @property
    def decoder_rate(self) -> float: ...
    @property
    def encoder_rate(self) -> float: ...
    @property
    def weight_decay(self) -> float: ...


def schedule(share: float, warmup: float, decay: float) -> float:
    """Learning rate at a share of the run: up, level, and over the last ``decay`` down to 0."""
    return max(0.0, min((share + 1e-4) / warmup, 1.0, (1 - share) / decay))


def make_optimizer(
    net: nn.Module, rates: Rates, frozen: tuple[str, ...], encoder: str = "encoder."
) -> torch.optim.Optimizer:
    """AdamW; each tensor of the encoder at a rate in proportion to its size, so that the folded
    normalisation, which has spread these sizes over three decades, does not matter.

    Args:
        net: The network.
        rates: The settings.
        frozen: What stays as published: the beginnings of its parameters' names.
        encoder: How the names of the encoder's parameters begin.
    """
    groups: list[dict[str, Any]] = []
    for name, parameter in net.named_parameters():
        if name.startswith(frozen):
            parameter.requires_grad_(False)
            continue
        rate, decay = rates.decoder_rate, rates.weight_decay
        if name.startswith(encoder):
            size = parameter.detach().square().mean().sqrt().item()
            rate, decay = rates.encoder_rate * size, 0.0
        elif parameter.ndim == 1:
            decay = 0.0
        groups.append({"params": [parameter], "lr": rate, "full_rate": rate, "weight_decay": decay})
    on_gpu = next(net.parameters()).is_cuda
    return torch.optim.AdamW(groups, betas=(0.9, 0.98), fused=on_gpu)
