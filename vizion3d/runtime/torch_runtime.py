"""The network on torch: CUDA, MPS or CPU."""

from contextlib import AbstractContextManager, nullcontext
from functools import cache, lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from vizion3d.checkpoints.store import Checkpoint
from vizion3d.core.arrays import Float32Array, UInt8Array
from vizion3d.errors import InvalidConfigError
from vizion3d.networks.depth_anything_v2.recipe import MEAN, PATCH_SIZE, STD
from vizion3d.networks.depth_anything_v2.weights import load_network
from vizion3d.settings import Precision

_KEPT_SIZES = 8
"""Input sizes whose positional embedding is kept: a few megabytes each."""

_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def choose_device(wanted: str) -> torch.device:
    """``auto`` -> CUDA, else MPS, else CPU; anything else as it says.

    Raises:
        InvalidConfigError: A device that this machine or this build of torch does not have.
    """
    if wanted == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    device = torch.device(wanted)
    here = {
        "cpu": 1,
        "cuda": torch.cuda.device_count() if torch.cuda.is_available() else 0,
        "mps": int(torch.backends.mps.is_available()),
    }[device.type]
    if (device.index or 0) >= here:
        raise InvalidConfigError(
            f"device {wanted!r} is not available here ({here} {device.type} devices); "
            "use --device auto or VIZION3D_DEVICE=auto"
        )
    return device


def prepare(images: Tensor, size: tuple[int, int]) -> Tensor:
    """uint8 RGB ``(N, H, W, 3)`` -> normalised float32 ``(N, 3, *size)``, as the recipe says.

    torch's bicubic has a = -0.75 and half-pixel centres, as OpenCV's has.
    """
    scaled = images.permute(0, 3, 1, 2).float().div_(255.0)
    resized = F.interpolate(scaled, size=size, mode="bicubic", align_corners=False)
    mean, std = _statistics(images.device)
    return (resized - mean) / std


@cache
@torch.inference_mode(False)
def _statistics(device: torch.device) -> tuple[Tensor, Tensor]:
    """Mean and deviation on the device; copied once, because each copy would wait for the GPU."""
    mean, std = (torch.tensor(v, device=device).view(1, 3, 1, 1) for v in (MEAN, STD))
    return mean, std


class TorchRuntime:
    """A checkpoint loaded into torch.

    Args:
        checkpoint: The checkpoint file.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:<n>`` or ``mps``.
        precision: Of weights and arithmetic; ``auto`` is fp16 on CUDA and fp32 elsewhere. The
            recipe around the network stays in float32.

    Raises:
        CheckpointError: The file is not a Depth Anything V2 checkpoint.
        InvalidConfigError: The device is not available.
    """

    def __init__(
        self, checkpoint: Checkpoint, device: str = "auto", precision: Precision = "auto"
    ) -> None:
        self._device = choose_device(device)
        if precision == "auto":
            precision = "fp16" if self._device.type == "cuda" else "fp32"
        self._dtype = _DTYPES[precision]
        network = load_network(checkpoint.path, checkpoint.max_depth_m)
        # The convolutions of the head run faster on channels-last weights and maps.
        self._network = network.to(self._device, self._dtype).to(
            memory_format=torch.channels_last  # type: ignore[call-overload]  # torch's stub lacks it
        )
        self._positions_for = lru_cache(maxsize=_KEPT_SIZES)(
            self._network.pretrained.positional_embedding
        )
        self.description = f"torch {self._device} {precision}"

    @torch.inference_mode()
    def infer(self, images: UInt8Array, size: tuple[int, int]) -> Float32Array:
        """See :meth:`vizion3d.runtime.base.Runtime.infer`."""
        height, width = images.shape[1:3]
        batch = prepare(self._to_device(images), size)
        positions = self._positions_for(size[0] // PATCH_SIZE, size[1] // PATCH_SIZE)
        with self._exact_convolutions():
            depth = self._network.with_positions(
                batch.to(self._dtype, memory_format=torch.channels_last), positions
            )
        resized = F.interpolate(
            depth.float()[:, None], size=(height, width), mode="bilinear", align_corners=True
        )
        return self._to_host(resized[:, 0])

    def _to_device(self, images: UInt8Array) -> Tensor:
        tensor = torch.from_numpy(images)
        if self._device.type != "cuda":
            return tensor.to(self._device)
        # Pinned, so that the copy is one transfer that this thread need not wait for.
        return tensor.pin_memory().to(self._device, non_blocking=True)

    def _to_host(self, depth: Tensor) -> Float32Array:
        if self._device.type != "cuda":
            return depth.cpu().numpy()
        pinned = torch.empty(depth.shape, dtype=depth.dtype, pin_memory=True)
        pinned.copy_(depth, non_blocking=True)
        torch.cuda.current_stream(self._device).synchronize()  # the only wait of a batch
        return pinned.numpy().copy()  # pinned memory is scarce, and goes to the next batch

    def _exact_convolutions(self) -> AbstractContextManager[None]:
        """fp32 is to be fp32: cuDNN would convolve it in TF32, with a mantissa of 10 bits."""
        if self._device.type != "cuda" or self._dtype != torch.float32:
            return nullcontext()
        return torch.backends.cudnn.flags(enabled=True, allow_tf32=False)
