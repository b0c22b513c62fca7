"""Templates of HTML: what is printed, and where in the page it lands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum

from headgate.model.record import record, replace
from headgate.scan.late import late


class Where(Enum):
    """The part of a page in which a value is printed."""

    TEXT = "text"
    TAG = "tag"
    """Between attributes."""
    QUOTED = "quoted attribute"
    UNQUOTED = "unquoted attribute"
    SCRIPT = "script"
    SCRIPT_TEXT = "text in a script"
    SCRIPT_TEMPLATE = "template literal in a script"
    SCRIPT_COMMENT = "comment in a script"
    DATA = "script that is data"
    STYLE = "style"
    COMMENT = "comment"


@record
class Printed:
    """A value that a template prints."""

    expression: str
    """Without the marks around it."""
    raw: bool
    """Whether the mark itself says that it is not escaped (`{{{ }}}`, `<%- %>`)."""
    start: int
    """Offset of its mark."""
    end: int
    where: Where
    attribute: str
    """In lower case; empty outside of attributes."""
    before: str
    """What the attribute holds before it."""
    escaping: bool
    """Whether the template has not switched escaping off here."""


@record
class _State:
    where: Where = Where.TEXT
    tag: str = ""
    attribute: str = ""
    value: str = ""
    quote: str = ""
    script: str = ""
    """The quote of the text that a script is in; `/` and `*` for its comments."""
    data: bool = False
    """Whether the script's type says that no browser runs it."""


_TOKEN = late(
    r"\{\{\{(?P<raw>.*?)\}\}\}|\{\{(?!\{)-?(?P<value>.*?)-?\}\}|\{%-?\+?(?P<tag>.*?)[-+]?%\}|"
    r"\{#(?P<comment>.*?)#\}|<%(?P<mark>[-=_#%]?)(?P<ejs>.*?)-?_?%>",
    re.DOTALL,
)
_OPENS = frozenset({"if", "for", "with", "block", "ifchanged", "unless", "each"})
_AUTOESCAPE = late(r"autoescape\s+(off|false|False)\b")
_PIECE = late(r"[<>\"'=/\s`]|[^<>\"'=/\s`]+")
_JS_TYPES = ("", "text/javascript", "module", "application/javascript", "text/babel")


def printed(text: str) -> Iterator[Printed]:
    """Every value that the template prints, in its order."""
    page = _Page()
    saved: list[_State] = []
    escaping: list[bool] = [True]
    at = 0
    for match in _TOKEN.finditer(text):
        page.feed(text[at : match.start()])
        at = match.end()
        tag = match["tag"]
        if tag is not None:
            words = tag.split()
            first = words[0] if words else ""
            if first == "autoescape":
                escaping.append(not _AUTOESCAPE.search(tag))
            elif first == "endautoescape" and len(escaping) > 1:
                escaping.pop()
            elif first in _OPENS:
                saved.append(page.state)
            elif first in ("else", "elif") and saved:
                page.state = saved[-1]
            elif first.startswith("end") and first[3:] in _OPENS and saved:
                saved.pop()
            continue
        expression, raw = match["value"], False
        if match["raw"] is not None:
            expression, raw = match["raw"], True
        elif match["ejs"] is not None:
            if match["mark"] not in ("-", "="):
                continue
            expression, raw = match["ejs"], match["mark"] == "-"
        if expression is None:
            continue
        state = page.state
        yield Printed(
            expression.strip(), raw, match.start(), match.end(), page.where(),
            state.attribute if state.where in (Where.QUOTED, Where.UNQUOTED) else "",
            state.value, escaping[-1],
        )  # fmt: skip
        page.printed()


