"""What a server is told on its command line: a field here is a flag there."""

import ipaddress
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import ConfigDict, Field, field_validator, model_validator

from vizion3d.core.validation import ValidatedModel
from vizion3d.errors import InvalidConfigError
from vizion3d.settings import Licences, Precision

LogLevel = Literal["debug", "info", "warning", "error"]
Protocol = Literal["rest", "grpc"]
MIB = 1 << 20
_MAX_ADDRESS_LENGTH = 45

FEATURES, LIMITS, SECURITY = "Features and models", "Limits", "Security"


@dataclass(frozen=True)
class Flag:
    """How a field is told on the command line; a field without one has no flag.

    Attributes:
        help: What it does.
        panel: Heading that it stands under.
        name: If it is not the field's own: ``"--allow-model"`` for one that is repeated.
        only: The server that has it; ``None``: both.
        envvar: Environment variable that it is read from.
    """

    help: str
    panel: str | None = None
    name: str | None = None
    only: Protocol | None = None
    envvar: str | None = None


_Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network


def _is_within(address: str, networks: Sequence[_Network]) -> bool:
    try:
        return any(ipaddress.ip_address(address) in network for network in networks)
    except ValueError:
        return False


class ServerSettings(ValidatedModel):
    """Settings of a server; those of the library come from ``VIZION3D_*`` variables beside them.

    Attributes:
        features: Names of the tasks that are served; none named: every one.
        models: Name of a task -> checkpoint that is loaded before the server is ready, and used
            where a request names none: a name, a path or a URL. A task that has none here: its
            release checkpoint, on first use.
        allow_models: Other checkpoints that requests may name, exactly as written here.
        device: As ``VIZION3D_DEVICE``; ``None`` leaves it to that.
        precision: As ``VIZION3D_PRECISION``; ``None`` leaves it to that.
        licences: As ``VIZION3D_LICENCES``; ``None`` leaves it to that.
        licence_of: As ``VIZION3D_LICENCE_OF``; empty leaves it to that.
        host: Address to listen on. The default is reachable from this machine only.
        port: Port to listen on.
        workers: Processes (REST only), each with its own loaded models.
        ui: Serve the web page (REST only).
        downloads: Clients may have offered models downloaded, and call that off (REST only).
        log_level: Of the log on standard error.
        max_body_bytes: Largest request body that is read.
        max_pixels: Largest image that is decoded.
        max_decoded_bytes: Memory of the decoded images of all requests under way; more wait.
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
        tell_paths: Answers tell the path of the checkpoint that was used, not its name alone.
        trusted_proxies: Addresses or networks of proxies whose ``X-Forwarded-For`` is believed.
        metrics_port: Port for Prometheus (gRPC only), on the same host.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    features: tuple[str, ...] = ()
    models: Mapping[str, str] = Field(default_factory=dict)
    allow_models: Annotated[
        tuple[str, ...],
        Flag(
            "Another checkpoint that requests may name, exactly as written here; repeatable.",
            FEATURES,
            name="--allow-model",
        ),
    ] = ()
    device: Annotated[
        str | None, Flag("Where networks run: auto, cpu, cuda, cuda:1 or mps.", FEATURES)
    ] = None
    precision: Annotated[
        Precision | None,
        Flag("Arithmetic of the network; int8: Depth Anything V2 on CPUs.", FEATURES),
    ] = None
    licences: Annotated[
        Licences | None,
        Flag("Licences of weights that are accepted: any or permissive.", FEATURES),
    ] = None
    licence_of: Annotated[
        tuple[str, ...],
        Flag(
            "FILE=SPDX: the licence of a file that the catalogue does not know; repeatable.",
            FEATURES,
        ),
    ] = ()
    host: Annotated[
        str, Flag("Address to listen on; 0.0.0.0: every network interface.", envvar="VIZION3D_HOST")
    ] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535), Flag("Port to listen on.")]
    workers: Annotated[
        int, Field(ge=1), Flag("Server processes; each loads its own models.", only="rest")
    ] = 1
    ui: Annotated[bool, Flag("Serve the web page at /.", FEATURES, only="rest")] = True
    downloads: Annotated[
        bool,
        Flag(
            "Let clients start and stop downloads of the offered models.",
            FEATURES,
            only="rest",
        ),
    ] = False
    log_level: Annotated[LogLevel, Flag("Level of the log on standard error.")] = "info"
    max_body_bytes: Annotated[int, Field(gt=0), Flag("Largest request body, in bytes.", LIMITS)] = (
        32 * MIB
    )
    max_pixels: Annotated[
        int, Field(gt=0), Flag("Largest image, in pixels (width times height).", LIMITS)
    ] = 50_000_000
    max_decoded_bytes: Annotated[
        int,
        Field(gt=0),
        Flag("Memory for the decoded images of all requests, in bytes; more wait.", LIMITS),
    ] = 1 << 30
    max_queue: Annotated[
        int, Field(ge=0), Flag("Requests that may wait; more are refused at once.", LIMITS)
    ] = 16
    max_batch_size: Annotated[
        int | None,
        Field(gt=0),
        Flag("Most images of one shape in a batch (8 on a GPU, 1 on a CPU).", LIMITS),
    ] = None
    max_batch_delay_ms: Annotated[
        float,
        Field(ge=0, allow_inf_nan=False),
        Flag("Milliseconds that a batch waits for more images, under load.", LIMITS),
    ] = 5.0
    request_timeout_s: Annotated[
        float,
        Field(gt=0, allow_inf_nan=False),
        Flag("Seconds that a request may wait and run.", LIMITS),
    ] = 60.0
    receive_timeout_s: Annotated[
        float,
        Field(gt=0, allow_inf_nan=False),
        Flag("Seconds that a request may take to arrive.", LIMITS, only="rest"),
    ] = 30.0
    drain_timeout_s: Annotated[
        float,
        Field(ge=0, allow_inf_nan=False),
        Flag("Seconds that requests under way have to finish when the server is stopped.", LIMITS),
    ] = 30.0
    api_key_file: Annotated[
        Path | None, Flag("File of accepted API keys, one a line.", SECURITY)
    ] = None
    tls_cert: Annotated[Path | None, Flag("File of the TLS certificate chain, PEM.", SECURITY)] = (
        None
    )
    tls_key: Annotated[Path | None, Flag("File of its private key, PEM.", SECURITY)] = None
    cors_origins: Annotated[
        tuple[str, ...],
        Flag(
            "Origin of a web page that may call this server; repeatable.",
            SECURITY,
            name="--cors-origin",
            only="rest",
        ),
    ] = ()
    tell_paths: Annotated[
        bool,
        Flag(
            "Tell clients the whole path of the checkpoint that was used, not its name alone.",
            SECURITY,
        ),
    ] = False
    trusted_proxies: Annotated[
        tuple[str, ...],
        Flag(
            "Address or network (10.0.0.0/8) of a proxy whose X-Forwarded-For is believed, for the "
            "log; repeatable.",
            SECURITY,
            name="--trusted-proxy",
            only="rest",
        ),
    ] = ()
    metrics_port: Annotated[
        int | None,
        Field(ge=0, le=65535),
        Flag("Port for Prometheus to read /metrics from.", only="grpc"),
    ] = None

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        for text in given:
            ipaddress.ip_network(text, strict=False)
        return given

    @property
    def is_reachable_from_elsewhere(self) -> bool:
        """Whether other machines may reach it."""
        try:
            return not ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host != "localhost"

    def client_of(self, address: str, forwarded_for: str) -> str:
        """Who sent a request: the last address that no trusted proxy is.

        Args:
            address: Of the connection.
            forwarded_for: The header ``X-Forwarded-For``; each proxy adds whom it was asked by.
        """
        networks = [ipaddress.ip_network(text, strict=False) for text in self.trusted_proxies]
        chain = [part.strip() for part in forwarded_for.split(",") if part.strip()]
        while chain and _is_within(address, networks):
            address = chain.pop()
        return address[:_MAX_ADDRESS_LENGTH]

    @model_validator(mode="after")
    def _tls_is_whole(self) -> "ServerSettings":
        if (self.tls_cert is None) != (self.tls_key is None):
            raise InvalidConfigError("--tls-cert and --tls-key go together: give both or neither")
        for path in (self.tls_cert, self.tls_key):
            if path is not None and not path.is_file():
                raise InvalidConfigError(f"there is no file {path}; check the path")
        if self.tls_cert is not None:
            try:
                # A key that is encrypted is refused rather than asked for on a terminal.
                ssl.create_default_context().load_cert_chain(
                    self.tls_cert, self.tls_key, lambda: ""
                )
            except (OSError, ValueError) as error:
                raise InvalidConfigError(
                    f"{self.tls_cert} and {self.tls_key} cannot be used for TLS: {error}; give a "
                    "PEM certificate and its key, not encrypted"
                ) from error
        return self
