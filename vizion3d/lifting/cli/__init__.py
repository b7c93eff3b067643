"""``vizion3d depth``, ``vizion3d video`` and ``vizion3d align-colmap``."""

from vizion3d.cli.program import Commands
from vizion3d.lifting.cli.colmap import align_colmap
from vizion3d.lifting.cli.depth import depth
from vizion3d.lifting.cli.video import video

COMMANDS = Commands((depth, video, align_colmap))
