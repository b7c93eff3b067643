"""A network's encoder in 8 bits, weights and activations: post-training quantization by NNCF.

NNCF runs in a process of its own (``python -m vizion3d.runtime.int8 FOLDER``): imported, it
changes the program's loggers, writes on its standard output, and reports to its makers.
"""

import importlib.util
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from vizion3d.core.arrays import Float32Array, UInt8Array
from vizion3d.errors import CheckpointError, MissingDependencyError
from vizion3d.networks.depth_anything_v2.positions import resample_positions
from vizion3d.networks.depth_anything_v2.recipe import MEAN, PATCH_SIZE, STD
from vizion3d.runtime.calibration import SIZE_PX, calibration_images
from vizion3d.runtime.openvino_library import core, ov

_MODEL, _POSITIONS, _QUANTIZED = "model.xml", "positions.npy", "quantized.xml"

_HEAD = ".*depth_head.*"
"""Its operations, by the names of the modules that they were traced from. In 8 bits, too, they
would cost a third of the depth's delta-1."""
_ATTENTION = "ScaledDotProductAttention"
"""No faster in 8 bits: OpenVINO computes it in floating point."""


def require_nncf() -> None:
    """Look for NNCF.

    Raises:
        MissingDependencyError: It is not installed.
    """
    if importlib.util.find_spec("nncf") is None:
        raise MissingDependencyError(
            "precision int8 needs NNCF to convert a checkpoint, and it is not installed: "
            "pip install 'vizion3d[int8]'"
        )


def quantize(model: Any, positions: Float32Array) -> Any:
    """The model with its encoder in 8 bits, its ranges taken from images that are made for it.

    Args:
        model: ``openvino.Model``, as the conversion makes it.
        positions: The stored positional embedding, ``(1, 1 + grid**2, C)``.

    NNCF must be there: see :func:`require_nncf`.

    Raises:
        CheckpointError: NNCF failed; with what it said.
    """
    with tempfile.TemporaryDirectory(prefix="vizion3d-int8-") as name:
        folder = Path(name)
        ov.save_model(model, folder / _MODEL, compress_to_fp16=False)
        np.save(folder / _POSITIONS, positions)
        run = subprocess.run(  # noqa: S603 (this very module)
            [sys.executable, "-m", __name__, folder],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=False,
        )
        if run.returncode:
            *_, told = [f"exit status {run.returncode}", *run.stderr.strip().splitlines()]
            raise CheckpointError(
                f"the checkpoint cannot be converted to int8 ({told}): ask for another precision"
            )
        # Read, not mapped: the folder goes.
        return core.read_model(folder / _QUANTIZED, config={"ENABLE_MMAP": False})


def _quantize_in(folder: Path) -> None:
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]  # not to be found
    import nncf
    from nncf.quantization.advanced_parameters import (
        AdvancedQuantizationParameters,
        AdvancedSmoothQuantParameters,
        OverflowFix,
    )
    from nncf.quantization.range_estimator import RangeEstimatorParametersSet

    patches = SIZE_PX // PATCH_SIZE
    embedding = resample_positions(np.load(folder / _POSITIONS), patches, patches)
    inputs = [[_normalised(image), embedding] for image in calibration_images()]
    quantized = nncf.quantize(
        core.read_model(folder / _MODEL),
        nncf.Dataset(inputs),
        model_type=nncf.ModelType.TRANSFORMER,
        subset_size=len(inputs),
        ignored_scope=nncf.IgnoredScope(patterns=[_HEAD], types=[_ATTENTION]),
        advanced_parameters=AdvancedQuantizationParameters(
            # Without VNNI, sums of products of 8 bits overflow 16: weights of 7 bits do not.
            overflow_fix=OverflowFix.ENABLE,
            # Nothing that the images span is clipped; SmoothQuant (arXiv:2211.10438) shares the
            # outliers of the activations out between them and the weights by halves.
            activations_range_estimator_params=RangeEstimatorParametersSet.MINMAX,
            smooth_quant_alphas=AdvancedSmoothQuantParameters(matmul=0.5),
        ),
    )
    ov.save_model(quantized, folder / _QUANTIZED, compress_to_fp16=False)


def _normalised(image: UInt8Array) -> Float32Array:
    mean, std = (np.array(v, np.float32).reshape(1, 3, 1, 1) for v in (MEAN, STD))
    scaled = np.divide(image.transpose(2, 0, 1)[None], 255, dtype=np.float32)
    return (scaled - mean) / std


if __name__ == "__main__":
    _quantize_in(Path(sys.argv[1]))
