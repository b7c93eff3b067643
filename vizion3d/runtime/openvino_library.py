"""OpenVINO, imported so that it reports to nobody.

Importing it, and converting with it, tells its makers over the network unless the user has opted
out in a file of theirs. Without its telemetry package it falls back to a stub of its own: that is
what it is shown here, unless the program has imported OpenVINO before us.
"""

import hashlib
import sys
from typing import Any

from vizion3d.settings import Precision


def _import_silently() -> Any:
    hidden = not {"openvino", "openvino_telemetry"} & sys.modules.keys()
    if hidden:
        sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]  # not to be found
    try:
        import openvino
        import openvino.opset13
    finally:
        if hidden:
            sys.modules.pop("openvino_telemetry", None)
    return openvino


ov = _import_silently()
ops = ov.opset13

core = ov.Core()
"""The process's own; compiled models come and go with the runtimes."""

_ELEMENT_TYPES = {"fp32": "f32", "bf16": "bf16", "fp16": "f16"}


def best_precision() -> Precision:
    """bf16 where the CPU computes in it natively (AVX512-BF16, AMX), else fp32."""
    return "bf16" if "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES") else "fp32"


def hints_for(precision: Precision) -> dict[str, str]:
    """What a model is compiled with for a precision: one image as fast as the CPU can.

    What stays in floating point beside int8 is computed in the best precision.
    """
    floating = best_precision() if precision == "int8" else precision
    return {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": _ELEMENT_TYPES[floating],
    }


def fingerprint() -> str:
    """Of what decides whether a compiled model can be used again: OpenVINO's version, the CPU."""
    cpu = (core.get_property("CPU", k) for k in ("FULL_DEVICE_NAME", "OPTIMIZATION_CAPABILITIES"))
    told = repr((ov.get_version(), *cpu))
    return hashlib.sha256(told.encode()).hexdigest()[:8]


def compress_to_half(model: Any) -> None:
    """Store a model's weights in fp16, in place: half the file, finer than bf16 computes."""
    from openvino._offline_transformations import compress_model_transformation

    compress_model_transformation(model)
