"""What can be asked about models."""

from dataclasses import dataclass
from pathlib import Path

from vizion3d.checkpoints.catalogue import is_permissive
from vizion3d.checkpoints.transfers import Transfer
from vizion3d.core.cqrs import Query
from vizion3d.geometry.depth import ModelKind


@dataclass(frozen=True)
class ModelInfo:
    """What is known of one model; ``None`` where it is not known.

    Attributes:
        name: What to write for it: a name of the catalogue, or a path.
        path: Where its file is, or would be after a download.
        cached: Whether the file is there.
        converted: Whether its network is converted for OpenVINO, so that it loads fast.
        loaded: Runtime that has it in memory (``"torch cpu fp32"``), ``None`` if none has.
        url: Where it is downloaded from.
        variant: Its encoder: ``"vits"``, ``"vitb"``, ``"vitl"`` ...
        parameters: Number of weights.
        licence: SPDX identifier of the weights' licence.
        depth_kind: What it estimates; a file that is not here yet is taken for relative, if its
            name does not tell more.
        max_depth_m: Range of a metric model, in metres, if it has one.
        size_bytes: Size of the file, where it is here or known.
        input_size: Side in pixels at which it sees images if nobody wishes another.
        about_bytes: Its size, or what it is about, by its weights.
        network: The family of networks that it belongs to.
        licence_source: Where the licence is stated.
    """

    name: str
    path: Path
    cached: bool
    converted: bool = False
    loaded: str | None = None
    url: str | None = None
    variant: str | None = None
    parameters: int | None = None
    licence: str | None = None
    depth_kind: ModelKind = "relative"
    max_depth_m: float | None = None
    size_bytes: int | None = None
    network: str | None = None
    licence_source: str | None = None
    about_bytes: int | None = None
    input_size: int | None = None

    @property
    def commercial_use(self) -> bool | None:
        """Whether the licence allows it; ``None`` where the licence is not known."""
        return None if self.licence is None else is_permissive(self.licence)


@dataclass(frozen=True)
class ListModelsQuery(Query[list[ModelInfo]]):
    """Every released model, and every other checkpoint in the cache."""


@dataclass(frozen=True)
class ModelInfoQuery(Query[ModelInfo]):
    """One model; a local checkpoint's sizes are read off its file.

    Attributes:
        model_backend: A name, URL or path.
    """

    model_backend: str


@dataclass(frozen=True)
class ModelPathQuery(Query[Path]):
    """Where a model's file is, or would be after a download; reads nothing of it.

    Attributes:
        model_backend: A name, URL or path.
    """

    model_backend: str


@dataclass(frozen=True)
class DownloadQuery(Query[Transfer]):
    """How far the download of a model is.

    Attributes:
        model_backend: A name, URL or path.
    """

    model_backend: str
