"""The Ray cluster that work runs on: one that is there already, or one of this machine alone."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from vizion3d.errors import MissingDependencyError
from vizion3d.ray.proxy import PATH, VARIABLE

_OBJECT_STORE_BYTES = 256 << 20
"""Of a cluster of our own: what moves between its processes is names and reports."""
_SPARE_CPUS = 2
"""Ray's own actors are counted as if they computed."""


def require_ray() -> Any:
    """The module ``ray``; it reports no usage unless the environment asks it to.

    Raises:
        MissingDependencyError: It is not installed; the message says how to install it.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # Ray would look for the project of a tool that may have started us, and set it up anew.
    os.environ.setdefault("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")
    try:
        import ray
    except ImportError as error:
        raise MissingDependencyError(
            f"Ray cannot be imported ({error}); pip install 'vizion3d[ray]'"
        ) from error
    return ray


@contextmanager
def connected(address: str | None = None, cpus: int = 0, dashboard: bool = False) -> Iterator[Any]:
    """Ray, connected; a connection that was there before stays.

    Args:
        address: Of a cluster, ``"auto"`` for the one that this machine belongs to; ``None``: one is
            started on this machine, reachable from it alone, and ended afterwards.
        cpus: That the one that is started counts at least; its own cores by default.
        dashboard: Of the one that is started, on loopback.
    """
    if address is None:
        # Read by Ray when it is imported: without a cluster of several machines it binds to
        # loopback, and else to the machine's address, whatever it is told.
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
        # Else a process for every core starts at once, and they take the cores of those that work.
        os.environ.setdefault("RAY_prestart_worker_first_driver", "0")
    ray = require_ray()
    if ray.is_initialized():
        yield ray
        return
    os.environ.setdefault(VARIABLE, PATH)
    # Serve gives a proxy five seconds to start, and ends it then: too few on a busy machine.
    os.environ.setdefault("RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S", "60")
    options: dict[str, Any] = {"address": address}
    if address is None:
        options = {
            "address": "local",
            "num_cpus": max(cpus, os.cpu_count() or 1) + _SPARE_CPUS,
            "include_dashboard": dashboard,
            "object_store_memory": _OBJECT_STORE_BYTES,
            "_node_ip_address": "127.0.0.1",
        }
    ray.init(logging_level=logging.WARNING, log_to_driver=False, **options)
    try:
        yield ray
    finally:
        ray.shutdown()
