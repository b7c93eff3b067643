"""What a network says of itself. Everything here is free of torch.

A folder beside this module is a *family*: one architecture in several sizes. It brings

* an object with a name, a title and ``recognise`` (:class:`Family`), which looks at the names and
  shapes of a file's tensors and answers with the network that they are, or with what is missing;
* the network's description (:class:`Network`): recipe, inputs, outputs, and how to build it.

The list in :mod:`vizion3d.networks.registry` is all that another family touches. Runtimes,
conversions, the cache and the queue read descriptions and know no network by name.
"""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar, Protocol

from vizion3d.core.arrays import Float32Array
from vizion3d.networks.recipe import MIN_INPUT_SIZE, HostResize, Recipe, Size

if TYPE_CHECKING:
    from torch import Tensor, nn

    from vizion3d.networks.graph import GraphParts

__all__ = [
    "MIN_INPUT_SIZE",
    "Family",
    "Header",
    "HostResize",
    "Int8",
    "Meaning",
    "MismatchError",
    "Network",
    "Output",
    "Recipe",
    "Shapes",
    "Size",
]

Shapes = Mapping[str, tuple[int, ...]]


class Meaning(StrEnum):
    """What the numbers of an output are."""

    INVERSE_DEPTH = "inverse depth"
    """Inverse depth up to scale and shift: higher = closer, no unit."""
    DEPTH = "depth up to scale"
    """Depth up to a factor: higher = farther, no unit."""
    METRES = "metres"
    """Depth along the optical axis, in metres."""
    METRES_PER_FOCAL_PX = "metres per pixel of focal length"
    """Depth in metres divided by the focal length in pixels of the image that was handed in."""
    DISPARITY_PX = "disparity"
    """Disparity of the left image against the right one, in pixels of the image handed in."""
    SKY = "sky"
    """Higher = more certainly sky; 0.3 and above is sky (Depth Anything 3)."""
    CONFIDENCE = "confidence"
    """Higher = more certain; the network's documentation says in what."""
    FIELD_OF_VIEW_RAD = "field of view"
    """Vertical and horizontal field of view, in radians: ``(N, 2)``, no map."""

    @property
    def is_map(self) -> bool:
        """Whether it has one number a pixel, ``(N, H, W)``; else a vector an image, ``(N, K)``."""
        return self is not Meaning.FIELD_OF_VIEW_RAD

    def factor(self, network_width_px: int, image_width_px: int) -> float:
        """By what a value is multiplied when its map is resized from the network's width."""
        if self is Meaning.DISPARITY_PX:
            return image_width_px / network_width_px
        if self is Meaning.METRES_PER_FOCAL_PX:  # the focal length is that of the resized image
            return network_width_px / image_width_px
        return 1.0


@dataclass(frozen=True)
class Output:
    """One output of a network.

    Attributes:
        name: The key in what a runtime answers.
        meaning: What the numbers are.
        max_m: Range of an output in metres, where the network has one.
    """

    name: str
    meaning: Meaning
    max_m: float | None = None


@dataclass(frozen=True)
class Int8:
    """How a network of attention and one image is quantized.

    Attributes:
        floating: Regular expressions for the parts that stay in floating point, by the names of
            the modules that their operations were traced from.
    """

    floating: tuple[str, ...]


