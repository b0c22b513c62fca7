"""What the analysis knows of a value.

Values are never changed once made: containers and instances are objects in the heap of an
environment, and a value refers to them by number.
"""

from __future__ import annotations

from typing import Any

from headgate.model.finding import Confidence

WHOLE = 1
"""Bit of a mask: the value is all of what the source gave, not a part of it."""
RESOLVED = 2
"""Bit of a mask: a path without `..` and links."""
HOST = 4
"""Bit of a mask: the host of a URL."""
FIRST_KIND = 3
"""The bits from here on are kinds of defects that the value is safe for."""
MAX_TOKENS = 6
"""Sources that one value remembers."""
MAX_CONSTANTS = 12
"""Constants that one value may be."""
MAX_TEXT = 600
"""Characters of text that are remembered."""
MAX_TRACE = 40


_PARTS = 4
"""Parts of parts of what comes in that are told apart."""


class Token:
    """One place where data comes in: what a finding's trace begins with."""

    __slots__ = (
        "confidence", "derived", "end", "index", "key", "label", "parent", "parts", "path", "start",
        "what",
    )  # fmt: skip

    def __init__(
        self,
        label: str,
        what: str,
        key: str,
        path: str,
        start: int,
        end: int,
        confidence: Confidence = Confidence.HIGH,
        index: int = -1,
        parent: Token | None = None,
        parts: int = 0,
    ) -> None:
        self.label = label
        self.what = what
        self.key = key
        self.path = path
        self.start = start
        self.end = end
        self.confidence = confidence
        self.index = index
        """From 0 for what a caller passes into a function; -1 for a source."""
        self.parent = parent
        """What it is a part of."""
        self.parts = parts
        """Bits of the kinds that what is under a key of it is safe for."""
        self.derived: dict[str, Token] = {}

    def part(self, key: str) -> Token:
        """What is under a key of it: always the same token for the same key."""
        found = self.derived.get(key)
        if found is None:
            if self.depth >= _PARTS:
                return self
            found = Token(
                self.label, self.what, f"{self.key}.{key}", self.path, self.start, self.end,
                self.confidence, -1, self,
            )  # fmt: skip
            self.derived[key] = found
        return found

    @property
    def depth(self) -> int:
        """How many parts of parts of a source or symbol it is."""
        count, one = 0, self.parent
        while one is not None:
            count, one = count + 1, one.parent
        return count

    @property
    def is_element(self) -> bool:
        """Whether it is one of the items, or characters, that its whole consists of."""
        return self.parent is not None and self.key.endswith(".*")

    def root(self) -> Token:
        """The source or symbol that it is a part of."""
        token = self
        while token.parent is not None:
            token = token.parent
        return token


SYMBOLS = tuple(Token("", "", "", "", 0, 0, index=index) for index in range(MAX_TOKENS))
"""What stands for a caller's tokens inside a function."""

Trace = tuple[Any, ...] | None
"""`(before, reason, path, start, end, length)`, the last step first."""
Taint = dict[Token, tuple[int, Trace]]
"""Token → (mask, how it came here)."""
Facts = dict[Token, int]
"""Token → mask of the kinds that a test has cleared it of."""
Cond = tuple[Facts | None, Facts | None]
"""What holds when a value is true, and when it is false; None: it cannot be."""


class Value:
    """A value as far as it is known."""

    __slots__ = ("cond", "consts", "name", "obj", "recv", "ref", "taint", "text", "type")

    def __init__(
        self,
        taint: Taint | None = None,
        consts: tuple[Any, ...] | None = None,
        ref: Any = None,
        type: str = "",
        name: str = "",
        obj: Any = None,
        recv: Value | None = None,
        text: str | None = None,
        cond: Cond | None = None,
    ) -> None:
        self.taint = taint
        self.consts = consts
        """Every constant that it may be; None: not known."""
        self.ref = ref
        """The number of its object in the heap."""
        self.type = type
        """Canonical name of its type."""
        self.name = name
        """Canonical name of what it is: a function, class or module of a library."""
        self.obj = obj
        """A function, class or module of the project (see `flow.program`)."""
        self.recv = recv
        """Of a method: what it is called on."""
        self.text = text
        """A text with `\\0` for every unknown part."""
        self.cond = cond


