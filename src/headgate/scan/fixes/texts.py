"""Texts that are put together, taken apart: f-strings, `+`, `%` and `format`."""

from __future__ import annotations

import re

from tree_sitter import Node

from headgate.scan.fixes.source import Source, arguments

Part = str | Node
"""Source text of a literal, between its quotes, or an expression."""
_PERCENT = re.compile(r"%(?:\((\w+)\))?([a-zA-Z%])|%(.)")
_FIELD = re.compile(r"\{\{|\}\}|\{(\w*)\}|\{|\}")


def parts_of(source: Source, node: Node) -> list[Part] | None:
    """The literals and expressions that a text is made of; None when it cannot be told."""
    while node.type == "parenthesized_expression" and len(node.named_children) == 1:
        node = node.named_children[0]
    if node.type == "string":
        return _string(source, node)
    if node.type == "binary_operator":
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        operator = node.child_by_field_name("operator")
        if left is None or right is None or operator is None:
            return None
        if operator.type == "+":
            one, other = parts_of(source, left), parts_of(source, right)
            if one is None and other is None:
                return None
            first: list[Part] = one if one is not None else [left]
            second: list[Part] = other if other is not None else [right]
            return first + second
        if operator.type == "%" and left.type == "string":
            return _percent(source, left, right)
        return None
    if node.type == "call":
        function = node.child_by_field_name("function")
        if function is None or function.type != "attribute":
            return None
        literal = function.child_by_field_name("object")
        name = function.child_by_field_name("attribute")
        if literal is None or literal.type != "string" or name is None:
            return None
        return _format(source, literal, node) if source.text(name) == "format" else None
    return None


def _string(source: Source, node: Node) -> list[Part] | None:
    out: list[Part] = []
    for child in node.children:
        if child.type == "string_start":
            opening = source.text(child).lower()
            if "b" in opening or "r" in opening or len(opening.lstrip("fu")) != 1:
                return None
        elif child.type == "string_content":
            raw = source.text(child)
            out.append(raw)
        elif child.type == "interpolation":
            inner = [one for one in child.named_children if one.type != "comment"]
            if len(inner) != 1:
                return None
            out.append(inner[0])
        elif child.type != "string_end":
            return None
    if any(not isinstance(one, str) for one in out) or source.text(node)[:1] in "fF":
        return [_single(one) if isinstance(one, str) else one for one in out]
    return out


def _single(text: str) -> str:
    return text.replace("{{", "{").replace("}}", "}")


def _plain(source: Source, node: Node) -> str | None:
    parts = _string(source, node)
    if parts is None or any(not isinstance(one, str) for one in parts):
        return None
    return "".join(one for one in parts if isinstance(one, str))


def _percent(source: Source, literal: Node, values: Node) -> list[Part] | None:
    text = _plain(source, literal)
    if text is None or values.type == "dictionary":
        return None
    given = list(values.named_children) if values.type == "tuple" else [values]
    out: list[Part] = []
    at = 0
    for match in _PERCENT.finditer(text):
        out.append(text[at : match.start()])
        at = match.end()
        if match[2] == "%":
            out.append("%")
        elif match[1] or match[2] not in ("s", "d", "i") or not given:
            return None
        else:
            out.append(given.pop(0))
    out.append(text[at:])
    return None if given else out


def _format(source: Source, literal: Node, call: Node) -> list[Part] | None:
    text = _plain(source, literal)
    if text is None:
        return None
    try:
        positional, named = arguments(call)
    except LookupError:
        return None
    out: list[Part] = []
    at = number = 0
    for match in _FIELD.finditer(text):
        out.append(text[at : match.start()])
        at = match.end()
        if match[0] in ("{{", "}}"):
            out.append(match[0][0])
            continue
        name = match[1]
        if name is None:
            return None
        if name == "":
            name, number = str(number), number + 1
        if name.isdigit():
            if int(name) >= len(positional):
                return None
            out.append(positional[int(name)])
        else:
            value = named.get(name)
            inner = value.child_by_field_name("value") if value is not None else None
            if inner is None:
                return None
            out.append(inner)
    out.append(text[at:])
    return out


def quoted(text: str) -> str | None:
    """A literal with this source text between its quotes; None when neither quote will do."""
    bare = re.sub(r"\\.", "", text, flags=re.DOTALL)
    if "\n" in bare:
        return None
    if '"' not in bare:
        return f'"{text}"'
    return f"'{text}'" if "'" not in bare else None
