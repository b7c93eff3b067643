import asyncio
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from vizion3d.app import TASKS
from vizion3d.server import options
from vizion3d.server.settings import Protocol, ServerSettings
from vizion3d.serving import build_service


def load_and_stop(settings: ServerSettings) -> None:
    """What a server does before it serves, and then no more."""

    async def load() -> None:
        service = build_service(settings)
        try:
            await service.load_selected()
        finally:
            await service.stop()

    asyncio.run(load())


def run(protocol: Protocol, *arguments: str) -> Result:
    """A server's program, up to where it would serve."""
    features = [task.feature for task in TASKS]
    command = options.command(protocol, 0, "", load_and_stop, features)
    return CliRunner().invoke(options.program(command), arguments)


@pytest.mark.parametrize("protocol", ["rest", "grpc"])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--depth_model", "/no/such.pth"), "no checkpoint file at /no/such.pth"),
        (("--stereo-model", "x"), "'x' is not a model"),
        (("--stereo_model", "s2m2-L.pth"), "no checkpoint file at s2m2-L.pth"),
        (("--tls-cert", "README.md"), "--tls-key"),
        (("--api-key-file", "/no/keys"), "API key file"),
        (("--device", "cuda:9", "--depth-model", "nano"), "not available"),
    ],
)
def test_what_is_wrong_with_the_flags_ends_the_program_with_a_message(
    protocol: Protocol, arguments: tuple[str, ...], message: str
) -> None:
    ended = run(protocol, *arguments)
    assert ended.exit_code == 1
    assert message in " ".join(ended.output.split())


@pytest.mark.parametrize("protocol", ["rest", "grpc"])
@pytest.mark.parametrize(
    ("flags", "content", "message"),
    [
        (("--tls-cert", "--tls-key"), "no PEM", "cannot be used for TLS"),
        (("--api-key-file",), "# no key\n\n", "has no key in it"),
        (("--api-key-file",), "clé\n", "printable ASCII"),
    ],
)
def test_unusable_secrets_end_the_program_with_a_message(
    tmp_path: Path, protocol: Protocol, flags: tuple[str, ...], content: str, message: str
) -> None:
    file = tmp_path / "file"
    file.write_text(content, "utf-8")
    ended = run(protocol, *(part for flag in flags for part in (flag, str(file))))
    assert ended.exit_code == 1
    assert message in " ".join(ended.output.split())
