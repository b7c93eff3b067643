from pathlib import Path

import pytest

from vizion3d.checkpoints.store import CheckpointStore
from vizion3d.errors import CheckpointError
from vizion3d.networks.base import Header
from vizion3d.networks.registry import recognise

NAMES = (
    "cnn_backbone.conv0.weight",
    "feat_pyramid.down_conv0.1.weight",
    "disp_init.layer.weight",
    "global_refiner.conv.weight",
)


@pytest.mark.parametrize("prefix", ["", "module."])
def test_a_checkpoint_of_s2m2_is_refused_with_reason_and_remedy(prefix: str) -> None:
    header = Header({prefix + name: (1,) for name in NAMES})
    with pytest.raises(CheckpointError, match=r"S2M2.*non-commercial.*'sgbm'"):
        recognise(header, "old.pth")


def test_other_files_are_not_taken_for_it() -> None:
    with pytest.raises(CheckpointError) as refused:
        recognise(Header({NAMES[0]: (1,)}), "other.pth")
    assert "non-commercial" not in str(refused.value)


def test_it_is_refused_by_its_name_before_it_is_downloaded(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path, offline=True)
    with pytest.raises(CheckpointError, match="non-commercial"):
        store.fetch("https://example.com/essentials-v1/stereo-depth-s2m2-L.pth")
    assert not list(tmp_path.iterdir())
