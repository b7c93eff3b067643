"""The architecture of a checkpoint, read off the shapes of its tensors."""

import re
from dataclasses import dataclass

from vizion3d.networks.base import MismatchError, Shapes

MULTIPLE = 32
"""Both sides of the input are multiples of this: features are halved five times."""

FEATURE_CHANNELS = (40, 80, 160, 320)
"""Widths of the features at 1/4, 1/8, 1/16 and 1/32 of the input."""
FEATURE_BLOCKS = (1, 2, 8, 2)
"""Blocks of each stage that computes them (FasterNet-T0)."""

DISPARITIES = 48
"""Candidates, in pixels of the quarter-size features: the input's disparity is below 192 pixels."""

_NAMES = {
    ((1, 2, 4), 4, False): "s",
    ((4, 8, 16), 4, False): "m",
    ((8, 16, 32), 8, False): "l",
    ((4, 8, 16), 4, True): "h",
}


@dataclass(frozen=True)
class NetworkConfig:
    """Sizes of one Lite Any Stereo V2 network.

    Attributes:
        blocks: Blocks that aggregate the costs at 1/4, 1/8 and 1/16 of the input.
        expansion: Width within such a block, as a multiple of the width outside.
        iterative: Whether the first prediction is improved in steps (H).
    """

    blocks: tuple[int, int, int]
    expansion: int
    iterative: bool

    @property
    def variant(self) -> str:
        """``"las2-s"``, ``"las2-m"``, ``"las2-l"``, ``"las2-h"``, or its blocks in a word."""
        name = _NAMES.get((self.blocks, self.expansion, self.iterative))
        return f"las2-{name or '-'.join(map(str, self.blocks))}"


def config_from_shapes(shapes: Shapes) -> NetworkConfig:
    """Read the architecture off a checkpoint's tensor shapes.

    Args:
        shapes: Tensor name -> shape.

    Raises:
        MismatchError: A defining tensor is missing (all missing ones are named) or has a shape that
            no Lite Any Stereo V2 network has.
    """
    inner = "cost_agg.conv0.0.block.mlp.0.weight"
    expected = {
        "fnet.backbone.patch_embed.proj.weight": (FEATURE_CHANNELS[0], 3, 4, 4),
        "fnet.backbone.stages_3.blocks.1.mlp.3.weight": (320, 640, 1, 1),
        "fnet.out_conv.block.0.weight": (40, 40, 3, 3),
        "cost_agg.redir1.block.mlp.3.weight": (DISPARITIES, None, 1, 1),
        inner: (None, DISPARITIES, 1, 1),
        "stem_2.0.block.0.weight": (16, 3, 3, 3),
    }
    missing = [name for name in expected if name not in shapes]
    if missing:
        raise MismatchError(f"lacks the tensors {', '.join(missing)}")
    faults = [
        f"has {name} of shape {tuple(shapes[name])}"
        for name, shape in expected.items()
        if len(shapes[name]) != len(shape)
        or any(w not in (None, s) for s, w in zip(shapes[name], shape, strict=True))
    ]
    expansion, rest = divmod(shapes[inner][0], DISPARITIES) if not faults else (0, 0)
    if rest:
        faults.append(f"has {inner} of shape {tuple(shapes[inner])}")
    if faults:
        raise MismatchError(*faults)
    return NetworkConfig(
        blocks=(_blocks(shapes, 0), 1 + _blocks(shapes, 2), 1 + _blocks(shapes, 4)),
        expansion=expansion,
        iterative="update_block.encoder.convc1.weight" in shapes,
    )


def _blocks(shapes: Shapes, stage: int) -> int:
    pattern = re.compile(rf"cost_agg\.conv{stage}\.(\d+)\.")
    return len({match[1] for name in shapes if (match := pattern.match(name))})
