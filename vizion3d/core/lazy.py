"""Objects by their import path: imported when they are first needed."""

import pkgutil
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar, overload

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


def later(path: str) -> Callable[..., Any]:
    """A function that imports the one at ``"package.module:name"`` when it is first called."""

    def call(*arguments: Any) -> Any:
        return pkgutil.resolve_name(path)(*arguments)

    return call


def attributes(module: str, paths: Mapping[str, str]) -> Callable[[str], Any]:
    """A module's ``__getattr__`` for names that live elsewhere and take long to import.

    Args:
        module: ``__name__``.
        paths: Name -> where it lives, ``"package.module"``.
    """

    def attribute(name: str) -> Any:
        if name not in paths:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        return pkgutil.resolve_name(f"{paths[name]}:{name}")

    return attribute


class LazySequence(Sequence[T], Generic[T]):
    """Objects by their import paths, each imported when it is reached.

    Args:
        paths: ``"package.module:name"`` each.
    """

    def __init__(self, *paths: str) -> None:
        self._paths = paths

    def __len__(self) -> int:
        return len(self._paths)

    @overload
    def __getitem__(self, index: int) -> T: ...

    @overload
    def __getitem__(self, index: slice) -> "LazySequence[T]": ...

    def __getitem__(self, index: int | slice) -> "T | LazySequence[T]":
        if isinstance(index, slice):
            return LazySequence(*self._paths[index])
        found: T = pkgutil.resolve_name(self._paths[index])
        return found
