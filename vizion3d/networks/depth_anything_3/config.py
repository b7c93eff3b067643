"""The architecture of a checkpoint, read off the shapes of its tensors."""

import re
from dataclasses import dataclass

from vizion3d.networks.base import MismatchError, Shapes
from vizion3d.networks.sizes import ENCODER_NAMES, HEAD_DIM, TAPS, DptSizes, EncoderSizes

PATCH_SIZE = 14
"""Side of a patch, in pixels."""

PREFIX = "model."
"""What every name in a released file begins with."""

UNUSED_PREFIXES = (
    "cam_enc.",
    "cam_dec.fc_t.",
    "cam_dec.fc_qvec.",
    "head.scratch.refinenet1_aux.",
    "head.scratch.refinenet2_aux.",
    "head.scratch.refinenet3_aux.",
    "head.scratch.refinenet4_aux.",
    "head.scratch.output_conv1_aux.",
    "head.scratch.output_conv2_aux.",
)
"""Parts of a checkpoint that one view has no use for: known poses, the pose, the rays."""

_JOINT_TAPS = {12: (5, 7, 9, 11), 24: (11, 15, 19, 23), 40: (19, 27, 33, 39)}
"""Depth of an any-view encoder -> blocks whose output its head reads (official configuration)."""

_ENCODER = "backbone.pretrained."
_BLOCK = re.compile(r"backbone\.pretrained\.blocks\.(\d+)\.")
_NORM_EPS = 1e-5


@dataclass(frozen=True)
class NetworkConfig:
    """Sizes of one Depth Anything 3 network.

    Attributes:
        encoder: Sizes of the encoder.
        head: Sizes of the head.
        joint_from: Block of an any-view encoder from which on views are attended to jointly and
            tokens are rotated by their place; ``None`` for the monocular architecture.
    """

    encoder: EncoderSizes
    head: DptSizes
    joint_from: int | None = None

    @property
    def variant(self) -> str:
        """``"vits"``, ``"vitb"``, ``"vitl"``, or ``"vit-<width>x<depth>"``."""
        width, depth = self.encoder.embed_dim, self.encoder.depth
        return ENCODER_NAMES.get((width, depth)) or f"vit-{width}x{depth}"


def unprefixed(name: str) -> str:
    """The name of a tensor as the reference's inner network has it."""
    return name.removeprefix(PREFIX)


def config_from_shapes(shapes: Shapes) -> NetworkConfig:
    """Read the architecture off a checkpoint's tensor shapes.

    Args:
        shapes: Tensor name -> shape.

    Raises:
        MismatchError: A defining tensor is missing (all missing ones are named) or has a shape that
            no Depth Anything 3 network has.
    """
    shapes = {unprefixed(name): shape for name, shape in shapes.items()}
    joint = f"{_ENCODER}camera_token" in shapes
    ranks = {
        f"{_ENCODER}cls_token": 3,
        f"{_ENCODER}pos_embed": 3,
        f"{_ENCODER}patch_embed.proj.weight": 4,
        f"{_ENCODER}blocks.0.mlp.fc1.weight": 2,
        f"{_ENCODER}norm.weight": 1,
        **{f"head.projects.{i}.weight": 4 for i in range(4)},
        "head.scratch.refinenet1.out_conv.weight": 4,
        "head.scratch.output_conv2.2.weight": 4,
        **({"cam_dec.fc_fov.0.weight": 2} if joint else {}),
        **({} if joint else {"head.scratch.sky_output_conv2.2.weight": 4}),
    }
    missing = [name for name in ranks if name not in shapes]
    if missing:
        raise MismatchError(f"lacks the tensors {', '.join(missing)}")
    faults = [
        f"has {n} of shape {tuple(shapes[n])}" for n, r in ranks.items() if len(shapes[n]) != r
    ]
    blocks = {int(m[1]) for name in shapes if (m := _BLOCK.match(name))}
    normalised = {int(m[1]) for n in shapes if "q_norm" in n and (m := _BLOCK.match(n))}
    taps = (_JOINT_TAPS if joint else TAPS).get(len(blocks))
    if not faults:
        faults = _impossible(shapes)
    if taps is None:
        faults.append(f"has {len(blocks)} blocks")
    if joint and not normalised:
        faults.append("has a camera token, but no block that normalises queries")
    if faults or taps is None:
        raise MismatchError(*faults)
    width, _, patch_size, _ = shapes[f"{_ENCODER}patch_embed.proj.weight"]
    channels = [shapes[f"head.projects.{i}.weight"][0] for i in range(4)]
    return NetworkConfig(
        encoder=EncoderSizes(
            embed_dim=width,
            depth=len(blocks),
            feed_forward_dim=shapes[f"{_ENCODER}blocks.0.mlp.fc1.weight"][0],
            patch_size=patch_size,
            position_grid=round((shapes[f"{_ENCODER}pos_embed"][1] - 1) ** 0.5),
            taps=taps,
            norm_eps=_NORM_EPS,
            mask_token=False,
        ),
        head=DptSizes(
            dim_in=2 * width if joint else width,
            features=shapes["head.scratch.refinenet1.out_conv.weight"][0],
            channels=(channels[0], channels[1], channels[2], channels[3]),
            patch_size=patch_size,
            spare_unit=False,
        ),
        joint_from=min(normalised) if joint else None,
    )


def _impossible(shapes: Shapes) -> list[str]:
    """What no Depth Anything 3 network has, in words; the ranks are right already."""
    width, _, *patch = shapes[f"{_ENCODER}patch_embed.proj.weight"]
    positions = shapes[f"{_ENCODER}pos_embed"][1] - 1
    faults = []
    if not width or width % HEAD_DIM:
        faults.append(f"has a width of {width}, no multiple of {HEAD_DIM}")
    if patch != [PATCH_SIZE, PATCH_SIZE]:
        faults.append(f"has patches of {patch} pixels, not {PATCH_SIZE}")
    if positions < 1 or round(positions**0.5) ** 2 != positions:
        faults.append(f"has {positions} positions, which are no square")
    return faults
