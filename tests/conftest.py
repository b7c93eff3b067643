"""Every test runs in an environment of its own: no VIZION3D_* variable, no GPU, an empty cache."""

import os
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def clean_environment(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [n for n in os.environ if n.startswith("VIZION3D_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("VIZION3D_DEVICE", "cpu")
    cache: Path = tmp_path_factory.getbasetemp() / "model-cache"
    monkeypatch.setenv("VIZION3D_MODEL_CACHE", str(cache))
