"""Open3D, imported without the web framework that one function of it draws with.

``open3d.visualization.draw_plotly`` imports plotly and dash: half of the time that importing Open3D
takes, and 30 MB. Until one of its functions is called, stand-ins are in their place, unless the
program has imported Open3D before us.
"""

import importlib
import os
import sys
import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any

_SLOW = "open3d.visualization.draw_plotly"
_FUNCTIONS = ("draw_plotly", "draw_plotly_server", "get_plotly_fig")
_NO_WEB_VISUALIZER, _ASKED_BY_US = "OPEN3D_DISABLE_WEB_VISUALIZER", "True"
"""In a notebook, Open3D prints a banner and starts a server, unless this variable is set."""
_lock = threading.Lock()


def import_open3d() -> Any:
    """Open3D.

    Raises:
        ImportError: It is not installed, or one of the system's libraries that it loads is not.
        OSError: One of these is damaged.
    """
    with _lock:
        if "open3d" in sys.modules:
            return importlib.import_module("open3d")
        stand_ins = ModuleType(_SLOW)
        for name in _FUNCTIONS:
            setattr(stand_ins, name, _stand_in(name))
        sys.modules[_SLOW] = stand_ins
        silent = _NO_WEB_VISUALIZER not in os.environ
        os.environ.setdefault(_NO_WEB_VISUALIZER, _ASKED_BY_US)
        try:
            return importlib.import_module("open3d")
        finally:
            sys.modules.pop(_SLOW)
            if silent:
                del os.environ[_NO_WEB_VISUALIZER]


def _stand_in(name: str) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        module = importlib.import_module(_SLOW)
        for each in _FUNCTIONS:
            setattr(sys.modules["open3d.visualization"], each, getattr(module, each))
        return getattr(module, name)(*args, **kwargs)

    call.__name__ = name
    return call
