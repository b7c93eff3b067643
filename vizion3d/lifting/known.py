"""What is known of a scene, as text."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from vizion3d.errors import InvalidConfigError

POINT = ("u", "v", "metres")
LENGTH = ("u1", "v1", "u2", "v2", "metres")


def parse_rows(name: str, text: str, columns: tuple[str, ...]) -> list[list[float]]:
    """Rows of numbers: ``"105,30,0.42; 260,30,0.65"`` or ``"[[105,30,0.42],[260,30,0.65]]"``.

    Raises:
        InvalidConfigError: It is neither; the message shows the offending row.
    """
    if text.lstrip().startswith("["):
        try:
            rows = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InvalidConfigError(f"{name} is not JSON: {error}") from error
        return list(rows)
    parsed = [parse_row(name, part, columns) for part in text.split(";") if part.strip()]
    if not parsed:
        raise InvalidConfigError(f"{name} is empty; write {','.join(columns)}")
    return parsed


ROWS = {"points": POINT, "distances": LENGTH, "planes": LENGTH}
"""Field of :class:`~vizion3d.geometry.alignment.Knowledge` -> what a row of it holds."""


def read_known(texts: Mapping[str, str], numbers: Mapping[str, float | None]) -> dict[str, Any]:
    """Fields of :class:`~vizion3d.geometry.alignment.Knowledge`: rows as text, and numbers.

    Empty texts, and numbers that are ``None``, are left out.

    Raises:
        InvalidConfigError: A text is not rows of numbers.
    """
    rows = {name: parse_rows(name, text, ROWS[name]) for name, text in texts.items() if text}
    return rows | {name: value for name, value in numbers.items() if value is not None}


def parse_row(name: str, text: str, columns: tuple[str, ...]) -> list[float]:
    """One row: ``"105,30,0.42"``; see :func:`parse_rows`."""
    try:
        row = [float(part) for part in text.split(",")]
    except ValueError:
        row = []
    if len(row) != len(columns):
        raise InvalidConfigError(f"{name} must be {','.join(columns)}, got {text.strip()[:80]!r}")
    return row


def to_rows(table: Any) -> str:
    """Rows with their weights, as JSON; nothing if there are none."""
    rows = np.asarray(table).tolist()
    return json.dumps(rows, separators=(",", ":")) if rows else ""