UNKNOWN = Value()
NONE = Value(consts=(None,))
TRUE = Value(consts=(True,))
FALSE = Value(consts=(False,))
EMPTY_TEXT = Value(consts=("",), text="")


class Obj:
    """A container or an instance. Never changed: a new one replaces it in the heap."""

    __slots__ = ("cls", "items", "kind", "open", "rest")

    def __init__(
        self,
        kind: str,
        items: dict[Any, Value],
        rest: Value | None = None,
        cls: Any = None,
        open_: bool = False,
    ) -> None:
        self.kind = kind
        """`list`, `tuple`, `set`, `dict`, `instance`."""
        self.items = items
        """By constant key, index or attribute."""
        self.rest = rest
        """Whatever is under keys that are not known."""
        self.cls = cls
        """Of an instance: its class."""
        self.open = open_
        """Whether there may be items that are not known."""


def constant(value: Any) -> Value:
    """A value that is known."""
    if value is None:
        return NONE
    if isinstance(value, str):
        return Value(consts=(value,), text=value[:MAX_TEXT])
    return Value(consts=(value,))


def step(trace: Trace, reason: str, path: str, start: int, end: int) -> Trace:
    """One more step of a trace; a step at the same place as the last adds nothing."""
    if trace is None:
        return (None, reason, path, start, end, 1)
    if trace[3] == start and trace[4] == end and trace[2] == path:
        return trace
    length = trace[5] + 1
    if length > MAX_TRACE:
        return trace
    return (trace, reason, path, start, end, length)


def merge_taint(one: Taint | None, other: Taint | None) -> Taint | None:
    """Of a value that is either: safe only for what both are safe for."""
    if not one:
        return other
    if not other or one is other:
        return one
    merged = dict(one)
    for token, (mask, trace) in other.items():
        mine = merged.get(token)
        if mine is not None:
            if mine[0] & mask != mine[0]:
                # The path that is less safe tells the story.
                merged[token] = (mine[0] & mask, trace if mask < mine[0] else mine[1])
        elif len(merged) < MAX_TOKENS:
            merged[token] = (mask, trace)
    return merged


def merge_facts(one: Facts | None, other: Facts | None) -> Facts | None:
    """What holds on both ways; None is a way that is not taken."""
    if one is None or one is other:
        return other
    if other is None:
        return one
    return {token: mask for token in one if (mask := one[token] & other.get(token, 0))}


def add_facts(one: Facts | None, other: Facts | None) -> Facts | None:
    """What holds when both hold."""
    if one is None or other is None:
        return None
    if not other:
        return one
    if not one:
        return other
    out = dict(one)
    for token, mask in other.items():
        out[token] = out.get(token, 0) | mask
    return out


def merge_consts(
    one: tuple[Any, ...] | None, other: tuple[Any, ...] | None
) -> tuple[Any, ...] | None:
    """Every constant that it may be."""
    if one is None or other is None:
        return None
    if one is other:
        return one
    out = list(one)
    for value in other:
        if not any(value is mine or (value == mine and type(value) is type(mine)) for mine in out):
            out.append(value)
    return tuple(out) if len(out) <= MAX_CONSTANTS else None


def truth(value: Value) -> bool | None:
    """Whether it counts as true; None: it may be either."""
    consts = value.consts
    if consts is None:
        if value.obj is not None or (value.name and value.recv is None and value.taint is None):
            return None
        return None
    first = bool(consts[0])
    for one in consts[1:]:
        if bool(one) is not first:
            return None
    return first
