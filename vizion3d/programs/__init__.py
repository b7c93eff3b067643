"""Entry points of the three programs: they hand the tasks to the servers and the command line."""
