"""Which model to take: by its licence, what it estimates, and its time on this machine."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from vizion3d.checkpoints.catalogue import RELEASES, Release, is_permissive
from vizion3d.checkpoints.store import CheckpointStore
from vizion3d.core.cqrs import Query
from vizion3d.runtime.base import Runtime
from vizion3d.runtime.cache import RuntimeCache

Scene = Literal["any", "indoor", "outdoor"]

_PHOTO = (480, 640)
_RUNS = 2


@dataclass(frozen=True)
class Recommendation:
    """What to take, and why.

    Attributes:
        release: The model.
        seconds: What one photo of 640 x 480 took here with it, loaded; ``None``: it is not on this
            machine, so nothing was measured.
    """

    release: Release
    seconds: float | None


@dataclass(frozen=True)
class RecommendQuery(Query[Recommendation | None]):
    """The largest model that serves a purpose; ``None`` if there is none.

    Of models that are on this machine, time is measured. One that is not is recommended only if
    none of those serves, or if time does not matter.

    Attributes:
        commercial: Its licence allows commercial use.
        metric: It estimates metres; else proportions or inverse depth.
        scene: Where a metric model was trained; ``"any"`` takes those for every scene.
        within_s: A photo takes at most this long on this machine, in seconds.
    """

    commercial: bool = True
    metric: bool = False
    scene: Scene = "any"
    within_s: float | None = None


class RecommendHandler:
    """Answers which model to take.

    Args:
        checkpoints: Finds checkpoint files.
        runtimes: Loads them.
        clock: Tells the time, in seconds.
    """

    def __init__(
        self,
        checkpoints: CheckpointStore,
        runtimes: RuntimeCache,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._checkpoints = checkpoints
        self._runtimes = runtimes
        self._clock = clock

    def handle(self, query: RecommendQuery) -> Recommendation | None:
        """See :class:`RecommendQuery`."""
        fitting = fitting_releases(query)
        here = [r for r in fitting if self._checkpoints.locate(r.name).is_file()]
        away = [r for r in fitting if r not in here]
        if query.within_s is None:
            return self._measured(fitting[0], fitting[0] in here) if fitting else None
        for release in here:
            found = self._measured(release, here=True)
            assert found.seconds is not None
            if found.seconds <= query.within_s:
                return found
        return self._measured(away[-1], here=False) if away else None

    def _measured(self, release: Release, here: bool) -> Recommendation:
        if not here:
            return Recommendation(release, None)
        checkpoint = self._checkpoints.resolve(release.name)
        return Recommendation(release, self._seconds(self._runtimes.get(checkpoint)))

    def _seconds(self, runtime: Runtime) -> float:
        """The shortest of a few runs, after one that warms up."""
        photo = np.random.default_rng(0).integers(0, 256, (1, *_PHOTO, 3), np.uint8)
        size = runtime.network.recipe.network_size(*_PHOTO)
        took = []
        for _ in range(1 + _RUNS):
            started = self._clock()
            runtime.infer({"image": photo}, size)
            took.append(self._clock() - started)
        return min(took[1:])


def fitting_releases(query: RecommendQuery) -> Sequence[Release]:
    """The releases that serve a purpose, the largest first; time left aside."""

    def fits(release: Release) -> bool:
        is_metric = release.depth_kind == "metric"
        scenes = {"indoor", "outdoor"} & set(release.name.split("-"))
        return (
            release.depth_kind != "disparity"
            and (is_permissive(release.licence) or not query.commercial)
            and is_metric == query.metric
            and (not scenes or query.scene in scenes)
        )

    return sorted(filter(fits, RELEASES), key=lambda release: -release.parameters)
