"""Where data from outside does harm, and what configuration does."""

from __future__ import annotations

import functools
import re
from typing import Any

from headgate.model.finding import Confidence
from headgate.scan.flow.findings import Found, Hit
from headgate.scan.flow.guards import Guards
from headgate.scan.flow.rules import holds
from headgate.scan.flow.values import UNKNOWN, Value
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Node
from headgate.scan.late import late
from headgate.scan.packs.schema import Condition, Literal, Sink

Arguments = tuple[Value | None, list[Value], dict[str, Value], Value | None]
"""Receiver, positional ones, those with names, and what is spread from something unknown."""
PLAIN = "\1plain"
"""As what is known of an answer: that it is sent as no page."""
_PLACE = late(r"^(?P<name>[^\[]+)(?:\[(?P<key>.+)\])?$")


@functools.lru_cache(maxsize=2000)
def place_of(text: str) -> tuple[str, str | None]:
    """`0[key]` → `0`, `key`."""
    match = _PLACE.match(text)
    return (match["name"], match["key"]) if match else (text, None)


def dotted(node: Node) -> str:
    """How an expression reads, roughly."""
    op = node[0]
    if op == ir.NAME:
        return node[3]
    if op == ir.ATTR:
        return f"{dotted(node[3])}.{node[4]}"
    if op == ir.CALL:
        return f"{dotted(node[3])}()"
    if op == ir.INDEX:
        return f"{dotted(node[3])}[]"
    return "…"


