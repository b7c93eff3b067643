"""What is known of the released Depth Anything V2 checkpoints, and of our own in the package.

Addresses are those of the official repository's README; sizes and SHA-256 digests are those of the
files' LFS records, where known. Licences: the official repository puts Small under Apache-2.0 and
Base, Large and Giant under CC-BY-NC-4.0; a metric model follows the model it was tuned from.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vizion3d.checkpoints.urls import file_name_of

DEFAULT_DEPTH_MODEL_URL = (
    "https://github.com/OlafenwaMoses/vizion3D/releases/download/"
    "essentials-v1/depth_anything_v2_vitb.pth"
)

APACHE = "Apache-2.0"
NON_COMMERCIAL = "CC-BY-NC-4.0"

Variant = Literal["vit-192x12", "vits", "vitb", "vitl"]

_PARAMETERS: dict[Variant, int] = {
    "vit-192x12": 6_404_993,
    "vits": 24_785_089,
    "vitb": 97_470_785,
    "vitl": 335_315_649,
}
_OFFICIAL_NAMES: dict[Variant, str] = {"vits": "Small", "vitb": "Base", "vitl": "Large"}
_METRIC = {"indoor": ("Hypersim", 20.0), "outdoor": ("VKITTI", 80.0)}


@dataclass(frozen=True)
class Release:
    """One released checkpoint.

    Attributes:
        name: What a user may write for it.
        source: Where it is downloaded from; the file itself, if it is part of the package.
        variant: Its encoder.
        licence: SPDX identifier of the weights' licence.
        max_depth_m: Range of a metric checkpoint in metres; ``None`` for a relative one.
        size_bytes: Size of the file, where known.
        sha256: Digest of the file, where known.
    """

    name: str
    source: str | Path
    variant: Variant
    max_depth_m: float | None = None
    size_bytes: int | None = None
    sha256: str | None = None

    @property
    def url(self) -> str | None:
        return None if isinstance(self.source, Path) else self.source

    @property
    def licence(self) -> str:
        return NON_COMMERCIAL if self.variant in ("vitb", "vitl") else APACHE

    @property
    def parameters(self) -> int:
        return _PARAMETERS[self.variant]

    @property
    def file_name(self) -> str:
        return self.source.name if isinstance(self.source, Path) else file_name_of(self.source)


def _relative(
    variant: Variant, size_bytes: int | None = None, sha256: str | None = None
) -> Release:
    size = _OFFICIAL_NAMES[variant]
    url = (
        f"https://huggingface.co/depth-anything/Depth-Anything-V2-{size}/resolve/main/"
        f"depth_anything_v2_{variant}.pth"
    )
    return Release(size.lower(), url, variant, None, size_bytes, sha256)


def _metric(scene: str, variant: Variant) -> Release:
    size = _OFFICIAL_NAMES[variant]
    dataset, max_depth_m = _METRIC[scene]
    url = (
        f"https://huggingface.co/depth-anything/Depth-Anything-V2-Metric-{dataset}-{size}/resolve/"
        f"main/depth_anything_v2_metric_{dataset.lower()}_{variant}.pth"
    )
    return Release(f"metric-{scene}-{size.lower()}", url, variant, max_depth_m)


RELEASES: tuple[Release, ...] = (
    Release("default", DEFAULT_DEPTH_MODEL_URL, "vitb"),
    Release("nano", Path(__file__).with_name("nano.safetensors"), "vit-192x12"),
    _relative(
        "vits",
        99_218_434,
        "715fade13be8f229f8a70cc02066f656f2423a59effd0579197bbf57860e1378",
    ),
    _relative("vitb"),
    _relative(
        "vitl",
        1_341_395_338,
        "a7ea19fa0ed99244e67b624c72b8580b7e9553043245905be58796a608eb9345",
    ),
    *(_metric(scene, variant) for scene in _METRIC for variant in _OFFICIAL_NAMES),
)

BY_NAME = {release.name: release for release in RELEASES}
BY_URL = {release.url: release for release in RELEASES if release.url}
_METRIC_RANGES = {r.file_name: r.max_depth_m for r in RELEASES if r.max_depth_m is not None}


def metric_range_m(file_name: str) -> float | None:
    """Range in metres of the released metric checkpoint of that file name, else ``None``."""
    return _METRIC_RANGES.get(file_name)
