"""YAML as nodes that know their places.

Built from libyaml's events and not by its composer: that recurses, and here a file may be nested
or aliased as deeply as a stranger likes. An alias is the node that it names, never a copy.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from typing import Any, cast

import yaml

from headgate.model.finding import Span
from headgate.model.record import record
from headgate.scan.infra.telling import Unreadable

DEPTH = 200
"""Collections within each other; deeper files are refused."""
NODES = 200_000
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TRUE = frozenset({"true", "yes", "on", "y"})
_FALSE = frozenset({"false", "no", "off", "n"})


@record(eq=False)
class Scalar:
    """A single value, as text."""

    value: str
    style: str
    """How it is written: empty for plain, a quote, `|` or `>`."""
    line: int
    column: int
    end_line: int
    end_column: int
    indent: int = 0
    """Columns before the content of a block."""

    @property
    def span(self) -> Span:
        return Span("", self.line, self.column, self.end_line, self.end_column)

    @property
    def truth(self) -> bool | None:
        """The boolean that it is, in YAML 1.1's words; None when it is none."""
        word = self.value.strip().lower()
        return True if word in _TRUE else False if word in _FALSE else None

    def place(self, row: int, column: int) -> tuple[int, int]:
        """Where in the file a place of the value is; both count from 0 in the value, and the
        result from 1. Folded and escaped text is taken as if it stood on its first line."""
        if self.style == "|":
            return self.line + 1 + row, self.indent + column + 1
        if self.style == ">":
            return self.line + 1 + row, self.indent + 1
        if row:
            return self.line, self.column
        return self.line, self.column + column + (1 if self.style else 0)


@record(frozen=False, eq=False)
class List:
    line: int
    column: int
    items: list[Node] = field(default_factory=lambda: list[Node]())

    @property
    def span(self) -> Span:
        return Span("", self.line, self.column)


@record(frozen=False, eq=False)
class Map:
    line: int
    column: int
    own: list[tuple[Scalar, Node]] = field(default_factory=lambda: list[tuple[Scalar, Node]]())

    @property
    def span(self) -> Span:
        return Span("", self.line, self.column)

    def entries(self) -> Iterator[tuple[Scalar, Node]]:
        """Keys and values, those merged in by `<<` last and only where not overridden."""
        seen: set[str] = set()
        done: set[int] = set()
        waiting: list[Map] = [self]
        while waiting:
            one = waiting.pop(0)
            if id(one) in done:
                continue
            done.add(id(one))
            for key, value in one.own:
                if key.value == "<<" and not key.style:
                    several = value.items if isinstance(value, List) else [value]
                    waiting += [each for each in several if isinstance(each, Map)]
                elif key.value not in seen:
                    seen.add(key.value)
                    yield key, value

    def get(self, key: str) -> Node | None:
        return next((value for name, value in self.entries() if name.value == key), None)

    def key(self, key: str) -> Scalar | None:
        """The key itself, for its place."""
        return next((name for name, _ in self.entries() if name.value == key), None)


Node = Scalar | List | Map


def read_yaml(text: str) -> list[Node]:
    """The documents of a YAML file. Raises Unreadable with the line of what is wrong."""
    documents: list[Node] = []
    open_: list[tuple[Map | List, Scalar | None]] = []
    anchors: dict[str, Node] = {}
    lines = text.split("\n")
    count = 0

    def add(node: Node) -> None:
        if not open_:
            documents.append(node)
            return
        parent, key = open_[-1]
        if isinstance(parent, List):
            parent.items.append(node)
        elif key is None:
            open_[-1] = (parent, _as_key(node))
        else:
            parent.own.append((key, node))
            open_[-1] = (parent, None)

    try:
        for event in cast("Any", yaml).parse(text, Loader=_LOADER):
            if isinstance(event, yaml.DocumentStartEvent):
                anchors = {}
            elif isinstance(event, yaml.ScalarEvent):
                node: Node = _scalar(event, lines)
                _name(anchors, event, node)
                add(node)
            elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
                line, column = _place(event)
                kind = Map if isinstance(event, yaml.MappingStartEvent) else List
                node = kind(line, column)
                _name(anchors, event, node)
                add(node)
                open_.append((node, None))
                if len(open_) > DEPTH:
                    raise Unreadable(f"nested more than {DEPTH} deep (line {line})")
            elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
                open_.pop()
            elif isinstance(event, yaml.AliasEvent):
                named = anchors.get(event.anchor or "")
                if named is None:
                    line, _ = _place(event)
                    raise Unreadable(f"an alias that names nothing (line {line})")
                add(named)
            count += 1
            if count > NODES:
                raise Unreadable(f"more than {NODES} values")
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f" (line {mark.line + 1})" if mark else ""
        raise Unreadable(f"not valid YAML{where}") from error
    except yaml.YAMLError as error:
        raise Unreadable("not valid YAML") from error
    return documents


def _place(event: yaml.Event) -> tuple[int, int]:
    """Line and column of its first character, from 1."""
    mark = event.start_mark
    return (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)


def _scalar(event: Any, lines: list[str]) -> Scalar:
    start, end = event.start_mark, event.end_mark
    style = event.style or ""
    indent = 0
    if style in ("|", ">"):
        for line in lines[start.line + 1 : end.line + 1]:
            if line.strip():
                indent = len(line) - len(line.lstrip(" "))
                break
        return Scalar(
            event.value, style, start.line + 1, start.column + 1, start.line + 1, 0, indent
        )
    return Scalar(
        event.value, style, start.line + 1, start.column + 1, end.line + 1, end.column + 1
    )


def _name(anchors: dict[str, Node], event: Any, node: Node) -> None:
    if event.anchor:
        anchors[event.anchor] = node


def _as_key(node: Node) -> Scalar:
    if isinstance(node, Scalar):
        return node
    # A collection as a key is nothing that any of these formats knows.
    return Scalar("", "?", node.line, node.column, node.line, node.column)


def at(node: Node | None, *keys: str) -> Node | None:
    """The node at a path of keys below another; None when it is not there."""
    for key in keys:
        node = node.get(key) if isinstance(node, Map) else None
    return node


def text_at(node: Node | None, *keys: str) -> str:
    """The text at a path of keys; empty when there is none."""
    found = at(node, *keys)
    return found.value if isinstance(found, Scalar) else ""


def truth_at(node: Node | None, *keys: str) -> bool | None:
    """The boolean at a path of keys; None when there is none."""
    found = at(node, *keys)
    return found.truth if isinstance(found, Scalar) else None


def each(node: Node | None) -> list[Node]:
    """The items of a list; a single value as a list of one."""
    if node is None:
        return []
    return node.items if isinstance(node, List) else [node]


def texts(node: Node | None) -> list[Scalar]:
    """The scalars among the items of a list, or the single one."""
    return [one for one in each(node) if isinstance(one, Scalar)]


def entries(node: Node | None) -> list[tuple[Scalar, Node]]:
    """The keys and values of a mapping; none when it is no mapping."""
    return list(node.entries()) if isinstance(node, Map) else []


def walk(node: Node) -> Iterator[Node]:
    """The node and all below it, each once however often it is aliased."""
    seen: set[int] = set()
    waiting: list[Node] = [node]
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        if isinstance(one, List):
            waiting += reversed(one.items)
        elif isinstance(one, Map):
            waiting += [value for _, value in reversed(one.own)]
