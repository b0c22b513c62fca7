"""A package index of Python and a registry of npm on loopback, with packages made here."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import threading
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def wheel(name: str, version: str, needs: tuple[str, ...] = ()) -> bytes:
    """A wheel with a module of that name."""
    buffer = io.BytesIO()
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n" + "".join(
        f"Requires-Dist: {need}\n" for need in needs
    )
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(f"{name}.py", "")
        archive.writestr(f"{info}/METADATA", metadata)
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return buffer.getvalue()


class Registry:
    """What it holds, by path."""

    def __init__(self) -> None:
        self.pages: dict[str, tuple[str, bytes]] = {}
        self.address = ""

    def python(self, name: str, versions: Mapping[str, tuple[str, ...]]) -> None:
        """A package in these versions, with what each needs."""
        links: list[str] = []
        for version, needs in versions.items():
            data = wheel(name, version, needs)
            file = f"{name}-{version}-py3-none-any.whl"
            digest = hashlib.sha256(data).hexdigest()
            self.pages[f"/files/{file}"] = ("application/octet-stream", data)
            links.append(f'<a href="/files/{file}#sha256={digest}">{file}</a>')
        page = f"<!DOCTYPE html><html><body>{''.join(links)}</body></html>"
        self.pages[f"/simple/{name}/"] = ("text/html", page.encode())

    def npm(self, name: str, versions: Mapping[str, Mapping[str, str]]) -> None:
        """A package in these versions, with what each needs."""
        document = {
            "name": name,
            "dist-tags": {"latest": list(versions)[-1]},
            "versions": {
                version: {
                    "name": name,
                    "version": version,
                    "dependencies": dict(needs),
                    "dist": {
                        "tarball": f"{self.address}/{name}/-/{name}-{version}.tgz",
                        "integrity": "sha512-"
                        + base64.b64encode(hashlib.sha512(version.encode()).digest()).decode(),
                    },
                }
                for version, needs in versions.items()
            },
        }
        self.pages[f"/{name}"] = ("application/json", json.dumps(document).encode())


@contextmanager
def registry() -> Iterator[Registry]:
    """One that serves until the block ends."""
    found = Registry()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            kind, data = found.pages.get(self.path.partition("?")[0], ("text/plain", b""))
            self.send_response(200 if data else 404)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(data)

        do_HEAD = do_GET

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
