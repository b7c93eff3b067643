import pytest

from vizion3d.server.rest.negotiation import choose

OFFERED = (
    "application/json",
    "image/png",
    "application/x-npy",
    "model/ply",
    "model/gltf-binary",
    "model/gltf-binary; content=mesh",
)


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("image/png", "image/png"),
        ("IMAGE/PNG", "image/png"),
        ("image/*", "image/png"),
        ("text/html", None),
        ("text/html, */*;q=0.1", "application/json"),
        ("application/json;q=0.5, image/png;q=0.8", "image/png"),
        ("application/*;q=0.5, application/x-npy", "application/x-npy"),
        ("application/json;q=0, */*", "image/png"),
        ("image/png;q=0", None),
        ("image/png;q=nonsense, model/ply;q=0.1", "model/ply"),
        ("image/png;level=1", "image/png"),
        (" , ,model/ply", "model/ply"),
        (";;,q=1", None),
        ("model/gltf-binary", "model/gltf-binary"),
        ("model/gltf-binary;content=mesh", "model/gltf-binary; content=mesh"),
        ("Model/glTF-binary ; Content=mesh ; q=0.5", "model/gltf-binary; content=mesh"),
        ("model/gltf-binary; content=fish", "model/gltf-binary"),
        ("model/gltf-binary;q=0.1, model/gltf-binary;content=mesh", OFFERED[-1]),
    ],
)
def test_the_preferred_of_what_is_offered(accept: str, chosen: str | None) -> None:
    assert choose(accept, OFFERED) == chosen
