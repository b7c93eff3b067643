"""The draw of one material per object and slot.

Most surfaces of this world are muted: saturation is drawn low, and a few things are vivid.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from training.render.families import FAMILIES
from training.render.rand import Rand, constant
from training.render.textures import FIRST, PER_KIND


@dataclass
class Materials:
    """One material per entry, any leading shape.

    Attributes:
        first, second: ``(..., 3)``, linear colours that the texture's pattern mixes.
        texture: ``(...)``, index in the bank.
        period, gloss, emission: ``(...)``; metres, share, brightness.
    """

    first: Tensor
    second: Tensor
    texture: Tensor
    period: Tensor
    gloss: Tensor
    emission: Tensor

    def table(self) -> Tensor:
        """All of it as ``(..., 10)``, for one gather."""
        scalars = (self.texture.float(), self.period, self.gloss, self.emission)
        return torch.cat((self.first, self.second, torch.stack(scalars, dim=-1)), dim=-1)

    @staticmethod
    def from_table(table: Tensor) -> "Materials":
        texture, period, gloss, emission = table[..., 6:].unbind(-1)
        first, second = table[..., :3], table[..., 3:6]
        return Materials(first, second, texture.long(), period, gloss, emission)


class Palette:
    """The families as tensors on one device."""

    def __init__(self, device: torch.device) -> None:
        names = ("hue", "saturation", "value", "contrast", "period", "gloss")
        families = FAMILIES.values()
        self.ranges = {n: torch.tensor([getattr(f, n) for f in families]).to(device) for n in names}
        self.vivid = torch.tensor([f.vivid for f in families]).to(device)
        self.emission = torch.tensor([f.emission for f in families]).to(device)
        first = [[FIRST[f.textures[i % len(f.textures)]] for i in range(9)] for f in families]
        self.textures = torch.tensor(first).to(device)

    def draw(self, rand: Rand, family: Tensor) -> Materials:
        """One material for every entry of ``family`` ``(...)``."""
        shape = family.shape
        value = {n: self._range(rand, n, family) for n in self.ranges}
        vivid = rand.chance(*shape, p=self.vivid[family])
        hue = torch.where(vivid, rand.uniform(*shape), value["hue"])
        saturation = torch.where(
            vivid, rand.uniform(*shape, low=0.4, high=0.9), value["saturation"]
        )
        first = hsv(hue, saturation, value["value"])
        # Anything may be white or black: brightness says nothing about depth.
        pale, black = rand.chance(*shape, p=0.12), rand.chance(*shape, p=0.04)
        saturation = torch.where(pale, saturation * 0.15, saturation)
        tone = torch.where(pale, rand.uniform(*shape, low=0.88, high=1.0), value["value"])
        value["value"] = torch.where(black, value["value"] * 0.15, tone)
        # The second colour is a darker or lighter shade of a neighbouring hue.
        darker = torch.where(rand.chance(*shape, p=0.65), -1.0, 0.6)
        brightness = (value["value"] * (1 + darker * value["contrast"])).clamp(0.02, 0.97)
        turn = (
            hue + rand.normal(*shape, std=0.03) + rand.chance(*shape, p=0.1) * rand.uniform(*shape)
        )
        second = hsv(turn, saturation * rand.uniform(*shape, low=0.4, high=1.2), brightness)
        kind = rand.integers(self.textures.shape[1], *shape)
        texture = self.textures[family, kind] + rand.integers(PER_KIND, *shape)
        return Materials(
            first**2.2,
            second**2.2,
            texture,
            value["period"],
            value["gloss"],
            self.emission[family],
        )

    def _range(self, rand: Rand, name: str, family: Tensor) -> Tensor:
        low, high = self.ranges[name][family].unbind(-1)
        return low + (high - low) * rand.uniform(*family.shape)


def hsv(hue: Tensor, saturation: Tensor, value: Tensor) -> Tensor:
    """Hue (turns), saturation and value ``(...)`` -> RGB ``(..., 3)`` in [0, 1]."""
    thirds = constant((0.0, 2 / 3, 1 / 3), hue.device)
    wave = ((hue[..., None] + thirds) % 1.0 * 6 - 3).abs() - 1
    tint = 1 - saturation.clamp(0, 1)[..., None] * (1 - wave.clamp(0, 1))
    return value[..., None] * tint
