"""The library's log, shown to people."""

import logging


def show_log() -> None:
    """Print what the library logs (downloads, licences, conversions) to standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger = logging.getLogger("vizion3d")
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
