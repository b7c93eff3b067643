from pathlib import Path

import pytest

from tests.support.checkpoints import checkpoint_at, save_checkpoint
from vizion3d.errors import InvalidConfigError
from vizion3d.runtime.cache import RuntimeCache
from vizion3d.runtime.choice import choose_framework, default_batch_size, runtime_loader
from vizion3d.runtime.conversions import ConversionStore
from vizion3d.runtime.fallback import PrecisionFallback
from vizion3d.settings import load_settings


@pytest.mark.parametrize(
    ("runtime", "device", "framework"),
    [
        ("auto", "cpu", "openvino"),
        ("auto", "cuda", "torch"),
        ("auto", "mps", "torch"),
        ("torch", "cpu", "torch"),
        ("torch", "auto", "torch"),
        ("openvino", "cpu", "openvino"),
        ("openvino", "auto", "openvino"),
        ("onnxruntime", "auto", "onnxruntime"),
        ("onnxruntime", "cpu", "onnxruntime"),
    ],
)
def test_the_framework(runtime: str, device: str, framework: str) -> None:
    assert choose_framework(load_settings(runtime=runtime, device=device)) == framework


@pytest.mark.parametrize("wanted", [{"runtime": "torch"}, {"device": "cuda"}])
def test_int8_is_openvinos_alone(wanted: dict[str, str]) -> None:
    assert choose_framework(load_settings(precision="int8", device="cpu")) == "openvino"
    with pytest.raises(
        InvalidConfigError, match="set VIZION3D_DEVICE=cpu and VIZION3D_RUNTIME=openvino"
    ):
        choose_framework(load_settings(precision="int8", **wanted))


def test_openvino_on_a_gpu_is_refused() -> None:
    with pytest.raises(InvalidConfigError, match="device 'cuda:1': OpenVINO runs on the CPU only"):
        choose_framework(load_settings(runtime="openvino", device="cuda:1"))


@pytest.mark.parametrize("wanted", [{"device": "cuda"}, {"precision": "bf16"}])
def test_onnxruntime_is_for_the_cpu_in_fp32(wanted: dict[str, str]) -> None:
    with pytest.raises(InvalidConfigError, match="runs the network on the CPU in fp32, not on"):
        choose_framework(load_settings(runtime="onnxruntime", **wanted))


@pytest.mark.slow
@pytest.mark.parametrize("framework", ["torch", "openvino"])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_lower_precision_has_a_net_under_it(
    tmp_path: Path, framework: str, precision: str
) -> None:
    settings = load_settings(runtime=framework, device="cpu", precision=precision)
    conversions = ConversionStore(tmp_path)
    load, exact = (runtime_loader(settings, conversions, p) for p in (None, "fp32"))
    cache = RuntimeCache(load, 2, exact)
    runtime = cache.get(checkpoint_at(save_checkpoint(tmp_path / "tiny.pth")))
    assert runtime.description == f"{framework} cpu {precision}"
    assert isinstance(runtime, PrecisionFallback) == (precision != "fp32")


@pytest.mark.parametrize("runtime", ["openvino", "torch", "onnxruntime"])
def test_a_cpu_takes_one_image_at_a_time(runtime: str) -> None:
    assert default_batch_size(load_settings(runtime=runtime, device="cpu")) == 1
