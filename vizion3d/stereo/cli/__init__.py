"""``vizion3d stereo``."""
