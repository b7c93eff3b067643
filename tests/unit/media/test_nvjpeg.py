"""nvJPEG needs a GPU; all around it is tested with a decoder of the same signature on the CPU."""

import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from tests.support.fakes import FakeStore, GivenDepthLoader, GivenDepthRuntime, touch
from vizion3d.errors import InvalidImageError
from vizion3d.lifting import DepthEstimationCommand
from vizion3d.lifting.handler import DepthEstimationHandler
from vizion3d.media.images import decode
from vizion3d.media.nvjpeg import NvJpeg, find_nvjpeg
from vizion3d.media.reader import ImageReader
from vizion3d.runtime.cache import RuntimeCache
from vizion3d.runtime.queue import DirectInference
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
        self.calls = -1  # the first is to see whether it works

    def __call__(self, data: torch.Tensor, mode: str, device: torch.device) -> torch.Tensor:
        assert (data.dtype, data.ndim, mode, device) == (torch.uint8, 1, "RGB", CPU)
        self.calls += 1
        with Image.open(io.BytesIO(data.numpy().tobytes())) as opened:
            pixels = 255 - np.asarray(opened.convert("RGB"))
        return torch.from_numpy(pixels).permute(2, 0, 1)


class Broken:
    """Fails as nvJPEG or torchvision do, when it has gone well for some calls."""

    def __init__(self, error: Exception, good_calls: int = 0) -> None:
        self.error, self.good_calls = error, good_calls
        self.calls = 0

    def __call__(self, *_: object, **__: object) -> Any:
        self.calls += 1
        if self.calls > self.good_calls:
            raise self.error
        return torch.zeros(3, 32, 32, dtype=torch.uint8)


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


def encoded(image: Image.Image, format_: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format_, **options)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "image",
    [
        encoded(Image.fromarray(PIXELS), "PNG"),
        jpeg(Image.new("CMYK", (8, 8), (9, 99, 0, 50))),
        jpeg(Image.fromarray(PIXELS), keep_rgb=True),
        Image.open(io.BytesIO(PHOTO)),
    ],
    ids=["png", "cmyk", "stored as rgb", "pil"],
)
def test_what_it_is_not_for_is_pillows(image: Any) -> None:
    decoder = NegativeDecoder()
    assert np.array_equal(decode(image, jpeg=NvJpeg(lambda: (decoder, CPU))), decode(image))
    assert decoder.calls <= 0


def test_pixels_of_another_size_are_not_taken() -> None:
    wrong = Broken(RuntimeError("not reached"), good_calls=2)
    assert np.array_equal(decode(PHOTO, jpeg=NvJpeg(lambda: (wrong, CPU))), decode(PHOTO))
    assert wrong.calls == 2


@pytest.mark.parametrize("thumbnail", [False, True])
def test_a_truncated_file_is_refused_and_never_filled_up(thumbnail: bool) -> None:
    exif = Image.Exif()
    if thumbnail:  # its own end of image stands before the photo's scan
        exif[0x927C] = PHOTO
    whole = jpeg(Image.fromarray(np.tile(PIXELS, (16, 16, 1))), exif=exif)
    assert whole.count(b"\xff\xd9") == 1 + thumbnail
    decoder = NegativeDecoder()
    with pytest.raises(InvalidImageError, match="truncated or damaged"):
        decode(whole[: len(whole) - 900], jpeg=NvJpeg(lambda: (decoder, CPU)))
    assert decoder.calls <= 0


@pytest.mark.parametrize("kind", [RuntimeError, AttributeError, ValueError])
def test_what_it_declines_is_pillows(kind: type[Exception]) -> None:
    decoder = Broken(kind("unsupported"), good_calls=1)
    nvjpeg = NvJpeg(lambda: (decoder, CPU))
    for _ in range(2):
        assert np.array_equal(decode(PHOTO, jpeg=nvjpeg), decode(PHOTO))
    assert decoder.calls == 3, "it is asked for the next image, too"


@pytest.mark.parametrize("at_import", [True, False])
@pytest.mark.parametrize("kind", [ImportError, RuntimeError, AttributeError])
def test_a_torchvision_that_does_not_work_is_told_once(
    caplog: pytest.LogCaptureFixture, kind: type[Exception], at_import: bool
) -> None:
    broken = Broken(kind("built for another torch"))
    nvjpeg = NvJpeg(broken if at_import else lambda: (broken, CPU))
    for _ in range(3):
        assert np.array_equal(decode(PHOTO, jpeg=nvjpeg), decode(PHOTO))
    assert broken.calls == 1
    assert [r.getMessage() for r in caplog.records] == [
        "nvJPEG cannot be used, Pillow decodes JPEGs: built for another torch"
    ]


def test_the_handler_decodes_with_it(tmp_path: Path) -> None:
    runtimes = RuntimeCache(GivenDepthLoader(GivenDepthRuntime(np.eye(5, 8, dtype=np.float32))), 1)
    handler = DepthEstimationHandler(
        FakeStore(touch(tmp_path / "fake.pth")),
        runtimes,
        DirectInference(),
        ImageReader(jpeg=NvJpeg(lambda: (NegativeDecoder(), CPU))),
    )
    result = handler.handle(DepthEstimationCommand(PHOTO, model_backend="any"))
    assert result.rgb is not None
    assert np.array_equal(result.rgb, 255 - decode(PHOTO))


@pytest.fixture
def torchvision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "torchvision").mkdir()
    (tmp_path / "torchvision" / "__init__.py").write_text("raise ImportError('not for this torch')")
    monkeypatch.syspath_prepend(tmp_path)


def test_without_torchvision_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [])
    assert find_nvjpeg(load_settings(device="auto"), has_gpu=lambda: True) is None


@pytest.mark.usefixtures("torchvision")
@pytest.mark.parametrize(
    ("wanted", "gpu", "found"),
    [
        ({}, True, True),
        ({"precision": "fp16", "device": "cuda:1"}, True, True),
        ({}, False, False),
        ({"device": "cpu"}, True, False),
        ({"device": "mps"}, True, False),
        ({"precision": "fp32"}, True, False),
        ({"precision": "int8"}, True, False),
        ({"runtime": "openvino"}, True, False),
    ],
)
def test_when_it_may_be_used(wanted: dict[str, str], gpu: bool, found: bool) -> None:
    nvjpeg = find_nvjpeg(load_settings(**{"device": "auto", **wanted}), has_gpu=lambda: gpu)
    assert (nvjpeg is not None) == found


@pytest.mark.usefixtures("torchvision")
@pytest.mark.parametrize("device", ["auto", "cuda:7"])
def test_without_a_cuda_device_pillow_decodes(
    device: str, caplog: pytest.LogCaptureFixture
) -> None:
    nvjpeg = find_nvjpeg(load_settings(device=device), has_gpu=lambda: True)
    assert nvjpeg is not None
    assert np.array_equal(decode(PHOTO, jpeg=nvjpeg), decode(PHOTO))
    assert not caplog.records
