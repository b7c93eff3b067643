"""A second task, as somebody would write it: how much two photos differ, pixel by pixel.

Nothing in ``vizion3d`` knows of it: its record is handed to the application, the servers and the
command line as ``vizion3d.app.TASKS`` is.
"""
