"""The frames of a video as commands."""

import os
from collections.abc import Iterator
from typing import Any

from vizion3d.lifting.commands import DepthEstimationCommand
from vizion3d.media.video import Video


def frames(path: str | os.PathLike[str], **fields: Any) -> Iterator[DepthEstimationCommand]:
    """A command for every frame of a video, decoded one at a time.

    Args:
        path: The video file.
        fields: Any other field of :class:`~vizion3d.lifting.DepthEstimationCommand`.

    Raises:
        InvalidImageError: The file is not a video, or a frame cannot be decoded.
        MissingDependencyError: PyAV is not installed.
    """
    with Video(path) as video:
        for image in video:
            yield DepthEstimationCommand(image, **fields)
