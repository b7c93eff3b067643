"""Measures a checkpoint: ``python -m training.evaluate [CHECKPOINT] [--rgbd FOLDER]``.

On held-out rendered scenes and on real scenes with measured depth (scikit-image's
``stereo_motorcycle`` and those of the folder), beside predictors that never look at the image; and
pages of pictures of real photos.
"""

import argparse
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
from PIL import Image
from safetensors.torch import load_file

from training.effects import photograph
from training.export import CHECKPOINT
from training.metrics import TRIVIAL, Array, quality
from training.network import CONFIG
from training.real import Bytes, Predictor, Scene, compare, motorcycle, predictor, real_scenes
from training.render import Renderer
from vizion3d.networks.nano.model import Nano
from vizion3d.networks.nano.network import RECIPE

RESULTS = Path(__file__).parent / "results"
HELD_OUT_SEED = 987_654


def load(checkpoint: Path) -> Nano:
    net = Nano(CONFIG).eval()
    net.load_state_dict({k: v.float() for k, v in load_file(checkpoint).items()})
    return net


def photos() -> dict[str, Bytes]:
    from skimage import data
    from sklearn.datasets import load_sample_image

    named = {"coffee": data.coffee(), "astronaut": data.astronaut(), "rocket": data.rocket()}
    return {**named, "motorcycle": motorcycle().image, "china": load_sample_image("china.jpg")}


def held_out(count: int) -> list[Scene]:
    """Scenes of a seed that training never used, with camera effects, at 360 x 480."""
    renderer = Renderer(HELD_OUT_SEED)
    out = []
    for start in range(0, count, 8):
        frames = renderer.render(8, 360, 480)
        image = photograph(renderer.rand, frames.image, frames.inverse_depth)
        pixels = (image * 255).round().byte().permute(0, 2, 3, 1).numpy()
        for i, inverse in enumerate(frames.inverse_depth.double().numpy()):
            out.append(Scene(f"scene {start + i}", pixels[i], inverse, inverse > 0))
    return [scene for scene in out[:count] if scene.valid.mean() > 0.05]


def measure(predict: Predictor, scenes: list[Scene]) -> dict[str, dict[str, float]]:
    """Mean quality of ``nano`` and of the trivial predictors over the scenes."""
    rows: dict[str, list[dict[str, float]]] = {"nano": [], **{name: [] for name in TRIVIAL}}
    for scene in scenes:
        guesses = {"nano": predict(scene.image)}
        guesses |= {name: make(scene.inverse) for name, make in TRIVIAL.items()}
        for name, guess in guesses.items():
            rows[name].append(asdict(quality(guess, scene.inverse, scene.valid)))
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
    parser.add_argument("--input-size", type=int, default=RECIPE.input_size)
    parser.add_argument("--scenes", type=int, default=96, help="held-out rendered scenes")
    parser.add_argument("--rgbd", type=Path, help="folder of photos with measured depth")
    parser.add_argument("--output", type=Path, default=RESULTS)
    args = parser.parse_args()
    predict = predictor(load(args.checkpoint), args.input_size)
    rendered, real = held_out(args.scenes), real_scenes(args.rgbd)
    metrics = {
        "checkpoint": args.checkpoint.name,
        "input_size": args.input_size,
        "scenes": len(rendered),
        "rendered": measure(predict, rendered),
        **{scene.name: measure(predict, [scene]) for scene in real},
        "abs_rel_over_best_trivial": compare(predict, real),
    }
    args.output.mkdir(parents=True, exist_ok=True)
    text = json.dumps(metrics, indent=1)
    (args.output / "metrics.json").write_text(text + "\n")
    print(text)
    page(predict, photos(), {"motorcycle": motorcycle().inverse}, args.output / "photos.jpg")
    samples = {scene.name: scene.image for scene in rendered[:8]}
    truths = {scene.name: scene.inverse for scene in rendered[:8]}
    page(predict, samples, truths, args.output / "scenes.jpg")


if __name__ == "__main__":
    main()
