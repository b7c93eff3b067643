"""Limits that hold where nothing else is said."""

DEFAULT_MAX_PIXELS = 100_000_000
"""Largest image that is decoded, in pixels."""
