"""``vizion3d serve-ray``: Ray Serve on this machine, or on a cluster, in one line."""

import signal
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from types import FrameType
from typing import Annotated, Any

import typer

from vizion3d.cli.log import show_log
from vizion3d.ray.app import HTTP_NAME, build
from vizion3d.ray.cli import PANEL, parse_parameters, parse_workers
from vizion3d.ray.cluster import connected
from vizion3d.ray.rpcs import SERVICERS
from vizion3d.server.settings import ServerSettings

LOOPBACK = "127.0.0.1"
_SPARE_S = 5.0
_ROUTED_WITHIN_S = 1.0
"""Serve's proxies try again at least twice a second to send on what waits."""


def serve_ray(
    depth_model: Annotated[
        list[str] | None,
        typer.Option(
            "--depth_model",
            "--depth-model",
            help="Checkpoint of depth estimation; of several, each is a deployment of its own.",
        ),
    ] = None,
    stereo_model: Annotated[
        list[str] | None,
        typer.Option("--stereo_model", "--stereo-model", help="Checkpoint of stereo depth."),
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 is every one.")] = (
        LOOPBACK
    ),
    port: Annotated[int, typer.Option(help="Port of REST.", min=1, max=65535)] = 8000,
    grpc_port: Annotated[
        int | None,
        typer.Option(
            help="Port of gRPC, on every address of the machine (none).", min=1, max=65535
        ),
    ] = None,
    replicas: Annotated[
        str,
        typer.Option(
            help="How many replicas: N, or MIN:MAX, as requests come.", rich_help_panel=PANEL
        ),
    ] = "1",
    cpus_per_replica: Annotated[
        float, typer.Option(help="Cores of each replica.", min=0, rich_help_panel=PANEL)
    ] = 1.0,
    gpus_per_replica: Annotated[
        float, typer.Option(help="GPUs of each; 0.5: two share one.", min=0, rich_help_panel=PANEL)
    ] = 0.0,
    max_queued_requests: Annotated[
        int, typer.Option(help="Most requests that wait for a replica; more are refused.", min=0)
    ] = 16,
    settings: Annotated[
        list[str],
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="A setting of the servers: max_queue=8, api_key_file=keys.txt ...; repeatable.",
        ),
    ] = [],  # noqa: B006 (typer copies it)
    address: Annotated[
        str | None,
        typer.Option(
            help="Ray cluster to join; auto: the one that this machine belongs to (one is started "
            "here).",
            rich_help_panel=PANEL,
        ),
    ] = None,
    dashboard: Annotated[
        bool, typer.Option(help="Ray's dashboard, on loopback.", rich_help_panel=PANEL)
    ] = False,
) -> None:
    """Serve REST, and gRPC, from replicas of Ray Serve; Ctrl-C ends it."""
    show_log()
    fewest, most = _range(replicas)
    arguments = {
        **parse_parameters(settings),
        "depth_model": depth_model,
        "stereo_model": stereo_model,
        "min_replicas": fewest,
        "max_replicas": most,
        "cpus": cpus_per_replica,
        "gpus": gpus_per_replica,
        "max_queued_requests": max_queued_requests,
    }
    models = max(len(depth_model or ()), len(stereo_model or ()), 1)
    with connected(address, round(most * cpus_per_replica * models), dashboard):
        for number in (signal.SIGTERM, signal.SIGINT):  # after Ray, which sets its own
            signal.signal(number, _interrupt)
        try:
            start(arguments, host, port, grpc_port)
            typer.echo(f"vizion3d: http://{host}:{port} (Ctrl-C ends it)")
            threading.Event().wait()
        except KeyboardInterrupt:
            with suppress(KeyboardInterrupt):  # a second one ends it at once
                if _is_running() or address:
                    end()


def start(arguments: Mapping[str, Any], host: str, port: int, grpc_port: int | None = None) -> None:
    """Run the application on the connected cluster; return when its replicas are ready.

    Args:
        arguments: Of :func:`vizion3d.ray.app.build`.
        host: Where Serve's HTTP proxy listens.
        port: Of REST.
        grpc_port: Of gRPC.
    """
    from ray import serve

    functions = list(SERVICERS) if grpc_port else []
    serve.start(
        proxy_location="HeadOnly",
        http_options={"host": host, "port": port, "request_timeout_s": _longest_s(arguments)},
        grpc_options={"port": grpc_port or 0, "grpc_servicer_functions": functions},
    )
    serve.run(build(arguments), name=HTTP_NAME, route_prefix="/")


def _longest_s(arguments: Mapping[str, Any]) -> float:
    """How long a request may take to arrive, wait and run; the replica refuses it first, if it gets
    there."""
    names = ("receive_timeout_s", "request_timeout_s")
    fields = ServerSettings.model_fields
    return sum(float(arguments.get(name, fields[name].default)) for name in names) + _SPARE_S


def end() -> None:
    """Refuse what comes, finish what is under way, and end the application; and Serve, unless it
    has others."""
    from ray import serve

    if _is_running():
        _drain(serve.get_app_handle(HTTP_NAME))
    if serve.status().applications.keys() - {HTTP_NAME}:
        serve.delete(HTTP_NAME)
    else:
        serve.shutdown()  # type: ignore[no-untyped-call]  # untyped there


def _is_running() -> bool:
    from ray import serve

    ours = serve.status().applications.get(HTTP_NAME)
    return ours is not None and ours.status == "RUNNING"


def _drain(handle: Any) -> None:
    """Have the replicas refuse what comes and finish what they have.

    Serve would end its proxies beside the replicas, and with them every connection; and what waits
    at a proxy for a replica would wait for ever where there is none any more.
    """
    with suppress(Exception):  # what a replica that is lost had is lost anyway
        handle.broadcast("drain").results()
    time.sleep(_ROUTED_WITHIN_S)  # what waits at the proxies reaches a replica, and is refused


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _range(text: str) -> tuple[int, int]:
    parsed = parse_workers(text) or 1
    return (parsed, parsed) if isinstance(parsed, int) else parsed
