"""Ctrl-C ends the process soon, even while a large network runs that nothing can stop."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from vizion3d.core.files import remove_unfinished

GRACE_S = 1.0
"""How long threads have to finish what they are at, files above all."""

EXIT_CODE = 128 + signal.SIGINT
_SHOW_CURSOR = "\x1b[?25h"


@contextmanager
def interruptible() -> Iterator[None]:
    """Have Ctrl-C raise ``KeyboardInterrupt`` here, and end the process if that takes long."""
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.default_int_handler:  # ignored, for one, by a shell's background jobs
        yield
        return
    signal.signal(signal.SIGINT, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    timer = threading.Timer(GRACE_S, _leave)
    timer.daemon = True
    timer.start()
    raise KeyboardInterrupt


def _leave() -> None:
    if sys.stderr.isatty():  # a progress bar may have hidden it
        sys.stderr.write(_SHOW_CURSOR)
        sys.stderr.flush()
    remove_unfinished()
    os._exit(EXIT_CODE)