class _Page:
    """Follows HTML, as a browser would read it, over the literal parts of a template."""

    def __init__(self) -> None:
        self.state: _State = _State()

    def where(self) -> Where:
        state = self.state
        if state.where is not Where.SCRIPT:
            return state.where
        if state.data:
            return Where.DATA
        if state.script in ("'", '"'):
            return Where.SCRIPT_TEXT
        if state.script == "`":
            return Where.SCRIPT_TEMPLATE
        return Where.SCRIPT_COMMENT if state.script in ("/", "*") else Where.SCRIPT

    def printed(self) -> None:
        """A value was printed here."""
        state = self.state
        if state.where in (Where.QUOTED, Where.UNQUOTED):
            self.state = replace(state, value=state.value + "\0")
        elif state.where is Where.TAG and state.attribute.endswith("="):
            self.state = replace(state, where=Where.UNQUOTED)

    def feed(self, text: str) -> None:
        at = 0
        while at < len(text):
            state = self.state
            if state.where is Where.TEXT:
                at = self._text(text, at)
            elif state.where in (Where.SCRIPT, Where.STYLE):
                at = self._script(text, at)
            elif state.where is Where.COMMENT:
                end = text.find("-->", at)
                if end < 0:
                    return
                self.state = _State()
                at = end + 3
            else:
                at = self._tag(text, at)
        # An `=` right before a value: the value is not quoted.
        state = self.state
        if state.where is Where.TAG and state.attribute.endswith("="):
            name = state.attribute[:-1]
            self.state = replace(state, where=Where.UNQUOTED, attribute=name, value="")

    def _text(self, text: str, at: int) -> int:
        start = text.find("<", at)
        if start < 0:
            return len(text)
        if text.startswith("<!--", start):
            self.state = _State(Where.COMMENT)
            return start + 4
        match = re.compile(r"</?([a-zA-Z][\w:-]*)").match(text, start)
        if not match:
            return start + 1
        tag = match[1].lower()
        self.state = _State(Where.TAG, tag if text[start + 1] != "/" else "")
        return match.end()

    def _tag(self, text: str, at: int) -> int:
        state = self.state
        if state.where is Where.QUOTED:
            end = text.find(state.quote, at)
            if end < 0:
                self.state = replace(state, value=state.value + text[at:])
                return len(text)
            self._attribute(state.attribute, state.value + text[at:end])
            return end + 1
        match = _PIECE.match(text, at)
        if match is None:
            return at + 1
        piece = match[0]
        if state.where is Where.UNQUOTED:
            if piece.isspace() or piece == ">":
                self._attribute(state.attribute, state.value)
                return at
            self.state = replace(state, value=state.value + piece)
            return match.end()
        if piece == ">":
            if state.tag == "script":
                self.state = replace(state, where=Where.SCRIPT, script="", attribute="")
            elif state.tag == "style":
                self.state = _State(Where.STYLE, "style")
            else:
                self.state = _State()
        elif piece == "=" and state.attribute and not state.attribute.endswith("="):
            self.state = replace(state, attribute=state.attribute + "=")
        elif state.attribute.endswith("=") and not piece.isspace():
            name = state.attribute[:-1]
            if piece in ('"', "'"):
                self.state = replace(
                    state, where=Where.QUOTED, attribute=name, value="", quote=piece
                )
            else:
                self.state = replace(state, where=Where.UNQUOTED, attribute=name, value=piece)
        elif not piece.isspace() and piece not in ('"', "'", "/", "<", "`"):
            self.state = replace(state, attribute=piece.lower())
        return match.end()

    def _attribute(self, name: str, value: str) -> None:
        state = replace(self.state, where=Where.TAG, attribute="", value="", quote="")
        if state.tag == "script" and name == "type":
            state = replace(state, data=value.strip().lower() not in _JS_TYPES)
        self.state = state

    def _script(self, text: str, at: int) -> int:
        tag = "style" if self.state.where is Where.STYLE else "script"
        end = re.compile(rf"</{tag}", re.IGNORECASE).search(text, at)
        stop = end.start() if end else len(text)
        if tag == "script" and not self.state.data:
            self.state = replace(self.state, script=_in_script(text[at:stop], self.state.script))
        if end:
            self.state = _State(Where.TAG)
            return end.end()
        return len(text)


_JS = late(r"\\.|//|/\*|\*/|[\"'`\n]", re.DOTALL)


def _in_script(text: str, inside: str) -> str:
    """The quote or comment that a script is in after this text."""
    for match in _JS.finditer(text):
        mark = match[0]
        if inside in ("'", '"', "`"):
            if mark == inside or (mark == "\n" and inside != "`"):
                inside = ""
        elif inside == "/":
            inside = "" if mark == "\n" else inside
        elif inside == "*":
            inside = "" if mark == "*/" else inside
        elif mark in ('"', "'", "`"):
            inside = mark
        elif mark == "//":
            inside = "/"
        elif mark == "/*":
            inside = "*"
    return inside
