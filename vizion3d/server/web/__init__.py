"""The web page of the REST server: static files, and the code that serves them."""

from vizion3d.server.web.pages import mount_web

__all__ = ["mount_web"]
