"""What an answer is sent as: a browser runs the scripts of pages, and of nothing else."""

from __future__ import annotations

import functools
import re

from headgate.model.finding import Confidence
from headgate.scan.flow.javascript_functions import ASKING, is_composed
from headgate.scan.flow.javascript_schemas import JavaScriptSchemas
from headgate.scan.flow.sinks import PLAIN, Arguments, dotted
from headgate.scan.flow.values import Value
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Node
from headgate.scan.packs.expressions import MAX_LENGTH, why_endless
from headgate.scan.packs.schema import KindName, Literal, Sink

_ANSWERS = ("Response", "Reply", "ServerResponse", "Context")
_TYPES = frozenset({"type", "contentType"})
_HEADERS = frozenset({"set", "header", "setHeader", "writeHead", "headers"})
_HEADER = "content-type"
_PAGES = ("html", "xml", "svg", "script", "multipart")
"""Words in types of content in which scripts run, or from which they can be loaded."""


_PATTERN = "re.Pattern"
_MATCHING = frozenset(
    {"test", "exec", "match", "matchAll", "search", "replace", "replaceAll", "split"}
)
_COOKIE = "set-cookie"
_SESSION = re.compile(r"sess|token|auth|jwt|(^|_)sid$|remember", re.IGNORECASE)
_OPEN_COOKIE = Literal(KindName("insecure-cookie"), confidence=Confidence.MEDIUM)
_KEPT = "application/octet-stream"
"""What is saved, not shown."""
_UPLOAD = Sink(kind=KindName("missing-upload-limits"), confidence=Confidence.MEDIUM)
_KEEPING = frozenset(
    {"mv", "writeFile", "writeFileSync", "rename", "renameSync", "createWriteStream", "copyFile"}
    | {"copyFileSync", "move", "moveSync", "outputFile"}
)
_FILE_NAMES = frozenset({"originalname", "name", "filename", "originalFilename"})
_LOOKS_AT_TYPE = frozenset(
    {"fileFilter", "mimetype", "mimeType", "extname", "fileTypeFromBuffer", "file-type"}
)
"""What a file mentions that looks at what sort of file it was sent."""
_REDOS = Sink(kind=KindName("redos"), confidence=Confidence.MEDIUM)


@functools.lru_cache(maxsize=2000)
def _is_slow(pattern: str) -> bool:
    try:
        return bool(why_endless(pattern)) and len(pattern) < MAX_LENGTH
    except (re.error, OverflowError, RecursionError):
        return False


