"""Names: what they mean where they stand."""

from __future__ import annotations

import builtins
from functools import cache
from typing import Any

from headgate.model.finding import Confidence
from headgate.scan.flow.findings import PARAMETER
from headgate.scan.flow.library import Library
from headgate.scan.flow.program import ClassRef, Imported
from headgate.scan.flow.sinks import dotted
from headgate.scan.flow.values import (
    FALSE,
    TRUE,
    Value,
    constant,
)
from headgate.scan.ir.nodes import Node

_CONSTANTS = frozenset(
    {
        "ascii_letters", "ascii_lowercase", "ascii_uppercase", "digits", "hexdigits", "octdigits",
        "printable", "punctuation", "whitespace",
    }
)  # fmt: skip
"""Texts that the standard library's `string` names."""
_BUILTINS = frozenset(dir(builtins))


@cache
def _text(name: str) -> str:
    import string  # Compiles an expression that few files need.

    return getattr(string, name)


class Names(Library):
    """Reading of names."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.target = ""
        """Name of what the value is for."""

    def bind(self, target: Node, value: Value, node: Node) -> None:
        raise NotImplementedError

    def make_class(self, node: Node) -> Value:
        raise NotImplementedError

    def declared(self, cls: ClassRef, name: str) -> Value | None:
        """What the annotation of a field says."""
        raise NotImplementedError

    def lookup(self, name: str, node: Node) -> Value:
        """What a name means here."""
        value = self.env.vars.get(name)
        if value is None:
            value = self._outer(name)
        if isinstance(value, Imported):
            value = self.force(value)
        if value is None:
            if name in ("True", "False"):
                return TRUE if name == "True" else FALSE
            found = self.read(Value(name=name), name, node)
            if found.taint or found.type or name in _BUILTINS or name.startswith("__"):
                return found
            return self._undefined(found, name, node)
        if value.name and value.recv is None and not value.taint and value.obj is None:
            return self.read(value, value.name, node)
        return value

    def _undefined(self, value: Value, name: str, node: Node) -> Value:
        """A name that nothing defines: it may hold anything."""
        module = self.frame.module.ir
        known = module is None or module.language != "python" or name in self.rules.calls
        if known or name in self.rules.types:
            return value
        token = self.token(
            PARAMETER, f"`{name}`, which is defined elsewhere", name, node, Confidence.MEDIUM, name
        )
        return Value(self.tainted(token, node), name=value.name)

    def _outer(self, name: str) -> Value | None:
        closure = self.frame.closure
        seen = 0
        while closure is not None and seen < 6:
            frame = closure.frame
            if frame is not None and frame.env is not None:
                found = frame.env.vars.get(name)
            else:
                found = closure.captured.get(name) if closure.captured is not None else None
            if found is not None:
                return found
            closure = frame.closure if frame is not None else None
            seen += 1
        module = self.frame.module
        self.tracker.read_variable(module.path, name)
        return module.vars.get(name)

    def read(self, value: Value, name: str, node: Node) -> Value:
        """A name of a library that is read: it may be a source, or hold a typed value."""
        name = self.rules.canonical(name)
        stored = self.env.vars.get(name) if "." in name else None
        if stored is None:
            stored = self.shared_under(name)
        if stored is not None:
            return stored
        rule = self.rules.attrs.get(name)
        if rule is None and name.startswith("string.") and name[7:] in _CONSTANTS:
            return constant(_text(name[7:]))
        if rule is None:
            return value if value.name == name else Value(name=name)
        for literal in rule.literals:
            self.literal(literal, node, dotted(node), self.target)
        for source in rule.sources:
            if source.route_path and self.frame.entry is not None and self.frame.entry.constant:
                return constant(self.frame.entry.path)
            token = self.token(source.label, source.what, name, node, source.confidence)
            taint = self.tainted(token, node, self.rules.mask(source.safe_for))
            return Value(taint, type=source.type or rule.type, name=name)
        return Value(type=rule.type, name=name)
