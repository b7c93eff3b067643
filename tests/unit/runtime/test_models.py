import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.checkpoints import save_checkpoint
from vizion3d.checkpoints import header, reading
from vizion3d.checkpoints.queries import ListModelsQuery
from vizion3d.checkpoints.store import CheckpointStore
from vizion3d.runtime.cache import RuntimeCache
from vizion3d.runtime.choice import runtime_loader
from vizion3d.runtime.conversions import ConversionStore
from vizion3d.runtime.models import ModelsHandler
from vizion3d.settings import Settings


@pytest.fixture
def models(tmp_path: Path) -> ModelsHandler:
    conversions = ConversionStore(tmp_path)
    runtimes = RuntimeCache(runtime_loader(Settings(runtime="torch"), conversions), 2)
    return ModelsHandler(CheckpointStore(tmp_path), runtimes, conversions)


def test_a_file_that_lies_in_the_cache_is_described_and_read_once(
    tmp_path: Path, models: ModelsHandler, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save_checkpoint(tmp_path / "mine.pth")
    read: list[Path] = []
    really = header.read_names

    def counting(path: Path) -> object:
        read.append(path)
        return really(path)

    monkeypatch.setattr(reading, "read_names", counting)
    for _ in range(3):
        listed = {info.path: info for info in models.list_models(ListModelsQuery())}
        assert listed[path].variant == "vit-64x4"
    assert read.count(path) == 1


@pytest.mark.process
def test_listing_models_imports_no_torch(tmp_path: Path) -> None:
    for name in ("mine.pth", "mine.safetensors"):
        save_checkpoint(tmp_path / name)
    (tmp_path / "damaged.pth").write_bytes(b"damaged")
    program = (
        "import sys\n"
        "from vizion3d.app import build_container\n"
        "from vizion3d.checkpoints.queries import ListModelsQuery\n"
        "from vizion3d.settings import load_settings\n"
        "queries = build_container(load_settings(model_cache=sys.argv[1])).queries\n"
        "told = {i.path.name: i.variant for i in queries.dispatch(ListModelsQuery())}\n"
        "print(told['mine.pth'], told['mine.safetensors'], told['damaged.pth'])\n"
        "print('torch' in sys.modules)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program, tmp_path], capture_output=True, text=True, check=True
    )
    assert run.stdout.split("\n")[:2] == ["vit-64x4 vit-64x4 None", "False"]
