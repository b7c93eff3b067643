"""``vizion3d-serve-grpc``."""

from vizion3d.app import TASKS
from vizion3d.server import options
from vizion3d.server.settings import ServerSettings


def serve(settings: ServerSettings) -> None:
    """Serve until told to stop; does not return."""
    from vizion3d.server.grpc.process import serve as serve_grpc
    from vizion3d.serving import build_service

    serve_grpc(build_service(settings))


serve_grpc = options.command(
    "grpc",
    50051,
    "Serve vizion3d over gRPC.",
    serve,
    [task.feature for task in TASKS],
)


def main() -> None:
    """Entry point."""
    options.program(serve_grpc)()


if __name__ == "__main__":
    main()
