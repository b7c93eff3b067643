"""Training of ``nano`` on images that we render ourselves, from a published encoder."""
