"""The page about 1.5 says of every one of its public names what becomes of it, and it is true."""

import importlib
import inspect
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vizion3d import lifting, stereo
from vizion3d.lifting import (
    DepthEstimationAdvanceConfig,
    DepthEstimationCommand,
    DepthEstimationResult,
)

PAGE = Path(__file__).parents[2] / "docs" / "migration" / "from_vizion3d_1.md"
ROWS = dict(re.findall(r"^\| `([\w.]+)` \| (.*) \|$", PAGE.read_text(), re.MULTILINE))

# Read off the wheel of 1.5.6.
NAMES = {
    "vizion3d": ["__version__"],
    "vizion3d.lifting": [
        "DepthEstimation",
        "DepthEstimationAdvanceConfig",
        "DepthEstimationCommand",
        "DepthEstimationResult",
    ],
    "vizion3d.lifting.commands": ["DepthEstimationCommand"],
    "vizion3d.lifting.models": ["DepthEstimationAdvanceConfig", "DepthEstimationResult"],
    "vizion3d.lifting.defaults": [
        "DEFAULT_DEPTH_MODEL_FILENAME",
        "DEFAULT_DEPTH_MODEL_URL",
        "default_model_cache_dir",
        "download_model",
        "is_url",
        "resolve_model_backend",
    ],
    "vizion3d.lifting.handlers": ["DepthEstimationHandler"],
    "vizion3d.lifting.depth_anything": [
        "convert_depth_anything_v2_state_dict",
        "depth_anything_v2_config",
    ],
    "vizion3d.lifting.utils": ["create_ply_binary"],
    "vizion3d.stereo": [
        "StereoDepth",
        "StereoDepthAdvancedConfig",
        "StereoDepthCommand",
        "StereoDepthResult",
    ],
    "vizion3d.stereo.commands": ["StereoDepthCommand"],
    "vizion3d.stereo.models": ["StereoDepthAdvancedConfig", "StereoDepthResult"],
    "vizion3d.stereo.defaults": [
        "DEFAULT_STEREO_MODEL_FILENAME",
        "DEFAULT_STEREO_MODEL_URL",
        "resolve_stereo_model_backend",
    ],
    "vizion3d.stereo.handlers": ["StereoDepthHandler"],
    "vizion3d.core.cqrs": [
        "Command",
        "CommandBus",
        "CommandHandler",
        "Query",
        "QueryBus",
        "QueryHandler",
    ],
    "vizion3d.core.container": ["command_bus", "query_bus"],
    "vizion3d.core.tasks": ["PROMOTED_TASKS"],
    "vizion3d.proto": ["lifting_pb2", "lifting_pb2_grpc"],
}
FIELDS = {
    "DepthEstimationCommand": [
        "image_input",
        "model_backend",
        "return_depth_image",
        "return_raw_depth",
        "return_point_cloud",
        "advanced_config",
    ],
    "DepthEstimationAdvanceConfig": ["fx", "fy", "cx", "cy"],
    "DepthEstimationResult": [
        "depth_map",
        "min_depth",
        "max_depth",
        "backend_used",
        "depth_image",
        "raw_depth",
        "point_cloud",
        "point_cloud_scale",
    ],
    "StereoDepthCommand": [
        "left_image",
        "right_image",
        "model_backend",
        "return_depth_image",
        "return_raw_depth",
        "return_point_cloud",
        "advanced_config",
    ],
    "StereoDepthAdvancedConfig": [
        "focal_length",
        "cx",
        "cy",
        "baseline",
        "doffs",
        "z_far",
        "conf_threshold",
        "occ_threshold",
        "scale_factor",
    ],
    "StereoDepthResult": [
        "depth_map",
        "disparity_map",
        "min_depth",
        "max_depth",
        "backend_used",
        "depth_image",
        "raw_depth",
        "point_cloud",
        "point_cloud_scale",
    ],
}


@pytest.mark.parametrize("name", [f"{m}.{n}" for m, names in NAMES.items() for n in names])
def test_what_becomes_of_a_name(name: str) -> None:
    module, _, attribute = name.rpartition(".")
    try:
        found: Any = importlib.import_module(module)
        if attribute.startswith("lifting_pb2"):
            importlib.import_module(name)
        there = hasattr(found, attribute)
    except ModuleNotFoundError:
        there = False
    assert there == ROWS[name].startswith("as it is")


@pytest.mark.parametrize("name", [f"{c}.{f}" for c, fields in FIELDS.items() for f in fields])
def test_what_becomes_of_a_parameter(name: str) -> None:
    assert ROWS[name].startswith("as it is")
    owner_name, _, field = name.partition(".")
    owner = getattr(stereo if owner_name.startswith("Stereo") else lifting, owner_name)
    assert field in inspect.signature(owner).parameters or hasattr(owner, field)


def test_commands_and_configs_as_1_5_writes_them() -> None:
    config = DepthEstimationAdvanceConfig(fx=None, fy=615.0, cx=None, cy=None)
    assert config == DepthEstimationAdvanceConfig(fy=615.0)
    assert config.model_fields_set == {"fy"}
    command = DepthEstimationCommand(
        image_input=b"...",
        model_backend="/models/mine.pth",
        return_depth_image=True,
        return_raw_depth=True,
        return_point_cloud=False,
        advanced_config=config,
    )
    assert command.advanced_config is config


@pytest.mark.parametrize("raw_depth", [None, np.array([[1, 2]], np.float32)])
def test_results_as_1_5_writes_them(raw_depth: np.ndarray | None) -> None:
    result = DepthEstimationResult(
        depth_map=[[1.0, 2.0]],
        min_depth=1.0,
        max_depth=2.0,
        backend_used="mine.pth",
        depth_image=None,
        raw_depth=raw_depth,
        point_cloud=None,
        point_cloud_scale=1.0,
    )
    assert result.raw_depth.tolist() == [[1.0, 2.0]]
    assert result.depth_map == [[1.0, 2.0]]


def test_stereo_as_1_5_writes_it() -> None:
    config = stereo.StereoDepthAdvancedConfig(
        focal_length=1733.74, cx=792.27, cy=541.89, baseline=536.62, scale_factor=None
    )
    command = stereo.StereoDepthCommand("left.png", "right.png", "sgbm", True, True, False, config)
    assert command.advanced_config is config
    result = stereo.StereoDepthResult(  # type: ignore[call-arg]  # 1.5.6 has no disparity: it is made of disparity_map
        depth_map=[[1.0, 2.0]],
        disparity_map=[[4.0, 2.0]],
        min_depth=1.0,
        max_depth=2.0,
        backend_used="mine.pth",
        depth_image=None,
        raw_depth=None,
        point_cloud=None,
        point_cloud_scale=1.0,
    )
    assert result.depth_map == [[1.0, 2.0]]
    assert result.disparity_map == [[4.0, 2.0]]
