"""A task as named images, parameters and arrays.

What moves tensors and knows no task (the Open Inference Protocol, batch jobs on Ray) goes through
the tasks' records of this kind.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from vizion3d.core.cqrs import Command
from vizion3d.media.images import ImageInput
from vizion3d.outputs.formats import Format, Lifted

C = TypeVar("C", bound=Command[Any])
R = TypeVar("R")


@dataclass(frozen=True)
class ArraySpec:
    """An array that results have.

    Attributes:
        name: Its key in :attr:`vizion3d.outputs.formats.Lifted.arrays`.
        dtype: NumPy's name of its type: ``"float32"``.
        shape: Its sides; -1 is one of the image's.
        optional: Whether some results have none.
    """

    name: str
    dtype: str
    shape: tuple[int, ...] = (-1, -1)
    optional: bool = False


@dataclass(frozen=True)
class Tensors(Generic[C, R]):
    """How one task is asked by names, and answers by names.

    Attributes:
        images: Names of the images that go in.
        arrays: What may come out.
        read: The command of the images, by name, and of parameters: the fields of the task's
            configuration, ``model_backend``, and what else the task takes. Raises
            :class:`~vizion3d.errors.InvalidConfigError` for one that there is none of.
        show: A result, and the command that it is of, as the encoders see them.
        formats: The files that can be made of it.
        defaults: Parameters of a batch job that sets none: those of the task's own command line.
        endings: Of the names of files that belong together, one for each of ``images``; empty
            where one file is all that is needed.
    """

    images: tuple[str, ...]
    arrays: tuple[ArraySpec, ...]
    read: Callable[[Mapping[str, ImageInput], Mapping[str, Any]], C]
    show: Callable[[R, C], Lifted]
    formats: Sequence[Format[Any]]
    defaults: Mapping[str, Any] = field(default_factory=dict)
    endings: tuple[str, ...] = ()
