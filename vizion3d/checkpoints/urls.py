"""Addresses of checkpoints: which are allowed, and what follows from one."""

import ipaddress
import shlex
from pathlib import Path
from urllib.parse import unquote, urlsplit

from vizion3d.errors import DownloadError


def file_name_of(url: str) -> str:
    """The file name that a URL's path ends in."""
    return unquote(urlsplit(url).path).rsplit("/", 1)[-1]


def require_secure(url: str) -> None:
    """Refuse anything but https, and http to this machine itself.

    Raises:
        DownloadError: With the URL and the reason.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme == "https" and host:
        return
    if parts.scheme == "http" and _is_loopback(host):
        return
    raise DownloadError(
        f"refusing to download {url}: weights are fetched over https only "
        "(plain http is allowed on loopback)"
    )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def curl_line(url: str, target: Path) -> str:
    """The shell line that puts the file where it is looked for."""
    folder, file = shlex.quote(str(target.parent)), shlex.quote(str(target))
    return f"mkdir -p {folder} && curl -fL {shlex.quote(url)} -o {file}"
