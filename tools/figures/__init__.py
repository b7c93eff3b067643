"""The pictures of README and docs, made by the project itself: ``make figures``."""
