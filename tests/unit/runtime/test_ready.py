import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.support.checkpoints import checkpoint_at, save_checkpoint
from vizion3d.checkpoints.catalogue import BY_NAME
from vizion3d.checkpoints.store import Checkpoint, CheckpointStore
from vizion3d.runtime.conversions import convert
from vizion3d.runtime.openvino_library import core, hints_for
from vizion3d.runtime.ready import place_of, read_ready


@pytest.fixture
def nano(tmp_path: Path) -> Checkpoint:
    return CheckpointStore(tmp_path).resolve(str(BY_NAME["nano"].source))


@pytest.mark.slow
def test_nano_comes_ready_converted_and_equals_what_converting_gives(nano: Checkpoint) -> None:
    ready = read_ready(nano)
    assert ready is not None, "its weights have changed: run `make nano`"
    converted, constants = convert(nano)
    assert constants == {}
    image = np.random.default_rng(0).normal(size=(2, 3, 96, 64)).astype(np.float32)
    (ours,), (theirs,) = (
        core.compile_model(model, "CPU", hints_for("fp32"))(image).values()
        for model in (ready, converted)
    )
    assert ours.std() > 0.01
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5 * float(theirs.max()))


def test_a_network_that_was_made_of_other_weights_counts_for_nothing(
    nano: Checkpoint, tmp_path: Path
) -> None:
    other = checkpoint_at(save_checkpoint(tmp_path / "tiny.safetensors"))
    assert read_ready(other) is None
    for ending in (".xml", ".bin"):
        shutil.copy(place_of(nano).with_suffix(ending), place_of(other).with_suffix(ending))
    assert read_ready(other) is None


def test_a_network_of_unknown_origin_counts_for_nothing(nano: Checkpoint, tmp_path: Path) -> None:
    moved = CheckpointStore(tmp_path).resolve(str(shutil.copy(nano.path, tmp_path)))
    xml = place_of(nano).read_text()
    shutil.copy(place_of(nano).with_suffix(".bin"), place_of(moved).with_suffix(".bin"))
    place_of(moved).write_text(xml)
    assert read_ready(moved) is not None, "the same weights, in another folder"
    place_of(moved).write_text(xml.replace("<origin", "<other").replace("</origin", "</other"))
    assert read_ready(moved) is None
