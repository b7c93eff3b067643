"""Measures a checkpoint: ``python -m training.evaluate [CHECKPOINT]``.

On held-out rendered scenes and on scikit-image's ``stereo_motorcycle``, a real photo with measured
depth, beside predictors that never look at the image; and a page of pictures of real photos.
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import load_file

from training.effects import photograph
from training.export import CHECKPOINT
from training.metrics import TRIVIAL, Array, quality
from training.network import NANO, normalise
from training.render import Renderer
from vizion3d.networks.depth_anything_v2.model import DepthAnythingV2
from vizion3d.networks.depth_anything_v2.network import RECIPE

RESULTS = Path(__file__).parent / "results"
HELD_OUT_SEED = 987_654
Bytes = NDArray[np.uint8]
Predictor = Callable[[Bytes], Array]


def load(checkpoint: Path) -> DepthAnythingV2:
    net = DepthAnythingV2(NANO).eval()
    net.load_state_dict({k: v.float() for k, v in load_file(checkpoint).items()})
    return net


def predictor(net: DepthAnythingV2, input_size: int) -> Predictor:
    """RGB bytes ``(H, W, 3)`` -> inverse depth ``(H, W)``, by the recipe of the product."""

    @torch.inference_mode()
    def predict(image: Bytes) -> Array:
        x = torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float() / 255
        h, w = image.shape[:2]
        x = F.interpolate(x, size=RECIPE.network_size(h, w, input_size), mode="bicubic")
        depth = net(normalise(x))[:, None]
        out = F.interpolate(depth, size=(h, w), mode="bilinear", align_corners=True)
        return out[0, 0].double().numpy()

    return predict


def motorcycle() -> tuple[Bytes, Array, NDArray[np.bool_]]:
    """Left image, inverse depth in 1 / metres, and where it was measured (Middlebury 2014)."""
    from skimage import data

    image, _, disparity = data.stereo_motorcycle()
    focal, baseline, offset = 994.978, 0.193001, 31.086
    valid = np.isfinite(disparity) & (disparity > 0)
    inverse = np.where(valid, (disparity.astype(np.float64) + offset) / (focal * baseline), 0.0)
    return image, inverse, valid


def photos() -> dict[str, Bytes]:
    from skimage import data
    from sklearn.datasets import load_sample_image

    named = {"coffee": data.coffee(), "astronaut": data.astronaut(), "rocket": data.rocket()}
    return {**named, "motorcycle": motorcycle()[0], "china": load_sample_image("china.jpg")}


def held_out(count: int) -> list[tuple[Bytes, Array]]:
    """Scenes of a seed that training never used, with camera effects, at 360 x 480."""
    renderer = Renderer(HELD_OUT_SEED)
    out = []
    for _ in range(0, count, 8):
        frames = renderer.render(8, 360, 480)
        image = photograph(renderer.rand, frames.image, frames.inverse_depth)
        pixels = (image * 255).round().byte().permute(0, 2, 3, 1).numpy()
        out += list(zip(pixels, frames.inverse_depth.double().numpy(), strict=True))
    return out[:count]


def measure(
    predict: Predictor, scenes: list[tuple[Bytes, Array, NDArray[np.bool_]]]
) -> dict[str, dict[str, float]]:
    """Mean quality of ``nano`` and of the trivial predictors over the scenes."""
    rows: dict[str, list[dict[str, float]]] = {"nano": [], **{name: [] for name in TRIVIAL}}
    for image, target, valid in scenes:
        rows["nano"].append(asdict(quality(predict(image), target, valid)))
        for name, make in TRIVIAL.items():
            rows[name].append(asdict(quality(make(target), target, valid)))
    return {
        name: {key: round(float(np.nanmean([r[key] for r in all_])), 4) for key in all_[0]}
        for name, all_ in rows.items()
    }


def picture(depth: Array) -> Bytes:
    """Inverse depth as colours: warm near, cold far."""
    import cmap

    low, high = np.percentile(depth, (1, 99))
    scaled = np.clip((depth - low) / max(high - low, 1e-9), 0, 1)
    colors = cmap.Colormap("matplotlib:inferno")(scaled)
    return (np.asarray(colors)[..., :3] * 255).astype(np.uint8)


def page(predict: Predictor, images: dict[str, Bytes], truth: dict[str, Array], path: Path) -> None:
    """One row per photo: image, prediction, and measured depth where there is one."""
    high, rows = 240, []
    for name, image in images.items():
        cells = [image, picture(predict(image))]
        cells += [picture(truth[name])] if name in truth else []
        fitted = [_fit(cell, high) for cell in cells]
        rows.append(np.concatenate(fitted, axis=1))
    wide = max(row.shape[1] for row in rows)
    padded = [
        np.pad(r, ((0, 4), (0, wide - r.shape[1]), (0, 0)), constant_values=255) for r in rows
    ]
    Image.fromarray(np.concatenate(padded)).save(path, quality=88)


def _fit(image: Bytes, high: int) -> Bytes:
    wide = round(image.shape[1] * high / image.shape[0])
    return np.asarray(Image.fromarray(image).resize((wide, high), Image.Resampling.LANCZOS))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path, nargs="?", default=CHECKPOINT)
    parser.add_argument("--input-size", type=int, default=518)
    parser.add_argument("--scenes", type=int, default=96, help="held-out rendered scenes")
    parser.add_argument("--output", type=Path, default=RESULTS)
    args = parser.parse_args()
    predict = predictor(load(args.checkpoint), args.input_size)
    rendered = [(image, target, target > 0) for image, target in held_out(args.scenes)]
    rendered = [scene for scene in rendered if scene[2].mean() > 0.05]
    image, target, valid = motorcycle()
    metrics = {
        "checkpoint": args.checkpoint.name,
        "input_size": args.input_size,
        "scenes": len(rendered),
        "rendered": measure(predict, rendered),
        "motorcycle": measure(predict, [(image, target, valid)]),
    }
    args.output.mkdir(parents=True, exist_ok=True)
    text = json.dumps(metrics, indent=1)
    (args.output / f"metrics-{args.input_size}.json").write_text(text + "\n")
    print(text)
    page(predict, photos(), {"motorcycle": target}, args.output / f"photos-{args.input_size}.jpg")
    samples = {f"scene {i}": rendered[i][0] for i in range(min(8, len(rendered)))}
    truths = {f"scene {i}": rendered[i][1] for i in range(len(samples))}
    page(predict, samples, truths, args.output / f"scenes-{args.input_size}.jpg")


if __name__ == "__main__":
    main()
