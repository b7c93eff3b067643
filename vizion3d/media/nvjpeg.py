"""JPEGs decoded on a CUDA GPU by NVIDIA's nvJPEG, which torchvision (the extra ``cuda``) brings."""

import importlib.util
import io
import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from vizion3d.core.arrays import UInt8Array
from vizion3d.errors import InvalidConfigError
from vizion3d.media.images import JpegDecoder
from vizion3d.runtime.devices import may_have_gpu
from vizion3d.settings import Settings

if TYPE_CHECKING:
    import torch

logger = logging.getLogger(__name__)

_START_OF_SCAN, _END_OF_IMAGE = b"\xff\xda", b"\xff\xd9"

Decode = Callable[..., "torch.Tensor"]
"""``torchvision.io.decode_jpeg(bytes, mode=, device=)``: uint8 ``(3, H, W)`` on the device."""


def find_nvjpeg(
    settings: Settings, has_gpu: Callable[[], bool] = may_have_gpu
) -> JpegDecoder | None:
    """nvJPEG where it could be used; asked without importing torch.

    ``None`` where torchvision is missing, where there is no GPU or the settings do not use it, and
    at the precision ``fp32``, which must reproduce the reference's numbers: nvJPEG rounds a little
    differently from libjpeg.
    """
    on_cuda = settings.device not in ("cpu", "mps") and settings.runtime not in (
        "openvino",
        "onnxruntime",
    )
    asked = on_cuda and settings.precision not in ("fp32", "int8")
    if not (asked and importlib.util.find_spec("torchvision") is not None and has_gpu()):
        return None

    def load() -> "tuple[Decode, torch.device] | None":
        import torch

        from vizion3d.runtime.torch_runtime import choose_device

        try:
            device = choose_device(settings.device)
        except InvalidConfigError:
            return None  # the runtime says so itself
        if device.type != "cuda" or torch.version.hip is not None:
            return None
        from torchvision.io import decode_jpeg

        return decode_jpeg, device

    return NvJpeg(load)


class NvJpeg:
    """A `JpegDecoder` that declines what it cannot decode: Pillow does, or says what is wrong.

    Args:
        load: Gives torchvision's decoder and the device; ``None`` where there is no CUDA device.
    """

    def __init__(self, load: "Callable[[], tuple[Decode, torch.device] | None]") -> None:
        self._load = load
        self._lock = threading.Lock()
        self._loaded: tuple[Decode, torch.device] | None = None
        self._tried = False

    def __call__(self, encoded: bytes) -> UInt8Array | None:
        """RGB uint8 ``(H, W, 3)``, the EXIF orientation not applied; or ``None``."""
        # nvJPEG may fill up what a truncated file lacks; Pillow refuses it.
        if encoded.rfind(_END_OF_IMAGE) < encoded.rfind(_START_OF_SCAN):
            return None
        loaded = self._once_loaded()
        if loaded is None:
            return None
        try:
            return _decoded(*loaded, encoded)
        except MemoryError:
            raise
        # Unsupported or damaged, or the GPU's memory is full; torchvision raises many types.
        except Exception as error:  # noqa: BLE001
            logger.info("nvJPEG declined an image, Pillow takes it: %s", error)
            return None

    def _once_loaded(self) -> "tuple[Decode, torch.device] | None":
        with self._lock:
            if not self._tried:
                self._tried = True
                try:
                    loaded = self._load()
                    if loaded is not None:
                        _decoded(*loaded, _small_jpeg())  # whether it works here at all
                    self._loaded = loaded
                # A torchvision of another torch, without nvJPEG, or without its own libraries.
                except Exception as error:  # noqa: BLE001
                    logger.warning("nvJPEG cannot be used, Pillow decodes JPEGs: %s", error)
            return self._loaded


def _small_jpeg() -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.new("RGB", (32, 32), "grey").save(buffer, "JPEG")
    return buffer.getvalue()


def _decoded(decode: Decode, device: "torch.device", encoded: bytes) -> UInt8Array:
    import torch

    data = torch.frombuffer(bytearray(encoded), dtype=torch.uint8)
    planes = decode(data, mode="RGB", device=device)
    pixels: UInt8Array = planes.permute(1, 2, 0).contiguous().cpu().numpy()
    return pixels
