"""Terraform's language as blocks of values, with their places."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import field
from typing import cast

from tree_sitter import Node

from headgate.model.finding import Span
from headgate.model.record import record
from headgate.scan.infra.trees import end_of, parse, start_of, text_of

DEPTH = 60
"""Blocks and values within each other; what is deeper is unknown."""


@record(eq=False)
class Value:
    """The value of an attribute, as far as it is written there."""

    span: Span
    text: str
    """As it is written; of a text, its content with `${…}` left in."""
    constant: str | bool | float | None = None
    """None: it is computed, or a collection."""
    items: tuple[Value, ...] | None = None
    entries: tuple[tuple[str, Value], ...] | None = None
    rows: int = -1
    """Line of the first line of a heredoc's content; -1 when it is none."""

    def get(self, key: str) -> Value | None:
        return next((value for name, value in self.entries or () if name == key), None)

    def each(self) -> tuple[Value, ...]:
        """The items of a list; a single value as one."""
        return self.items if self.items is not None else (self,)

    def texts(self) -> list[str]:
        """The constant texts in it."""
        return [one.constant for one in self.each() if isinstance(one.constant, str)]


@record(frozen=False, eq=False)
class Block:
    """`kind "label" … { … }`"""

    kind: str
    labels: tuple[str, ...]
    span: Span
    attributes: dict[str, Value] = field(default_factory=dict[str, Value])
    blocks: list[Block] = field(default_factory=lambda: list[Block]())

    def get(self, name: str) -> Value | None:
        return self.attributes.get(name)

    def text(self, name: str) -> str:
        """The constant text of an attribute; empty when it has none."""
        found = self.attributes.get(name)
        return found.constant if found and isinstance(found.constant, str) else ""

    def number(self, name: str) -> float | None:
        found = self.attributes.get(name)
        if found is None or isinstance(found.constant, bool):
            return None
        if isinstance(found.constant, str):
            return float(found.constant) if found.constant.lstrip("-").isdecimal() else None
        return found.constant

    def named(self, kind: str) -> list[Block]:
        """The blocks of this kind in it, the content of dynamic ones among them."""
        found: list[Block] = []
        for one in self.blocks:
            if one.kind == kind:
                found.append(one)
            elif one.kind == "dynamic" and one.labels[:1] == (kind,):
                found += [inner for inner in one.blocks if inner.kind == "content"]
        return found

    def below(self) -> Iterator[Block]:
        waiting: list[Block] = [self]
        while waiting:
            one = waiting.pop()
            yield one
            waiting += reversed(one.blocks)


def read_hcl(text: str) -> list[Block]:
    """The blocks of a file; what does not parse is left out."""
    lines = text.split("\n")
    root = parse("hcl", text).root_node
    found: list[Block] = []
    for child in root.children:
        if child.type == "body":
            found += _body(child, lines, 0)[1]
    return found


def _span(node: Node, lines: list[str]) -> Span:
    row, column = start_of(node, lines)
    end_row, end_column = end_of(node, lines)
    if end_row != row:
        end_row, end_column = row, len(lines[row]) if row < len(lines) else column
    return Span("", row + 1, column + 1, end_row + 1, end_column + 1)


def _body(node: Node, lines: list[str], depth: int) -> tuple[dict[str, Value], list[Block]]:
    attributes: dict[str, Value] = {}
    blocks: list[Block] = []
    if depth > DEPTH:
        return attributes, blocks
    for child in node.children:
        if child.type == "attribute":
            name = child.children[0]
            expression = child.children[-1]
            attributes[text_of(name)] = _value(expression, lines, depth + 1)
        elif child.type == "block":
            labels: list[str] = []
            kind = ""
            inner: Node | None = None
            start = child
            for part in child.children:
                if part.type == "identifier":
                    if kind:
                        labels.append(text_of(part))
                    else:
                        kind, start = text_of(part), part
                elif part.type == "string_lit":
                    labels.append(text_of(part).strip('"'))
                elif part.type == "body":
                    inner = part
            block = Block(kind, tuple(labels), _span(start, lines))
            if inner is not None:
                block.attributes, block.blocks = _body(inner, lines, depth + 1)
            blocks.append(block)
    return attributes, blocks


def _value(node: Node, lines: list[str], depth: int) -> Value:
    span = _span(node, lines)
    text = text_of(node)
    if depth > DEPTH:
        return Value(span, text)
    inner = node
    while inner.type in ("expression", "literal_value", "collection_value", "template_expr"):
        named = [child for child in inner.children if child.type not in ("comment",)]
        if len(named) != 1:
            return Value(span, text)
        inner = named[0]
    kind = inner.type
    if kind == "string_lit":
        return Value(span, text[1:-1], constant=text[1:-1])
    if kind == "bool_lit":
        return Value(span, text, constant=text == "true")
    if kind in ("numeric_lit", "operation"):
        try:
            return Value(span, text, constant=float(text))
        except ValueError:
            return Value(span, text)
    if kind == "quoted_template":
        return Value(span, text[1:-1])
    if kind == "heredoc_template":
        content = "\n".join(text.split("\n")[1:-1])
        constant = None if "${" in content or "%{" in content else content
        return Value(span, content, constant=constant, rows=span.line + 1)
    if kind == "tuple":
        items = [
            _value(one, lines, depth + 1) for one in inner.children if one.type == "expression"
        ]
        return Value(span, text, items=tuple(items))
    if kind == "object":
        return Value(span, text, entries=tuple(_entries(inner, lines, depth)))
    if kind == "function_call":
        name = text_of(inner.children[0])
        arguments = [one for one in inner.children if one.type == "function_arguments"]
        given = [one for each in arguments for one in each.children if one.type == "expression"]
        if name in ("jsonencode", "toset", "tolist", "sensitive", "nonsensitive") and given:
            return _value(given[0], lines, depth + 1)
    return Value(span, text)


def _entries(node: Node, lines: list[str], depth: int) -> Iterator[tuple[str, Value]]:
    for one in node.children:
        if one.type == "object_elem":
            parts = [child for child in one.children if child.type == "expression"]
            if len(parts) == 2:
                yield text_of(parts[0]).strip('"'), _value(parts[1], lines, depth + 1)


def as_policy(value: Value) -> Value:
    """A policy given as JSON text as the value that it is; anything else as it stands."""
    if not isinstance(value.constant, str) or not value.constant.lstrip().startswith("{"):
        return value
    try:
        return _from_json(json.loads(value.constant), value.span, 0)
    except (ValueError, RecursionError):
        return value


def _from_json(found: object, span: Span, depth: int) -> Value:
    if depth > DEPTH:
        return Value(span, "")
    if isinstance(found, dict):
        pairs = cast("dict[object, object]", found)
        entries = tuple((str(key), _from_json(one, span, depth + 1)) for key, one in pairs.items())
        return Value(span, "", entries=entries)
    if isinstance(found, list):
        several = cast("list[object]", found)
        return Value(span, "", items=tuple(_from_json(one, span, depth + 1) for one in several))
    if isinstance(found, (str, bool, int, float)):
        return Value(span, str(found), constant=found)
    return Value(span, "")
