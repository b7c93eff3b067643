"""Cameras, projection and frames: NumPy only."""
