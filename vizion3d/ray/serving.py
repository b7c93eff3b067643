"""``vizion3d serve-ray``: Ray Serve on this machine, or on a cluster, in one line."""

import signal
import threading
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from vizion3d.cli.log import show_log
from vizion3d.ray.app import HTTP_NAME, build
from vizion3d.ray.cli import PANEL, parse_parameters, parse_workers
from vizion3d.ray.cluster import connected
from vizion3d.ray.rpcs import SERVICERS

LOOPBACK = "127.0.0.1"


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
        stopping = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):  # after Ray, which sets its own
            signal.signal(number, lambda *_: stopping.set())
        start(arguments, host, port, grpc_port)
        typer.echo(f"vizion3d: http://{host}:{port} (Ctrl-C ends it)")
        stopping.wait()
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
        http_options={"host": host, "port": port},
        grpc_options={"port": grpc_port or 0, "grpc_servicer_functions": functions},
    )
    serve.run(build(arguments), name=HTTP_NAME, route_prefix="/")


def end() -> None:
    """Finish what is under way, and end the replicas."""
    from ray import serve

    serve.shutdown()  # type: ignore[no-untyped-call]  # untyped there


def _range(text: str) -> tuple[int, int]:
    parsed = parse_workers(text) or 1
    return (parsed, parsed) if isinstance(parsed, int) else parsed