class JavaScriptAnswers(JavaScriptSchemas):
    """Remembers of an answer that it is no page."""

    _plain = False
    """Whether what is being assigned is sent as no page."""

    def _bind_attribute(self, target: Node, value: Value, node: Node) -> None:
        """`ctx.type = "text/plain"; ctx.body = text`."""
        if target[4] in ("type", "body"):
            answer = self.eval(target[3])
            if answer.type.endswith(_ANSWERS):
                if target[4] == "type":
                    kind = _word(value) or _PAGES[0]
                    self._send_as(answer, None if any(one in kind for one in _PAGES) else PLAIN)
                self._plain = target[4] == "body" and answer.text == PLAIN
        try:
            super()._bind_attribute(target, value, node)
        finally:
            self._plain = False

    def sink(
        self,
        sink: Sink,
        values: list[Value],
        node: Node,
        name: str,
        most: Confidence = Confidence.HIGH,
    ) -> None:
        if self._plain and sink.kind == "xss":
            return
        if sink.kind == "path-traversal":
            self._upload(values, node, name, most)
        if sink.kind == "mass-assignment":
            values = [one for one in map(self._whole, values) if one is not None]
        elif sink.kind == "error-exposure" and _refuses(node):
            return
        elif sink.kind == "xss" and sink.unless_type:
            values = [_composed_rows(one) for one in values]
        super().sink(sink, values, node, name, most)

    def _upload(self, values: list[Value], node: Node, name: str, most: Confidence) -> None:
        """A file that is kept under the name that its sender gave it."""
        module = self.frame.module.ir
        if name.rpartition(".")[2] not in _KEEPING or module is None:
            return
        if not module.mentions.isdisjoint(_LOOKS_AT_TYPE):
            return
        for value in values:
            for token in self.deep(value) or ():
                named = token.key.rpartition(".")[2] in _FILE_NAMES
                if named and token.root().what == "an uploaded file":
                    super().sink(_UPLOAD, [Value(value.taint, text=value.text)], node, name, most)
                    return

    def _whole(self, value: Value) -> Value | None:
        """What was sent as it came, or spread into something; not what holds some fields of it."""
        held = self.obj(value)
        if held is None:
            return value if self.whole_tokens(value) and value.type != "str" else None
        return held.rest if held.rest is not None and held.rest.taint else None

    def library_call(
        self, function: Value, given: Arguments, node: Node, target: str = ""
    ) -> Value:
        recv = given[0]
        self._slow_pattern(function, recv, given[1], node)
        if recv is not None and recv.type.endswith(_ANSWERS):
            self._cookie(function.name.rpartition(".")[2], given[1], node)
        if function.name.rpartition(".")[2] in ASKING and given[1]:
            self.callback(given[1][-1], [], node)
        value = super().library_call(function, given, node, target)
        if recv is None or not recv.type.endswith(_ANSWERS):
            return value
        kind = self._content_type(function.name.rpartition(".")[2], given[1])
        if kind is not None:
            text = None if any(word in kind for word in _PAGES) else PLAIN
            self._send_as(recv, text)
        else:
            text = PLAIN if recv.text == PLAIN else None
        if value.type != recv.type:
            return value
        return Value(
            value.taint, None, value.ref, value.type, value.name, value.obj, value.recv, text
        )

    def _cookie(self, method: str, args: list[Value], node: Node) -> None:
        """A header that sets the cookie of a session, and leaves it to scripts."""
        if method not in _HEADERS | {"append"} or not args or node[0] != ir.CALL:
            return
        given = [one for at, one in enumerate(args[1:]) if at == 0 and _word(args[0]) == _COOKIE]
        for one in args:
            held = self.obj(one)
            for key, item in held.items.items() if held is not None else ():
                if isinstance(key, str) and key.lower() == _COOKIE:
                    given.append(item)
        for one in given:
            text = (one.text or "").lower()
            if "=" not in text or "\0" not in text.partition(";")[0] or "httponly" in text:
                continue
            names = [dotted(part).rpartition(".")[2] for part in _put_in(node)]
            if any(map(_SESSION.search, (text.partition("=")[0], *names))):
                self.literal(_OPEN_COOKIE, node, "Set-Cookie")

    def _slow_pattern(
        self, function: Value, recv: Value | None, args: list[Value], node: Node
    ) -> None:
        """A text from outside that is matched by a pattern which may take exponential time."""
        if recv is None or not args or function.name.rpartition(".")[2] not in _MATCHING:
            return
        first = args[0]
        pattern, subject = (recv, first) if recv.type == _PATTERN else (first, recv)
        if pattern.type != _PATTERN or not subject.taint or pattern.taint or not pattern.text:
            return
        if _is_slow(pattern.text):
            self.sink(_REDOS, [subject], node, "a pattern that repeats what repeats")

    def _content_type(self, method: str, args: list[Value]) -> str | None:
        """The type that a call gives an answer, in lower case; None: it gives none. One that is
        not known may be that of a page."""
        if method in _TYPES and args:
            return _word(args[0]) or _PAGES[0]
        if method == "attachment":
            return _KEPT
        if method not in _HEADERS:
            return None
        for at, one in enumerate(args):
            held = self.obj(one)
            if held is not None:
                for name, item in held.items.items():
                    if isinstance(name, str) and name.lower() == _HEADER:
                        return _word(item) or _PAGES[0]
            elif _word(one) == _HEADER and at + 1 < len(args):
                return _word(args[at + 1]) or _PAGES[0]
        return None

    def _send_as(self, answer: Value, text: str | None) -> None:
        """Every name of the answer knows of it."""
        for name, one in list(self.env.vars.items()):
            if one is answer:
                self.env.vars[name] = Value(
                    one.taint, None, one.ref, one.type, one.name, one.obj, one.recv, text
                )


def _put_in(node: Node) -> list[Node]:
    """The parts of texts that are put together in a call."""
    found: list[Node] = []
    waiting = [*node[4]]
    while waiting:
        one = waiting.pop()
        if one[0] == ir.MAP:
            waiting += [value for _, value in one[3]]
        elif one[0] == ir.BUILD:
            found += one[3]
        elif one[0] == ir.SEQ:
            waiting += one[4]
        elif one[0] == ir.BINARY:
            waiting += (one[4], one[5])
        elif one[0] in (ir.NAME, ir.ATTR):
            found.append(one)
    return found


def _composed_rows(value: Value) -> Value:
    """What is answered with, without rows that are sent as they are: as JSON."""
    taint = value.taint
    if not taint or not any(token.root().label == "stored" for token in taint):
        return value
    taint = {
        token: (mask, trace)
        for token, (mask, trace) in taint.items()
        if token.root().label != "stored" or is_composed(trace)
    }
    return Value(taint, value.consts, value.ref, value.type, text=value.text)


def _refuses(node: Node) -> bool:
    """`res.status(400).json(…)`: what is wrong with a request its sender may know."""
    chain = node[3] if node[0] == ir.CALL else node
    while chain[0] in (ir.ATTR, ir.CALL):
        if (
            chain[0] == ir.CALL
            and chain[4]
            and dotted(chain[3]).rpartition(".")[2] in ("status", "code")
        ):
            given = chain[4][0]
            return given[0] == ir.CONST and type(given[3]) is int and 400 <= given[3] < 500
        chain = chain[3]
    return False


def _word(value: Value) -> str | None:
    consts = value.consts
    known = consts[0] if consts is not None and len(consts) == 1 else None
    return known.lower() if isinstance(known, str) else None
