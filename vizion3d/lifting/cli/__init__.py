"""``vizion3d depth`` and ``vizion3d video``."""

from vizion3d.cli.program import Commands
from vizion3d.lifting.cli.depth import depth
from vizion3d.lifting.cli.video import video

COMMANDS = Commands((depth, video))
