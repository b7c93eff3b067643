"""Reading images and videos into arrays."""
