from pathlib import Path

import pytest

from vizion3d.app import build_container, default_container, reset_default_container
from vizion3d.checkpoints.commands import (
    BeginDownloadCommand,
    CallOffDownloadCommand,
    ClearConversionsCommand,
    DownloadModelCommand,
    LoadModelCommand,
)
from vizion3d.checkpoints.queries import (
    DownloadQuery,
    ListModelsQuery,
    ModelInfoQuery,
    ModelPathQuery,
)
from vizion3d.lifting.aligned import AlignDepthCommand
from vizion3d.lifting.commands import DepthEstimationCommand
from vizion3d.runtime.export import ExportModelCommand
from vizion3d.runtime.recommend import RecommendQuery
from vizion3d.settings import Settings
from vizion3d.stereo.commands import StereoDepthCommand


def test_every_command_and_query_of_the_library_has_a_handler(tmp_path: Path) -> None:
    container = build_container(Settings(model_cache=tmp_path))
    assert (container.commands.registered) == {
        AlignDepthCommand,
        DepthEstimationCommand,
        StereoDepthCommand,
        BeginDownloadCommand,
        CallOffDownloadCommand,
        DownloadModelCommand,
        ClearConversionsCommand,
        LoadModelCommand,
        ExportModelCommand,
    }
    assert (container.queries.registered) == {
        DownloadQuery,
        ListModelsQuery,
        ModelInfoQuery,
        ModelPathQuery,
        RecommendQuery,
    }


def test_the_default_container_is_one_and_reads_the_environment_when_first_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIZION3D_MODEL_CACHE", str(tmp_path))
    reset_default_container()
    try:
        assert default_container() is default_container()
        assert default_container().settings.model_cache == tmp_path
    finally:
        reset_default_container()
