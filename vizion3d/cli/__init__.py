"""The command line's program, its options and its progress; tasks bring their own commands."""
