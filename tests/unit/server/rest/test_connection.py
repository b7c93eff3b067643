"""Work for a client that may go away, or whose caller is called off (as Ray Serve does)."""

import asyncio

import pytest
from fastapi import Request
from starlette.types import Message

from vizion3d.server.rest.connection import ClientLeftError, while_connected


class Client:
    """Leaves when it is told to."""

    def __init__(self) -> None:
        self.leaves = asyncio.Event()

    def request(self) -> Request:
        return Request({"type": "http"}, self._receive)

    async def _receive(self) -> Message:
        await self.leaves.wait()
        return {"type": "http.disconnect"}


class Work:
    """Notes whether it was called off."""

    def __init__(self) -> None:
        self.begun, self.called_off = asyncio.Event(), asyncio.Event()

    async def __call__(self) -> str:
        self.begun.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            self.called_off.set()
            raise
        return "done"


def test_work_is_called_off_with_its_caller() -> None:
    async def scenario() -> None:
        work = Work()
        caller = asyncio.create_task(while_connected(Client().request(), work()))
        await work.begun.wait()
        caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller
        await asyncio.wait_for(work.called_off.wait(), 10)

    asyncio.run(scenario())


def test_work_is_called_off_when_its_client_leaves() -> None:
    async def scenario() -> None:
        client, work = Client(), Work()
        caller = asyncio.create_task(while_connected(client.request(), work()))
        await work.begun.wait()
        client.leaves.set()
        with pytest.raises(ClientLeftError):
            await caller
        assert work.called_off.is_set()

    asyncio.run(scenario())
