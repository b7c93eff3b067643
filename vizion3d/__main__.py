"""``python -m vizion3d``: the same as ``vizion3d``."""

from vizion3d.programs.cli import main

main()
