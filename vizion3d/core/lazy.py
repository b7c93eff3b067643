"""Objects by their import path: imported when they are first needed."""

import pkgutil
from typing import TypeVar

T = TypeVar("T")


def load(path: str, kind: type[T]) -> T:
    """The object at ``"package.module:name"``.

    Raises:
        TypeError: It is of another kind.
    """
    found = pkgutil.resolve_name(path)
    if not isinstance(found, kind):
        raise TypeError(f"{path} must be a {kind.__name__}, it is a {type(found).__name__}")
    return found
