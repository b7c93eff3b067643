"""``/docs``: Swagger UI from files of our own, so that it works without the internet."""

from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.staticfiles import StaticFiles

ASSETS = Path(__file__).parent / "swagger"


def add_documentation(app: FastAPI) -> None:
    """Serve ``/docs`` and its assets."""
    app.mount("/docs/assets", StaticFiles(directory=ASSETS))

    @app.get("/docs", include_in_schema=False)
    async def docs(_request: Request) -> Response:
        return get_swagger_ui_html(
            openapi_url="/openapi.json",
            title="vizion3d",
            swagger_js_url="/docs/assets/swagger-ui-bundle.js",
            swagger_css_url="/docs/assets/swagger-ui.css",
            swagger_favicon_url="data:,",
            swagger_ui_parameters={"validatorUrl": None},  # else it asks a server of its own
        )
