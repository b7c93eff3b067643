"""Names that vizion3d 1.5 had here, for code that imports them.

New code writes models by name (``model_backend="small"``) and asks for files with
:class:`~vizion3d.checkpoints.commands.DownloadModelCommand`.
"""

from pathlib import Path
from urllib.parse import urlsplit

from vizion3d.checkpoints.catalogue import DEFAULT_DEPTH_MODEL_URL
from vizion3d.checkpoints.store import CheckpointStore
from vizion3d.checkpoints.urls import file_name_of
from vizion3d.settings import load_settings

__all__ = [
    "DEFAULT_DEPTH_MODEL_FILENAME",
    "DEFAULT_DEPTH_MODEL_URL",
    "default_model_cache_dir",
    "download_model",
    "is_url",
    "resolve_model_backend",
]

DEFAULT_DEPTH_MODEL_FILENAME = file_name_of(DEFAULT_DEPTH_MODEL_URL)


def default_model_cache_dir() -> Path:
    """Folder of downloaded checkpoints: ``VIZION3D_MODEL_CACHE``, or ``~/.cache/vizion3d/models``.

    Raises:
        InvalidConfigError: A ``VIZION3D_*`` variable has a value that makes no sense.
    """
    return load_settings().model_cache


def is_url(value: str) -> bool:
    """Whether ``value`` is an address of http or https."""
    parts = urlsplit(value)
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def download_model(url: str, cache_dir: Path | None = None) -> Path:
    """Path of the checkpoint at ``url``, downloaded if it is not in the cache.

    Raises:
        DownloadError: It could not be downloaded, or is not allowed to be.
        CheckpointError: The address is not that of a checkpoint, or the cache cannot be written.
    """
    settings = load_settings(model_cache=cache_dir)
    return CheckpointStore(settings.model_cache, offline=settings.offline).resolve(url).path


def resolve_model_backend(model_backend: str, cache_dir: Path | None = None) -> str:
    """Path of the checkpoint that ``model_backend`` means: a URL is downloaded, a path is kept.

    Raises:
        DownloadError: It could not be downloaded, or is not allowed to be.
        CheckpointError: The address is not that of a checkpoint, or the cache cannot be written.
    """
    return str(download_model(model_backend, cache_dir)) if is_url(model_backend) else model_backend
