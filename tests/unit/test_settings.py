from pathlib import Path

import pytest

from vizion3d.errors import InvalidConfigError
from vizion3d.settings import load_settings


def test_the_defaults_are_the_documented_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MODEL_CACHE", "OFFLINE", "DEVICE", "PRECISION", "RUNTIME", "MAX_PIXELS"):
        monkeypatch.delenv(f"VIZION3D_{name}", raising=False)
    settings = load_settings()
    assert settings.model_cache == Path.home() / ".cache/vizion3d/models"
    assert (settings.device, settings.precision, settings.runtime) == ("auto", "auto", "auto")
    assert settings.max_pixels == 100_000_000
    assert not settings.offline


def test_the_environment_is_read_and_arguments_win(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIZION3D_OFFLINE", "1")
    monkeypatch.setenv("VIZION3D_DEVICE", "cuda:1")
    monkeypatch.setenv("VIZION3D_MODEL_CACHE", "~/weights")
    settings = load_settings(device="cpu", precision=None)
    assert settings.offline
    assert settings.device == "cpu"
    assert settings.model_cache == Path.home() / "weights"


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("VIZION3D_MAX_PIXELS", "0", "max_pixels: greater than 0, got '0'"),
        ("VIZION3D_PRECISION", "fp8", "precision: .*, got 'fp8'"),
        ("VIZION3D_DEVICE", "tpu", "device: .*, got 'tpu'"),
        ("VIZION3D_OFFLINE", "perhaps", "offline: .*, got 'perhaps'"),
    ],
)
def test_a_senseless_value_is_told(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(InvalidConfigError, match=told):
        load_settings()
