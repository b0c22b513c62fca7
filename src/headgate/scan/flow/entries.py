"""Entries: functions that are called from outside, and what they are called with."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Any

from headgate.model.record import record
from headgate.scan.flow.env import several
from headgate.scan.flow.program import PATTERNS, ClassRef, FunctionRef
from headgate.scan.flow.rules import Rules, holds
from headgate.scan.flow.values import Value
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Node
from headgate.scan.late import late
from headgate.scan.packs.schema import Entry, Selector, Sink, Source

if TYPE_CHECKING:
    from headgate.scan.flow.calls import Calls

_IN_PATH = late(
    r"<(?:(?P<converter>\w+)(?:\([^)]*\))?:)?(?P<flask>\w+)>"
    r"|\{(?P<brace>\w+)(?::(?P<type>[^}]*))?\}"
    r"|\(\?P<(?P<group>\w+)>(?P<pattern>[^)]*)\)"
    r"|:(?P<colon>[A-Za-z_]\w*)"
)
_BODIES = frozenset({"POST", "PUT", "PATCH"})
_NUMBERS = frozenset({"int", "float", "uuid", "decimal"})


@record(frozen=False)
class EntryInfo:
    """One entry."""

    rule: Entry
    ref: FunctionRef
    value: Value
    """What is called: the function, or what its decorators made of it."""
    decorators: list[str]
    """Canonical names of all decorators."""
    path: str | None = None
    """The pattern of the route."""
    methods: tuple[str, ...] = ()
    cls: ClassRef | None = None
    sinks: list[Sink] = field(default_factory=list[Sink])
    """What it returns reaches these."""
    constant: bool = False
    """Whether the path that was asked for is always the same."""

    @classmethod
    def of(
        cls,
        rules: Rules,
        rule: Entry,
        ref: FunctionRef,
        value: Value,
        decorators: list[str],
        name: str,
        args: Sequence[Value],
        keywords: dict[str, Value],
    ) -> EntryInfo:
        """An entry that a decorator or a call makes."""
        pattern = _pattern(rule, args, keywords)
        methods: tuple[str, ...] = ()
        if rule.method_names:
            methods = tuple(
                method for one, method in rule.method_names.items() if one in (name, "*")
            )
        info = cls(rule, ref, value, decorators, pattern, methods, ref.cls)
        info.constant = pattern is not None and not _IN_PATH.search(pattern)
        info.sinks = [
            sink
            for sink in rules.returns
            if sink.returned is not None
            and selects(rules, sink.returned, info)
            and _registered_with(rules, sink, keywords)
        ]
        return info

    def path_parameters(self) -> dict[str, str]:
        """Parameters in the pattern, with their converters."""
        if self.cls is not None:
            self.cls.reads(PATTERNS)
        if self.path is None and self.cls is not None and self.cls.patterns:
            each = [_parameters_of(pattern) for pattern in self.cls.patterns]
            # Of several routes to one class a parameter is a number if it is one in all of them.
            return {
                name: kind if all(is_number(one.get(name, kind)) for one in each) else ""
                for parameters in each
                for name, kind in parameters.items()
            }
        return _parameters_of(self.path or "")


def _pattern(rule: Entry, args: Sequence[Value], keywords: dict[str, Value]) -> str | None:
    """The pattern of the route that a decorator or a call makes."""
    if rule.path is None:
        return None
    given = (
        args[rule.path]
        if isinstance(rule.path, int) and rule.path < len(args)
        else keywords.get(str(rule.path))
    )
    if given is None or not given.consts:
        return None
    first = given.consts[0]
    return first if isinstance(first, str) else None


def _parameters_of(pattern: str) -> dict[str, str]:
    out: dict[str, str] = {}
    for match in _IN_PATH.finditer(pattern):
        name = match["flask"] or match["brace"] or match["group"] or match["colon"]
        kind = match["converter"] or match["type"] or ""
        if match["group"] and re.fullmatch(r"(\[0-9\]|\\d)[+*{}0-9,]*", match["pattern"]):
            kind = "int"
        out[name] = kind
    return out


def _registered_with(rules: Rules, sink: Sink, keywords: dict[str, Value]) -> bool:
    """Whether what makes the entry is given what `when` asks: `response_class=HTMLResponse`."""
    for name, condition in sink.when.items():
        value = keywords.get(name)
        kind = value.type or rules.canonical(value.name) if value is not None else ""
        if condition.op == "type":
            if not rules.is_a(kind, (condition.type,)):
                return False
        elif not holds(condition, value is not None, value.consts if value else None, kind):
            return False
    return True


def selects(rules: Rules, selector: Selector, info: EntryInfo) -> bool:
    """Whether a selector means the function of an entry (its parameters apart)."""
    if selector.decorator and not set(selector.decorator).intersection(info.decorators):
        return False
    if selector.base and not _derives(info.cls, selector.base, rules):
        return False
    if selector.method and info.ref.node[3] not in selector.method:
        return False
    if selector.call:
        return bool(set(selector.call).intersection(info.rule.selector.call))
    return bool(selector.decorator or selector.base or selector.annotation or selector.named
                or selector.first or selector.default)  # fmt: skip


def _derives(cls: ClassRef | None, bases: Sequence[str], rules: Rules) -> bool:
    if cls is None:
        return False
    return any(rules.is_a(base, bases) for base in cls.library_bases())


def class_entries(rules: Rules, cls: ClassRef) -> Iterator[EntryInfo]:
    """Methods of a class that its base makes entries."""
    bases = list(cls.library_bases())
    if not bases:
        return
    for rule in rules.entries:
        selector = rule.selector
        if not selector.base or not _derives(cls, selector.base, rules):
            continue
        for name in selector.method:
            member = cls.members.get(name)
            if member is None or not isinstance(member.obj, FunctionRef):
                continue
            ref = member.obj
            info = EntryInfo.of(rules, rule, ref, member, [], name, (), {})
            info.cls = cls
            info.methods = (rule.method_names.get(name, name.upper()),)
            info.sinks = [
                sink
                for sink in rules.returns
                if sink.returned is not None and selects(rules, sink.returned, info)
            ]
            yield info


def registered_by(rules: Rules, name: str, given: Any, calls: Calls) -> Iterator[EntryInfo]:
    """Entries that a call registers: `add_url_rule("/", view_func=view)`."""
    for rule in rules.entries:
        selector = rule.selector
        if not selector.call:
            continue
        recv = given[0]
        tail = name.rpartition(".")[2]
        names = {rules.canonical(name)}
        if recv is not None and recv.type:
            names |= {f"{kind}.{tail}" for kind in rules.lineage(recv.type)}
        if names.isdisjoint(selector.call):
            continue
        for place in selector.handler:
            for ref in _handlers(calls, str(place), given):
                if isinstance(ref, ClassRef):
                    ref.patterns.append(_pattern(rule, given[1], given[2]) or "")
                    ref.changes(PATTERNS)
                if isinstance(ref, FunctionRef):
                    info = EntryInfo.of(
                        rules, rule, ref, Value(obj=ref), [], name, given[1], given[2]
                    )
                    yield info


def _handlers(calls: Calls, place: str, given: Any) -> Iterator[Any]:
    """The functions at a place: `1`, `view_func`, `0[handler]`."""
    found = (
        calls.chosen((place,), given, (0, 0, 0)) if "[" in place else [calls.argument(place, given)]
    )
    for one in found:
        if one is not None:
            yield from several(one.obj)


def param_sources(
    rules: Rules,
    ref: FunctionRef,
    cls: ClassRef | None,
    info: EntryInfo | None,
    annotation_of: Any,
) -> Iterator[tuple[Node, Source, str]]:
    """Parameters that are sources, and the converter in the path."""
    parameters = [one for one in ref.node[4] if one[3][0] == ir.NAME]
    if cls is not None and parameters and "staticmethod" not in _last_names(ref.node):
        parameters = parameters[1:]
    in_path = info.path_parameters() if info is not None else {}
    taken: set[str] = set()
    for source in rules.params:
        selector = source.param
        assert selector is not None
        bound = selector.decorator or selector.base or selector.call
        if bound and (info is None or not selects(rules, selector, info)):
            continue
        for index, parameter in enumerate(parameters):
            name = parameter[3][3]
            if name in taken:
                continue
            if selector.first and index:
                continue
            if selector.named and name not in selector.named:
                continue
            kind = ""
            if selector.annotation or selector.default or source.skip:
                kind, default = annotation_of(parameter)
                if selector.annotation and not rules.is_a(kind, selector.annotation):
                    continue
                if selector.default and default not in selector.default:
                    continue
                if kind in source.skip or default in source.skip:
                    continue
            if source.names == "from-path":
                if name not in in_path:
                    continue
            elif source.names != "all" and name not in source.names:
                continue
            methods = info.methods if info is not None else ()
            if source.body_only and methods and _BODIES.isdisjoint(methods):
                continue
            taken.add(name)
            yield parameter, source, in_path.get(name, "")


def is_number(converter: str) -> bool:
    return converter in _NUMBERS


def _last_names(function: Node) -> list[str]:
    return [one[3] for one in function[6] if one[0] == ir.NAME]
