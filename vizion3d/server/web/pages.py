"""``GET /`` and the files that the page loads from ``/ui/``.

The page uses the public REST API like any other client. It loads nothing from elsewhere, and the
Content-Security-Policy holds the browser to that.
"""

from os import PathLike, stat_result
from pathlib import Path

from fastapi import FastAPI
from starlette.datastructures import MutableHeaders
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

STATIC = Path(__file__).with_name("static")

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

_REVALIDATED = "no-cache"
# The version is part of a vendored file's path, so what is under a path never changes.
_KEPT = "public, max-age=31536000, immutable"


def mount_web(app: FastAPI) -> None:
    """Add the web page to an application: ``GET /`` and the files under ``/ui``."""

    @app.get("/", include_in_schema=False)
    def page() -> Response:
        return _with_headers(FileResponse(STATIC / "index.html"), _REVALIDATED)

    app.mount("/ui", _Assets(directory=STATIC), name="ui")


class _Assets(StaticFiles):
    """Static files with our headers."""

    def file_response(
        self,
        full_path: "str | PathLike[str]",
        stat_result: stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        response = super().file_response(full_path, stat_result, scope, status_code)
        vendored = Path(full_path).is_relative_to(STATIC / "vendor")
        return _with_headers(response, _KEPT if vendored else _REVALIDATED)


def _with_headers(response: Response, cache_control: str) -> Response:
    headers: MutableHeaders = response.headers
    headers.update(SECURITY_HEADERS | {"Cache-Control": cache_control})
    return response
