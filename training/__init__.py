"""Training of the small checkpoint ``nano`` on images that we render ourselves."""
