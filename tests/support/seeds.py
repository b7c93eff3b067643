"""Seeded weights whose numbers hang on each tensor's name alone.

So the reference code can be given the same weights, in whatever order it keeps its tensors: for
every floating-point tensor of ``state_dict()``, by its name there.
"""

import zlib
from collections.abc import Mapping
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn

from vizion3d.networks.depth_anything_3.config import NetworkConfig as DepthAnything3Config
from vizion3d.networks.lite_any_stereo.config import NetworkConfig as StereoConfig
from vizion3d.networks.sizes import DptSizes, EncoderSizes


def _generator(seed: int, name: str) -> torch.Generator:
    return torch.Generator().manual_seed(zlib.crc32(f"{seed} {name}".encode()))


def depth_anything_3_config(
    width: int,
    depth: int,
    features: int,
    channels: tuple[int, int, int, int],
    joint_from: int | None,
) -> DepthAnything3Config:
    """The sizes of a network, taps included, as the official configuration has them."""
    taps = {12: (5, 7, 9, 11), 24: (4, 11, 17, 23)}[depth]
    encoder = EncoderSizes(width, depth, 4 * width, 14, 37, taps, 1e-5, mask_token=False)
    dim_in = width if joint_from is None else 2 * width
    return DepthAnything3Config(
        encoder, DptSizes(dim_in, features, channels, 14, spare_unit=False), joint_from
    )


DA3_SMALL = depth_anything_3_config(384, 12, 64, (48, 96, 192, 384), 4)
DA3_BASE = depth_anything_3_config(768, 12, 128, (96, 192, 384, 768), 4)
DA3_MONO = depth_anything_3_config(1024, 24, 256, (256, 512, 1024, 1024), None)
DA3_TINY = depth_anything_3_config(64, 12, 16, (8, 16, 24, 32), 4)
DA3_MONO_TINY = depth_anything_3_config(64, 24, 16, (8, 16, 24, 32), None)

LAS2 = {
    "las2-s": StereoConfig((1, 2, 4), 4, iterative=False),
    "las2-m": StereoConfig((4, 8, 16), 4, iterative=False),
    "las2-l": StereoConfig((8, 16, 32), 8, iterative=False),
    "las2-h": StereoConfig((4, 8, 16), 4, iterative=True),
}


@torch.no_grad()
def seed_depth_anything_3(state: Mapping[str, Tensor], seed: int = 0) -> None:
    """Fill the weights of a Depth Anything 3 network, in place."""
    for name, tensor in state.items():
        generator = _generator(seed, name)
        if name.endswith("fc_fov.0.bias"):  # keeps both angles positive
            tensor.normal_(1.0, 0.05, generator=generator)
        elif name.endswith("weight") and tensor.ndim == 1:
            tensor.normal_(1.0, 0.1, generator=generator)
        elif name.endswith("gamma"):
            tensor.normal_(0.5, 0.2, generator=generator)
        elif tensor.ndim < 2:
            tensor.normal_(0.0, 0.05, generator=generator)
        else:
            fan_in = tensor[0].numel() if tensor.ndim != 3 else 4.0
            tensor.normal_(0.0, fan_in**-0.5, generator=generator)


@torch.no_grad()
def seed_lite_any_stereo(state: Mapping[str, Tensor], seed: int = 0) -> None:
    """Fill the weights of a Lite Any Stereo V2 network, in place.

    The scores that its softmax sees stay moderate, as those of trained weights are: weights
    without measure would make each pixel choose one disparity, and hide every small difference.
    """
    for name, tensor in state.items():
        if not tensor.is_floating_point():
            continue
        generator = _generator(seed, name)
        if name.endswith("running_var"):
            tensor.uniform_(0.5, 1.5, generator=generator)
        elif name.endswith("running_mean"):
            tensor.normal_(0.0, 0.1, generator=generator)
        elif name.endswith("weight") and tensor.ndim == 1:
            tensor.normal_(1.0, 0.1, generator=generator)
        elif tensor.ndim < 2:
            tensor.normal_(0.0, 0.05, generator=generator)
        else:
            strong = ("att0.conv3.weight", "cost_agg.conv6.0.weight")
            gain = 0.3 if name.endswith("mlp.3.weight") else 2.5 if name.endswith(strong) else 1.0
            tensor.normal_(0.0, gain * tensor[0].numel() ** -0.5, generator=generator)


def smooth_image(height: int, width: int) -> Tensor:
    """Normalised noise of few frequencies, ``(1, 3, H, W)``; the size is its seed."""
    generator = torch.Generator().manual_seed(height * width)
    coarse = torch.randn(1, 3, height // 28, width // 28, generator=generator)
    return F.interpolate(coarse, size=(height, width), mode="bicubic")


def stereo_pair(height: int, width: int) -> tuple[Tensor, Tensor]:
    """Two images ``(1, 3, H, W)``, 0 to 255, the right one the left moved by 24 pixels."""
    generator = torch.Generator().manual_seed(height * width)
    coarse = torch.rand(1, 3, height // 8, (width + 32) // 8, generator=generator)
    wide = 255 * F.interpolate(
        coarse, size=(height, width + 32), mode="bilinear", align_corners=False
    )
    return wide[..., :width].round(), wide[..., 24 : 24 + width].round()


def save_depth_anything_3(path: Path, config: DepthAnything3Config) -> Path:
    """Write a seeded checkpoint as the official files are: names with ``model.`` before them, and
    for the any-view architecture parts that one view does not use."""
    from vizion3d.networks.depth_anything_3.any_view import SingleViewDepthAnything3
    from vizion3d.networks.depth_anything_3.monocular import MonocularDepthAnything3

    single = SingleViewDepthAnything3 if config.joint_from is not None else MonocularDepthAnything3
    with torch.device("meta"):  # torch's own first weights take as long as the seeded ones
        shapes = single(config).state_dict()
    state = {name: torch.empty_like(tensor, device="cpu") for name, tensor in shapes.items()}
    seed_depth_anything_3(state)
    if config.joint_from is not None:
        state["cam_enc.token_norm.weight"] = torch.ones(8)
        state["cam_dec.fc_t.weight"] = torch.ones(3, config.head.dim_in)
        state["head.scratch.output_conv2_aux.3.5.bias"] = torch.ones(7)
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({f"model.{name}": tensor.contiguous() for name, tensor in state.items()}, path)
    return path


def lite_any_stereo_module(config: StereoConfig) -> nn.Module:
    """A seeded network."""
    from vizion3d.networks.lite_any_stereo.feed_forward import FeedForwardStereo
    from vizion3d.networks.lite_any_stereo.iterative import IterativeStereo

    module = (IterativeStereo if config.iterative else FeedForwardStereo)(config)
    seed_lite_any_stereo(module.state_dict())
    return module.eval().requires_grad_(False)


def save_lite_any_stereo(path: Path, config: StereoConfig) -> Path:
    """Write a seeded checkpoint as the official files are: ``.pth``, counters included."""
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(lite_any_stereo_module(config).state_dict(), path)
    return path
