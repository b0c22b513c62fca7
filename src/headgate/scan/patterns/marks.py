"""What the rules of a user's own say of the nodes of a file, by place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Module, Node
from headgate.scan.patterns.code import compiled, is_node, nodes_below
from headgate.scan.patterns.file import File
from headgate.scan.patterns.places import Place, Searcher
from headgate.scan.patterns.schema import Formula, Op, Selected, TaintRule
from headgate.scan.patterns.unify import TooMuch

Key = tuple[int, int, int]
"""Operation, start and end of a node."""
_SHOWN = 40
"""Characters of code that a message quotes."""


@dataclass(frozen=True, slots=True)
class AtSink:
    """A value that must not be tainted."""

    rule: TaintRule
    node: Node
    """What is reported."""
    shown: str


@dataclass(frozen=True, slots=True)
class After:
    """What happens once something was evaluated."""

    rule: TaintRule
    what: str
    """`taint`, `clean` or `pass`."""
    target: Node
    source: Node | None = None
    """Of `pass`."""


@dataclass(slots=True)
class Mark:
    """What is said of one node."""

    sources: list[TaintRule] = field(default_factory=list[TaintRule])
    clean: list[TaintRule] = field(default_factory=list[TaintRule])
    sinks: list[AtSink] = field(default_factory=list[AtSink])
    bound: list[TaintRule] = field(default_factory=list[TaintRule])
    """Rules of which it is a source when something is assigned to it."""
    cleaned: list[TaintRule] = field(default_factory=list[TaintRule])
    """Rules for which what is assigned to it is clean."""
    after: list[After] = field(default_factory=list[After])


@dataclass(slots=True)
class Marks:
    """What is said of one file."""

    of: dict[Key, Mark] = field(default_factory=dict[Key, Mark])
    words: set[str] = field(default_factory=set[str])
    """Names at the sources: functions without any of them have none."""
    given_up: list[str] = field(default_factory=list[str])
    """Rules that had too much to compare in it."""


def may_match(formula: Formula, data: bytes, language: str) -> bool:
    """Whether a file has the words that a formula needs."""
    if formula.op is Op.MATCH:
        return all(word.encode() in data for word in compiled(formula.text, language).words)
    if formula.op is Op.ANY:
        return any(may_match(one, data, language) for one in formula.items)
    if formula.op in (Op.ALL, Op.INSIDE):
        return all(may_match(one, data, language) for one in formula.items)
    return True


def concerns(rule: TaintRule, path: str, data: bytes, language: str) -> bool:
    """Whether anything of a rule may be in a file."""
    if rule.files and not re.search(rule.files, path):
        return False
    if rule.unless_files and re.search(rule.unless_files, path):
        return False
    formulas = (one.formula for group in (rule.sources, rule.sinks) for one in group)
    others = (one.formula for group in (rule.sanitizers, rule.propagators) for one in group)
    return any(may_match(one, data, language) for one in (*formulas, *others))


def marks_of(module: Module, data: bytes, rules: Sequence[TaintRule], language: str) -> Marks:
    """What the rules say of a file."""
    file = File(module, data)
    out = Marks()
    parameters = {
        _key(name)
        for node in file.nodes
        if node[0] == ir.PARAMETER
        for name in nodes_below(node[3])
    }
    for rule in rules:
        searcher = Searcher(file, language)
        try:
            _mark(rule, searcher, out, parameters)
        except TooMuch:
            out.given_up.append(f"rule own/{rule.name}")
    return out


def _mark(rule: TaintRule, searcher: Searcher, out: Marks, parameters: set[Key]) -> None:
    def mark(node: Node) -> Mark:
        return out.of.setdefault(_key(node), Mark())

    for selected in rule.sources:
        for place, node in _nodes(selected, searcher):
            out.words.update(_words(node, searcher.file))
            if _key(node) in parameters or selected.in_place:
                mark(node).bound.append(rule)
            if not selected.later:
                for one in _meant(node, exact=selected.exact):
                    mark(one).sources.append(rule)
            if selected.in_place and place.whole is not None:
                mark(place.whole).after.append(After(rule, "taint", node))
    for selected in rule.sanitizers:
        for place, node in _nodes(selected, searcher):
            if selected.in_place:
                mark(node).cleaned.append(rule)
            for one in _meant(node, exact=selected.exact):
                mark(one).clean.append(rule)
            if selected.in_place and place.whole is not None:
                mark(place.whole).after.append(After(rule, "clean", node))
    for selected in rule.sinks:
        for place, node in _nodes(selected, searcher):
            whole = place.node if place.node is not None else node
            shown = _shown(whole, searcher.file)
            # Of a statement the value is meant, also when that is a call.
            given = place.whole is not None or node is not place.node
            for one in _judged(node, focused=given):
                mark(one).sinks.append(AtSink(rule, whole, shown))
    for passing in rule.propagators:
        for place in searcher.places(passing.formula):
            source, target = place.bound.get(passing.source), place.bound.get(passing.target)
            if place.node is None or not is_node(source) or not is_node(target):
                continue
            mark(place.node).after.append(After(rule, "pass", target, source))


def _nodes(selected: Selected, searcher: Searcher) -> Iterator[tuple[Place, Node]]:
    """The places that are one expression, with it."""
    for place in searcher.places(selected.formula):
        node = place.node
        if node is None:
            continue
        if node[0] == ir.RETURN:
            node = node[3]
        elif node[0] == ir.ASSIGN:
            node = node[4]
        elif node[0] == ir.ASSIGNING:
            node = node[5]
        elif node[0] in (ir.PARAMETER, ir.STAR):
            node = node[3]
        if node is not None and node[0] < ir.EXPR:
            yield place, node


def _key(node: Node) -> Key:
    return (node[0], node[1], node[2])


def _meant(node: Node, *, exact: bool) -> Iterator[Node]:
    """A node that is a source or clean; unless it is meant exactly, what it is made of, too."""
    yield node
    if not exact:
        for one in nodes_below(_within(node)):
            if one[0] < ir.EXPR:
                yield one


def _within(node: Node) -> tuple[object, ...]:
    """What is worked out for a node; not what it is called on, and not what runs later."""
    op = node[0]
    if op in (ir.NAME, ir.CONST, ir.LAMBDA):
        return ()
    if op == ir.ATTR:
        return _within(node[3])
    if op == ir.CALL:
        return (*_within(node[3]), node[4], tuple(value for _, value in node[5]))
    if op == ir.INDEX:
        return (*_within(node[3]), node[4])
    return node[3:]


def _judged(node: Node, *, focused: bool) -> Iterator[Node]:
    """What must not be tainted at a sink: of a call its arguments and what it is called on."""
    if focused or node[0] != ir.CALL:
        yield node
        return
    for one in (*node[4], *(value for _, value in node[5])):
        yield one[3] if one[0] == ir.STAR else one
    if node[3][0] == ir.ATTR:
        yield node[3][3]


def _words(node: Node, file: File) -> Iterable[str]:
    """A name that every function has that evaluates a node."""
    op = node[0]
    if op == ir.NAME:
        return (node[3],)
    if op == ir.ATTR:
        return (node[4],)
    if op in (ir.CALL, ir.INDEX, ir.AWAIT, ir.STAR):
        found = list(_words(node[3], file))
        if found:
            return found
    names = {one[3] for one in nodes_below(node) if one[0] == ir.NAME}
    return names or file.module.mentions


def _shown(node: Node, file: File) -> str:
    """How a sink is called in messages."""
    target = node[3] if node[0] == ir.CALL else node
    text = " ".join(file.text(target).split())
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
