"""Rule packs, made ready to be looked up by name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from headgate.model.finding import Confidence
from headgate.scan.flow.findings import most_sure, severity_of
from headgate.scan.flow.values import FIRST_KIND, HOST, RESOLVED
from headgate.scan.late import late
from headgate.scan.packs.schema import (
    ALL,
    Absence,
    Condition,
    Entry,
    Guard,
    Kind,
    KindName,
    Literal,
    Pack,
    Propagator,
    Sanitizer,
    Sink,
    Source,
)

MARKS = {"resolved": RESOLVED, "host": HOST}


class CallRule:
    """Everything that the packs say of one callable."""

    __slots__ = (
        "created", "guards", "literals", "never_returns", "propagators", "sanitizers", "sinks",
        "sources",
    )  # fmt: skip

    def __init__(self) -> None:
        self.sources: list[Source] = []
        self.sinks: list[Sink] = []
        self.sanitizers: list[Sanitizer] = []
        self.guards: list[Guard] = []
        self.propagators: list[Propagator] = []
        self.literals: list[Literal] = []
        self.created = ""
        self.never_returns = False


class AttrRule:
    """Everything that the packs say of a name that is read."""

    __slots__ = ("literals", "sources", "type")

    def __init__(self) -> None:
        self.sources: list[Source] = []
        self.literals: list[Literal] = []
        self.type = ""


class AssignRule:
    """Everything that the packs say of a name that is assigned."""

    __slots__ = ("literals", "sinks")

    def __init__(self) -> None:
        self.sinks: list[Sink] = []
        self.literals: list[Literal] = []


class TypeRule:
    """What a type is."""

    __slots__ = ("bases", "inert", "methods", "put", "take")

    def __init__(self) -> None:
        self.bases: list[str] = []
        self.methods: dict[str, str] = {}
        self.put: dict[str, tuple[int, ...]] = {}
        self.take: dict[str, tuple[int, ...]] = {}
        self.inert = False


class Rules:
    """The packs that count for a project."""

    def __init__(
        self,
        packs: Sequence[Pack],
        kinds: Mapping[KindName, Kind],
        least: Confidence = Confidence.LOW,
    ) -> None:
        """`least`: sources that never give a finding as sure as this are left out."""
        self.kinds = kinds
        self._least = least
        self.bits = {name: 1 << (FIRST_KIND + index) for index, name in enumerate(sorted(kinds))}
        self.all = sum(self.bits.values())
        self.calls: dict[str, CallRule] = {}
        self.attrs: dict[str, AttrRule] = {}
        self.assigns: dict[str, AssignRule] = {}
        self.types: dict[str, TypeRule] = {}
        self.params: list[Source] = []
        self.exceptions: list[Source] = []
        self.typed_params: list[tuple[Any, str, frozenset[str]]] = []
        """Which parameters, their type, and what a file of that framework imports."""
        self.returns: list[Sink] = []
        self.entries: list[Entry] = []
        self.absences: list[Absence] = []
        self.named: list[Literal] = []
        """Literals that are told by the name of what is assigned or compared."""
        self.aliases: dict[str, str] = {}
        self.source_tails: set[str] = set()
        """Last parts of the names of sources: a function without any of them has none."""
        self.rule_tails: set[str] = set()
        """Last parts of the names that literals judge."""
        self._lineages: dict[str, tuple[str, ...]] = {}
        self._wanted: dict[str, bool] = {}
        self.sink_tails: set[str] = set()
        for pack in packs:
            self._add(pack)
        pattern = "|".join(f"(?:{one.named})" for one in self.named)
        self._named = late(pattern, re.IGNORECASE) if pattern else None

    def _add(self, pack: Pack) -> None:
        self.aliases.update(pack.aliases)
        for source in pack.sources:
            if not self._told(source):
                continue
            for name in source.attr:
                self._attr(name).sources.append(source)
                self.source_tails.add(_tail(name))
            for name in source.call:
                self._call(name).sources.append(source)
                self.source_tails.add(_tail(name))
            if source.param is not None:
                self.params.append(source)
            if source.exception and source not in self.exceptions:
                self.exceptions.append(source)
        for sink in pack.sinks:
            for name in sink.call:
                self._call(name).sinks.append(sink)
                self.sink_tails.add(_tail(name))
            for name in sink.assign:
                self._assign(name).sinks.append(sink)
                self.sink_tails.add(_tail(name))
            if sink.returned is not None:
                self.returns.append(sink)
        for sanitizer in pack.sanitizers:
            for name in sanitizer.call:
                self._call(name).sanitizers.append(sanitizer)
        for guard in pack.guards:
            for name in guard.call:
                self._call(name).guards.append(guard)
        for propagator in pack.propagators:
            for name in propagator.call:
                self._call(name).propagators.append(propagator)
        for literal in pack.literals:
            self._literal(literal)
        for model in pack.models:
            kind = self.types.setdefault(model.type, TypeRule())
            kind.bases.extend(model.bases)
            kind.methods.update(model.methods)
            kind.put.update(model.put)
            kind.take.update(model.take)
            kind.inert = kind.inert or model.inert
            for name in model.created:
                self._call(name).created = model.type
            for name in model.attrs:
                self._attr(name).type = model.type
            if model.params is not None:
                self.typed_params.append((model.params, model.type, frozenset(pack.when)))
        for name in pack.never_returns:
            self._call(name).never_returns = True
        self.entries.extend(pack.entries)
        self.absences.extend(pack.absences)

    def _told(self, source: Source) -> bool:
        """Whether any kind of finding tells of such a source."""
        if min(source.confidence, most_sure(source.label)) < self._least:
            return False
        return any(
            severity_of(kind, source.label) is not None
            for kind in self.kinds.values()
            if kind.taint
        )

    def _literal(self, literal: Literal) -> None:
        for name in literal.call:
            self._call(name).literals.append(literal)
            self.rule_tails.add(_tail(name))
        for name in literal.attr:
            self._attr(name).literals.append(literal)
            self.rule_tails.add(_tail(name))
        for name in literal.assign:
            self._assign(name).literals.append(literal)
            self.rule_tails.add(_tail(name))
        if literal.named and not literal.assign:
            self.named.append(literal)

    def _call(self, name: str) -> CallRule:
        return self.calls.setdefault(name, CallRule())

    def _attr(self, name: str) -> AttrRule:
        return self.attrs.setdefault(name, AttrRule())

    def _assign(self, name: str) -> AssignRule:
        return self.assigns.setdefault(name, AssignRule())

    def mask(self, kinds: Iterable[str]) -> int:
        """The bits of these kinds; `all` is every kind."""
        out = 0
        for kind in kinds:
            out |= self.all if kind == ALL else self.bits.get(KindName(kind), 0)
        return out

    def canonical(self, name: str) -> str:
        """The name that the packs use for it."""
        alias = self.aliases.get(name)
        if alias is not None:
            return alias
        if self.aliases:
            head = name
            while "." in head:
                head = head.rpartition(".")[0]
                alias = self.aliases.get(head)
                if alias is not None:
                    return alias + name[len(head) :]
        return name

    def lineage(self, kind: str) -> tuple[str, ...]:
        """A type and its bases, nearest first."""
        found = self._lineages.get(kind)
        if found is None:
            order = {kind: None}
            for one in order.copy():
                self._bases(one, order)
            found = self._lineages[kind] = tuple(order)
        return found

    def _bases(self, kind: str, order: dict[str, None]) -> None:
        rule = self.types.get(kind)
        for base in rule.bases if rule is not None else ():
            if base not in order:
                order[base] = None
                self._bases(base, order)

    def is_a(self, kind: str, wanted: Iterable[str]) -> bool:
        """Whether a type is one of these or derives from one."""
        return bool(kind) and not set(wanted).isdisjoint(self.lineage(kind))

    def wanted_name(self, name: str) -> bool:
        """Whether a literal is told by this name."""
        found = self._wanted.get(name)
        if found is None:
            match = self._named is not None and len(name) < 60 and self._named.fullmatch(name)
            found = self._wanted[name] = bool(match)
        return found


def _tail(name: str) -> str:
    """The last part that is a name in the code: of `flask.Flask.config[DEBUG]`, `DEBUG`."""
    if name.endswith("]"):
        inner = name[name.index("[") + 1 : -1]
        if inner not in ("*", ""):
            return inner.strip("'\"")
        name = name[: name.index("[")]
    name = name.removesuffix(".*")
    return name.rpartition(".")[2]


def holds(condition: Condition, given: bool, consts: tuple[Any, ...] | None, kind: str) -> bool:
    """Whether an argument meets a condition. `consts`: what it may be, None when not known."""
    op = condition.op
    if op == "present":
        return given is condition.present
    if op == "negated":
        return (
            not given or consts is None or not any(_same(one, condition.negated) for one in consts)
        )
    if not given:
        return False
    if op == "constant":
        return (consts is not None) is condition.constant
    if op == "type":
        return kind == condition.type
    if consts is None:
        return False
    if op == "equals":
        return any(_same(one, condition.equals) for one in consts)
    if op == "among":
        return any(_same(one, wanted) for one in consts for wanted in condition.among)
    if op == "below":
        return any(
            isinstance(one, (int, float)) and not isinstance(one, bool) and one < condition.below
            for one in consts
            if condition.below is not None
        )
    return any(isinstance(one, str) and re.search(condition.matches, one) for one in consts)


def _same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and one == other
