"""How long a request has waited at one of Ray Serve's proxies before a replica got it.

A proxy notes when it took a request, and the replica counts the request's time from there: what is
out of time when its turn comes is refused, and takes no time of the network.
"""

import time

from starlette.datastructures import MutableHeaders
from starlette.types import Scope

ARRIVED = "vizion3d-arrived-s"
"""Header, and metadata, in which a proxy notes the time: seconds since 1970."""


def note_arrival(scope: Scope) -> None:
    """Note in an HTTP request's headers that it arrived now, whatever its client claims."""
    MutableHeaders(scope=scope)[ARRIVED] = now()


def now() -> str:
    """The time, as it is noted."""
    return f"{time.time():.3f}"


def waited_s(noted: str | None) -> float:
    """Seconds since the noted time; 0 where there is none, or it is none."""
    try:
        return max(0.0, time.time() - float(noted or "nan"))
    except ValueError:
        return 0.0
