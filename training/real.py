"""Real scenes with measured depth, which training never sees: for early stopping and evaluation."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image

from training.metrics import TRIVIAL, Array, quality
from training.network import normalise
from vizion3d.networks.nano.model import Nano
from vizion3d.networks.nano.network import RECIPE, resize

Bytes = NDArray[np.uint8]
Predictor = Callable[[Bytes], Array]

UNITS_PER_METRE = {"livingroom": 1000.0, "desk": 5000.0}
"""Of the uint16 depth images, by the photo's name; 1000 where not said."""


@dataclass(frozen=True)
class Scene:
    """A photo ``(H, W, 3)`` and its inverse depth in 1 / metres ``(H, W)``, where ``valid``."""

    name: str
    image: Bytes
    inverse: Array
    valid: NDArray[np.bool_]


def motorcycle() -> Scene:
    """scikit-image's ``stereo_motorcycle`` (Middlebury 2014)."""
    from skimage import data

    image, _, disparity = data.stereo_motorcycle()
    focal, baseline, offset = 994.978, 0.193001, 31.086
    valid = np.isfinite(disparity) & (disparity > 0)
    inverse = np.where(valid, (disparity.astype(np.float64) + offset) / (focal * baseline), 0.0)
    return Scene("motorcycle", image, inverse, valid)


def real_scenes(folder: Path | None) -> list[Scene]:
    """The motorcycle, and each ``NAME.png`` or ``.jpg`` of the folder beside ``NAME.depth.png``."""
    scenes = [motorcycle()]
    if folder is None:
        return scenes
    for path in sorted(folder.glob("*.depth.png")):
        name = path.name.removesuffix(".depth.png")
        (photo,) = (p for p in folder.glob(f"{name}.*") if p != path)
        stored = np.asarray(Image.open(path)).astype(np.float64)
        inverse = UNITS_PER_METRE.get(name, 1000.0) / np.maximum(stored, 1)
        image = np.asarray(Image.open(photo).convert("RGB"))
        scenes.append(Scene(name, image, np.where(stored > 0, inverse, 0.0), stored > 0))
    return scenes


def predictor(net: Nano, input_size: int | None = None) -> Predictor:
    """RGB bytes ``(H, W, 3)`` -> inverse depth ``(H, W)``, by the recipe of the product."""

    device = next(net.parameters()).device

    @torch.inference_mode()
    def predict(image: Bytes) -> Array:
        h, w = image.shape[:2]
        small = torch.from_numpy(resize(image[None], RECIPE.network_size(h, w, input_size)))
        depth = net(normalise(small.to(device).permute(0, 3, 1, 2).float() / 255))
        out = F.interpolate(depth[:, None], size=(h, w), mode="bilinear", align_corners=False)
        return out[0, 0].double().cpu().numpy()

    return predict


def compare(predict: Predictor, scenes: list[Scene]) -> dict[str, float]:
    """AbsRel over the best trivial predictor's, for each scene and their mean."""
    out = {}
    for s in scenes:
        ours = quality(predict(s.image), s.inverse, s.valid).abs_rel
        trivial = min(quality(t(s.inverse), s.inverse, s.valid).abs_rel for t in TRIVIAL.values())
        out[s.name] = round(ours / trivial, 4)
    return {"mean": round(sum(out.values()) / len(out), 4), **out}
