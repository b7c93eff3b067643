"""Structured logs: one JSON object a line, on standard error."""

import logging
import sys
import uuid
from datetime import datetime
from string import ascii_letters, digits
from typing import Any

from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.orjson import OrjsonFormatter

from vizion3d.server.settings import LogLevel

access = logging.getLogger("vizion3d.access")

_ID_CHARACTERS = frozenset(ascii_letters + digits + "-_.")
_MAX_ID_LENGTH = 64
_MAX_REASON_LENGTH = 300


class _Formatter(OrjsonFormatter):
    """JSON lines whose time is ISO 8601 with the zone."""

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802 (logging's name)
        """``2026-11-26T12:00:00.123+01:00``."""
        del datefmt
        return (
            datetime.fromtimestamp(record.created).astimezone().isoformat(timespec="milliseconds")
        )

    def jsonify_log_record(self, log_data: dict[str, Any]) -> str:
        """What a client wrote may have half characters, which no JSON has: their escapes."""
        return super().jsonify_log_record({name: _whole(told) for name, told in log_data.items()})


def _whole(told: object) -> object:
    if not isinstance(told, str):
        return told
    return told.encode("utf-8", "backslashreplace").decode()


def set_up_log(level: LogLevel) -> None:
    """Have every logger of the process write JSON lines at that level."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        _Formatter(
            "%(asctime)s %(levelname)s %(name)s %(message)s",
            rename_fields={"asctime": "time", "levelname": "level", "name": "logger"},
            reserved_attrs=[*RESERVED_ATTRS, "color_message"],  # uvicorn's, for terminals
        )
    )
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # What these tell stands in our own lines, one a request.
    for name in ("uvicorn.access", "httpx", "grpc"):
        logging.getLogger(name).setLevel(logging.WARNING)


def request_id(given: str | None) -> str:
    """The client's own id if it is short and plain, else a new one."""
    if given and len(given) <= _MAX_ID_LENGTH and _ID_CHARACTERS.issuperset(given):
        return given
    return uuid.uuid4().hex


def shortened(reason: object) -> str:
    """Why a request got no result, in one line for its line in the log."""
    line = " ".join(str(reason).split())
    return line if len(line) <= _MAX_REASON_LENGTH else line[: _MAX_REASON_LENGTH - 3] + "..."
