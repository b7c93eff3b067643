"""The library's log, shown to people."""

import logging


def show_log() -> logging.Handler:
    """Print what the library logs (downloads, licences, conversions) to standard error.

    Returns:
        What prints; a command that goes on with a log of its own takes it away, so that nothing is
        printed twice.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger = logging.getLogger("vizion3d")
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    return handler
