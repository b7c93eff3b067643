"""A local HTTP server that serves one file, as badly as a test wants it to."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Served:
    """What the server answers, and what it was asked.

    Attributes:
        content: The file.
        statuses: Status of each answer in turn; 200 when they run out.
        cut_after: Bytes after which each answer in turn breaks off; ``None`` sends it whole.
        content_type: The file's media type.
        etag: Entity tag; empty sends none.
        location: Where redirects lead.
        delay_s: Pause before the content.
        halfway: The second half of the content waits for it.
        ranges: The Range header of every request, in order.
    """

    content: bytes = b""
    statuses: list[int] = field(default_factory=list)
    cut_after: list[int | None] = field(default_factory=list)
    content_type: str = "application/octet-stream"
    etag: str = '"v1"'
    location: str = ""
    delay_s: float = 0.0
    halfway: threading.Event | None = None
    honour_range: bool = True
    extra_length: int = 0
    tell_length: bool = True
    ranges: list[str | None] = field(default_factory=list)


def _handler(served: Served) -> type[BaseHTTPRequestHandler]:
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with lock:
                served.ranges.append(self.headers.get("Range"))
                status = served.statuses.pop(0) if served.statuses else 200
                cut = served.cut_after.pop(0) if served.cut_after else None
            content, start = served.content, 0
            wanted = self.headers.get("Range")
            unchanged = self.headers.get("If-Range") == served.etag
            if status == 200 and wanted and unchanged and served.honour_range:
                start, status = int(wanted.removeprefix("bytes=").rstrip("-")), 206
            if status == 206 and start >= len(content):
                status = 416
            body = content[start:] if status < 300 else b"no"
            self.send_response(status)
            self.send_header("Content-Type", served.content_type)
            if served.tell_length:
                self.send_header("Content-Length", str(len(body) + served.extra_length))
            if served.etag:
                self.send_header("ETag", served.etag)
            if 300 <= status < 400:
                self.send_header("Location", served.location)
            if status == 416:
                self.send_header("Content-Range", f"bytes */{len(content)}")
            if status == 206:
                last = len(content) - 1
                self.send_header("Content-Range", f"bytes {start}-{last}/{len(content)}")
            self.end_headers()
            threading.Event().wait(served.delay_s)
            body = body if cut is None else body[:cut]
            if served.halfway is not None:
                first, body = body[: len(body) // 2], body[len(body) // 2 :]
                self.wfile.write(first)
                self.wfile.flush()
                served.halfway.wait()
            self.wfile.write(body)
            self.wfile.flush()
            self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler


@contextmanager
def serve(served: Served) -> Iterator[str]:
    """The base URL of a server on loopback that answers as ``served`` says."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(served))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
