import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vizion3d.cli import inputs
from vizion3d.errors import InvalidImageError
from vizion3d.media import files, heif, images
from vizion3d.server.service import IMAGE_FORMATS

WIDTH, HEIGHT = 60, 40
HEAD = b"\0\0\0\x18ftypheic\0\0\0\0"
EXIF_IFD, FOCAL_LENGTH_35MM = 0x8769, 0xA405


def photo(kind: str) -> bytes:
    heif.register()
    exif = Image.Exif()
    exif.get_ifd(EXIF_IFD)[FOCAL_LENGTH_35MM] = 26
    pixels = np.full((HEIGHT, WIDTH, 3), (200, 60, 20), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, exif=exif.tobytes())
    return buffer.getvalue()


@pytest.fixture
def without_pillow_heif(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As on a machine where pillow-heif is not installed."""
    heif.register()  # so that it does not come back while the test runs
    monkeypatch.delitem(Image.OPEN, "HEIF")
    for module in (files, heif):
        monkeypatch.setattr(module, "register", lambda: False)
    for suffix in heif.SUFFIXES:
        monkeypatch.delitem(Image.EXTENSION, suffix, raising=False)
    inputs.image_suffixes.cache_clear()
    yield
    inputs.image_suffixes.cache_clear()


@pytest.mark.parametrize("kind", ["HEIF", "AVIF"])
@pytest.mark.parametrize("formats", [None, IMAGE_FORMATS])
def test_a_phones_photo_is_read_with_its_focal_length(
    kind: str, formats: tuple[str, ...] | None
) -> None:
    content = photo(kind)
    pixels = images.decode(content, formats=formats)
    assert pixels.shape == (HEIGHT, WIDTH, 3)
    assert np.abs(pixels.mean((0, 1)) - (200, 60, 20)).max() < 12
    header = images.read_header(content, formats=formats)
    assert (header.width_px, header.height_px) == (WIDTH, HEIGHT)
    assert header.exif_focal_px == pytest.approx(26 / 43.267 * np.hypot(WIDTH, HEIGHT), rel=1e-3)


@pytest.mark.usefixtures("without_pillow_heif")
def test_what_to_install_is_told_where_it_cannot_be_read() -> None:
    content = HEAD + bytes(100)
    assert heif.is_heif(content[:16])
    with pytest.raises(InvalidImageError, match=r"is a HEIC photo.*pip install 'vizion3d\[heic\]'"):
        images.decode(content)


@pytest.mark.usefixtures("without_pillow_heif")
def test_photos_that_are_left_out_of_a_folder_are_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a.jpg", "b.HEIC", "c.heif", ".hidden.heic"):
        (tmp_path / name).touch()
    assert [job.image.name for job in inputs.find_jobs([str(tmp_path)], Path("out"))] == ["a.jpg"]
    assert "2 HEIC files left out; to read these: pip install" in capsys.readouterr().err
    (tmp_path / "a.jpg").unlink()
    (tmp_path / "c.heif").unlink()
    with pytest.raises(InvalidImageError, match=r"no images in the folder .* 1 HEIC file left out"):
        inputs.find_jobs([str(tmp_path)], Path("out"))


def test_photos_in_a_folder_are_found_where_they_can_be_read(tmp_path: Path) -> None:
    inputs.image_suffixes.cache_clear()
    (tmp_path / "b.HEIC").touch()
    assert [job.image.name for job in inputs.find_jobs([str(tmp_path)], Path("out"))] == ["b.HEIC"]


def test_no_other_file_is_taken_for_one() -> None:
    assert not heif.is_heif(photo("AVIF")[:16])
    assert not heif.is_heif(b"\xff\xd8\xff")
