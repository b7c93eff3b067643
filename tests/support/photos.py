"""Real photos with clear terms, from the data that scikit-image and scikit-learn ship."""

from typing import cast

import numpy as np
from numpy.typing import NDArray

UInt8Array = NDArray[np.uint8]


def coffee() -> UInt8Array:
    """400 x 600, CC0 (Rachel Michetti)."""
    from skimage import data

    return cast(UInt8Array, data.coffee())


def astronaut() -> UInt8Array:
    """512 x 512, public domain (NASA)."""
    from skimage import data

    return cast(UInt8Array, data.astronaut())


def motorcycle() -> UInt8Array:
    """500 x 741, left image of the Middlebury 2014 stereo pair."""
    from skimage import data

    return cast(UInt8Array, data.stereo_motorcycle()[0])


def china() -> UInt8Array:
    """427 x 640, CC BY 2.0 (Rob Wakefield)."""
    from sklearn.datasets import load_sample_image

    return cast(UInt8Array, load_sample_image("china.jpg"))
