"""Results of one stream that follow each other, while several are under way at once."""

import asyncio
from collections.abc import Callable
from typing import Any


class Sequence:
    """Hands results on in the order of their requests.

    Args:
        start: Makes, of a request, what follows the results from there on; ``None`` where it asks
            for nothing of the kind.
    """

    def __init__(self, start: Callable[[Any], Callable[[Any], Any] | None]) -> None:
        self._start = start
        self._follow: Callable[[Any], Any] | None = None
        self._last: asyncio.Event | None = None

    def place(self, request: Any) -> "Place":
        """The place of the next request, in the order of the calls."""
        asked = self._start(request)
        if asked is not None and self._follow is None:
            self._follow = asked
        place = Place(self._follow if asked is not None else None, self._last)
        self._last = place.through
        return place


class Place:
    """One request's place.

    Attributes:
        through: Set when the result has been followed, or will never come.
    """

    def __init__(self, follow: Callable[[Any], Any] | None, before: asyncio.Event | None) -> None:
        self.through = asyncio.Event()
        self.follows = follow is not None
        self._follow, self._before = follow, before

    async def take(self, result: Any) -> Any:
        """The result, followed when those before it are through; in a thread."""
        if self._follow is None:
            return result
        await self._turn()
        return await asyncio.to_thread(self._follow, result)

    async def leave(self) -> None:
        """Let the next one go, when those before are through."""
        await self._turn()
        self.through.set()

    async def _turn(self) -> None:
        if self._before is not None:
            await self._before.wait()
