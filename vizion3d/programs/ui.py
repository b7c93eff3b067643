"""``vizion3d ui``: the web page on this machine."""

import logging
import threading
import time
import webbrowser
from typing import Annotated

import typer

from vizion3d.checkpoints.catalogue import RELEASES
from vizion3d.checkpoints.commands import DownloadModelCommand
from vizion3d.cli.context import application_of
from vizion3d.cli.log import show_log

_DOWNLOAD_TIMEOUT_S = 3600.0
_ASK_AGAIN_S = 0.1
_TASK = "depth_estimation"
"""What the page shows."""


def ui(
    context: typer.Context,
    model: Annotated[
        str, typer.Option(help="Model to start with; the page offers every released one beside it.")
    ] = "nano",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 8000,
    browser: Annotated[bool, typer.Option(help="Open the page in a browser.")] = True,
) -> None:
    """Serve the web page to this machine only, and open it; Ctrl-C ends it."""
    from vizion3d.programs.rest import serve
    from vizion3d.server.log import set_up_log
    from vizion3d.server.settings import ServerSettings

    settings = ServerSettings(
        port=port,
        models={_TASK: model},
        allow_models=tuple(release.name for release in RELEASES),
        # The first photo that another model sees waits for its download.
        request_timeout_s=_DOWNLOAD_TIMEOUT_S,
        downloads=True,
        log_level="warning",
    )
    shown = show_log()
    application_of(context).default().commands.dispatch(DownloadModelCommand(model))
    logging.getLogger("vizion3d").removeHandler(shown)
    address = f"http://{settings.host}:{port}"
    typer.echo(f"vizion3d: {address} (Ctrl-C ends it)")
    if browser:
        threading.Thread(target=_open_when_ready, args=(address,), daemon=True).start()
    set_up_log(settings.log_level)
    serve(settings)


def _open_when_ready(address: str) -> None:
    import requests

    while True:
        try:
            if requests.get(f"{address}/ready", timeout=5).ok:
                break
        except requests.RequestException:  # it does not listen yet
            pass
        time.sleep(_ASK_AGAIN_S)
    webbrowser.open(address)
