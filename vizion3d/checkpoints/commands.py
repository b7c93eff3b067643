"""What can be done with models."""

from dataclasses import dataclass
from pathlib import Path

from vizion3d.checkpoints.catalogue import DEFAULT_DEPTH_MODEL_URL
from vizion3d.checkpoints.transfers import Transfer
from vizion3d.core.cqrs import Command


@dataclass
class ClearConversionsCommand(Command[int]):
    """Remove the networks that were converted for OpenVINO; the result is the bytes freed.

    They are made again when they are needed.
    """


@dataclass
class DownloadModelCommand(Command[Path]):
    """Make a checkpoint's file be on this machine; the result is its path.

    Attributes:
        model_backend: As ``vizion3d models list`` shows them: a name, an https URL or a path.
    """

    model_backend: str = DEFAULT_DEPTH_MODEL_URL


@dataclass
class BeginDownloadCommand(Command[Transfer]):
    """Download a checkpoint in the background, if it is not here; ask how far it is with
    :class:`~vizion3d.checkpoints.queries.DownloadQuery`.

    Attributes:
        model_backend: A name, an https URL or a path.
    """

    model_backend: str


@dataclass
class CallOffDownloadCommand(Command[Transfer]):
    """End a download that is under way; what has come is kept for next time.

    Attributes:
        model_backend: A name, an https URL or a path.
    """

    model_backend: str


@dataclass
class LoadModelCommand(Command[Path]):
    """Have a checkpoint in memory before the first image; the result is its path.

    Attributes:
        model_backend: As ``vizion3d models list`` shows them: a name, an https URL or a path.
    """

    model_backend: str = DEFAULT_DEPTH_MODEL_URL
