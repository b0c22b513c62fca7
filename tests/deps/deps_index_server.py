"""A package index of our own on loopback, which answers as indexes do, and as they should not."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SIMPLE_JSON = "application/vnd.pypi.simple.v1+json"


@dataclass
class Reply:
    """What the index answers for one path."""

    status: int = 200
    type: str = SIMPLE_JSON
    body: bytes = b""
    delay: float = 0.0
    """Seconds before each of eight pieces of the body."""
    location: str = ""


@dataclass
class Index:
    """The index: its address, what it answers per path, and what it was asked."""

    address: str
    replies: dict[str, list[Reply]] = field(default_factory=dict[str, list[Reply]])
    asked: list[str] = field(default_factory=list[str])
    logins: list[str] = field(default_factory=list[str])
    """The `Authorization` of each request, empty for none."""

    def says(self, path: str, *replies: Reply) -> None:
        """Answer the path with these replies in turn, the last one for ever."""
        self.replies[path] = list(replies)

    def has(self, name: str, files: int = 1) -> None:
        """Hold a Python package of so many files."""
        page = {
            "meta": {"api-version": "1.1"},
            "name": name,
            "files": [{"filename": f"{name}-1.{i}.tar.gz", "url": "x"} for i in range(files)],
        }
        self.says(f"/simple/{name}/", Reply(body=json.dumps(page).encode()))

    def next(self, path: str) -> Reply:
        self.asked.append(path)
        queue = self.replies.get(path)
        if not queue:
            return Reply(404, "text/html", b"<h1>404</h1>")
        return queue.pop(0) if len(queue) > 1 else queue[0]


@contextmanager
def serving() -> Iterator[Index]:
    """A real HTTP server on loopback, until the end of the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.logins.append(self.headers.get("Authorization", ""))
            reply = found.next(self.path)
            self.send_response(reply.status)
            self.send_header("Content-Type", reply.type)
            self.send_header("Content-Length", str(len(reply.body)))
            if reply.location:
                self.send_header("Location", reply.location)
            self.end_headers()
            step = max(1, len(reply.body) // 8) if reply.delay else max(1, len(reply.body))
            try:
                for at in range(0, len(reply.body), step):
                    if reply.delay:
                        time.sleep(reply.delay)
                    self.wfile.write(reply.body[at : at + step])
                    self.wfile.flush()
            except OSError:
                pass  # The asker has gone away: that is what some tests are about.

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    found = Index(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
