"""``vizion3d`` in this process, from its arguments to its exit code: no start, no imports anew."""

import io
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass

from vizion3d.app import reset_default_container
from vizion3d.programs.cli import main

WIDTH = "200"
"""Of the terminal: columns, as ``COLUMNS`` tells them."""


@dataclass(frozen=True)
class Ended:
    """What a program left.

    Attributes:
        returncode: 0 where all went well.
        stdout: Standard output.
        stderr: Standard error.
    """

    returncode: int
    stdout: str
    stderr: str


@contextmanager
def as_a_process_has(environment: dict[str, str]) -> Iterator[None]:
    """Environment, arguments, the log and the application: as they were before, afterwards."""
    before, arguments = dict(os.environ), sys.argv
    loggers = (logging.getLogger(), logging.getLogger("vizion3d"))
    logs = [(logger, logger.handlers[:], logger.level) for logger in loggers]
    for logger in loggers:
        logger.handlers.clear()
    os.environ.update({"COLUMNS": WIDTH, **environment})
    reset_default_container()
    try:
        yield
    finally:
        reset_default_container()
        for logger, handlers, level in logs:
            logger.handlers[:] = handlers
            logger.setLevel(level)
        sys.argv = arguments
        os.environ.clear()
        os.environ.update(before)


def vizion3d(*arguments: object, **environment: str) -> Ended:
    """Run the program with these arguments, and with these variables in its environment."""
    out, err = io.StringIO(), io.StringIO()
    code: object = 0
    with as_a_process_has(environment), redirect_stdout(out), redirect_stderr(err):
        sys.argv = ["vizion3d", *map(str, arguments)]
        try:
            main()
        except SystemExit as left:
            code = left.code or 0
    return Ended(int(str(code)), out.getvalue(), err.getvalue())
