"""The network on torch: CUDA, MPS or CPU."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import cache, lru_cache, partial

import torch
import torch.nn.functional as F
from torch import Tensor

from vizion3d.checkpoints.store import Checkpoint
from vizion3d.checkpoints.weights import load, torch_threads
from vizion3d.core.arrays import Float32Array, UInt8Array
from vizion3d.core.kept_thread import CallersThread, KeptThread, Thread
from vizion3d.errors import InvalidConfigError
from vizion3d.networks.base import Network, Output, Recipe, Size
from vizion3d.runtime.base import KEPT_SIZES, Images, Maps
from vizion3d.runtime.cuda_graphs import KEPT_GRAPHS, Capturer, CudaCapturer, GraphedModule
from vizion3d.runtime.tf32 import ExactConvolutions
from vizion3d.settings import Precision

Channels = tuple[float, float, float]

_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}

_without_tf32 = ExactConvolutions()


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


def prepare(images: Tensor, size: Size, recipe: Recipe) -> Tensor:
    """uint8 RGB ``(N, H, W, 3)`` -> normalised float32 ``(N, 3, *size)``, as the recipe says.

    torch's bicubic has a = -0.75 and half-pixel centres, as OpenCV's has.
    """
    scaled = images.permute(0, 3, 1, 2).float().div_(255.0)
    if scaled.shape[-2:] != size:
        scaled = F.interpolate(scaled, size=size, mode="bicubic", align_corners=False)
    mean, deviation = _statistics(recipe.mean, recipe.deviation, images.device)
    return (scaled - mean) / deviation


@cache
@torch.inference_mode(False)
def _statistics(mean: Channels, deviation: Channels, device: torch.device) -> tuple[Tensor, Tensor]:
    """Both on the device; copied once, because each copy would wait for the GPU."""
    a, b = (torch.tensor(v, device=device).view(1, 3, 1, 1) for v in (mean, deviation))
    return a, b


@cache
def thread_for(device: torch.device) -> Thread:
    """Where a device's networks run: on CUDA in one thread of the process for all of them.

    torch keeps the handles and plans of cuDNN and cuBLAS by thread: in a new one each size of a
    batch costs a few hundred milliseconds at first.
    """
    return KeptThread(f"torch-{device}") if device.type == "cuda" else CallersThread()


def _extras(
    network: Network,
    constants: Mapping[str, Float32Array],
    device: torch.device,
    dtype: torch.dtype,
    size: Size,
) -> tuple[Tensor, ...]:
    extras = network.extras(constants, size)
    return tuple(torch.from_numpy(extra).to(device, dtype) for extra in extras)


class TorchRuntime:
    """A checkpoint loaded into torch.

    Args:
        checkpoint: The checkpoint file.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:<n>`` or ``mps``.
        precision: Of weights and arithmetic; ``auto`` is fp16 on CUDA and fp32 elsewhere. The
            recipe around the network stays in float32.
        thread: Where it runs; :func:`thread_for` the device if it is not given.
        graphs: Shapes of one image or pair that are kept as CUDA graphs, at most.
        capturer: Makes these graphs; on CUDA in a kept thread it need not be given, and without it
            there are none.

    Raises:
        CheckpointError: The file's tensors are not those of its network.
        InvalidConfigError: The device is not available.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        device: str = "auto",
        precision: Precision = "auto",
        thread: Thread | None = None,
        graphs: int = KEPT_GRAPHS,
        capturer: Capturer | None = None,
    ) -> None:
        self._device = choose_device(device)
        self._thread = thread = thread or thread_for(self._device)
        if precision == "auto":
            precision = "fp16" if self._device.type == "cuda" else "fp32"
        self._dtype = _DTYPES[precision]
        self.network = checkpoint.network
        loaded = load(checkpoint)
        # Convolutions run faster on channels-last weights and maps.
        module = loaded.module.to(self._device, self._dtype).to(
            memory_format=torch.channels_last  # type: ignore[call-overload]  # torch's stub lacks it
        )
        for name in self.network.float32_parts:
            module.get_submodule(name).float()
        # Of several threads each would overwrite what another's graph computes.
        if capturer is None and self._device.type == "cuda" and isinstance(thread, KeptThread):
            capturer = CudaCapturer(self._device)
        self._network = GraphedModule(module, capturer, graphs)
        extras = partial(_extras, self.network, loaded.constants, self._device, self._dtype)
        # Not of a bound method: a runtime is freed, graphs and all, with its last reference.
        self._extras_for = lru_cache(maxsize=KEPT_SIZES)(extras)
        self.description = f"torch {self._device} {precision}"

    @property
    def graphs(self) -> int:
        """Shapes of one image or pair that run as CUDA graphs now."""
        return self._network.count

    def infer(self, images: Images, size: Size) -> Maps:
        """See :meth:`vizion3d.runtime.base.Runtime.infer`."""
        torch_threads.use()
        return self._thread.run(partial(self._infer, images, size))

    @torch.inference_mode()
    def _infer(self, images: Images, size: Size) -> Maps:
        if self._network.count:
            with suppress(torch.OutOfMemoryError):
                return self._inferred(images, size)
            self._network.release()
        return self._inferred(images, size)

    def _inferred(self, images: Images, size: Size) -> Maps:
        inputs = [self._prepared(images[name], size) for name in self.network.inputs]
        height, width = images[self.network.inputs[0]].shape[1:3]
        with self._exact_convolutions():
            answers = self._network(inputs, self._extras_for(size))
        return {
            output.name: self._to_host(self._finished(output, answer.float(), (height, width)))
            for output, answer in zip(self.network.outputs, answers, strict=True)
        }

    def _prepared(self, images: UInt8Array, size: Size) -> Tensor:
        recipe = self.network.recipe
        if recipe.host_resize:
            images = recipe.host_resize(images, size)
        batch = prepare(self._to_device(images), size, recipe)
        return batch.to(self._dtype, memory_format=torch.channels_last)

    def _finished(self, output: Output, answer: Tensor, size: Size) -> Tensor:
        """A map at the images' size and in its pixels, ``(N, h, w)`` -> ``(N, *size)``."""
        if not output.meaning.is_map:
            return answer
        factor = output.meaning.factor(answer.shape[-1], size[1])
        aligned = self.network.recipe.align_corners
        resized = F.interpolate(answer[:, None], size=size, mode="bilinear", align_corners=aligned)
        return resized[:, 0] if factor == 1 else resized[:, 0].mul_(factor)

    def _to_device(self, images: UInt8Array) -> Tensor:
        tensor = torch.from_numpy(images)
        if self._device.type != "cuda":
            return tensor.to(self._device)
        # Pinned, so that the copy is one transfer that this thread need not wait for.
        return tensor.pin_memory().to(self._device, non_blocking=True)

    def _to_host(self, answer: Tensor) -> Float32Array:
        if self._device.type != "cuda":
            return answer.cpu().numpy()
        pinned = torch.empty(answer.shape, dtype=answer.dtype, pin_memory=True)
        pinned.copy_(answer, non_blocking=True)
        torch.cuda.current_stream(self._device).synchronize()  # the only wait of a batch
        return pinned.numpy().copy()  # pinned memory is scarce, and goes to the next batch

    def _exact_convolutions(self) -> AbstractContextManager[None]:
        """fp32 is to be fp32: cuDNN would convolve it in TF32, with a mantissa of 10 bits."""
        if self._device.type != "cuda" or self._dtype != torch.float32:
            return nullcontext()
        return _without_tf32()
