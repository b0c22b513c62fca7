"""Calls of what is not in the project: by the packs, by what Python has built in, else assumed."""

from __future__ import annotations

import re

from headgate.model.finding import Confidence
from headgate.scan.flow.constraints import NO_TEXT
from headgate.scan.flow.findings import ASSUMED
from headgate.scan.flow.rules import CallRule
from headgate.scan.flow.sinks import PLAIN, Arguments, dotted, place_of
from headgate.scan.flow.standard import Standard
from headgate.scan.flow.values import (
    NONE,
    RESOLVED,
    UNKNOWN,
    WHOLE,
    Cond,
    Obj,
    Taint,
    Value,
    add_facts,
    merge_taint,
)
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Node
from headgate.scan.packs.schema import Guard, Propagator, Sink

_PARSES = frozenset(
    {
        "json.loads", "orjson.loads", "ujson.loads", "simplejson.loads", "yaml.safe_load",
        "ast.literal_eval", "tornado.escape.json_decode", "bson.json_util.loads", "tomllib.loads",
        "flask.json.loads", "msgpack.unpackb",
    }
)  # fmt: skip
"""What is read out of a text may be any structure, also one that is a filter of a database."""
_PATH_FUNCTIONS = ("os.path.", "posixpath.", "pathlib.")


def _looks_like(sink: Sink, node: Node) -> bool:
    """Whether the name of the receiver tells what it is."""
    if not sink.receiver_like or node[0] != ir.CALL or node[3][0] != ir.ATTR:
        return False
    name = dotted(node[3][3]).removesuffix("()").rpartition(".")[2]
    return bool(re.search(sink.receiver_like, name, re.IGNORECASE))


