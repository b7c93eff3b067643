"""Builds the REST application."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

import vizion3d
from vizion3d.errors import Vizion3DError
from vizion3d.server.rest import download_routes, inference, info_routes, openapi
from vizion3d.server.rest.documentation import add_documentation
from vizion3d.server.rest.gate import Gate
from vizion3d.server.rest.problems import add_problem_handlers
from vizion3d.server.rest.route import Route, router_of
from vizion3d.server.service import Service
from vizion3d.server.web import mount_web
from vizion3d.task import adapters
from vizion3d.wire.headers import API_KEY, REQUEST_ID

logger = logging.getLogger(__name__)


def create_app(service: Service) -> FastAPI:
    """The application in front of a service, which is its ``app.state.service``."""
    settings = service.settings
    routes = adapters(service.tasks, "rest", Route)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        loading = asyncio.create_task(_load(service))
        yield {"service": service, "loading": loading}
        loading.cancel()

    app = FastAPI(
        title="vizion3d",
        version=vizion3d.__version__,
        description="Lift a photo into 3D: depth map, 16-bit depth image, coloured point cloud.",
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        lifespan=lifespan,
        redirect_slashes=False,  # they would lead to whatever the Host header says
        generate_unique_id_function=lambda route: route.name,  # names in generated clients
        docs_url=None,
        redoc_url=None,
    )
    app.state.service = service
    for route in routes:
        app.include_router(router_of(route, service))
    app.include_router(info_routes.router)
    app.include_router(inference.router_of(service))
    if settings.downloads:
        app.include_router(download_routes.router)
    add_documentation(app)
    if settings.ui:
        mount_web(app)
    add_problem_handlers(app)
    # FastAPI's own way to extend the document.
    app.openapi = partial(_document, app.openapi, service)  # type: ignore[method-assign]
    app.add_middleware(Gate, service=service, forms=[route.path for route in routes])
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST", *(["DELETE"] if settings.downloads else [])],
            allow_headers=[API_KEY, REQUEST_ID],
            expose_headers=[REQUEST_ID, *(name for route in routes for name in route.facts)],
        )
    return app


def _document(generate: Callable[[], dict[str, Any]], service: Service) -> dict[str, Any]:
    return openapi.complete(generate(), secured=service.keys.required)


async def _load(service: Service) -> None:
    try:
        await service.load()
    except Exception as error:
        # The server sees the task's end and leaves; only what nobody expected has a traceback.
        unexpected = not isinstance(error, Vizion3DError)
        logger.error("the model cannot be loaded: %s", error, exc_info=unexpected)
        raise
