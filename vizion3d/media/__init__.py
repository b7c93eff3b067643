"""Pixels in: whatever a user calls an image or a video -> arrays."""
