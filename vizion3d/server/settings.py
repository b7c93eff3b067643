"""What a server is told on its command line."""

from pathlib import Path
from typing import Literal

from pydantic import ConfigDict, Field, model_validator

from vizion3d.core.validation import ValidatedModel
from vizion3d.errors import InvalidConfigError
from vizion3d.settings import Precision

LogLevel = Literal["debug", "info", "warning", "error"]
MIB = 1 << 20


class ServerSettings(ValidatedModel):
    """Settings of a server; those of the library come from ``VIZION3D_*`` variables beside them.

    Attributes:
        host: Address to listen on. The default is reachable from this machine only.
        port: Port to listen on.
        depth_model: Checkpoint that is loaded before the server is ready, and used where a request
            names none: a name, a path or a URL. ``None``: the release checkpoint, on first use.
        allow_models: Other checkpoints that requests may name, exactly as written here.
        device: As ``VIZION3D_DEVICE``; ``None`` leaves it to that.
        precision: As ``VIZION3D_PRECISION``; ``None`` leaves it to that.
        workers: Processes (REST only), each with its own loaded models.
        ui: Serve the web page (REST only).
        max_body_bytes: Largest request body that is read.
        max_pixels: Largest image that is decoded.
        max_queue: Requests that may wait beside those that are at the network.
        max_batch_size: Images of equal shape that go through the network together; ``None``: 8 on a
            GPU, 1 on a CPU, where a batch gains nothing.
        max_batch_delay_ms: How long a batch that is not full waits for more under load.
        request_timeout_s: A request's time for waiting and running.
        receive_timeout_s: A request's time for arriving: its headers, and then its body.
        drain_timeout_s: On SIGTERM: time for what is under way.
        api_key_file: File of accepted keys, one a line; ``None``: no key is needed.
        tls_cert: PEM certificate chain; with ``tls_key`` the server speaks TLS only.
        tls_key: PEM private key.
        cors_origins: Origins of web pages that may call the REST server.
        log_level: Of the log on standard error.
        metrics_port: Port for Prometheus (gRPC only), on the same host.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = "127.0.0.1"
    port: int = Field(ge=0, le=65535)
    depth_model: str | None = None
    allow_models: tuple[str, ...] = ()
    device: str | None = None
    precision: Precision | None = None
    workers: int = Field(1, ge=1)
    ui: bool = True
    max_body_bytes: int = Field(32 * MIB, gt=0)
    max_pixels: int = Field(50_000_000, gt=0)
    max_queue: int = Field(16, ge=0)
    max_batch_size: int | None = Field(None, gt=0)
    max_batch_delay_ms: float = Field(5.0, ge=0, allow_inf_nan=False)
    request_timeout_s: float = Field(60.0, gt=0, allow_inf_nan=False)
    receive_timeout_s: float = Field(30.0, gt=0, allow_inf_nan=False)
    drain_timeout_s: float = Field(30.0, ge=0, allow_inf_nan=False)
    api_key_file: Path | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None
    cors_origins: tuple[str, ...] = ()
    log_level: LogLevel = "info"
    metrics_port: int | None = Field(None, ge=0, le=65535)

    @model_validator(mode="after")
    def _tls_is_whole(self) -> "ServerSettings":
        if (self.tls_cert is None) != (self.tls_key is None):
            raise InvalidConfigError("--tls-cert and --tls-key go together: give both or neither")
        for path in (self.tls_cert, self.tls_key):
            if path is not None and not path.is_file():
                raise InvalidConfigError(f"there is no file {path}; check the path")
        return self
