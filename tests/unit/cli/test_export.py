from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.support.checkpoints import save_checkpoint
from vizion3d.programs.cli import app

pytestmark = pytest.mark.slow


def test_it_prints_the_file_and_how_far_it_was_checked(tmp_path: Path) -> None:
    path = save_checkpoint(tmp_path / "tiny.pth")
    options = ["--static", "28x42", "--out", str(tmp_path / "out")]
    ran = CliRunner().invoke(app, ["export", str(path), *options])
    assert ran.exit_code == 0, ran.output
    assert ran.stdout == f"{tmp_path / 'out' / 'tiny.onnx'}\n"
    assert "for size 28x42 and any batch, opset 18" in ran.stderr
    assert "depth: differs by at most " in ran.stderr
    assert "of its range, for inputs of 28x42" in ran.stderr


def test_a_size_that_is_none_is_told(tmp_path: Path) -> None:
    ran = CliRunner().invoke(app, ["export", "nano", "--static", "28", "--out", str(tmp_path)])
    assert ran.exit_code != 0
    assert "a size is HEIGHTxWIDTH, such as 518x686; got '28'" in str(ran.exception)
