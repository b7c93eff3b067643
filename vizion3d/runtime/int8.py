"""A network in 8 bits, weights and activations: post-training quantization by NNCF.

NNCF runs in a process of its own (``python -m vizion3d.runtime.int8 FOLDER``): imported, it
changes the program's loggers, writes on its standard output, and reports to its makers.
"""

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from vizion3d.core.arrays import Float32Array
from vizion3d.errors import CheckpointError, InvalidConfigError, MissingDependencyError
from vizion3d.networks.base import Int8, Network
from vizion3d.runtime.calibration import SIZE_PX, calibration_images
from vizion3d.runtime.openvino_library import core, ov

_MODEL, _INPUTS, _OPTIONS, _QUANTIZED = "model.xml", "inputs.npz", "options.json", "quantized.xml"

_ATTENTION = "ScaledDotProductAttention"
"""No faster in 8 bits: OpenVINO computes it in floating point."""


def require_int8(network: Network) -> Int8:
    """How a network is quantized, if it can be here.

    Raises:
        InvalidConfigError: The network is not made for it.
        MissingDependencyError: NNCF is not installed.
    """
    if network.int8 is None:
        raise InvalidConfigError(
            f"{network.title} is not offered in int8: ask for another precision"
        )
    require_nncf()
    return network.int8


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


def quantize(model: Any, network: Network, constants: Mapping[str, Float32Array]) -> Any:
    """The model in 8 bits, its ranges taken from images that are made for it.

    Args:
        model: ``openvino.Model``, as the conversion makes it.
        network: The network's description: it says what stays in floating point.
        constants: What its extra inputs are computed from.

    NNCF must be there: see :func:`require_int8`.

    Raises:
        CheckpointError: NNCF failed; with what it said.
    """
    with tempfile.TemporaryDirectory(prefix="vizion3d-int8-") as name:
        folder = Path(name)
        ov.save_model(model, folder / _MODEL, compress_to_fp16=False)
        np.savez(folder / _INPUTS, **_inputs(network, constants))  # type: ignore[arg-type]  # stub
        (folder / _OPTIONS).write_text(json.dumps(asdict(require_int8(network))))
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


def _inputs(network: Network, constants: Mapping[str, Float32Array]) -> dict[str, Float32Array]:
    """What goes into the network: ``images``, float32 ``(n, 3, side, side)``, and the extra inputs,
    the same for every image: ``extra0`` ..."""
    recipe = network.recipe
    side = SIZE_PX // recipe.multiple * recipe.multiple
    mean, deviation = (np.array(v, np.float32) for v in (recipe.mean, recipe.deviation))
    views = [image[:side, :side] for image in calibration_images()]
    scaled = (np.divide(views, 255, dtype=np.float32) - mean) / deviation
    extras = network.extras(constants, (side, side))
    return {
        "images": scaled.transpose(0, 3, 1, 2),
        **{f"extra{n}": extra for n, extra in enumerate(extras)},
    }


def _quantize_in(folder: Path) -> None:
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]  # not to be found
    import nncf
    from nncf.quantization.advanced_parameters import (
        AdvancedQuantizationParameters,
        AdvancedSmoothQuantParameters,
        OverflowFix,
    )
    from nncf.quantization.range_estimator import RangeEstimatorParametersSet

    options = json.loads((folder / _OPTIONS).read_text())
    with np.load(folder / _INPUTS) as kept:
        extras = [kept[name] for name in kept.files if name != "images"]
        inputs = [[image[None], *extras] for image in kept["images"]]
    quantized = nncf.quantize(
        core.read_model(folder / _MODEL),
        nncf.Dataset(inputs),
        model_type=nncf.ModelType.TRANSFORMER,
        subset_size=len(inputs),
        ignored_scope=nncf.IgnoredScope(patterns=options["floating"], types=[_ATTENTION]),
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


if __name__ == "__main__":
    _quantize_in(Path(sys.argv[1]))
