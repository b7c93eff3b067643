"""nvJPEG needs a GPU; all around it is tested with a decoder of the same signature on the CPU."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from vizion3d.errors import InvalidImageError
from vizion3d.lifting.images import decode
from vizion3d.lifting.nvjpeg import NvJpeg, find_nvjpeg
from vizion3d.settings import load_settings

CPU = torch.device("cpu")
PIXELS = np.random.default_rng(3).integers(0, 256, (5, 8, 3), np.uint8)
ORIENTATION = 0x0112


def jpeg(image: Image.Image, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", **options)
    return buffer.getvalue()


PHOTO = jpeg(Image.fromarray(PIXELS), quality=95)


class NegativeDecoder:
    """torchvision's ``decode_jpeg`` by its arguments and result, but of the negative."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, data: torch.Tensor, mode: str, device: torch.device) -> torch.Tensor:
        assert (data.dtype, data.ndim, mode, device) == (torch.uint8, 1, "RGB", CPU)
        self.calls += 1
        with Image.open(io.BytesIO(data.numpy().tobytes())) as opened:
            pixels = 255 - np.asarray(opened.convert("RGB"))
        return torch.from_numpy(pixels).permute(2, 0, 1)


class Broken:
    """Fails as nvJPEG does, when it is loaded or when it is called."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.calls = 0

    def __call__(self, *_: object, **__: object) -> Any:
        self.calls += 1
        raise self.error


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("as_path", [False, True])
def test_a_jpeg_is_decoded_by_it(tmp_path: Path, mode: str, as_path: bool) -> None:
    photo = jpeg(Image.fromarray(PIXELS).convert(mode), quality=95)
    path = tmp_path / "photo.jpg"
    path.write_bytes(photo)
    pixels = decode(path if as_path else photo, jpeg=NvJpeg(lambda: (NegativeDecoder(), CPU)))
    assert np.array_equal(pixels, 255 - decode(photo))
    assert pixels.flags.c_contiguous
    assert pixels.flags.writeable


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_is_applied_to_what_it_decodes(orientation: int) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    photo = jpeg(Image.fromarray(PIXELS), exif=exif)
    pixels = decode(photo, jpeg=NvJpeg(lambda: (NegativeDecoder(), CPU)))
    assert np.array_equal(pixels, 255 - decode(photo))


def other_format() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(PIXELS).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize(
    "image",
    [other_format(), jpeg(Image.new("CMYK", (8, 8), (9, 99, 0, 50))), Image.fromarray(PIXELS)],
    ids=["png", "cmyk", "pil"],
)
def test_what_it_is_not_for_is_pillows(image: Any) -> None:
    decoder = NegativeDecoder()
    assert np.array_equal(decode(image, jpeg=NvJpeg(lambda: (decoder, CPU))), decode(image))
    assert decoder.calls == 0


def test_a_truncated_file_is_refused_and_never_filled_up() -> None:
    decoder = NegativeDecoder()
    whole = jpeg(Image.fromarray(np.tile(PIXELS, (16, 16, 1))))
    with pytest.raises(InvalidImageError, match="truncated or damaged"):
        decode(whole[: len(whole) // 2], jpeg=NvJpeg(lambda: (decoder, CPU)))
    assert decoder.calls == 0


def test_what_it_declines_is_pillows() -> None:
    decoder = Broken(RuntimeError("Unsupported JPEG"))
    assert np.array_equal(decode(PHOTO, jpeg=NvJpeg(lambda: (decoder, CPU))), decode(PHOTO))
    assert decoder.calls == 1


@pytest.mark.parametrize(
    "error",
    [ImportError("built for another torch"), RuntimeError("operator torchvision::nms missing")],
)
def test_a_torchvision_that_cannot_be_imported_is_told_once(
    caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    load = Broken(error)
    nvjpeg = NvJpeg(load)
    for _ in range(3):
        assert np.array_equal(decode(PHOTO, jpeg=nvjpeg), decode(PHOTO))
    assert load.calls == 1
    assert [r.getMessage() for r in caplog.records] == [
        f"torchvision cannot be used, Pillow decodes JPEGs: {error}"
    ]


@pytest.fixture
def torchvision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "torchvision").mkdir()
    (tmp_path / "torchvision" / "__init__.py").write_text("raise ImportError('not for this torch')")
    monkeypatch.syspath_prepend(tmp_path)


def test_without_torchvision_there_is_none() -> None:
    assert find_nvjpeg(load_settings(), has_gpu=lambda: True) is None


@pytest.mark.usefixtures("torchvision")
@pytest.mark.parametrize(
    ("wanted", "gpu", "found"),
    [
        ({}, True, True),
        ({"precision": "fp16"}, True, True),
        ({}, False, False),
        ({"precision": "fp32"}, True, False),
        ({"runtime": "openvino"}, True, False),
    ],
)
def test_when_it_may_be_used(wanted: dict[str, str], gpu: bool, found: bool) -> None:
    nvjpeg = find_nvjpeg(load_settings(**wanted), has_gpu=lambda: gpu)
    assert (nvjpeg is not None) == found


@pytest.mark.usefixtures("torchvision")
@pytest.mark.parametrize("device", ["cpu", "cuda:7"])
def test_without_a_cuda_device_pillow_decodes(
    device: str, caplog: pytest.LogCaptureFixture
) -> None:
    nvjpeg = find_nvjpeg(load_settings(device=device), has_gpu=lambda: True)
    assert nvjpeg is not None
    assert np.array_equal(decode(PHOTO, jpeg=nvjpeg), decode(PHOTO))
    assert not caplog.records
