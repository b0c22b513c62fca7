"""Entries: functions that are called from outside, and what they are called with."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Any

from headgate.model.record import record
from headgate.scan.flow.env import several
from headgate.scan.flow.patterns import checked
from headgate.scan.flow.program import PATTERNS, ClassRef, FunctionRef
from headgate.scan.flow.rules import Rules, holds
from headgate.scan.flow.values import Value
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Node
from headgate.scan.late import late
from headgate.scan.packs.schema import Condition, Entry, Selector, Sink, Source

if TYPE_CHECKING:
    from headgate.scan.flow.calls import Calls

_IN_PATH = late(
    r"<(?:(?P<converter>\w+)(?:\([^)]*\))?:)?(?P<flask>\w+)(?::(?P<rest>[^<>]+))?>"
    r"|\{(?P<brace>\w+)(?::(?P<type>[^}]*))?\}"
    r"|\(\?P<(?P<group>\w+)>(?P<pattern>[^)]*)\)"
    r"|:(?P<colon>[A-Za-z_]\w*)"
)
_BODIES = frozenset({"POST", "PUT", "PATCH"})
_NUMBERS = frozenset({"int", "float", "uuid", "decimal", "slug", "ymd", "alpha"})
"""Converters that let through nothing that does harm anywhere."""
_CONVERTERS = _NUMBERS | {"str", "string", "path", "any", "ext", "re"}
_PATTERN = late(r"[^\w]")


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
    given: tuple[Sequence[Value], dict[str, Value]] = ((), {})
    """What the decorator or the call that makes it is given."""
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
        info.given = (args, keywords)
        info.constant = pattern is not None and not _IN_PATH.search(pattern)
        info.sinks = [
            sink
            for sink in rules.returns
            if sink.returned is not None
            and selects(rules, sink.returned, info)
            and _registered_with(rules, sink.when, args, keywords)
        ]
        return info

    def path_parameters(self) -> dict[str, str]:
        """Parameters in the pattern, with their converters."""
        if self.cls is not None:
            self.cls.reads(PATTERNS)
        if self.path is None and self.cls is not None and self.cls.patterns:
            each = [parameters_of(pattern) for pattern in self.cls.patterns]
            # Of several routes to one class a parameter is a number if it is one in all of them.
            return {
                name: kind if all(is_number(one.get(name, kind)) for one in each) else ""
                for parameters in each
                for name, kind in parameters.items()
            }
        return parameters_of(self.path or "")

    def positional(self, index: int) -> str:
        """The converter of a parameter that a pattern's group without a name fills."""
        if self.cls is not None:
            self.cls.reads(PATTERNS)
        patterns = self.cls.patterns if self.cls is not None else []
        kinds = [_groups(one)[index : index + 1] for one in patterns]
        harmless = bool(kinds) and all(
            one and "all" in checked(one[0], whole=True, begins=True) for one in kinds
        )
        return "int" if harmless else ""


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


def parameters_of(pattern: str) -> dict[str, str]:
    """Names in the pattern of a route, with their converters."""
    out: dict[str, str] = {}
    for match in _IN_PATH.finditer(pattern):
        name = match["flask"] or match["brace"] or match["group"] or match["colon"]
        kind = match["converter"] or match["type"] or ""
        if match["flask"] in _CONVERTERS and (match["rest"] or kind not in _CONVERTERS) and kind:
            # Bottle and Sanic write the name first: `<name:int>`, `<name:re:[a-z]+>`.
            name, kind = kind, match["rest"] or match["flask"]
        if match["rest"] and not match["converter"]:
            # Sanic: `<order:^(name|id)$>`.
            kind = match["rest"]
        if match["group"]:
            kind = match["pattern"]
        if _PATTERN.search(kind):
            # What it lets through is as harmless as a number, or may be anything.
            kind = "int" if "all" in checked(kind, whole=True, begins=True) else ""
        out[name] = kind
    return out


