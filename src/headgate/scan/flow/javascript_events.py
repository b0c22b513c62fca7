"""What listeners are called with: data that arrives, and what one part of a program tells another.

https://nodejs.org/api/events.html https://developer.mozilla.org/docs/Web/API/Window/message_event
"""

from __future__ import annotations

from typing import Any

from headgate.model.finding import Confidence
from headgate.scan.flow.javascript_methods import JavaScriptMethods
from headgate.scan.flow.javascript_objects import functions_in
from headgate.scan.flow.values import UNKNOWN, Value, constant
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Node

_LISTENING = frozenset({"on", "once", "addListener", "prependListener", "addEventListener"})
_WINDOW = frozenset(
    {"addEventListener", "window.addEventListener", "self.addEventListener"}
    | {"globalThis.addEventListener", "window.parent.addEventListener"}
)
_SERVING = frozenset({"net.createServer", "tls.createServer"})
_ANY = "*"
_BODY = ("web", "the body of the request")
_MESSAGE = ("web", "a message of another page")
_SOCKET = ("web", "a message of the other side")
_ENTRY = ("network", "a name in an archive")
_ARRIVING: dict[tuple[str, str], tuple[str, str]] = {
    ("http.IncomingMessage", "data"): _BODY,
    ("window", "message"): _MESSAGE,
    ("ws.WebSocket", "message"): _SOCKET,
    ("socket.io.Socket", _ANY): _SOCKET,
    ("net.Socket", "data"): ("network", "what the other side sends"),
    ("unzipper.Parser", "entry"): _ENTRY,
    ("yauzl.ZipFile", "entry"): _ENTRY,
    ("tar-stream.Extract", "entry"): _ENTRY,
    ("busboy.Busboy", "field"): ("web", "a field of the form"),
}
"""Type and event → label of what listeners are given, and what it is called."""
_CONNECTED = {"ws.WebSocketServer": "ws.WebSocket", "socket.io.Server": "socket.io.Socket"}
"""Type of a server → what its listeners of `connection` are given."""
_INTERNAL = frozenset({"connect", "connection", "disconnect", "disconnecting", "error", "close"})
_EMITTER = "events.EventEmitter"
_MOST = 20
"""Listeners of one event that are followed."""


class JavaScriptEvents(JavaScriptMethods):
    """Listeners and streams."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._listeners: dict[str, list[Value]] = {}
        """Of the project's own emitters, by event."""

    def method(
        self, recv: Value, name: str, args: list[Value], keywords: dict[str, Value], node: Node
    ) -> Value | None:
        if name in _LISTENING and len(args) > 1 and functions_in(args[1]):
            self._listens(recv, args, node)
            return recv
        if name == "emit" and args and not recv.taint:
            self._emits(recv, args, node)
        if name == "pipe" and args:
            return args[0]
        return super().method(recv, name, args, keywords, node)

    def builtin(
        self,
        name: str,
        args: list[Value],
        keywords: dict[str, Value],
        node: Node,
        extra: Value | None,
    ) -> Value | None:
        if name in _SERVING and args and functions_in(args[-1]):
            self.calls_back(args[-1], [Value(type="net.Socket")], node)
            return None
        if name in _WINDOW and len(args) > 1 and functions_in(args[1]):
            self._listens(Value(name="window"), args, node)
            return UNKNOWN
        return super().builtin(name, args, keywords, node, extra)

    def _listens(self, recv: Value, args: list[Value], node: Node) -> None:
        event = _text(args[0])
        given: list[Value] = []
        if event is not None:
            given = self._given_to(recv, event, node)
            if not given and self._is_emitter(recv):
                known = self._listeners.setdefault(event, [])
                if len(known) < _MOST and all(one.obj is not args[1].obj for one in known):
                    known.append(args[1])
                    for one in functions_in(args[1]):
                        self.keep_function(one, self.env.heap)
        self.calls_back(args[1], given, node)

    def _bind_attribute(self, target: Node, value: Value, node: Node) -> None:
        """`window.onmessage = (event) => …`"""
        super()._bind_attribute(target, value, node)
        holder = target[3]
        window = holder[0] == ir.NAME and holder[3] in ("window", "self", "globalThis")
        if target[4] == "onmessage" and window and functions_in(value):
            self._listens(Value(name="window"), [constant("message"), value], node)

    def _given_to(self, recv: Value, event: str, node: Node) -> list[Value]:
        kinds = (*self.rules.lineage(recv.type), recv.name) if recv.type else (recv.name,)
        for kind in kinds:
            if event == "connection" and kind in _CONNECTED:
                return [Value(type=_CONNECTED[kind])]
            found = _ARRIVING.get((kind, event))
            if found is None and event not in _INTERNAL:
                found = _ARRIVING.get((kind, _ANY))
            if found is not None:
                return [self.arriving(*found, event, node)]
        return []

    def arriving(self, label: str, what: str, key: str, node: Node) -> Value:
        """A value that comes in here."""
        token = self.token(label, what, key, node, Confidence.HIGH, node[1])
        mask = self._names_only if (label, what) == _ENTRY else 0
        return Value(self.tainted(token, node, mask))

    @property
    def _names_only(self) -> int:
        return self.rules.all & ~self.rules.mask(("path-traversal", "archive-extraction"))

    def _taken(self, value: Value, name: str, node: Node) -> Any:
        if name == "origin" and value.type != "URL":
            # Who sent it: what a test of it shows is shown of the message.
            return self.part(value.taint, name, node)
        return super()._taken(value, name, node)

    def _is_emitter(self, recv: Value) -> bool:
        held = self.obj(recv)
        if held is not None and held.cls is not None:
            return any(self.rules.is_a(one, (_EMITTER,)) for one in held.cls.library_bases())
        return self.rules.is_a(recv.type, (_EMITTER,))

    def _emits(self, recv: Value, args: list[Value], node: Node) -> None:
        event = _text(args[0])
        if event is None or not self._is_emitter(recv):
            return
        for one in self._listeners.get(event, ())[:_MOST]:
            self.calls_back(one, args[1:], node)

    def iterate(self, value: Value, node: Node) -> Value:
        """`for await (const chunk of req)`"""
        request = value.type and not value.taint and value.ref is None
        if request and self.rules.is_a(value.type, ("http.IncomingMessage",)):
            return self.arriving(*_BODY, "data", node)
        return super().iterate(value, node)


def _text(value: Value) -> str | None:
    consts = value.consts
    known = consts[0] if consts is not None and len(consts) == 1 else None
    return known if isinstance(known, str) else None
