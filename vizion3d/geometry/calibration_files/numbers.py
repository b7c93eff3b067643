"""Numbers, matrices and lengths as calibration files write them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from vizion3d.errors import InvalidConfigError
from vizion3d.geometry.calibration import Matrix

NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
"""Regular expression of one number."""

LENGTH_UNITS_MM = {"mm": 1.0, "millimetres": 1.0, "cm": 10.0, "m": 1000.0, "metres": 1000.0}
_SURELY_METRES, _SURELY_MM = 2.0, 20.0
"""A baseline below the one is taken for metres, above the other for millimetres."""


def find(fields: Mapping[str, Any], names: Sequence[str], endings: Sequence[str] = ("",)) -> Any:
    """The first of ``names`` that there is, with each ending in turn; ``None`` if none is."""
    for ending in endings:
        for stem in names:
            if stem + ending in fields:
                return fields[stem + ending]
    return None


def told_unit(fields: Mapping[str, Any], name: str) -> str | None:
    """The unit that a file says its lengths are in.

    Raises:
        InvalidConfigError: It says one that is none of ``LENGTH_UNITS_MM``.
    """
    told = find(fields, ("unit", "units", "length_unit", "baseline_unit"))
    if told is not None:
        unit_mm(str(told), name)
    return None if told is None else str(told).lower()


def unit_mm(unit: str, name: str = "unit") -> float:
    """Millimetres in one of ``unit``.

    Raises:
        InvalidConfigError: It is none of ``LENGTH_UNITS_MM``.
    """
    try:
        return LENGTH_UNITS_MM[unit.lower()]
    except KeyError:
        raise InvalidConfigError(f"{name}: lengths in {unit!r}; it must be mm, cm or m") from None


def length_mm(length: float, unit: str | None, name: str) -> float:
    """Millimetres for each unit that a length was given in.

    Args:
        length: As the file has it.
        unit: Its unit; ``None``: told from the size of ``length``.
        name: Of the file, for the message.

    Raises:
        InvalidConfigError: Its size leaves the unit open.
    """
    if unit is not None:
        return unit_mm(unit, name)
    if abs(length) < _SURELY_METRES:
        return 1000.0
    if abs(length) > _SURELY_MM:
        return 1.0
    raise InvalidConfigError(
        f"{name}: a baseline of {abs(length):g} may be millimetres, centimetres or metres; say it "
        "with a line 'unit: mm' (cm, m) in the file, or give the baseline yourself"
    )


def number_of(value: Any, what: str, name: str) -> float:
    """One number, float64; refused as :func:`numbers_of` refuses."""
    return float(matrix_of([value], (1,), what, name)[0])


def numbers_of(values: Any, what: str, name: str) -> Matrix:
    """A list, nested lists, or an OpenCV matrix ``{rows, cols, dt, data}``, flat, float64.

    Raises:
        InvalidConfigError: They are not finite numbers.
    """
    if isinstance(values, Mapping):
        values = values.get("data")
    try:
        numbers = np.asarray(values, np.float64).ravel()
    except (ValueError, TypeError, OverflowError) as error:
        raise InvalidConfigError(f"{name}: {what} is not numbers: {str(values)[:80]!r}") from error
    if not np.isfinite(numbers).all() or np.abs(numbers).max(initial=0) > 1e12:
        raise InvalidConfigError(f"{name}: {what} is not finite: {str(values)[:80]}")
    return numbers


def matrix_of(values: Any, shape: tuple[int, ...], what: str, name: str) -> Matrix:
    """A matrix of that shape, float64.

    Raises:
        InvalidConfigError: They are not finite numbers, or not as many.
    """
    numbers = numbers_of(values, what, name)
    if numbers.size != np.prod(shape):
        wanted = " x ".join(map(str, shape))
        raise InvalidConfigError(f"{name}: {what} is {wanted} numbers, got {numbers.size}")
    return numbers.reshape(shape)
