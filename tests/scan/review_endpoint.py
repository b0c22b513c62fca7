"""An endpoint for chat completions on loopback that answers by a script, and keeps what it got."""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Answer:
    """One answer of the script."""

    text: str = '{"findings": []}'
    """What the model says; put into the usual JSON unless `raw` is given."""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    sent: int | None = 1000
    received: int = 100
    finish: str = "stop"
    wait: float = 0.0
    """Seconds before anything is sent."""
    drip: float = 0.0
    """Seconds between single bytes."""

    def body(self) -> bytes:
        if self.raw is not None:
            return self.raw
        message = {"role": "assistant", "content": self.text}
        value: dict[str, Any] = {"choices": [{"message": message, "finish_reason": self.finish}]}
        if self.sent is not None:
            value["usage"] = {"prompt_tokens": self.sent, "completion_tokens": self.received}
        return json.dumps(value).encode()


Script = Sequence[Answer] | Callable[[Mapping[str, Any]], Answer]


class ScriptedEndpoint:
    """A server that is up as long as the block runs; `asked` holds every request body."""

    def __init__(self, script: Script, tls: ssl.SSLContext | None = None) -> None:
        self.script = script
        self.asked: list[bytes] = []
        self.headers: list[Mapping[str, str]] = []
        self.paths: list[str] = []
        self.times: list[float] = []
        self.stopping = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer._serve(self)

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                pass  # Clients that give up are a part of many scripts.

        self._server = Server(("127.0.0.1", 0), Handler)
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        scheme = "https" if tls is not None else "http"
        self.url = f"{scheme}://127.0.0.1:{self._server.server_address[1]}/v1"

    def __enter__(self) -> ScriptedEndpoint:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()

    def question(self, index: int = -1) -> dict[str, Any]:
        """A request body as it was understood."""
        found: dict[str, Any] = json.loads(self.asked[index])
        return found

    def shown(self, index: int = -1) -> str:
        """Every message of a request."""
        return "\n".join(one["content"] for one in self.question(index)["messages"])

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        length = int(handler.headers["content-length"])
        body = handler.rfile.read(length)
        self.asked.append(body)
        self.headers.append(dict(handler.headers.items()))
        self.paths.append(handler.path)
        self.times.append(time.monotonic())
        if callable(self.script):
            answer = self.script(json.loads(body))
        else:
            answer = self.script[min(len(self.asked), len(self.script)) - 1]
        if answer.wait:
            self.stopping.wait(answer.wait)
        data = answer.body()
        handler.send_response(answer.status)
        for name, value in answer.headers.items():
            handler.send_header(name, value)
        handler.send_header("content-length", str(len(data)))
        handler.end_headers()
        with suppress(OSError):
            if not answer.drip:
                handler.wfile.write(data)
                return
            for at in range(len(data)):
                handler.wfile.write(data[at : at + 1])
                handler.wfile.flush()
                if self.stopping.wait(answer.drip):
                    return


def finding(path: str, number: int, code: str, **more: Any) -> dict[str, Any]:
    """A finding as a model would write it."""
    return {
        "path": path,
        "line": number,
        "end_line": number,
        "code": code,
        "cwe": 862,
        "severity": "high",
        "confidence": "high",
        "title": "Anybody may do this",
        "explanation": "The route does not look at who asks.",
        "remedy": "Check the caller first.",
    } | more


def says(*findings: Mapping[str, Any], **more: Any) -> Answer:
    """An answer with these findings."""
    return Answer(json.dumps({"findings": list(findings)}), **more)
