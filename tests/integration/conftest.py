"""What the command line is given: a folder of photos, and a small model."""

from pathlib import Path

import pytest
from PIL import Image

from tests.support import photos
from tests.support.checkpoints import save_checkpoint


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_checkpoint(tmp_path_factory.mktemp("models") / "tiny.pth")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two photos (one that tells its focal length), a broken one, and something else."""
    photo = Image.fromarray(photos.coffee()).resize((150, 100))
    photo.save(tmp_path / "plain.png")
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA405] = 26
    photo.save(tmp_path / "phone.jpg", exif=exif)
    (tmp_path / "broken.jpg").write_bytes((tmp_path / "phone.jpg").read_bytes()[:900])
    (tmp_path / "notes.txt").write_text("no image")
    return tmp_path
