"""What is known of the released Depth Anything V2 checkpoints, and of our own in the package.

Addresses are those of the official repository's README; sizes and SHA-256 digests are those of the
files' LFS records. Licences: the official repository puts Small under Apache-2.0 and
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

Variant = Literal["lite2", "vits", "vitb", "vitl"]

_PARAMETERS: dict[Variant, int] = {
    "lite2": 5_572_681,
    "vits": 24_785_089,
    "vitb": 97_470_785,
    "vitl": 335_315_649,
}
_OFFICIAL_NAMES: dict[Variant, str] = {"vits": "Small", "vitb": "Base", "vitl": "Large"}
_FILES = {
    # name: size in bytes, SHA-256
    "small": (99_218_434, "715fade13be8f229f8a70cc02066f656f2423a59effd0579197bbf57860e1378"),
    "base": (389_961_218, "0d2b7002e62d39d655571c371333340bd88f67ab95050c03591555aa05645328"),
    "large": (1_341_395_338, "a7ea19fa0ed99244e67b624c72b8580b7e9553043245905be58796a608eb9345"),
    "metric-indoor-small": (
        99_222_290,
        "b782898d8a3e8be1f639de33837ed85e9b4b73e40f8f5e5cd99067588d722545",
    ),
    "metric-indoor-base": (
        389_965_138,
        "9dc9e274c5eff55c6daf27b660c0ced0eca4e8593a6da90cdcb04d2b4d3f3fa2",
    ),
    "metric-indoor-large": (
        1_341_401_882,
        "6f82ff2bc543ac02ddff4aa31fa363676a8305dd3ccf04e80e2af115a044cb6d",
    ),
    "metric-outdoor-small": (
        99_221_808,
        "9203e538d35255c90dda4b7fedb47ff33fe725497bcca3b1e53b3a65ee63f0cb",
    ),
    "metric-outdoor-base": (
        389_964_656,
        "4dad67a7cc10b462bca48e6b8569c762b8eb3c1adada170a3851a6d3ba37bb3e",
    ),
    "metric-outdoor-large": (
        1_341_401_064,
        "239b1054a369e66da2576e9a118d6d7c12d90dc8ebe609579a9a09cd8e05fe38",
    ),
}
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
        """Where it is downloaded from; ``None`` for a file of the package."""
        return None if isinstance(self.source, Path) else self.source

    @property
    def licence(self) -> str:
        """SPDX identifier of the weights' licence."""
        return NON_COMMERCIAL if self.variant in ("vitb", "vitl") else APACHE

    @property
    def parameters(self) -> int:
        """Number of weights."""
        return _PARAMETERS[self.variant]

    @property
    def file_name(self) -> str:
        """Name of the file, as its source has it."""
        return self.source.name if isinstance(self.source, Path) else file_name_of(self.source)


def _relative(variant: Variant) -> Release:
    size = _OFFICIAL_NAMES[variant]
    url = (
        f"https://huggingface.co/depth-anything/Depth-Anything-V2-{size}/resolve/main/"
        f"depth_anything_v2_{variant}.pth"
    )
    return Release(size.lower(), url, variant, None, *_FILES[size.lower()])


def _metric(scene: str, variant: Variant) -> Release:
    size = _OFFICIAL_NAMES[variant]
    dataset, max_depth_m = _METRIC[scene]
    url = (
        f"https://huggingface.co/depth-anything/Depth-Anything-V2-Metric-{dataset}-{size}/resolve/"
        f"main/depth_anything_v2_metric_{dataset.lower()}_{variant}.pth"
    )
    name = f"metric-{scene}-{size.lower()}"
    return Release(name, url, variant, max_depth_m, *_FILES[name])


@dataclass(frozen=True)
class Method:
    """An algorithm that needs no weights: it is named like a model, and there is nothing to load.

    Attributes:
        name: What a user may write for it.
        title: What it is.
        library: Package that does it.
        licence: SPDX identifier of the package's licence.
    """

    name: str
    title: str
    library: str
    licence: str


METHODS = {"sgbm": Method("sgbm", "semi-global matching", "cv2", APACHE)}

RELEASES: tuple[Release, ...] = (
    Release("default", DEFAULT_DEPTH_MODEL_URL, "vitb"),
    Release("nano", Path(__file__).with_name("nano.safetensors"), "lite2"),
    *(_relative(variant) for variant in _OFFICIAL_NAMES),
    *(_metric(scene, variant) for scene in _METRIC for variant in _OFFICIAL_NAMES),
)

BY_NAME = {release.name: release for release in RELEASES}
BY_URL = {release.url: release for release in RELEASES if release.url}
_METRIC_RANGES = {r.file_name: r.max_depth_m for r in RELEASES if r.max_depth_m is not None}


def metric_range_m(file_name: str) -> float | None:
    """Range in metres of the released metric checkpoint of that file name, else ``None``."""
    return _METRIC_RANGES.get(file_name)
