from concurrent.futures import CancelledError

import grpc
import pytest

from vizion3d import errors
from vizion3d.wire.problems import INTERNAL, STATUSES, KeyRefusedError, detail_of, status_of

Code = grpc.StatusCode

TABLE = {
    errors.InvalidImageError: (400, Code.INVALID_ARGUMENT),
    errors.InvalidConfigError: (422, Code.INVALID_ARGUMENT),
    errors.CheckpointError: (424, Code.FAILED_PRECONDITION),
    errors.DownloadError: (502, Code.UNAVAILABLE),
    errors.InferenceError: (500, Code.INTERNAL),
    errors.ModelNotAllowedError: (403, Code.PERMISSION_DENIED),
    errors.LicenceError: (403, Code.PERMISSION_DENIED),
    errors.OverloadedError: (503, Code.RESOURCE_EXHAUSTED),
    errors.DeadlineExceededError: (504, Code.DEADLINE_EXCEEDED),
    errors.MissingDependencyError: (501, Code.UNIMPLEMENTED),
    KeyRefusedError: (401, Code.UNAUTHENTICATED),
    CancelledError: (503, Code.CANCELLED),
    errors.UnhandledMessageError: (500, Code.INTERNAL),
    errors.ServerError: (500, Code.INTERNAL),
    ValueError: (500, Code.INTERNAL),
}


@pytest.mark.parametrize(("kind", "expected"), TABLE.items(), ids=lambda x: str(x)[-30:])
def test_the_table(kind: type[Exception], expected: tuple[int, grpc.StatusCode]) -> None:
    status = status_of(kind("/srv/models/secret.pth"))
    assert (status.http, grpc.StatusCode[status.grpc]) == expected


def test_no_error_is_forgotten() -> None:
    assert {getattr(errors, name) for name in errors.__all__} - {errors.Vizion3DError} <= set(TABLE)


def test_names_are_unique() -> None:
    names = [status.name for status in (*STATUSES.values(), INTERNAL)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    "kind",
    [
        errors.CheckpointError,
        errors.DownloadError,
        errors.InferenceError,
        errors.MissingDependencyError,
        RuntimeError,
    ],
)
def test_what_speaks_of_the_servers_inside_is_not_told(kind: type[Exception]) -> None:
    assert "secret" not in detail_of(kind("/srv/models/secret.pth"))
    assert "log" in detail_of(kind("x"))


def test_what_speaks_of_the_request_is_told() -> None:
    assert detail_of(errors.InvalidImageError("0 bytes")) == "0 bytes"


def test_half_characters_of_a_client_are_told_as_escapes() -> None:
    assert detail_of(errors.InvalidConfigError("it has \ud800, é")) == "it has \\ud800, é"
