"""What can be asked to be done."""

from dataclasses import dataclass, field
from typing import ClassVar

from vizion3d.checkpoints.catalogue import DEFAULT_DEPTH_MODEL_URL
from vizion3d.core.cqrs import Command
from vizion3d.errors import InvalidConfigError
from vizion3d.geometry.alignment import Knowledge
from vizion3d.lifting.models import DepthEstimationAdvanceConfig, DepthEstimationResult
from vizion3d.media.images import ImageInput
from vizion3d.networks.base import MIN_INPUT_SIZE


@dataclass
class DepthEstimationCommand(Command[DepthEstimationResult]):
    """Estimate the depth of one image.

    Attributes:
        image_input: The image: a file path (``str`` or ``os.PathLike``), encoded bytes, a PIL
            image, or a uint8 RGB array ``(H, W, 3)``.
        model_backend: The checkpoint: a name (``"small"``, ``"base"``, ``"large"``,
            ``"metric-indoor-small"`` ...; ``vizion3d models list`` shows them), an https URL, or a
            local path, ending in ``.pth``, ``.pt`` or ``.safetensors``. The default is the vizion3D
            release checkpoint, downloaded on first use into ``~/.cache/vizion3d/models/``
            (``VIZION3D_MODEL_CACHE`` names another folder). A local path is never downloaded.
        return_depth_image: Also return a 16-bit ``open3d.geometry.Image``.
        return_point_cloud: Also return a coloured ``open3d.geometry.PointCloud``.
        advanced_config: Camera intrinsics and depth range.
        input_size: Side at which the network sees the image, in pixels (the shorter one, for Depth
            Anything V2). ``None`` is the size at which the checkpoint's network is best: 518 for
            Depth Anything V2, 256 for ``nano``. Less is faster, more shows finer detail.
        knowledge: What is known of the scene, in metres: the result is then an
            :class:`~vizion3d.lifting.aligned.AlignedDepth`.
        return_raw_depth: Taken for the sake of calls written for 1.5, and of no effect: the result
            always has ``raw_depth``.

    Raises:
        InvalidConfigError: ``input_size`` is no whole number of at least 14 pixels, or
            ``advanced_config`` or ``knowledge`` is of another type.
    """

    client_adapter: ClassVar[str] = "vizion3d.lifting.client:EXCHANGE"

    image_input: ImageInput
    model_backend: str = DEFAULT_DEPTH_MODEL_URL
    return_depth_image: bool = False
    return_point_cloud: bool = False
    advanced_config: DepthEstimationAdvanceConfig = field(
        default_factory=DepthEstimationAdvanceConfig
    )
    input_size: int | None = None
    return_raw_depth: bool = field(default=True, kw_only=True)
    knowledge: Knowledge | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        size = self.input_size
        if size is not None and (type(size) is not int or size < MIN_INPUT_SIZE):
            raise InvalidConfigError(
                f"input_size must be a whole number of at least {MIN_INPUT_SIZE} pixels, "
                f"got {size!r}"
            )
        if not isinstance(self.advanced_config, DepthEstimationAdvanceConfig):
            raise InvalidConfigError(
                "advanced_config must be a DepthEstimationAdvanceConfig, "
                f"got {self.advanced_config!r}"
            )
        if not isinstance(self.knowledge, Knowledge | None):
            raise InvalidConfigError(f"knowledge must be a Knowledge, got {self.knowledge!r}")
