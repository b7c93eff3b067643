"""``vizion3d-serve-grpc``."""

from typing import Annotated

import typer

from vizion3d.server import options as o


def serve_grpc(
    depth_model: o.DepthModel = None,
    depth_estimation: o.DepthEstimation = False,  # noqa: ARG001 (it is all there is to serve)
    stereo_model: o.StereoModel = None,
    stereo_depth: o.StereoDepth = False,
    allow_model: o.AllowModel = None,
    device: o.Device = None,
    precision: o.PrecisionOption = None,
    host: o.Host = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=0, max=65535)] = 50051,
    log_level: o.Level = "info",
    max_body_bytes: o.MaxBodyBytes = o.DEFAULT_MAX_BODY_BYTES,
    max_pixels: o.MaxPixels = 50_000_000,
    max_queue: o.MaxQueue = 16,
    max_batch_size: o.MaxBatchSize = None,
    max_batch_delay_ms: o.MaxBatchDelayMs = 5.0,
    request_timeout_s: o.RequestTimeoutS = 60.0,
    drain_timeout_s: o.DrainTimeoutS = 30.0,
    api_key_file: o.ApiKeyFile = None,
    tls_cert: o.TlsCert = None,
    tls_key: o.TlsKey = None,
    metrics_port: Annotated[
        int | None, typer.Option(help="Port for Prometheus, at /metrics.", min=0, max=65535)
    ] = None,
) -> None:
    """Serve vizion3d over gRPC."""
    from vizion3d.server.grpc.process import serve

    o.refuse_stereo(stereo_depth, stereo_model)
    o.start(
        serve,
        depth_model=depth_model,
        allow_models=allow_model or (),
        device=device,
        precision=precision,
        host=host,
        port=port,
        log_level=log_level,
        max_body_bytes=max_body_bytes,
        max_pixels=max_pixels,
        max_queue=max_queue,
        max_batch_size=max_batch_size,
        max_batch_delay_ms=max_batch_delay_ms,
        request_timeout_s=request_timeout_s,
        drain_timeout_s=drain_timeout_s,
        api_key_file=api_key_file,
        tls_cert=tls_cert,
        tls_key=tls_key,
        metrics_port=metrics_port,
    )


def main() -> None:
    """Entry point."""
    o.run(serve_grpc)


if __name__ == "__main__":
    main()
