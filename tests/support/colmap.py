"""Small COLMAP models in the text form, written by hand from COLMAP's description of it."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def write_model(
    folder: Path, photos: dict[str, tuple[Array, Array]], camera: str = "PINHOLE 60 40 50 52 30 20"
) -> Path:
    """A model whose photos see points of their own: name -> pixels ``(N, 2)``, depths ``(N,)``.

    Pixels have the first one's centre at (0, 0). The cameras stand side by side, a quarter turn
    about the vertical axis apart.
    """
    folder.mkdir(parents=True, exist_ok=True)
    numbers = camera.split()[3:]
    fx, fy, cx, cy = (float(n) for n in numbers[:4])
    images, points, number = ["# Image list"], ["# 3D point list"], 0
    for index, (name, (pixels, depths)) in enumerate(photos.items()):
        half = np.radians(45 * index)
        quaternion = np.array([np.cos(half), 0, np.sin(half), 0])
        angle = 2 * half
        rotation = np.array(
            [[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]]
        )
        translation = np.array([0.5 * index, 0.1, -0.2])
        seen = []
        for place, ((u, v), depth) in enumerate(zip(pixels.tolist(), depths.tolist(), strict=True)):
            number += 1
            local = np.array([(u + 0.5 - cx) / fx, (v + 0.5 - cy) / fy, 1]) * depth
            x, y, z = (rotation.T @ (local - translation)).tolist()
            points.append(f"{7 * number} {x!r} {y!r} {z!r} 10 20 30 0.5 {index + 1} {place}")
            seen.append(f"{u + 0.5!r} {v + 0.5!r} {7 * number}")
        seen.append("3.5 4.5 -1")  # a feature without a point
        pose = " ".join(repr(float(n)) for n in (*quaternion, *translation))
        images += [f"{index + 1} {pose} 1 {name}", " ".join(seen)]
    (folder / "cameras.txt").write_text(f"# Camera list\n1 {camera}\n")
    (folder / "images.txt").write_text("\n".join(images) + "\n")
    (folder / "points3D.txt").write_text("\n".join(points) + "\n")
    return folder
