import logging
from pathlib import Path

import pytest

from vizion3d.errors import InvalidConfigError
from vizion3d.server.settings import ServerSettings
from vizion3d.serving import build_service


@pytest.mark.parametrize(
    ("trusted", "address", "forwarded", "client"),
    [
        ((), "10.0.0.1", "203.0.113.7", "10.0.0.1"),
        (("10.0.0.0/8",), "10.0.0.1", "203.0.113.7", "203.0.113.7"),
        (("10.0.0.0/8",), "10.0.0.1", "1.2.3.4, 203.0.113.7, 10.9.9.9", "203.0.113.7"),
        (("10.0.0.0/8",), "198.51.100.2", "203.0.113.7", "198.51.100.2"),
        (("10.0.0.1",), "10.0.0.1", "", "10.0.0.1"),
        (("10.0.0.1",), "10.0.0.1", "x" * 99, "x" * 45),
        (("::1",), "::1", "2001:db8::7", "2001:db8::7"),
    ],
)
def test_the_client_is_whom_trusted_proxies_tell(
    trusted: tuple[str, ...], address: str, forwarded: str, client: str
) -> None:
    settings = ServerSettings(port=0, trusted_proxies=trusted)
    assert settings.client_of(address, forwarded) == client


def test_what_is_no_network_is_refused() -> None:
    with pytest.raises(InvalidConfigError, match="trusted_proxies"):
        ServerSettings(port=0, trusted_proxies=("my-proxy",))


@pytest.mark.parametrize(
    ("host", "keys", "warned"),
    [
        ("127.0.0.1", False, False),
        ("localhost", False, False),
        ("0.0.0.0", False, True),
        ("::", False, True),
        ("box.local", False, True),
        ("0.0.0.0", True, False),
    ],
)
def test_an_open_server_that_others_reach_is_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, host: str, keys: bool, warned: bool
) -> None:
    file = tmp_path / "keys"
    file.write_text("a-key\n")
    with caplog.at_level(logging.WARNING):
        build_service(ServerSettings(port=0, host=host, api_key_file=file if keys else None))
    assert ("without keys" in caplog.text) == warned
