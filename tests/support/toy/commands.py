"""What can be asked, and what is answered."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, Field

from vizion3d.core.cqrs import Command
from vizion3d.core.validation import ValidatedModel
from vizion3d.media.images import ImageInput


class DifferenceConfig(ValidatedModel):
    """How the difference is weighted."""

    model_config = ConfigDict(extra="forbid")

    gain: float = Field(1.0, gt=0, le=100, description="Factor of the difference.")


@dataclass(frozen=True, eq=False)
class DifferenceResult:
    """Absolute difference of the grey values, float32 ``(H, W)``, and its mean."""

    difference: NDArray[np.float32]
    mean: float

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, DifferenceResult)
            and np.array_equal(self.difference, other.difference)
            and self.mean == other.mean
        )


@dataclass
class DifferenceCommand(Command[DifferenceResult]):
    """Compare two photos of one size."""

    client_adapter: ClassVar[str] = "tests.support.toy.client:EXCHANGE"

    first: ImageInput
    second: ImageInput
    model_backend: str = "grey"
    config: DifferenceConfig = field(default_factory=DifferenceConfig)
