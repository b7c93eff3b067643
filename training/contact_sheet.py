"""Writes a sheet of rendered images and their depths.

``python -m training.contact_sheet out.png``
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from training.effects import photograph
from training.render import Renderer

SIZE = (168, 224)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--columns", type=int, default=6)
    parser.add_argument("--rows", type=int, default=6)
    parser.add_argument("--clean", action="store_true", help="without camera effects")
    args = parser.parse_args()
    renderer = Renderer(args.seed)
    frames = renderer.render(args.columns * args.rows, *SIZE)
    image = frames.image
    if not args.clean:
        image = photograph(renderer.rand, image, frames.inverse_depth)
    depth = frames.inverse_depth
    depth = (depth / depth.flatten(1).quantile(0.98, dim=1)[:, None, None]).clamp(0, 1)
    pairs = torch.cat((image, depth[:, None].expand_as(image)), dim=3)
    sheet = (
        pairs.unflatten(0, (args.rows, args.columns))
        .permute(0, 3, 1, 4, 2)
        .flatten(2, 3)
        .flatten(0, 1)
    )
    Image.fromarray((sheet * 255).byte().numpy().astype(np.uint8)).save(args.output)


if __name__ == "__main__":
    main()
