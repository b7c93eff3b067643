"""What a camera does to an image: blur, exposure, colour, vignette, noise, JPEG, sharpening."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from training.render.rand import Rand, constant


def photograph(rand: Rand, image: Tensor, inverse_depth: Tensor) -> Tensor:
    """Camera effects, each drawn per image.

    Args:
        image: ``(B, 3, H, W)`` sRGB in [0, 1].
        inverse_depth: ``(B, H, W)``, for the blur of what is out of focus.

    Returns:
        ``(B, 3, H, W)`` sRGB in [0, 1].
    """
    return _record(rand, _look(rand, image, inverse_depth))


def photograph_pair(
    rand: Rand, images: tuple[Tensor, Tensor], inverse_depths: tuple[Tensor, Tensor]
) -> tuple[Tensor, Tensor]:
    """The two images of stereo pairs, by two cameras that are alike, not quite alike, or, in some
    pairs, different ones.

    Args:
        images: ``(B, 3, H, W)`` twice, sRGB in [0, 1].
        inverse_depths: ``(B, H, W)`` twice.
    """
    b = len(images[0])
    begin = rand.state()
    left = _look(rand, images[0], inverse_depths[0])
    rand.restore(begin)
    right = _look(rand, images[1], inverse_depths[1])
    other = _look(rand, images[1], inverse_depths[1])
    right = torch.where(rand.chance(b, 1, 1, 1, p=0.15), other, right)
    gain = rand.log_uniform(b, 1, 1, 1, low=0.7, high=1.4)
    tint = (1 + rand.normal(b, 3, 1, 1, std=0.04)).clamp_min(0.5)
    gamma = rand.log_uniform(b, 1, 1, 1, low=0.65, high=1.55)
    changed = (right.clamp(0, 1) ** gamma * gain * tint).clamp(0, 1)
    right = torch.where(rand.chance(b, 1, 1, 1, p=0.5), changed, right)
    right = torch.where(rand.chance(b, 1, 1, 1, p=0.15), blur(right), right)
    return _record(rand, left), _record(rand, right)


def _look(rand: Rand, image: Tensor, inverse_depth: Tensor) -> Tensor:
    """Lens and development: what the same camera does alike to two images."""
    b = len(image)
    image = _lens_blur(rand, image, inverse_depth)
    image = _develop(rand, mix_colors(rand, image))
    image = _coarsen(rand, image)
    blurred = blur(image)
    # Between a soft lens (-0.8) and strong sharpening (+1).
    amount = rand.uniform(b, 1, 1, 1, low=-0.8, high=1.0) * rand.chance(b, 1, 1, 1, p=0.6)
    return image + amount * (image - blurred)


def _record(rand: Rand, image: Tensor) -> Tensor:
    """Noise and compression, which are never the same twice."""
    b = len(image)
    noise = rand.normal(*image.shape)
    grey = noise.mean(1, keepdim=True) * 1.7
    colored = torch.where(rand.chance(b, 1, 1, 1, p=0.5), grey, noise)
    strength = rand.log_uniform(b, 1, 1, 1, low=0.002, high=0.04) * rand.chance(b, 1, 1, 1, p=0.7)
    image = (image + colored * strength).clamp(0, 1)
    return _jpeg(rand, image).clamp(0, 1)


def blur(image: Tensor) -> Tensor:
    """A 3x3 binomial blur."""
    row = constant((0.25, 0.5, 0.25), image.device)
    kernel = (row[:, None] * row).expand(image.shape[1], 1, 3, 3)
    return F.conv2d(F.pad(image, (1, 1, 1, 1), mode="replicate"), kernel, groups=image.shape[1])


def _lens_blur(rand: Rand, image: Tensor, inverse_depth: Tensor) -> Tensor:
    """Depth of field: in some images, what lies off the focus fades into blurred copies."""
    b, _, h, w = image.shape
    middle = inverse_depth[:, h // 3 : 2 * h // 3, w // 3 : 2 * w // 3].mean((1, 2))
    off = (inverse_depth - middle[:, None, None]).abs()
    strength = rand.uniform(b, 1, 1, low=0.5, high=6.0) * rand.chance(b, 1, 1, p=0.15)
    level = (off * strength).clamp(0, 2)[:, None]
    half = blur(F.avg_pool2d(image, 2, ceil_mode=True))
    quarter = blur(F.avg_pool2d(half, 2, ceil_mode=True))
    up = [F.interpolate(x, size=(h, w), mode="bilinear") for x in (half, quarter)]
    soft = image + (up[0] - image) * level.clamp_max(1)
    return soft + (up[1] - soft) * (level - 1).clamp_min(0)


def mix_colors(rand: Rand, image: Tensor) -> Tensor:
    """In some images, a random 3x3 convolution over the channels blended in: shapes stay, the look
    of surfaces changes (Xu et al. 2021, arXiv:2007.13003)."""
    b, _, h, w = image.shape
    kernel = rand.normal(b, 3, 3, 3, 3, std=1 / math.sqrt(27))
    padded = F.pad(image, (1, 1, 1, 1), mode="replicate").reshape(1, b * 3, h + 2, w + 2)
    other = F.conv2d(padded, kernel.flatten(0, 1), groups=b).view(b, 3, h, w)
    low, high = other.amin((2, 3), keepdim=True), other.amax((2, 3), keepdim=True)
    other = (other - low) / (high - low).clamp_min(1e-3)
    share = rand.uniform(b, 1, 1, 1, low=0.2, high=0.8) * rand.chance(b, 1, 1, 1, p=0.15)
    return image + share * (other - image)


def _coarsen(rand: Rand, image: Tensor) -> Tensor:
    """Some images come from a smaller or shaken sensor: halved and doubled, or smeared along a
    row."""
    b, _, h, w = image.shape
    half = F.interpolate(image, scale_factor=0.5, mode="bilinear", antialias=True)
    soft = F.interpolate(half, size=(h, w), mode="bilinear")
    smeared = F.avg_pool2d(F.pad(image, (3, 3, 0, 0), mode="replicate"), (1, 7), stride=1)
    draw = rand.uniform(b, 1, 1, 1)
    return torch.where(draw < 0.12, soft, torch.where(draw > 0.96, smeared, image))


def _develop(rand: Rand, image: Tensor) -> Tensor:
    """Exposure, white balance, saturation, contrast, fading, vignette."""
    b, _, h, w = image.shape
    gain = rand.log_uniform(b, 1, 1, 1, low=0.6, high=1.8) * (
        1 + rand.normal(b, 3, 1, 1, std=0.09)
    ).clamp_min(0.5)
    image = image * gain
    grey = image.mean(1, keepdim=True)
    none = rand.chance(b, 1, 1, 1, p=0.92)
    image = grey + (image - grey) * rand.uniform(b, 1, 1, 1, low=0.6, high=1.45) * none
    image = image.clamp(0, 1) ** rand.log_uniform(b, 1, 1, 1, low=0.6, high=1.6)
    lift = rand.uniform(b, 1, 1, 1, low=0.0, high=0.12) * rand.chance(b, 1, 1, 1, p=0.3)
    y = torch.linspace(-1, 1, h, device=image.device)[:, None]
    x = torch.linspace(-1, 1, w, device=image.device)[None]
    edge = 1 - rand.uniform(b, 1, 1, 1, low=0, high=0.3) * (x * x + y * y) / 2
    return (lift + (1 - lift) * image) * edge


def _jpeg(rand: Rand, image: Tensor) -> Tensor:
    """Quantised 8x8 cosine transforms of luma and (coarser) chroma."""
    b, _, h, w = image.shape
    dct = _dct(image.device)
    forward = constant(
        ((0.299, 0.587, 0.114), (-0.169, -0.331, 0.5), (0.5, -0.419, -0.081)), image.device
    )
    padded = F.pad(image, (0, -w % 8, 0, -h % 8), mode="replicate")
    ycc = torch.einsum("ij,bjhw->bihw", forward, padded)
    blocks = ycc.unflatten(2, (-1, 8)).unflatten(4, (-1, 8)).transpose(3, 4)
    waves = dct @ blocks @ dct.T
    order = torch.arange(8, device=image.device)
    ramp = 1 + 0.9 * (order[:, None] + order[None])
    coarse = constant((1.0, 2.0, 2.0), image.device)[:, None, None, None, None]
    strength = rand.log_uniform(b, 1, 1, 1, 1, 1, low=0.004, high=0.05)
    step = strength * ramp * coarse
    kept = (waves / step).round() * step
    on = rand.chance(b, 1, 1, 1, 1, 1, p=0.6)
    out = dct.T @ torch.where(on, kept, waves) @ dct
    out = out.transpose(3, 4).flatten(4, 5).flatten(2, 3)
    back = constant(((1.0, 0.0, 1.402), (1.0, -0.344, -0.714), (1.0, 1.772, 0.0)), image.device)
    return torch.einsum("ij,bjhw->bihw", back, out)[..., :h, :w]


def _dct(device: torch.device) -> Tensor:
    """The orthonormal 8-point cosine transform as an ``(8, 8)`` matrix."""
    n = torch.arange(8, device=device)
    matrix = torch.cos(math.pi / 8 * (n[None] + 0.5) * n[:, None]) * 0.5
    matrix[0] *= math.sqrt(0.5)
    return matrix
