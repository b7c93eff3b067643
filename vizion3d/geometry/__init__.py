"""Cameras, depth, projection and frames: NumPy only, no other part of the library but errors."""
