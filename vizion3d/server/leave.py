"""The end of a server's process."""

import logging
import os
import sys
from typing import NoReturn


def leave(code: int) -> NoReturn:
    """End the process now.

    Everything that should be finished is; what may still run is work that nobody waits for (a model
    that was being loaded, an inference that was called off), which Python would wait for.
    """
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
