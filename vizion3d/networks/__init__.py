"""The networks: one folder a family."""
