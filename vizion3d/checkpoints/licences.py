"""Which licences of weights are accepted, and what to take where one is not."""

import logging
import math
import threading
from dataclasses import dataclass
from pathlib import Path

from vizion3d.checkpoints.catalogue import APACHE, PERMISSIVE, RELEASES, Release, is_permissive
from vizion3d.errors import LicenceError

logger = logging.getLogger(__name__)

_NAMED = 3


@dataclass(frozen=True)
class LicencePolicy:
    """Accepts every licence, or only those that allow commercial use.

    Attributes:
        permissive_only: Refuse weights whose licence is not in ``catalogue.PERMISSIVE``, or is not
            known.
        told: ``FILE=SPDX``: licences of files that the catalogue does not know, as the user says.
    """

    permissive_only: bool = False
    told: tuple[str, ...] = ()

    def check(self, backend: str, location: Path, release: Release | None) -> None:
        """Refuse what the policy does not accept, before it is downloaded or loaded.

        Args:
            backend: What the user named.
            location: Where the file is, or would be.
            release: What the catalogue knows of it.

        Raises:
            LicenceError: With the licence, the setting, and what may be used instead.
        """
        if not self.permissive_only:
            return
        licence = release.licence if release else self._told_of(backend, location)
        if is_permissive(licence):
            return
        if licence is None:
            raise LicenceError(
                f"the licence of {backend} is not known, and only permissive ones are accepted "
                "(VIZION3D_LICENCES=permissive). If you know it, say so: --licence-of "
                f"{backend}=Apache-2.0, or VIZION3D_LICENCE_OF; accepted are "
                f"{', '.join(sorted(PERMISSIVE))}"
            )
        instead = f"; permissive ones near its size: {_nearest(release)}" if release else ""
        raise LicenceError(
            f"the weights {backend} are licensed {licence}, which does not allow every use, and "
            f"only permissive licences are accepted (VIZION3D_LICENCES=permissive){instead}"
        )

    def _told_of(self, backend: str, location: Path) -> str | None:
        for line in self.told:
            file, _, licence = line.rpartition("=")
            if file == backend or Path(file).expanduser().resolve() == location.resolve():
                return licence or None
        return None


def _nearest(release: Release) -> str:
    """Releases that may be used in its place, the nearest in size first."""

    def distance(other: Release) -> tuple[bool, float]:
        ratio = math.log(other.parameters / release.parameters)
        in_metres = other.depth_kind == "metric", release.depth_kind == "metric"
        return in_metres[0] != in_metres[1], abs(ratio)

    of_a_pair = release.depth_kind == "disparity"
    others = [
        other
        for other in RELEASES
        if is_permissive(other.licence) and (other.depth_kind == "disparity") == of_a_pair
    ]
    by_size = sorted(others, key=distance)[:_NAMED]
    return ", ".join(f"{o.name} ({o.parameters / 1e6:.0f} M weights, {o.licence})" for o in by_size)


_notice_lock = threading.Lock()
_noticed: set[str] = set()
"""Licences that this process has logged already."""


def notice_licence(release: Release) -> None:
    """Log under which licence weights are used, each licence once in a process."""
    with _notice_lock:
        if release.licence in _noticed:
            return
        _noticed.add(release.licence)
    limits = "" if release.licence == APACHE else " (no commercial use)"
    logger.info("the weights %s are licensed %s%s", release.name, release.licence, limits)


def forget_notices() -> None:
    """Log every licence once more."""
    with _notice_lock:
        _noticed.clear()
