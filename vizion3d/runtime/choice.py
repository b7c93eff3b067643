"""Which runtime a checkpoint is loaded into."""

import importlib.util
from typing import Literal

from vizion3d.checkpoints.store import Checkpoint
from vizion3d.errors import InvalidConfigError
from vizion3d.runtime.base import Runtime, RuntimeLoader
from vizion3d.runtime.conversions import ConversionStore
from vizion3d.runtime.devices import may_have_gpu, require_torch
from vizion3d.settings import Precision, Settings

Framework = Literal["torch", "openvino", "onnxruntime"]


def runtime_loader(
    settings: Settings, conversions: ConversionStore, precision: Precision | None = None
) -> RuntimeLoader:
    """What loads a checkpoint into the runtime that the settings ask for.

    Args:
        settings: Framework, device and precision.
        conversions: Finds or makes converted networks.
        precision: In place of that of the settings.
    """
    wanted = precision or settings.precision

    def load(checkpoint: Checkpoint) -> Runtime:
        framework = choose_framework(settings)
        if framework == "onnxruntime":
            from vizion3d.runtime.onnx_runtime import OnnxRuntime

            return OnnxRuntime(checkpoint, conversions)
        if framework == "openvino":
            from vizion3d.runtime.openvino_runtime import OpenVinoRuntime

            return OpenVinoRuntime(checkpoint, conversions, wanted)
        require_torch(checkpoint.path)
        from vizion3d.runtime.torch_runtime import TorchRuntime

        return TorchRuntime(checkpoint, settings.device, wanted)

    return load


def choose_framework(settings: Settings) -> Framework:
    """torch where a GPU is used, OpenVINO on a CPU if it is installed, else torch.

    Raises:
        InvalidConfigError: OpenVINO or onnxruntime is asked for where it cannot be, or a precision
            that it does not have.
    """
    if settings.runtime == "onnxruntime":
        return _on_onnxruntime(settings)
    framework = _framework(settings)
    if settings.precision == "int8" and framework == "torch":
        raise InvalidConfigError(
            "precision int8 is for OpenVINO on a CPU, and torch runs the network here: with "
            f"VIZION3D_RUNTIME={settings.runtime}, VIZION3D_DEVICE={settings.device}, and OpenVINO "
            f"{'' if _openvino_is_here() else 'not '}installed; set VIZION3D_DEVICE=cpu and "
            "VIZION3D_RUNTIME=openvino, or ask for another precision"
        )
    return framework


def _openvino_is_here() -> bool:
    return importlib.util.find_spec("openvino") is not None


def _on_onnxruntime(settings: Settings) -> Framework:
    if settings.device not in ("auto", "cpu") or settings.precision not in ("auto", "fp32"):
        raise InvalidConfigError(
            "VIZION3D_RUNTIME=onnxruntime runs the network on the CPU in fp32, not on device "
            f"{settings.device!r} in precision {settings.precision!r}; leave both at auto"
        )
    return "onnxruntime"


def _framework(settings: Settings) -> Framework:
    installed = _openvino_is_here()
    if settings.runtime == "openvino":
        if not installed or settings.device not in ("auto", "cpu"):
            reason = "runs on the CPU only" if installed else "is not installed"
            raise InvalidConfigError(
                f"VIZION3D_RUNTIME=openvino with device {settings.device!r}: OpenVINO {reason}"
            )
        return "openvino"
    if settings.runtime == "torch" or not installed or settings.device not in ("auto", "cpu"):
        return "torch"
    return "torch" if settings.device == "auto" and _has_gpu() else "openvino"


GPU_BATCH_SIZE = 8


def default_batch_size(settings: Settings) -> int:
    """Images that pay to go through the network together: several on a GPU, one on a CPU.

    Raises:
        InvalidConfigError: A device that this machine does not have.
    """
    if choose_framework(settings) != "torch" or settings.device == "cpu":
        return 1
    if settings.device == "auto":
        return GPU_BATCH_SIZE if _has_gpu() else 1
    from vizion3d.runtime.torch_runtime import choose_device

    choose_device(settings.device)
    return GPU_BATCH_SIZE


def _has_gpu() -> bool:
    """Whether torch sees a GPU; asked without importing torch where the system has none."""
    if not may_have_gpu() or importlib.util.find_spec("torch") is None:
        return False
    from vizion3d.runtime.torch_runtime import choose_device

    return choose_device("auto").type != "cpu"
