"""What every RPC has: an id, a line in the log, a count, and errors told by the one table."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import grpc

from vizion3d.core.remarks import Remarks, remarks
from vizion3d.errors import Vizion3DError
from vizion3d.server.log import access, request_id, shortened
from vizion3d.server.metrics import Metrics
from vizion3d.wire.headers import REQUEST_ID
from vizion3d.wire.problems import PROBLEM_METADATA, detail_of, status_of

logger = logging.getLogger(__name__)

_REQUEST_ID = REQUEST_ID.lower()

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


@asynccontextmanager
async def call(context: Context, rpc: str, metrics: Metrics) -> AsyncIterator[str]:
    """Around the work of one RPC; gives its id, which the client finds in the initial metadata."""
    with remarks() as noted:
        async with _call(context, rpc, metrics, noted) as identity:
            yield identity


@asynccontextmanager
async def _call(context: Context, rpc: str, metrics: Metrics, noted: Remarks) -> AsyncIterator[str]:
    begin = time.perf_counter()
    metadata = dict(context.invocation_metadata() or ())
    identity = request_id(_text(metadata.get(_REQUEST_ID)))
    # Asked now: when the client has gone, the context is freed memory, and asking it a crash.
    client = context.peer()
    code = grpc.StatusCode.OK
    try:
        await context.send_initial_metadata(((_REQUEST_ID, identity),))
        yield identity
    except asyncio.CancelledError:
        code = grpc.StatusCode.CANCELLED
        raise
    except Exception as error:  # noqa: BLE001 (told to the client by the table)
        code = log_error(error, identity)
        name = status_of(error).name
        noted["reason"] = shortened(error)
        await context.abort(code, detail_of(error), ((PROBLEM_METADATA, name),))
    finally:
        seconds = time.perf_counter() - begin
        metrics.request(rpc, code.name, seconds)
        fields = {
            "request_id": identity,
            "rpc": rpc,
            "code": code.name,
            "seconds": round(seconds, 4),
            "client": client,
            **noted,
        }
        access.info("request", extra=fields)


def log_error(error: Exception, identity: str) -> grpc.StatusCode:
    """Log what the client is not told; the code that it is told."""
    status = status_of(error)
    if status.detail is not None:
        unexpected = not isinstance(error, Vizion3DError)
        logger.error("%s", error, exc_info=unexpected, extra={"request_id": identity})
    return grpc.StatusCode[status.grpc]


def _text(value: str | bytes | None) -> str | None:
    return value.decode("ascii", "replace") if isinstance(value, bytes) else value
