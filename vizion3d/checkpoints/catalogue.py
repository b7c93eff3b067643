"""What is known of the released checkpoints, and of our own in the package.

Addresses are those of the official repositories' READMEs; sizes and SHA-256 digests are those of
the files' LFS records, where known.

Licences of the weights, each as its authors state it at ``licence_source``. Depth Anything V2:
Small is under Apache-2.0, Base, Large and Giant under CC-BY-NC-4.0, and a metric model follows the
model it was tuned from. Depth Anything 3: the models listed here are under Apache-2.0. Lite Any
Stereo V2: the repository, which the weights belong to, is under the MIT licence.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from vizion3d.checkpoints.urls import file_name_of
from vizion3d.geometry.depth import DepthKind, ModelKind

DEFAULT_DEPTH_MODEL_URL = (
    "https://github.com/OlafenwaMoses/vizion3D/releases/download/"
    "essentials-v1/depth_anything_v2_vitb.pth"
)
DEFAULT_STEREO_MODEL = "sgbm"
"""Semi-global matching: no weights to download."""

APACHE = "Apache-2.0"
MIT = "MIT"
NON_COMMERCIAL = "CC-BY-NC-4.0"

PERMISSIVE = frozenset({APACHE, MIT, "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "CC-BY-4.0", "ISC"})
"""SPDX identifiers of licences under which weights may be used commercially."""

_PARAMETERS = {
    "vits": 24_785_089,
    "vitb": 97_470_785,
    "vitl": 335_315_649,
}
_OFFICIAL_NAMES = {"vits": "Small", "vitb": "Base", "vitl": "Large"}
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


def is_permissive(licence: str | None) -> bool:
    """Whether weights under a licence, an SPDX identifier, may be used commercially."""
    return licence in PERMISSIVE


@dataclass(frozen=True)
class Release:
    """One released checkpoint.

    Attributes:
        name: What a user may write for it.
        source: Where it is downloaded from; the file itself, if it is part of the package.
        network: Title of the family of networks that it belongs to.
        variant: Its encoder, or its size.
        parameters: Number of weights in the file.
        licence: SPDX identifier of the weights' licence.
        licence_source: Where the licence is stated.
        depth_kind: What it estimates.
        max_depth_m: Range of a metric checkpoint in metres, where it has one.
        size_bytes: Size of the file, where known.
        sha256: Digest of the file, where known.
    """

    name: str
    source: str | Path
    network: str
    variant: str
    parameters: int
    licence: str
    licence_source: str
    depth_kind: ModelKind = "relative"
    max_depth_m: float | None = None
    size_bytes: int | None = None
    sha256: str | None = None

    @property
    def url(self) -> str | None:
        """Where it is downloaded from; ``None`` for a file of the package."""
        return None if isinstance(self.source, Path) else self.source

    @property
    def about_bytes(self) -> int:
        """Size of the file; where it is not known, that of its weights in float32."""
        return self.size_bytes or 4 * self.parameters

    @cached_property  # asked of every release at every request
    def file_name(self) -> str:
        """Name of the file, as its source has it."""
        return self.source.name if isinstance(self.source, Path) else file_name_of(self.source)


_V2 = "Depth Anything V2"
_V2_LICENCES = "https://github.com/DepthAnything/Depth-Anything-V2#license"
_V3_LICENCES = "https://github.com/ByteDance-Seed/Depth-Anything-3#%EF%B8%8F-model-cards"
_STEREO_LICENCE = "https://github.com/TomTomTommi/LiteAnyStereo/blob/main/LICENSE"
_OWN_LICENCE = "https://github.com/OlafenwaMoses/vizion3D/blob/main/LICENSE"


def _v2_licence(variant: str) -> str:
    return APACHE if variant == "vits" else NON_COMMERCIAL


def _relative(variant: str) -> Release:
    size = _OFFICIAL_NAMES[variant]
    size_bytes, sha256 = _FILES[size.lower()]
    return Release(
        size.lower(),
        f"https://huggingface.co/depth-anything/Depth-Anything-V2-{size}/resolve/main/"
        f"depth_anything_v2_{variant}.pth",
        _V2,
        variant,
        _PARAMETERS[variant],
        _v2_licence(variant),
        _V2_LICENCES,
        size_bytes=size_bytes,
        sha256=sha256,
    )


def _metric(scene: str, variant: str) -> Release:
    size = _OFFICIAL_NAMES[variant]
    dataset, max_depth_m = _METRIC[scene]
    name = f"metric-{scene}-{size.lower()}"
    return Release(
        name,
        f"https://huggingface.co/depth-anything/Depth-Anything-V2-Metric-{dataset}-{size}/resolve/"
        f"main/depth_anything_v2_metric_{dataset.lower()}_{variant}.pth",
        _V2,
        variant,
        _PARAMETERS[variant],
        _v2_licence(variant),
        _V2_LICENCES,
        "metric",
        max_depth_m,
        *_FILES[name],
    )


def _v3(name: str, variant: str, parameters: int, depth_kind: DepthKind) -> Release:
    source = f"https://huggingface.co/depth-anything/{name.upper()}/resolve/main/model.safetensors"
    title = "Depth Anything 3"
    return Release(
        name, source, title, variant, parameters, APACHE, _V3_LICENCES, depth_kind=depth_kind
    )


def _stereo(size: str, parameters: int) -> Release:
    return Release(
        f"las2-{size}",
        f"https://huggingface.co/tomtomtommi/LiteAnyStereoV2/resolve/main/LAS2_{size.upper()}.pth",
        "Lite Any Stereo V2",
        f"las2-{size}",
        parameters,
        MIT,
        _STEREO_LICENCE,
        depth_kind="disparity",
    )


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


METHODS = {
    DEFAULT_STEREO_MODEL: Method(DEFAULT_STEREO_MODEL, "semi-global matching", "cv2", APACHE)
}

RELEASES: tuple[Release, ...] = (
    Release(
        "default",
        DEFAULT_DEPTH_MODEL_URL,
        _V2,
        "vitb",
        _PARAMETERS["vitb"],
        NON_COMMERCIAL,
        _V2_LICENCES,
    ),
    Release(
        "nano",
        Path(__file__).with_name("nano.safetensors"),
        "nano",
        "lite2",
        6_619_657,
        APACHE,
        _OWN_LICENCE,
    ),
    *(_relative(variant) for variant in _OFFICIAL_NAMES),
    *(_metric(scene, variant) for scene in _METRIC for variant in _OFFICIAL_NAMES),
    _v3("da3-small", "vits", 34_299_655, "up_to_scale"),
    _v3("da3-base", "vitb", 135_366_791, "up_to_scale"),
    _v3("da3mono-large", "vitl", 334_171_394, "up_to_scale"),
    _v3("da3metric-large", "vitl", 334_171_394, "metric"),
    _stereo("s", 6_061_428),
    _stereo("m", 10_430_244),
    _stereo("l", 27_243_108),
    _stereo("h", 11_619_583),
)

BY_NAME = {release.name: release for release in RELEASES}
BY_URL = {release.url: release for release in RELEASES if release.url}
_METRIC_RANGES = {r.file_name: r.max_depth_m for r in RELEASES if r.max_depth_m is not None}


def metric_range_m(file_name: str) -> float | None:
    """Range in metres of the released metric checkpoint of that file name, else ``None``."""
    return _METRIC_RANGES.get(file_name)
