import asyncio
from pathlib import Path

import pytest

from vizion3d.checkpoints.commands import DownloadModelCommand
from vizion3d.core.cqrs import CommandBus
from vizion3d.errors import CheckpointError, DownloadError, LicenceError
from vizion3d.server.default_files import TRIED_AGAIN_S, DefaultFiles


class Outcomes:
    """Answers each download with the next outcome."""

    def __init__(self, *errors: CheckpointError) -> None:
        self.errors = list(errors)
        self.asked: list[str] = []

    def bus(self) -> CommandBus:
        commands = CommandBus()
        commands.register(DownloadModelCommand, self.handle)
        return commands

    def handle(self, command: DownloadModelCommand) -> Path:
        self.asked.append(command.model_backend)
        if self.errors:
            raise self.errors.pop(0)
        return Path(command.model_backend)


class Pauses:
    """Notes the pauses, and what is waited for meanwhile."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.told: list[str | None] = []
        self.files: DefaultFiles | None = None

    async def __call__(self, seconds: float) -> None:
        assert self.files is not None
        self.seconds.append(seconds)
        self.told.append(self.files.waiting_for)


def fetch(outcomes: Outcomes) -> tuple[DefaultFiles, Pauses]:
    pauses = Pauses()
    files = DefaultFiles(outcomes.bus(), pauses)
    pauses.files = files
    asyncio.run(files.fetch("default"))
    return files, pauses


def test_a_file_that_cannot_be_had_is_tried_again_and_the_reason_told() -> None:
    outcomes = Outcomes(DownloadError("no", "no-network"), DownloadError("no", "proxy"))
    files, pauses = fetch(outcomes)
    assert outcomes.asked == ["default"] * 3
    assert pauses.seconds == [TRIED_AGAIN_S] * 2
    assert "could not be downloaded (no-network)" in str(pauses.told[0])
    assert "(proxy)" in str(pauses.told[1])
    assert files.waiting_for is None


@pytest.mark.parametrize("error", [CheckpointError("no model"), LicenceError("refused")])
def test_what_no_waiting_mends_is_not_waited_for(error: CheckpointError) -> None:
    outcomes = Outcomes(error)
    _, pauses = fetch(outcomes)
    assert outcomes.asked == ["default"]
    assert pauses.seconds == []
