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
    host: o.Host = o.DEFAULTS.host,
    port: Annotated[int, typer.Option(help="Port to listen on.", min=0, max=65535)] = 50051,
    log_level: o.Level = o.DEFAULTS.log_level,
    max_body_bytes: o.MaxBodyBytes = o.DEFAULTS.max_body_bytes,
    max_pixels: o.MaxPixels = o.DEFAULTS.max_pixels,
    max_queue: o.MaxQueue = o.DEFAULTS.max_queue,
    max_batch_size: o.MaxBatchSize = None,
    max_batch_delay_ms: o.MaxBatchDelayMs = o.DEFAULTS.max_batch_delay_ms,
    request_timeout_s: o.RequestTimeoutS = o.DEFAULTS.request_timeout_s,
    drain_timeout_s: o.DrainTimeoutS = o.DEFAULTS.drain_timeout_s,
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
