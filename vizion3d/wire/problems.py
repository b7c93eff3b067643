"""The one table between errors and what a client is told of them, over HTTP and gRPC."""

from concurrent.futures import CancelledError
from dataclasses import dataclass

from vizion3d.errors import (
    CheckpointError,
    DeadlineExceededError,
    DownloadError,
    InferenceError,
    InvalidConfigError,
    InvalidImageError,
    LicenceError,
    MissingDependencyError,
    ModelNotAllowedError,
    OverloadedError,
    ServerError,
    Vizion3DError,
)


class KeyRefusedError(Exception):
    """A request brings no key that the server accepts."""


@dataclass(frozen=True)
class Status:
    """How an error is told.

    Attributes:
        name: Short name, the last part of the problem's type.
        title: What happened, in general.
        http: HTTP status code.
        grpc: Name of the gRPC status code.
        detail: What to tell instead of the error's own message, which speaks of the server's
            inside (paths, libraries) and belongs in its log.
    """

    name: str
    title: str
    http: int
    grpc: str
    detail: str | None = None


TYPE_PREFIX = "urn:vizion3d:"
"""What the type of a problem (RFC 9457) begins with; the status's name follows."""

PROBLEM_METADATA = "vizion3d-problem"
"""Trailing metadata of a failed RPC: the status's name, which its code does not tell alone."""

_SEE_LOG = "the server's log tells more under this request's id"

STATUSES: dict[type[BaseException], Status] = {
    InvalidImageError: Status("invalid-image", "Invalid image", 400, "INVALID_ARGUMENT"),
    InvalidConfigError: Status("invalid-config", "Invalid parameter", 422, "INVALID_ARGUMENT"),
    DownloadError: Status(
        "download-failed",
        "Model download failed",
        502,
        "UNAVAILABLE",
        f"the server could not download the model; {_SEE_LOG}",
    ),
    CheckpointError: Status(
        "checkpoint-unusable",
        "Model unusable",
        424,
        "FAILED_PRECONDITION",
        f"the server cannot load the model; {_SEE_LOG}",
    ),
    ModelNotAllowedError: Status(
        "model-not-allowed", "Model not allowed", 403, "PERMISSION_DENIED"
    ),
    LicenceError: Status("licence-refused", "Licence refused", 403, "PERMISSION_DENIED"),
    OverloadedError: Status("overloaded", "Server busy", 503, "RESOURCE_EXHAUSTED"),
    DeadlineExceededError: Status("deadline-exceeded", "Out of time", 504, "DEADLINE_EXCEEDED"),
    MissingDependencyError: Status(
        "missing-dependency",
        "Not available on this server",
        501,
        "UNIMPLEMENTED",
        f"the server lacks a library that this needs; {_SEE_LOG}",
    ),
    InferenceError: Status(
        "inference-failed",
        "Inference failed",
        500,
        "INTERNAL",
        f"the model gives no finite depth for this image; {_SEE_LOG}",
    ),
    KeyRefusedError: Status("unauthorized", "Unauthorized", 401, "UNAUTHENTICATED"),
    CancelledError: Status(
        "cancelled", "Cancelled", 503, "CANCELLED", "the request was called off"
    ),
}

INTERNAL = Status(
    "internal-error", "Internal error", 500, "INTERNAL", f"an unexpected error; {_SEE_LOG}"
)


def status_of(error: BaseException) -> Status:
    """The row of an error: its own class's, else the nearest base's, else an internal error."""
    for kind in type(error).__mro__:
        if kind in STATUSES:
            return STATUSES[kind]
    return INTERNAL


def detail_of(error: BaseException) -> str:
    """What to tell a client of an error; nothing of the server's inside.

    What the client wrote may stand in it, half characters that no encoding has included: they are
    told as their escapes.
    """
    detail = status_of(error).detail or str(error)
    return detail.encode("utf-8", "backslashreplace").decode()


def error_of(name: str, detail: str, retry_after_s: float = 1.0) -> Vizion3DError:
    """The error that a server tells by its status's name, as the library would have raised it."""
    for kind, status in STATUSES.items():
        if status.name == name and issubclass(kind, Vizion3DError):
            if issubclass(kind, OverloadedError):
                return OverloadedError(detail, retry_after_s)
            return kind(detail)
    return ServerError(detail)
