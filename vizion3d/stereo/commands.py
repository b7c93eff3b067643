"""What can be asked of stereo depth."""

from dataclasses import dataclass, field
from typing import ClassVar

from vizion3d.checkpoints.catalogue import DEFAULT_STEREO_MODEL
from vizion3d.core.cqrs import Command
from vizion3d.errors import InvalidConfigError
from vizion3d.media.images import ImageInput
from vizion3d.stereo.models import StereoDepthAdvancedConfig, StereoDepthResult


@dataclass
class StereoDepthCommand(Command[StereoDepthResult]):
    """Measure depth from two photos of two cameras beside one another.

    Attributes:
        left_image: The left camera's image: a file path (``str`` or ``os.PathLike``), encoded
            bytes, a PIL image, or a uint8 RGB array ``(H, W, 3)``.
        right_image: The right camera's, of the same size.
        model_backend: ``"sgbm"``, which needs no weights; or a stereo network's checkpoint: a name
            (``vizion3d models list`` shows them), an https URL or a local path.
        return_depth_image: Also return a 16-bit ``open3d.geometry.Image``.
        return_raw_depth: Also return metres as a float32 array.
        return_point_cloud: Also return a coloured ``open3d.geometry.PointCloud``.
        advanced_config: The cameras, and what counts as a match.

    Raises:
        InvalidConfigError: ``advanced_config`` is of another type.
    """

    client_adapter: ClassVar[str] = "vizion3d.stereo.client:EXCHANGE"

    left_image: ImageInput
    right_image: ImageInput
    model_backend: str = DEFAULT_STEREO_MODEL
    return_depth_image: bool = True
    return_raw_depth: bool = True
    return_point_cloud: bool = False
    advanced_config: StereoDepthAdvancedConfig = field(default_factory=StereoDepthAdvancedConfig)

    def __post_init__(self) -> None:
        if not isinstance(self.advanced_config, StereoDepthAdvancedConfig):
            raise InvalidConfigError(
                f"advanced_config must be a StereoDepthAdvancedConfig, got {self.advanced_config!r}"
            )
