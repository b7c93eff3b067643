"""Fixtures of several packages' tests."""

import logging
from collections.abc import Iterator

import pytest


@pytest.fixture
def own_log() -> Iterator[None]:
    """For what sets up the process's log: it is put back afterwards, and nobody else's prints."""
    root, ours = logging.getLogger(), logging.getLogger("vizion3d")
    before = [(logger, logger.handlers[:], logger.level) for logger in (root, ours)]
    ours.handlers.clear()
    yield
    for logger, handlers, level in before:
        logger.handlers[:] = handlers
        logger.setLevel(level)
