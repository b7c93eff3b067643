"""What the results of all tasks have in common."""

import copy
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from vizion3d.core.validation import ValidatedModel
from vizion3d.outputs.open3d_objects import require_open3d

_CLOUD_PARTS = ("points", "colors", "normals", "covariances")


class ResultModel(ValidatedModel, defer_build=True):
    """A task's result: a pydantic model that can be handed to another process.

    Open3D's objects neither pickle nor, in part, copy; here they travel as arrays. Unpickling a
    result that holds one imports Open3D.

    Raises:
        MissingDependencyError: While unpickling, where Open3D cannot be imported.
    """

    def __getstate__(self) -> dict[Any, Any]:
        state = super().__getstate__()
        packed = {name: _pack(value) for name, value in state["__dict__"].items()}
        return {**state, "__dict__": packed}

    def __setstate__(self, state: dict[Any, Any]) -> None:
        fields = {name: _unpack(value) for name, value in state["__dict__"].items()}
        super().__setstate__({**state, "__dict__": fields})

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        duplicate = type(self).__new__(type(self))
        duplicate.__setstate__(copy.deepcopy(self.__getstate__(), memo))
        return duplicate


@dataclass(frozen=True)
class _Image:
    """An ``open3d.geometry.Image``: its pixels, ``(H, W)`` or ``(H, W, C)``."""

    pixels: NDArray[Any]


@dataclass(frozen=True)
class _Cloud:
    """An ``open3d.geometry.PointCloud``: those of its parts that are not empty."""

    parts: dict[str, NDArray[np.float64]]


def _pack(value: Any) -> Any:
    kind = type(value)
    if not kind.__module__.startswith("open3d."):
        return value
    if kind.__name__ == "Image":
        return _Image(np.array(value))
    if kind.__name__ == "PointCloud":
        arrays = {part: np.array(getattr(value, part)) for part in _CLOUD_PARTS}
        return _Cloud({part: array for part, array in arrays.items() if len(array)})
    return value


def _unpack(value: Any) -> Any:
    if isinstance(value, _Image):
        return require_open3d().geometry.Image(value.pixels)
    if isinstance(value, _Cloud):
        open3d = require_open3d()
        cloud = open3d.geometry.PointCloud()
        for part, array in value.parts.items():
            vectors = "Matrix3dVector" if array.ndim == 3 else "Vector3dVector"
            setattr(cloud, part, getattr(open3d.utility, vectors)(array))
        return cloud
    return value
