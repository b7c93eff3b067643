"""What the results of every task that gives a photo its depth have in common."""

import math
import os
from abc import abstractmethod
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
from pydantic import AfterValidator, ConfigDict, Field, ValidationInfo, field_validator

from vizion3d.core.arrays import Float32Array, UInt8Array
from vizion3d.core.lazy import load
from vizion3d.errors import InvalidConfigError
from vizion3d.geometry.cameras import CameraIntrinsics
from vizion3d.outputs.depth_files import DEFAULT_COLOR_MAP
from vizion3d.outputs.facts import Fact
from vizion3d.outputs.results import ResultModel

if TYPE_CHECKING:
    from open3d.geometry import Image as O3dImage
    from open3d.geometry import PointCloud as O3dPointCloud

    from vizion3d.outputs.formats import Lifted
else:
    O3dImage = O3dPointCloud = Any


def _as_image(value: Float32Array) -> Float32Array:
    if value.ndim != 2 or value.size == 0:
        raise ValueError(f"it is of shape (H, W), got {value.shape}")
    return value.astype(np.float32, copy=False)


DepthMap = Annotated[Float32Array, AfterValidator(_as_image)]
"""A field's type: an array ``(H, W)``, which is kept as float32."""


def array_of(name: str, lists: Any) -> Float32Array:
    """The array that the nested lists of a field stand for.

    Raises:
        InvalidConfigError: They are not as long as each other, or hold other things than numbers.
    """
    try:
        return np.asarray(lists, np.float32)
    except (ValueError, TypeError) as error:
        raise InvalidConfigError(f"{name} must be lists of numbers: {error}") from error


class DepthResult(ResultModel):
    """The depth of a photo: it saves, colours and shows itself, and is equal to one of equal depth.

    A task's own result has its maps and facts beside these, and says how the encoders see it.

    Attributes:
        rgb: The photo that the depth belongs to, RGB uint8 ``(H, W, 3)``.
        min_depth: Smallest value of the depth.
        max_depth: Largest value of the depth; never below ``min_depth``.
        backend_used: What the depth comes from: the path of a checkpoint's file.
        depth_image: ``open3d.geometry.Image``, uint16 ``(H, W)``, if it was asked for.
        point_cloud: Coloured ``open3d.geometry.PointCloud``, if it was asked for.
        point_cloud_scale: Metres per unit of the point cloud: always 1.0.
        intrinsics: The camera of the photo, and where each number came from.
        notes: What the numbers rest on and a reader should know.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, protected_namespaces=())

    formats: ClassVar[str] = "vizion3d.outputs.formats:FORMATS"
    """Import path of the table of what it can be saved as."""
    photo_is: ClassVar[str] = "photo"
    """What people call ``rgb``."""
    compared_maps: ClassVar[tuple[str, ...]]
    """Arrays that equal results have equal."""
    compared_facts: ClassVar[tuple[str, ...]]
    """Other fields that equal results have equal."""

    rgb: UInt8Array | None = Field(None, exclude=True, repr=False)
    min_depth: Annotated[float, Fact("Smallest value of the depth.", "X-Min-Depth")]
    max_depth: Annotated[float, Fact("Largest value of the depth.", "X-Max-Depth")]
    backend_used: Annotated[str, Fact("The checkpoint's file on the server.", "X-Model")]
    depth_image: O3dImage | None = None
    point_cloud: O3dPointCloud | None = None
    point_cloud_scale: Annotated[float, Fact("Metres per unit of the point cloud.")] = 1.0
    intrinsics: Annotated[
        CameraIntrinsics | None, Fact("The camera that was assumed.", "X-Intrinsics")
    ] = None
    notes: Annotated[
        tuple[str, ...], Fact("What the numbers rest on and a reader should know.", "X-Notes")
    ] = ()

    @field_validator("max_depth")
    @classmethod
    def _is_not_below_min(cls, value: float, info: ValidationInfo) -> float:
        if value < info.data.get("min_depth", -math.inf):
            raise ValueError(f"{value} is below min_depth {info.data['min_depth']}")
        return value

    def __eq__(self, other: object) -> bool:
        """Equal depth and facts; Open3D objects are made from these and not compared.

        Of ``backend_used`` the file's name counts: servers tell no more of it.
        """
        if not isinstance(other, DepthResult) or other.compared_maps != self.compared_maps:
            return NotImplemented
        if PurePath(self.backend_used).name != PurePath(other.backend_used).name:
            return False
        return all(
            np.array_equal(getattr(self, name), getattr(other, name)) for name in self.compared_maps
        ) and all(getattr(self, name) == getattr(other, name) for name in self.compared_facts)

    __hash__ = None  # type: ignore[assignment]  # it may change, so it has no hash

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write it in the format that the file's ending names, and return the path.

        ``.png`` (16 bits), ``.color.png``, ``.metric.png``, ``.ply``, ``.glb``, ``.mesh.glb``,
        ``.obj``, ``.view.png``, ``.npy``, ``.npz``, ``.exr`` or ``.json``, as the command line's
        ``--save``; of a stereo depth ``.disparity.npy`` and ``.left.jpg`` as well.

        Raises:
            InvalidConfigError: No format has that ending, or the photo is not in the result.
            OSError: The file cannot be written.
        """
        from vizion3d.outputs import showing  # the encoders of every format

        if self.rgb is None or self.intrinsics is None:
            raise InvalidConfigError("saving needs a result with its photo (rgb) and intrinsics")
        return showing.save(self._output(), path, load(self.formats, tuple))

    def colorize(self, color_map: str = DEFAULT_COLOR_MAP) -> UInt8Array:
        """The depth through a colour map, RGB uint8 ``(H, W, 3)``.

        Args:
            color_map: A name that the ``cmap`` catalogue knows.

        Raises:
            InvalidConfigError: There is no such map.
        """
        return self._output(color_map).colored

    def metres(self) -> Float32Array:
        """Distance of each pixel along the optical axis, float32 ``(H, W)``, metres; 0: none.

        Of one photo, measured by metric models and by alignment; for other models by the range
        that ``depth_near`` and ``depth_trunc`` assume. Of a stereo pair, measured.
        """
        return self._output().depth_m

    def _repr_html_(self) -> str:
        """Photo, depth and facts, for notebooks."""
        from vizion3d.outputs import showing  # the encoders of every format

        pictures = {} if self.rgb is None else {self.photo_is: self.rgb}
        told, legend = self._described()
        facts = {
            "depth": told,
            "size": "{} x {} pixels".format(*self._output().depth.shape[::-1]),
            "model": PurePath(self.backend_used).name,
        }
        if self.intrinsics is not None:
            where = self.intrinsics.sources.get("fx", "")
            facts["focal length"] = f"{self.intrinsics.fx:.1f} pixels ({where})"
        facts |= {f"note {number}": note for number, note in enumerate(self.notes, 1)}
        return showing.as_html({**pictures, f"depth ({legend})": self.colorize()}, facts)

    @abstractmethod
    def _output(self, color_map: str = DEFAULT_COLOR_MAP) -> "Lifted":
        """The result and how it was asked for, as the encoders see it."""

    @abstractmethod
    def _described(self) -> tuple[str, str]:
        """For people: what the numbers of the depth are, and what the colours mean."""