class Network(ABC):
    """One network: a family in certain sizes, as a checkpoint holds it.

    Subclasses are frozen dataclasses of plain values, so that equal networks are equal keys.

    Attributes:
        family: Name of the family: ``"depth_anything_v2"``.
        title: Its name for people: ``"Depth Anything V2"``.
        inputs: Names of the images that go in, in the order of the module's arguments:
            ``("image",)``, or ``("left", "right")``.
        int8: How it is quantized; ``None`` where int8 is not offered.
    """

    family: ClassVar[str]
    title: ClassVar[str]
    inputs: ClassVar[tuple[str, ...]] = ("image",)
    int8: ClassVar[Int8 | None] = None

    @property
    @abstractmethod
    def variant(self) -> str:
        """Its size, in a word: ``"vits"``."""

    @property
    @abstractmethod
    def recipe(self) -> Recipe:
        """How images become inputs."""

    @property
    @abstractmethod
    def outputs(self) -> tuple[Output, ...]:
        """What comes out, in the order in which the module returns it."""

    @property
    def float32_parts(self) -> tuple[str, ...]:
        """Names of submodules that torch computes in float32 at every precision; the module casts
        what it hands to them. OpenVINO decides by itself what a lower precision leaves alone."""
        return ()

    @abstractmethod
    def build(self, tensors: "Mapping[str, Tensor]") -> "nn.Module":
        """The module with a checkpoint's weights, float32, on the CPU, in evaluation mode.

        Its ``forward(*inputs, *extras)`` takes one float32 tensor ``(N, 3, h, w)`` an input, then
        what :meth:`extras` gives, and returns a tensor, or a tuple of them for several outputs:
        maps ``(N, h, w)`` and vectors ``(N, K)``. It can be traced: apart from ``extras`` nothing
        depends on the input's size but through shapes.

        Args:
            tensors: The file's floating-point tensors, by name.

        Raises:
            MismatchError: They are not exactly the network's
                (:func:`vizion3d.networks.strict.fill` checks it).
        """

    def constants(self, tensors: "Mapping[str, Tensor]") -> dict[str, Float32Array]:
        """What :meth:`extras` needs of the weights. Kept beside a converted network."""
        del tensors
        return {}

    def extras(self, constants: Mapping[str, Float32Array], size: Size) -> tuple[Float32Array, ...]:
        """Further inputs, which depend on the input's size in more than shapes: handed in, so that
        one conversion serves every size. Computed without torch; runtimes keep them by size.

        Args:
            constants: What :meth:`constants` gave.
            size: ``(height, width)`` of the network's input, in pixels.
        """
        del constants, size
        return ()

    def graph_parts(self, constants: Mapping[str, Float32Array]) -> "GraphParts | None":
        """The recipe and :meth:`extras` in torch's operators, for files that hold them inside and
        take any size; ``None`` where nobody has written them: a file is then for one size.

        Args:
            constants: What :meth:`constants` gave.
        """
        del constants
        return None

    def output(self, *meanings: Meaning) -> Output | None:
        """The first output that means one of ``meanings``."""
        return next((o for o in self.outputs if o.meaning in meanings), None)

    @property
    def key(self) -> str:
        """Tells apart what the same weights may be built into; the same in every process."""
        return hashlib.sha256(f"{self.family} {self!r}".encode()).hexdigest()[:8]


@dataclass(frozen=True)
class Header:
    """What is known of a checkpoint without reading its weights.

    Attributes:
        shapes: Tensor name -> shape.
        metadata: What a safetensors file says of itself.
        max_depth_m: Range of a metric checkpoint in metres, by its official name or by the note
            beside it (``<file>.json``); ``None`` where neither tells one.
        names: What else the checkpoint is called, the surest first: its name in the catalogue,
            ``model_name`` of a ``config.json`` beside it, the names of the file and of its folder.
            For networks whose tensors do not tell them apart.
    """

    shapes: Shapes
    metadata: Mapping[str, str] = field(default_factory=dict)
    max_depth_m: float | None = None
    names: tuple[str, ...] = ()


class MismatchError(Exception):
    """Tensors that are not those of a network.

    Args:
        *reasons: What is missing or wrong, each as the end of a sentence that begins with "it".
    """

    def __init__(self, *reasons: str) -> None:
        super().__init__("; it ".join(reasons))


class Family(Protocol):
    """An architecture in several sizes."""

    @property
    def title(self) -> str:
        """Its name for people: ``"Depth Anything V2"``."""

    @property
    def input_size(self) -> int | None:
        """The side in pixels at which it sees images if nobody wishes another; ``None``: it runs
        nothing, or each of its networks has its own."""

    def recognise(self, header: Header) -> Network:
        """The network that a checkpoint holds.

        Raises:
            MismatchError: It holds none of this family.
        """
        ...
