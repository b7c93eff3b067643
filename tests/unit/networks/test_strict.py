import pytest
import torch
from torch import nn

from vizion3d.networks.base import MismatchError
from vizion3d.networks.strict import fill


def module() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))


def weights() -> dict[str, torch.Tensor]:
    state = module().state_dict()
    return {n: torch.rand(t.shape).half() for n, t in state.items() if t.is_floating_point()}


def test_weights_become_float32_of_the_modules_own_and_nothing_is_trained() -> None:
    given = weights()
    filled = fill(module, given)
    expected = {name: tensor.float() for name, tensor in given.items()}
    given["0.weight"].zero_()
    for name, tensor in expected.items():
        assert torch.equal(filled.state_dict()[name], tensor)
    assert not filled.training
    assert not any(p.requires_grad for p in filled.parameters())
    assert torch.isfinite(filled.to("cpu")(torch.zeros(1, 3, 2, 2))).all()


def test_what_is_missing_superfluous_or_of_another_shape_is_named() -> None:
    given = weights() | {"0.bias": torch.zeros(5), "extra": torch.zeros(1)}
    del given["1.weight"]
    with pytest.raises(
        MismatchError,
        match=r"lacks 1.weight, has an unknown extra, has 0.bias of shape \(5,\), expected \(4,\)$",
    ):
        fill(module, given)


def test_of_many_faults_the_first_are_named() -> None:
    with pytest.raises(MismatchError, match=r"^lacks 0.weight, .* and 1 more$"):
        fill(module, {})
