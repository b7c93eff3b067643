"""Every error that vizion3d raises on purpose, in one tree.

::

    Vizion3DError
    ├── InvalidImageError        not an image, truncated, empty, too many pixels
    ├── InvalidConfigError       NaN, non-positive focal length, near >= far ...
    ├── CheckpointError          missing file, of no known network, hash mismatch
    │   ├── DownloadError        network, HTTP status, interrupted, offline
    │   └── LicenceError         weights whose licence the settings do not accept
    ├── InferenceError           the network's depth of this image is not finite
    ├── ModelNotAllowedError     a served client names a model that the server does not offer
    ├── OverloadedError          the server has as much to do as it may take on
    ├── DeadlineExceededError    no result within the time allowed
    ├── ServerError              a server that a client asks cannot be reached, or fails
    ├── MissingDependencyError   Open3D cannot be imported ... (also an ImportError)
    └── UnhandledMessageError    a command or query that no handler is registered for

Each message says what was wrong, with the offending value, and what to do about it.
"""

from typing import Literal

__all__ = [
    "CheckpointError",
    "DeadlineExceededError",
    "DownloadError",
    "InferenceError",
    "InvalidConfigError",
    "InvalidImageError",
    "LicenceError",
    "MissingDependencyError",
    "ModelNotAllowedError",
    "OverloadedError",
    "ServerError",
    "UnhandledMessageError",
    "Vizion3DError",
]


DownloadReason = Literal[
    "no-network", "proxy", "certificate", "interrupted", "refused", "damaged", "offline"
]
"""Why a download failed: no server was reached; the proxy does not answer; its certificate is not
trusted; the transfer broke off too often; the server (or we) refused; what came is not the file;
``VIZION3D_OFFLINE`` is set."""


class Vizion3DError(Exception):
    """Root of every error that vizion3d raises on purpose."""


class InvalidImageError(Vizion3DError):
    """The input cannot be read as an image, or is larger than the pixel limit."""


class InvalidConfigError(Vizion3DError):
    """A parameter is outside what makes sense; the message names it and its value."""


class CheckpointError(Vizion3DError):
    """A checkpoint is missing, unreadable, or of no network that is known here."""


class DownloadError(CheckpointError):
    """A checkpoint could not be downloaded completely and correctly.

    Attributes:
        reason: Which kind of failure it was, for programs.
    """

    def __init__(self, message: str, reason: DownloadReason = "refused") -> None:
        super().__init__(message)
        self.reason = reason


class LicenceError(CheckpointError):
    """The licence of a checkpoint's weights is not one that the settings accept."""


class InferenceError(Vizion3DError):
    """The network could not give a depth for this image; others may be fine."""


class ModelNotAllowedError(Vizion3DError):
    """A client of a server names a model that the server was not told to offer."""


class OverloadedError(Vizion3DError):
    """A server refuses work because its queue is full or because it is stopping; try later.

    Attributes:
        retry_after_s: When to try again, in seconds.
    """

    def __init__(self, message: str, retry_after_s: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class DeadlineExceededError(Vizion3DError):
    """There was no result within the time that the caller or the server allows."""


class ServerError(Vizion3DError):
    """A server that a client asks cannot be reached, refuses the client, or fails."""


class MissingDependencyError(Vizion3DError, ImportError):
    """A library, or a system library it needs, cannot be imported here."""


class UnhandledMessageError(Vizion3DError, LookupError):
    """A command or query was dispatched for which no handler is registered."""
