"""Having a default model's file here before a server says that it is ready."""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable
from functools import partial

from vizion3d.checkpoints.commands import DownloadModelCommand
from vizion3d.core.cqrs import CommandBus
from vizion3d.errors import CheckpointError, DownloadError

logger = logging.getLogger(__name__)

TRIED_AGAIN_S = 61.0
"""Pause after a failure: an address that failed is not asked again for a minute."""


class DefaultFiles:
    """Downloads the files of default models, trying again for as long as it takes.

    Args:
        commands: Where downloads are dispatched.
        sleep: What pauses.
    """

    def __init__(
        self, commands: CommandBus, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._commands = commands
        self._sleep = sleep
        self.waiting_for: str | None = None

    async def fetch(self, model: str) -> None:
        """Return when the model's file is here, or when no waiting would bring it here."""
        download = partial(self._commands.dispatch, DownloadModelCommand(model))
        self.waiting_for = f"the file of the model {model} is being looked for or downloaded"
        while True:
            try:
                await in_daemon_thread(download)
                break
            except DownloadError as error:
                logger.warning("not ready: %s", error, extra={"model": model})
                self.waiting_for = (
                    f"the model {model} is not here and could not be downloaded ({error.reason}); "
                    "the server's log tells more. It is tried again every minute"
                )
            except CheckpointError as error:  # no file is needed, or a licence is not accepted
                logger.debug("%s", error)
                break
            await self._sleep(TRIED_AGAIN_S)
        self.waiting_for = None


async def in_daemon_thread(work: Callable[[], object]) -> None:
    """Run ``work`` in a thread that does not keep the process from ending."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def finish(error: Exception | None) -> None:
        if done.done():
            return
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)

    def run() -> None:
        error: Exception | None = None
        try:
            work()
        # Told to whoever waits, in the loop's thread.
        except Exception as raised:  # noqa: BLE001
            error = raised
        if not loop.is_closed():
            loop.call_soon_threadsafe(finish, error)

    threading.Thread(target=run, name="load", daemon=True).start()
    await done