def _groups(pattern: str) -> list[str]:
    """What stands in the groups of a pattern that have no name."""
    return [] if "(?P<" in pattern else re.findall(r"(?<!\\)\((?!\?)([^()]*)\)", pattern)


def _registered_with(
    rules: Rules,
    conditions: Mapping[str, Condition],
    args: Sequence[Value],
    keywords: dict[str, Value],
) -> bool:
    """Whether what makes the entry is given this: `response_class=HTMLResponse`."""
    for name, condition in conditions.items():
        at = int(name) if name.isdigit() else len(args)
        value = args[at] if at < len(args) else keywords.get(name)
        kind = value.type or rules.canonical(value.name) if value is not None else ""
        if condition.op == "type":
            if not rules.is_a(kind, (condition.type,)):
                return False
            continue
        consts = value.consts if value is not None else None
        if consts is None and value is not None and value.name:
            # Names stand for themselves: `errorhandler(Exception)`.
            consts = (kind,)
        if not holds(condition, value is not None, consts, kind):
            return False
    return True


def selects(rules: Rules, selector: Selector, info: EntryInfo) -> bool:
    """Whether a selector means the function of an entry (its parameters apart)."""
    if selector.decorator and not set(selector.decorator).intersection(info.decorators):
        return False
    if selector.base and not _derives(info.cls, selector.base, rules):
        return False
    if selector.method and not is_named(info.ref.node[3], selector.method):
        return False
    if selector.given and not _registered_with(rules, selector.given, *info.given):
        return False
    if selector.call:
        return bool(set(selector.call).intersection(info.rule.selector.call))
    return bool(selector.decorator or selector.base or selector.annotation or selector.named
                or selector.first or selector.default)  # fmt: skip


def _derives(cls: ClassRef | None, bases: Sequence[str], rules: Rules) -> bool:
    if cls is None:
        return False
    endings = tuple(one[1:] for one in bases if one.startswith("*"))
    return any(
        rules.is_a(base, bases) or bool(endings and base.endswith(endings))
        for base in cls.library_bases()
    )


def is_named(name: str, wanted: Sequence[str]) -> bool:
    """Whether a method is one of these: by its name, or as `*` and `resolve_*` say."""
    return name in wanted or any(
        one.endswith("*") and not name.startswith("_") and name.startswith(one[:-1])
        for one in wanted
    )


def _defines(statement: Node, name: str) -> bool:
    return statement[0] == ir.FUNCTION and statement[3] == name


def class_entries(rules: Rules, cls: ClassRef) -> Iterator[EntryInfo]:
    """Methods of a class that its base makes entries."""
    bases = list(cls.library_bases())
    if not bases:
        return
    for rule in rules.entries:
        selector = rule.selector
        if not selector.base or not _derives(cls, selector.base, rules):
            continue
        for name in [one for one in cls.members if is_named(one, selector.method)]:
            member = cls.members[name]
            if not isinstance(member.obj, FunctionRef):
                continue
            # What its decorators made of it is another function, which several may share.
            own = next((one for one in reversed(cls.node[7]) if _defines(one, name)), None)
            ref = member.obj if own is None else FunctionRef(cls.module, own, cls)
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
    names = {one[3][3] for one in parameters}
    taken: set[str] = set()
    for source in rules.params:
        selector = source.param
        assert selector is not None
        bound = selector.decorator or selector.base or selector.call
        if bound and (info is None or not selects(rules, selector, info)):
            continue
        for index, parameter in enumerate(parameters):
            name = parameter[3][3]
            if name in taken or name in source.skip:
                continue
            if selector.first and index:
                continue
            if selector.named and name not in selector.named:
                continue
            if selector.beside and names.isdisjoint(selector.beside):
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
            kind = in_path.get(name, "")
            if not kind and info is not None and source.names != "from-path":
                kind = info.positional(index)
            yield parameter, source, kind


def is_number(converter: str) -> bool:
    return converter in _NUMBERS


def _last_names(function: Node) -> list[str]:
    return [one[3] for one in function[6] if one[0] == ir.NAME]
