import subprocess
import sys

import pytest

pytestmark = pytest.mark.process


def run(program: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()


def test_plotly_is_imported_when_something_is_drawn_with_it() -> None:
    program = (
        "import sys\n"
        "from vizion3d.outputs.open3d_library import import_open3d\n"
        "open3d = import_open3d()\n"
        "print({'plotly', 'dash'} & sys.modules.keys())\n"
        "cloud = open3d.geometry.PointCloud()\n"
        "cloud.points = open3d.utility.Vector3dVector([[0, 0, 1]])\n"
        "for _ in range(2):\n"
        "    figure = open3d.visualization.get_plotly_fig([cloud])\n"
        "    print(type(figure).__module__, len(figure.data))\n"
        "print(open3d.visualization.draw_plotly.__module__)\n"
        "from open3d.visualization.draw_plotly import get_plotly_fig\n"
        "print(get_plotly_fig is open3d.visualization.get_plotly_fig)\n"
    )
    figure, real = "plotly.graph_objs._figure 1", "open3d.visualization.draw_plotly"
    assert run(program) == ["set()", figure, figure, real, "True"]


def test_open3d_imported_before_stays_as_it_is() -> None:
    program = (
        "import open3d\n"
        "from vizion3d.outputs.open3d_library import import_open3d\n"
        "print(import_open3d() is open3d, open3d.visualization.draw_plotly.__module__)\n"
    )
    assert run(program) == ["True open3d.visualization.draw_plotly"]


def test_nothing_is_printed_in_a_notebook() -> None:
    program = (
        "import builtins, os\n"
        "class ZMQInteractiveShell: pass\n"
        "builtins.get_ipython = ZMQInteractiveShell\n"
        "from vizion3d.outputs.open3d_library import import_open3d\n"
        "import_open3d()\n"
        "print('OPEN3D_DISABLE_WEB_VISUALIZER' in os.environ)\n"
    )
    assert run(program) == ["False"]