class Sinks(Guards):
    """Judges arguments."""

    def argument(self, where: str, given: Arguments) -> Value | None:
        """The argument at a position or with a name (`1/Loader`: either); None when not given."""
        recv, args, keywords, _ = given
        for one in where.split("/"):
            if one == "receiver":
                if recv is not None:
                    return recv
            elif one.isdigit():
                if int(one) < len(args):
                    return args[int(one)]
            elif one in keywords:
                return keywords[one]
        return None

    def chosen(self, places: tuple[str, ...], given: Arguments, node: Node) -> list[Value]:
        """The values at these places."""
        out: list[Value] = []
        for text in places:
            name, key = place_of(text)
            if name == "*":
                out += [*given[1], *given[2].values()]
                if given[3] is not None:
                    out.append(given[3])
                continue
            value = self.argument(name, given)
            if value is None:
                continue
            held = self.obj(value) if key == "*" else None
            if held is not None:
                out += held.items.values()
                if held.rest is not None:
                    out.append(held.rest)
                continue
            if key is not None:
                value = self._inside(value, key)
                if value is None:
                    continue
            out.append(value)
        return out

    def _inside(self, value: Value, keys: str) -> Value | None:
        """What is under a key, or under one after the other (`0][role`)."""
        found: Value | None = value
        for key in keys.split("]["):
            obj = self.obj(found) if found is not None else None
            if obj is None:
                return None
            if key == "*":
                found = self.any_item(obj)
            else:
                wanted: Any = int(key) if key.isdigit() else key
                found = obj.items.get(wanted) or (obj.rest if obj.open else None)
        return found

    def meets(self, conditions: dict[str, Condition] | Any, given: Arguments) -> bool:
        """Whether all conditions on the arguments hold."""
        return all(self._meets(where, condition, given) for where, condition in conditions.items())

    def meets_any(self, conditions: Any, given: Arguments) -> bool:
        return any(self._meets(where, one, given) for where, one in conditions.items())

    def _meets(self, where: str, condition: Condition, given: Arguments) -> bool:
        name, key = place_of(where)
        if name.endswith(".type"):
            name = name.removesuffix(".type")
            condition = Condition(type=str(condition.equals), op="type")
        value = self.argument(name, given)
        if value is not None and key is not None:
            if self.obj(value) is None and value.consts is None and condition.op == "present":
                # What is in it is not known.
                return False
            value = self._inside(value, key)
        if value is None:
            if given[3] is not None and condition.op == "present":
                return condition.present is True
            return holds(condition, False, None, "")
        if condition.op == "type":
            names = (value.type, self.rules.canonical(value.name)) if value.name else (value.type,)
            return any(self.rules.is_a(one, (condition.type,)) for one in names)
        consts = value.consts
        if consts is None and condition.op in ("equals", "among"):
            if value.name and value.taint is None:
                # Names stand for themselves: `Loader: yaml.Loader`.
                consts = (value.name, value.name.rpartition(".")[2])
            elif value.ref is not None:
                obj = self.obj(value)
                if obj is not None:
                    items = [item.consts or () for item in obj.items.values()]
                    consts = tuple(one for item in items for one in item)
        return holds(condition, True, consts, value.type)

    def sink(
        self,
        sink: Sink,
        values: list[Value],
        node: Node,
        name: str,
        most: Confidence = Confidence.HIGH,
    ) -> None:
        """Report what reaches a sink and is not safe for it."""
        bit = self.rules.bits[sink.kind]
        for value in values:
            if value.consts is not None and not value.taint:
                continue
            if sink.unless_type and self.rules.is_a(value.type, sink.unless_type):
                continue
            taint = self.deep(value)
            if not taint:
                continue
            if (sink.text or sink.unless_text) and not self._text(sink, value):
                continue
            for token, (mask, trace) in taint.items():
                if mask & bit or self.cleared(token, self.facts_for(token)) & bit:
                    continue
                hit = Hit(
                    sink.kind, token, trace, self.frame.module.path, node[1], node[2],
                    sink.what or name, min(sink.confidence, most), sink.severity,
                    value.text or "", sink,
                )  # fmt: skip
                self.report(hit)

    def _text(self, sink: Sink, value: Value) -> bool:
        text = value.text
        if text is None:
            text = "\0"
        if sink.text and not re.search(sink.text, text, re.IGNORECASE | re.DOTALL):
            return False
        return not (
            sink.unless_text and re.search(sink.unless_text, text, re.IGNORECASE | re.DOTALL)
        )

    def report(self, hit: Hit) -> None:
        """A finding, or the caller's to judge when the data is the caller's."""
        if hit.token.root().index >= 0:
            if len(self.frame.hits) < 60:
                self.frame.hits.append(hit)
        else:
            self.recorder.hit(hit)

    def literal(self, literal: Literal, node: Node, name: str, target: str = "") -> None:
        """Report a mistake of configuration."""
        if literal.into and not re.search(literal.into, target, re.IGNORECASE):
            return
        if literal.files and not re.search(literal.files, self.frame.module.path):
            return
        kind = self.rules.kinds[literal.kind]
        message = (literal.message or kind.message).replace("{sink}", name)
        self.recorder.add(
            Found(
                literal.kind, self.frame.module.path, node[1], node[2],
                literal.severity if literal.severity is not None else kind.severity,
                literal.confidence, message.replace("{source}", "This"),
            )
        )  # fmt: skip

    def value_meets(self, condition: Condition | None, value: Value) -> bool:
        """Whether what is assigned is what a literal is about."""
        if condition is None:
            return True
        return self._meets("0", condition, (None, [value], {}, None))

    def assigned(self, names: list[str], value: Value, node: Node, given: Node | None) -> None:
        """Rules on an assignment to a name, attribute or item of one of these canonical names."""
        told = False
        for name in names:
            rule = self.rules.assigns.get(name)
            if rule is None or (told and name.endswith("[*]")):
                # What a rule says of this very key, one for any key does not say again.
                continue
            told = told or bool(rule.sinks)
            for sink in rule.sinks:
                self.sink(sink, [value], node, name)
            for literal in rule.literals:
                if self.value_meets(literal.value, value):
                    self.literal(literal, node, name)

    def named(self, name: str, value: Value, node: Node) -> None:
        """Rules on a variable, keyword or key by its name alone."""
        if not self.rules.wanted_name(name):
            return
        for literal in self.rules.named:
            if literal.compare or literal.call or literal.attr:
                continue
            if re.fullmatch(literal.named, name, re.IGNORECASE) and self.value_meets(
                literal.value, value
            ):
                self.literal(literal, node, name)


__all__ = ["PLAIN", "UNKNOWN", "Arguments", "Sinks", "dotted", "place_of"]
