import pytest

from vizion3d.checkpoints.catalogue import DEFAULT_DEPTH_MODEL_URL
from vizion3d.errors import ModelNotAllowedError
from vizion3d.server.offer import ModelOffer


def offer(default: str = DEFAULT_DEPTH_MODEL_URL, *others: str) -> ModelOffer:
    return ModelOffer(default, others)


def test_the_default_is_the_selected_model_or_the_release() -> None:
    assert offer().choose("") == offer().choose(None) == DEFAULT_DEPTH_MODEL_URL
    assert offer("nano").choose("") == "nano"
    assert offer("nano").choose("nano") == "nano"


def test_models_are_allowed_by_the_very_words() -> None:
    allowed = offer("nano", "/models/a.pth", "small", "nano")
    assert allowed.names == ("nano", "/models/a.pth", "small")
    assert allowed.choose("/models/a.pth") == "/models/a.pth"


@pytest.mark.parametrize(
    "named",
    [
        "/etc/passwd",
        "/models/../models/a.pth",
        "a.pth",
        "SMALL",
        "small ",
        "file:///models/a.pth",
        "http://127.0.0.1/a.pth",
        "http://169.254.169.254/latest",
        DEFAULT_DEPTH_MODEL_URL,
        "\0",
        "x" * 5000,
    ],
)
def test_everything_else_is_refused_in_a_short_message(named: str) -> None:
    allowed = offer("nano", "/models/a.pth", "small")
    with pytest.raises(ModelNotAllowedError) as refused:
        allowed.choose(named)
    assert len(str(refused.value)) < 300
    assert "/models" not in str(refused.value).replace(named, "").replace("GET /models", "")
