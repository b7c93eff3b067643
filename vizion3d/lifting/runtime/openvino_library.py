"""OpenVINO, imported so that it reports to nobody.

Importing it, and converting with it, tells its makers over the network unless the user has opted
out in a file of theirs. Without its telemetry package it falls back to a stub of its own: that is
what it is shown here, unless the program has imported OpenVINO before us.
"""

import sys
from typing import Any


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
