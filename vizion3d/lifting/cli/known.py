"""What the options say is known of the scene."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from vizion3d.errors import InvalidImageError
from vizion3d.geometry.alignment import Knowledge
from vizion3d.lifting.known import LENGTH, POINT, parse_row
from vizion3d.media.depth_images import read_depth_image

_ENDINGS = (".png", ".npy", ".tiff", ".tif")


@dataclass(frozen=True)
class KnownOptions:
    """What the options say.

    Attributes:
        points: Texts ``u,v,metres``.
        distances: Texts ``u1,v1,u2,v2,metres``.
        planes: Texts ``u1,v1,u2,v2,metres``.
        sparse: A depth image, or a folder with one for each photo, of the same name.
        camera_height_m: Above the ground.
        camera_pitch_deg: Looking up is positive.
        depth_scale: Units per metre of depth images of whole numbers.
    """

    points: list[str]
    distances: list[str]
    planes: list[str]
    sparse: Path | None
    camera_height_m: float | None
    camera_pitch_deg: float | None
    depth_scale: float

    @cached_property
    def _rows(self) -> dict[str, Any]:
        texts = {"points": self.points, "distances": self.distances, "planes": self.planes}
        rows = {
            name: [parse_row(name, text, POINT if name == "points" else LENGTH) for text in given]
            for name, given in texts.items()
            if given
        }
        heights = {
            "camera_height_m": self.camera_height_m,
            "camera_pitch_deg": self.camera_pitch_deg,
        }
        return rows | {name: value for name, value in heights.items() if value is not None}

    def check(self) -> None:
        """Refuse what makes no sense for any image.

        Raises:
            InvalidConfigError: A row is not one, a length is not positive ...
            InvalidImageError: The depth image is not there.
        """
        Knowledge(**self._rows)
        if self.sparse is not None and not self.sparse.exists():
            raise InvalidImageError(f"there is no file or folder {self.sparse}; check the path")

    def knowledge_for(self, image: Path, max_pixels: int) -> Knowledge | None:
        """What is known of one photo; nothing if the options say nothing.

        Raises:
            InvalidImageError: Its depth image is missing or cannot be read.
        """
        known = dict(self._rows)
        if self.sparse is not None:
            path = self._sparse_of(image)
            known["sparse_depth_m"] = read_depth_image(path, self.depth_scale, max_pixels)
        return Knowledge(**known) if known else None

    def _sparse_of(self, image: Path) -> Path:
        assert self.sparse is not None
        if not self.sparse.is_dir():
            return self.sparse
        for ending in _ENDINGS:
            if (path := self.sparse / f"{image.stem}{ending}").exists():
                return path
        raise InvalidImageError(
            f"{self.sparse} holds no depth image for {image.name}: {image.stem}"
            f"{{{','.join(_ENDINGS)}}}"
        )