class Library(Standard):
    """Calls of libraries."""

    def rows_from(
        self, function: Value, args: list[Value], keywords: dict[str, Value], node: Node
    ) -> Value | None:
        """The row or rows of a database that a call gives."""
        raise NotImplementedError

    def rules_for(self, function: Value) -> list[tuple[CallRule, bool]]:
        """What the packs say of a callable; whether it is certain that it is the one."""
        name = function.name
        recv = function.recv
        calls = self.rules.calls
        out: list[tuple[CallRule, bool]] = []
        if not name.startswith("*."):
            rule = calls.get(name)
            if rule is not None:
                out.append((rule, True))
        tail = name.rpartition(".")[2]
        if recv is not None:
            for kind in self.rules.lineage(recv.type) if recv.type else ():
                rule = calls.get(f"{kind}.{tail}")
                if rule is not None and all(rule is not one for one, _ in out):
                    out.append((rule, True))
            if not out and (not recv.type or recv.type in ("str", "dict", "list")):
                rule = calls.get(f"*.{tail}")
                if rule is not None and (not recv.type or not recv.consts):
                    out.append((rule, False))
        return out

    def library_call(
        self, function: Value, given: Arguments, node: Node, target: str = ""
    ) -> Value:
        """The result of a call of a library's function."""
        recv, args, keywords, extra = given
        name = function.name
        rules = self.rules_for(function)
        shown = dotted(node[3]) if node[0] == ir.CALL else name
        for rule, certain in rules:
            for literal in rule.literals:
                met = certain and self.meets(literal.when, given)
                if met and not self.meets_any(literal.unless, given):
                    self.literal(literal, node, shown, target)
            for sink in rule.sinks:
                if sink.when and not self.meets(sink.when, given):
                    continue
                if sink.unless and self.meets_any(sink.unless, given):
                    continue
                if sink.kind == "xss" and recv is not None and recv.text == PLAIN:
                    continue
                certainly = certain or _looks_like(sink, node)
                most = Confidence.HIGH if certainly else sink.unknown_receiver
                chosen = self.chosen(sink.args, self._put_together(sink, given, node), node)
                self.sink(sink, chosen, node, shown, most)
            if rule.never_returns and certain:
                self.dead = True
        if name in ("any", "all") and recv is None and args:
            return self.any_all(args, node, every=name == "all")
        value = self._known_result(function, rules, given, node, shown)
        rows = (
            self.rows_from(function, args, keywords, node)
            if value is None or not value.taint
            else None
        )
        if rows is not None:
            return rows
        if value is None:
            tail = name.rpartition(".")[2]
            if recv is not None:
                value = self._tests(recv, tail, args)
                if value is None:
                    value = self.standard_method(recv, tail, args, keywords, node)
                if value is None:
                    value = self.method(recv, tail, args, keywords, node)
            if value is None:
                value = self.builtin(name, args, keywords, node, extra)
            if value is None:
                value = self._passed(function, given, node, shown)
        if value.taint and name in _PARSES:
            keep = ~self.rules.mask(NO_TEXT)
            value = Value(self.narrowed(value.taint, keep), type=value.type)
        return self._typed(function, rules, value)

    def _put_together(self, sink: Sink, given: Arguments, node: Node) -> Arguments:
        """The arguments, those of a message (`"%s: %r", a, b`) put into it."""
        recv, args, keywords, extra = given
        if sink.kind != "log-injection" or extra is not None:
            return given
        for at, one in enumerate(args[:-1]):
            text = one.consts[0] if one.consts and len(one.consts) == 1 else None
            if isinstance(text, str) and "%r" in text:
                rest = args[at + 1 :]
                items = rest[0] if len(rest) == 1 else self.make_list(rest, "tuple")
                return (recv, [*args[:at], self.percent(one, items, node)], keywords, extra)
        return given

    def _typed(self, function: Value, rules: list[tuple[CallRule, bool]], value: Value) -> Value:
        kind = ""
        for rule, certain in rules:
            if rule.created and certain:
                kind = rule.created
        if not kind and "." in function.name and not value.type and value.obj is None:
            tail = function.name.rpartition(".")[2]
            recv = function.recv
            named = recv is None or (
                # Of a module: `web.RouteTableDef()`.
                not recv.type
                and recv.ref is None
                and recv.obj is None
                and not recv.taint
                and recv.name.rpartition(".")[2].islower()
                and function.name == f"{recv.name}.{tail}"
            )
            if function.name in self.rules.types or (named and tail[:1].isupper()):
                # A class by its name: calling it gives an instance.
                kind = function.name
        if not kind and function.recv is not None and function.type:
            kind = function.type
        if not kind or kind == value.type:
            return value
        ref = value.ref
        rule = self.rules.types.get(kind)
        if ref is None and rule is not None and (rule.put or rule.take):
            ref = self.joiner.fresh()
            self.env.heap[ref] = Obj("dict", {}, open_=False)
        if rule is not None and rule.inert:
            return Value(type=kind)
        return Value(value.taint, value.consts, ref, kind, value.name, value.obj, None, value.text)

    def _known_result(
        self,
        function: Value,
        rules: list[tuple[CallRule, bool]],
        given: Arguments,
        node: Node,
        shown: str,
    ) -> Value | None:
        """What sources, sanitizers, guards, propagators and stores make of it."""
        result: Value | None = None
        for rule, certain in rules:
            for source in rule.sources:
                if not certain:
                    continue
                token = self.source_token(source, shown, node)
                taint = self.tainted(token, node, self.rules.mask(source.safe_for))
                if source.arg is not None:
                    self._taint_argument(str(source.arg), taint, given, node)
                else:
                    result = Value(taint, type=source.type)
            mask = 0
            for sanitizer in rule.sanitizers:
                if sanitizer.when and not self.meets(sanitizer.when, given):
                    continue
                if sanitizer.arg is not None:
                    cleaned = self.rules.mask(sanitizer.safe_for)
                    self._clean_argument(str(sanitizer.arg), cleaned, given)
                    continue
                mask |= self.rules.mask(sanitizer.safe_for)
                folded = self.folded(function.name, given[1])
                if folded is not None:
                    result = folded
                    continue
                if mask == self.rules.all:
                    cond = given[1][0].cond if function.name == "bool" and given[1] else None
                    result = Value(type=function.name, cond=cond)
                    continue
                values = [*given[1], *given[2].values()]
                if given[0] is not None:
                    values.append(given[0])
                taint = self.moved(
                    self.union(values), f"`{shown}` makes it safe for some uses", node, -1, mask
                )
                result = Value(taint, type="str")
            for guard in rule.guards:
                if not guard.when or self.meets(guard.when, given):
                    tested = self._guard(guard, given)
                    result = tested if result is None and tested is not None else result
            for propagator in rule.propagators:
                moved = self._propagate(propagator, given, node, shown)
                if moved is None or (rule.sources and result is not None and not moved.taint):
                    continue  # What the call gives by itself is not lost with its arguments.
                result = moved
        if result is None and given[0] is not None and given[0].type:
            result = self._stored(function, given, node)
        return result

    def _guard(self, guard: Guard, given: Arguments) -> Value | None:
        value = self.argument(guard.on, given)
        if value is None:
            return None
        facts = self.facts_of(value, guard.safe_for)
        if guard.raises:
            self.env.facts = add_facts(self.env.facts, facts) or {}
            return None
        known = self.folded(f"*.{guard.call[0].rpartition('.')[2]}", [value])
        consts = known.consts if known is not None else None
        cond: Cond = ({}, facts) if guard.when_false else (facts, {})
        return Value(consts=consts, type="bool", cond=cond)

    def _propagate(
        self, rule: Propagator, given: Arguments, node: Node, shown: str
    ) -> Value | None:
        _recv, args, keywords, _ = given
        if rule.calls is not None:
            function = self.argument(str(rule.calls), given)
            if function is not None:
                others = [one for one in (*args, *keywords.values()) if one is not function]
                return self.callback(function, others, node)
        values = [] if rule.sources == ("none",) else self.chosen(rule.sources, given, node)
        taint: Taint | None = None
        for value in values:
            taint = merge_taint(taint, self.deep(value))
        mark = 0
        for one in rule.marks:
            mark |= RESOLVED if one == "resolved" else 4
        keep = ~7 if len(values) != 1 or not rule.marks else ~7 | WHOLE
        taint = self.moved(taint, f"`{shown}` passes it on", node, keep, mark)
        if rule.to == "return":
            return Value(taint, type=rule.type)
        target, key = place_of(rule.to)
        value = self.argument(target, given)
        if value is None:
            return None
        if key is not None and key.isdigit() and target == "receiver":
            at = args[int(key)] if int(key) < len(args) else UNKNOWN
            self.set_item(value, at, Value(taint))
        elif taint:
            self.taint_place(value, taint, node)
        return NONE if rule.to != "return" else None

    def _taint_argument(self, place: str, taint: Taint, given: Arguments, node: Node) -> None:
        value = self.argument(place, given)
        if value is not None:
            self.taint_place(value, taint, node)

    def taint_place(self, value: Value, taint: Taint, node: Node) -> None:
        """Put taint into an object, and into every variable that holds the value."""
        obj = self.obj(value)
        if obj is not None:
            rest = Value(merge_taint(obj.rest.taint if obj.rest else None, taint))
            self.put(value, Obj(obj.kind, obj.items, rest, obj.cls, True))
            return
        for name, one in list(self.env.vars.items()):
            if one is value:
                self.env.vars[name] = Value(
                    merge_taint(one.taint, taint), None, one.ref, one.type, one.name, one.obj
                )

    def _clean_argument(self, place: str, mask: int, given: Arguments) -> None:
        value = self.argument(place, given)
        if value is not None:
            facts = dict.fromkeys(self.deep(value) or {}, mask)
            self.env.facts = add_facts(self.env.facts, facts) or {}

    def _stored(self, function: Value, given: Arguments, node: Node) -> Value | None:
        """Methods that put and take by key: configuration parsers, caches."""
        recv, args, keywords, _ = given
        if recv is None:
            return None
        tail = function.name.rpartition(".")[2]
        for kind in self.rules.lineage(recv.type):
            rule = self.rules.types.get(kind)
            if rule is None:
                continue
            places = rule.put.get(tail)
            if places is not None:
                *keys, last = places
                if last < len(args):
                    self.set_item(recv, self._key(args, keys), self.stored(args[last], node))
                return NONE
            places = rule.take.get(tail)
            if places is not None:
                key = self._key(args, list(places))
                obj = self.obj(recv)
                found = self.item(recv, key, node)
                count = len(places)
                default = args[count] if count < len(args) else keywords.get("fallback")
                if default is None:
                    default = keywords.get("default")
                missing = obj is None or (key.consts is not None and key.consts[0] not in obj.items)
                if default is not None and missing:
                    return self.joiner.values(found, default, self.env)
                return found
        return None

    def _key(self, args: list[Value], places: list[int]) -> Value:
        """One key, or several as one."""
        parts: list[object] = []
        for place in places:
            if place >= len(args):
                continue
            consts = args[place].consts
            if consts is None or len(consts) != 1:
                return UNKNOWN
            one = consts[0]
            parts.append(one.lower() if isinstance(one, str) and len(places) > 1 else one)
        return Value(consts=(parts[0] if len(parts) == 1 else tuple(parts),))

    def _tests(self, recv: Value, tail: str, args: list[Value]) -> Value | None:
        """Methods that test what they are called on."""
        if tail in ("startswith", "startsWith") and args:
            return self.begins(recv, args[0])
        if tail == "issubset" and args:
            facts = self.contained(recv, args[0])
            return Value(type="bool", cond=(facts, {})) if facts else None
        if tail in ("is_relative_to", "relative_to"):
            return self.below(recv, args, raises=tail == "relative_to")
        if tail in ("match", "fullmatch", "search", "test") and args and recv.type == "re.Pattern":
            if tail == "test":
                return self.matched(recv, "search", args[0])
            return self.match_of(recv, self.matched(recv, tail, args[0]))
        if tail in ("includes", "has") and args:
            return self.compared("in", args[0], recv, (0, 0, 0))
        return None

    def _passed(self, function: Value, given: Arguments, node: Node, shown: str) -> Value:
        """What is not known: the arguments and the receiver flow to the result."""
        recv, args, keywords, extra = given
        if recv is not None and recv.type:
            rule = self.rules.types.get(recv.type)
            if rule is not None and rule.inert:
                return UNKNOWN
        values = [*args, *keywords.values()]
        if extra is not None:
            values.append(extra)
        for one in values:
            if one.obj is not None:
                result = self.callback(one, [other for other in values if other is not one], node)
                if result.taint:
                    values = [*values, result]
        if recv is not None:
            values.append(recv)
        taint: Taint | None = None
        for one in values:
            taint = merge_taint(taint, self.deep(one))
        if not taint:
            return UNKNOWN
        keep = ~7
        reason = f"`{shown}` is {ASSUMED}pass it on"
        if function.name.startswith(_PATH_FUNCTIONS):
            keep = ~7 | RESOLVED
            reason = f"`{shown}` passes it on"
        elif recv is not None and recv.taint and len(values) == 1:
            reason = f"`{shown}` gives it"
        elif function.name in self.rules.calls or function.name in self.rules.types:
            reason = f"`{shown}` passes it on"
        else:
            reason = f"{ASSUMED}pass through `{shown}`"
        text = values[0].text if len(values) == 1 and recv is None else None
        return Value(self.moved(taint, reason, node, keep), text=text)
