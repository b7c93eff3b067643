"""JPEGs decoded on a CUDA GPU by NVIDIA's nvJPEG, which torchvision (the extra ``cuda``) brings."""

import importlib.util
import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from vizion3d.errors import InvalidConfigError
from vizion3d.lifting.images import JpegDecoder, UInt8Array
from vizion3d.lifting.runtime.devices import may_have_gpu
from vizion3d.settings import Settings

if TYPE_CHECKING:
    import torch

logger = logging.getLogger(__name__)

_END_OF_IMAGE = b"\xff\xd9"
_TAIL_BYTES = 4096
"""How far from a file's end its last marker may be: some cameras add padding."""


def find_nvjpeg(
    settings: Settings, has_gpu: Callable[[], bool] = may_have_gpu
) -> JpegDecoder | None:
    """nvJPEG where it could be used; asked without importing torch.

    ``None`` without torchvision, on a machine with no GPU, and for ``fp32``, which is to be the
    reference's very numbers: nvJPEG rounds a little differently from libjpeg.
    """
    asked = settings.precision != "fp32" and settings.runtime != "openvino"
    installed = importlib.util.find_spec("torchvision") is not None
    if not (asked and installed and has_gpu()):
        return None

    def load() -> "tuple[Decode, torch.device] | None":
        from vizion3d.lifting.runtime.torch_runtime import choose_device

        try:
            device = choose_device(settings.device)
        except InvalidConfigError:
            return None  # the runtime says so itself
        if device.type != "cuda":
            return None
        from torchvision.io import decode_jpeg

        return decode_jpeg, device

    return NvJpeg(load)


Decode = Callable[..., "torch.Tensor"]
"""``torchvision.io.decode_jpeg(bytes, mode=, device=)``: uint8 ``(3, H, W)`` on the device."""


class NvJpeg:
    """A `JpegDecoder` that declines what it cannot decode: Pillow does, or says what is wrong.

    Args:
        load: Gives torchvision's decoder and the device; ``None`` where there is no CUDA device.
    """

    def __init__(self, load: "Callable[[], tuple[Decode, torch.device] | None]") -> None:
        self._load = load
        self._lock = threading.Lock()
        self._loaded: tuple[Decode, torch.device] | None = None
        self._usable: bool | None = None

    def __call__(self, encoded: bytes) -> UInt8Array | None:
        """RGB uint8 ``(H, W, 3)``, the EXIF orientation not applied; or ``None``."""
        # nvJPEG may fill up what a truncated file lacks; Pillow refuses it.
        if _END_OF_IMAGE not in encoded[-_TAIL_BYTES:]:
            return None
        if not self._ready():
            return None
        import torch

        assert self._loaded is not None
        decode, device = self._loaded
        try:
            data = torch.frombuffer(bytearray(encoded), dtype=torch.uint8)
            planes = decode(data, mode="RGB", device=device)
            pixels: UInt8Array = planes.permute(1, 2, 0).contiguous().cpu().numpy()
        except RuntimeError as error:  # unsupported, damaged, or the GPU's memory is full
            logger.info("nvJPEG declined an image, Pillow takes it: %s", error)
            return None
        return pixels

    def _ready(self) -> bool:
        with self._lock:
            if self._usable is None:
                try:
                    self._loaded = self._load()
                except (ImportError, RuntimeError, OSError) as error:
                    # A torchvision that was not built for this torch.
                    logger.warning("torchvision cannot be used, Pillow decodes JPEGs: %s", error)
                self._usable = self._loaded is not None
            return self._usable
