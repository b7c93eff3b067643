"""What the log's line of a request says beside its outcome; noted wherever it is known.

An entry point opens the remarks around a request; they travel with the context, like the scope.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any

Remarks = dict[str, Any]

_current: ContextVar[Remarks | None] = ContextVar("remarks", default=None)


@contextmanager
def remarks() -> Iterator[Remarks]:
    """Collect what is remarked meanwhile, in this context and those copied from it."""
    collected: Remarks = {}
    token = _current.set(collected)
    try:
        yield collected
    finally:
        with suppress(ValueError):  # a stream that was given up ends in another context
            _current.reset(token)


def current_remarks() -> Remarks:
    """Those of the request that is worked on here; ones that nobody reads if there is none."""
    collected = _current.get()
    return {} if collected is None else collected
