"""Compares patterns with code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Node
from headgate.scan.patterns.code import ELLIPSIS, MANY, VARIABLE, is_deep, is_node, nodes_below
from headgate.scan.patterns.file import File

Bound = Any
"""A node, a tuple of nodes (`$...XS`), or a name."""
Bindings = Mapping[str, Bound]
MAX_STEPS = 1_000_000
"""Comparisons for one rule in one file."""
_PLACES = 40
"""Places that are compared by where they are, for one comparison of code."""
TEXT = "..."


class TooMuch(Exception):
    """A rule has more to compare in a file than is allowed."""


def plain(field: Any) -> Any:
    """A node without its places, for comparison."""
    if is_node(field):
        return (field[0], *(plain(one) for one in field[3:]))
    if isinstance(field, tuple):
        return tuple(plain(one) for one in cast("tuple[Any, ...]", field))
    return (type(field), field)


def many_of(item: Any) -> str | None:
    """`XS` when an item of a pattern stands for any number of items, empty for `...`; else None."""
    if not is_node(item):
        # A pair of a mapping.
        pair = cast("tuple[Any, ...]", item) if isinstance(item, tuple) else ()
        return many_of(pair[-1]) if pair and is_node(pair[-1]) else None
    op = item[0]
    if op == ir.NAME:
        return "" if item[3] == ELLIPSIS else None
    if op in (ir.EXPR, ir.PARAMETER):
        return many_of(item[3])
    if op == ir.STAR and item[3][0] == ir.NAME and item[3][3].startswith(MANY):
        return item[3][3][len(MANY) :]
    return None


class Unifier:
    """Finds out what the variables of patterns stand for in one file."""

    def __init__(self, file: File) -> None:
        self.file = file
        self.steps = 0

    def spend(self, places: int) -> None:
        """Count comparisons of places. Raises TooMuch."""
        self.steps += 1 + places // _PLACES
        if self.steps > MAX_STEPS:
            raise TooMuch

    def bind(self, bound: Bindings, name: str, what: Bound) -> Iterator[Bindings]:
        """The bindings with one more, when it agrees."""
        if name == "_":
            yield bound
        elif name not in bound:
            yield {**bound, name: what}
        elif self.same(bound[name], what):
            yield bound

    def same(self, one: Bound, other: Bound) -> bool:
        """Whether two things that a variable stands for are alike."""
        texts = [what if isinstance(what, str) else _name(what) for what in (one, other)]
        if isinstance(one, str) or isinstance(other, str):
            return texts[0] == texts[1]
        return plain(one) == plain(other)

    def node(self, pattern: Node, node: Node, bound: Bindings) -> Iterator[Bindings]:
        """What a pattern's variables stand for, each way in which it is like the node."""
        self.steps += 1
        if self.steps > MAX_STEPS:
            raise TooMuch
        op = pattern[0]
        if op == ir.NAME and pattern[3].startswith(VARIABLE):
            if node[0] < ir.EXPR:
                yield from self.bind(bound, pattern[3][len(VARIABLE) :], node)
            return
        if op == ir.NAME and pattern[3] == ELLIPSIS:
            if node[0] < ir.EXPR:
                yield bound
            return
        if op == ir.EXPR:
            if node[0] == ir.EXPR:
                yield from self.node(pattern[3], node[3], bound)
            return
        if op < ir.EXPR and node[0] == ir.EXPR:
            yield from self.node(pattern, node[3], bound)
            return
        if is_deep(pattern):
            for one in nodes_below(node):
                yield from self.node(pattern[4][0], one, bound)
            return
        if op == ir.CONST:
            yield from self._constant(pattern, node, bound)
            return
        if op in (ir.NAME, ir.ATTR):
            wanted = _name(pattern)
            if wanted and VARIABLE not in wanted:
                if wanted in self.file.names(node):
                    yield bound
                return
        if op == ir.ASSIGN and node[0] == ir.ASSIGNING and not node[4]:
            node = (ir.ASSIGN, node[1], node[2], (node[3],), node[5], None)
        if op == ir.LAMBDA and node[0] == ir.FUNCTION:
            # JavaScript's `function (…) {…}` stands for declared functions and methods as well.
            yield from self._function(pattern[3], node, bound)
            return
        if op != node[0]:
            return
        special = {
            ir.CALL: self._call, ir.FUNCTION: self._function, ir.PARAMETER: self._parameter,
            ir.CLASS: self._class, ir.ASSIGN: self._assign,
        }.get(op)  # fmt: skip
        if special is not None:
            yield from special(pattern, node, bound)
            return
        yield from self._fields(pattern[3:], node[3:], bound)

    def _constant(self, pattern: Node, node: Node, bound: Bindings) -> Iterator[Bindings]:
        wanted = pattern[3]
        if wanted == TEXT and node[0] == ir.BUILD and all(p[0] == ir.CONST for p in node[3]):
            yield bound
            return
        held = self.file.constant(node)
        if held is None:
            return
        (value,) = held
        if wanted == TEXT:
            if isinstance(value, (str, bytes)):
                yield bound
        elif type(value) is type(wanted) and value == wanted:
            yield bound

    def _fields(self, patterns: Any, fields: Any, bound: Bindings) -> Iterator[Bindings]:
        """Fields one by one."""
        if not patterns:
            if not fields:
                yield bound
            return
        if not fields:
            return
        for after in self._field(patterns[0], fields[0], bound):
            yield from self._fields(patterns[1:], fields[1:], after)

    def _field(self, pattern: Any, field: Any, bound: Bindings) -> Iterator[Bindings]:
        if is_node(pattern):
            if is_node(field):
                yield from self.node(pattern, field, bound)
        elif isinstance(pattern, tuple):
            if isinstance(field, tuple) and not is_node(field):
                yield from self.sequence(pattern, field, bound)  # pyright: ignore[reportUnknownArgumentType]
        elif isinstance(pattern, str) and isinstance(field, str):
            yield from self._word(pattern, field, bound)
        elif type(pattern) is type(field) and pattern == field:
            yield bound

    def _word(self, pattern: str, field: str, bound: Bindings) -> Iterator[Bindings]:
        if pattern.startswith(VARIABLE):
            yield from self.bind(bound, pattern[len(VARIABLE) :], field)
        elif pattern == field:
            yield bound

    def sequence(
        self,
        patterns: tuple[Any, ...],
        items: tuple[Any, ...],
        bound: Bindings,
        *,
        whole: bool = True,
    ) -> Iterator[Bindings]:
        """Items in their order, `...` for any number of them; not `whole`: more may follow."""
        if not patterns:
            if not items or not whole:
                yield bound
            return
        many = many_of(patterns[0])
        if many is not None:
            for count in range(len(items) + 1):
                self.steps += 1
                afters: Iterator[Bindings] = iter((bound,))
                if many:
                    afters = self.bind(bound, many, items[:count])
                for after in afters:
                    yield from self.sequence(patterns[1:], items[count:], after, whole=whole)
            return
        if items:
            for after in self._field(patterns[0], items[0], bound):
                yield from self.sequence(patterns[1:], items[1:], after, whole=whole)

    def _call(self, pattern: Node, node: Node, bound: Bindings) -> Iterator[Bindings]:
        if pattern[6] != node[6]:
            return
        for one in self.node(pattern[3], node[3], bound):
            for two in self.sequence(pattern[4], node[4], one):
                more = any(many_of(argument) is not None for argument in pattern[4])
                yield from self._keywords(pattern[5], node[5], two, more=more)

    def _keywords(
        self, patterns: Any, keywords: Any, bound: Bindings, *, more: bool
    ) -> Iterator[Bindings]:
        """Keywords in any order; `more`: others may be there as well."""
        if not patterns:
            if more or not keywords:
                yield bound
            return
        (name, wanted), *rest = patterns
        for index, (given, value) in enumerate(keywords):
            if (name is None) != (given is None):
                continue
            words = iter((bound,)) if name is None else self._word(name, given, bound)
            for one in words:
                for two in self.node(wanted, value, one):
                    left = (*keywords[:index], *keywords[index + 1 :])
                    yield from self._keywords(rest, left, two, more=more)

    def _function(self, pattern: Node, node: Node, bound: Bindings) -> Iterator[Bindings]:
        """Decorators in any order, others may be there as well; its name and what it returns may
        be left out."""
        if pattern[3] and not node[3]:
            return
        names = self._word(pattern[3], node[3], bound) if pattern[3] else iter((bound,))
        for one in names:
            for two in self._some(pattern[6], node[6], one):
                for three in self.sequence(pattern[4], node[4], two):
                    four: Iterator[Bindings] = iter((three,))
                    if pattern[7] is not None:
                        four = self._field(pattern[7], node[7], three)
                    for after in four:
                        yield from self.sequence(pattern[5], node[5], after)

    def _some(self, patterns: Any, nodes: Any, bound: Bindings) -> Iterator[Bindings]:
        """Each pattern is like one of the nodes."""
        if not patterns:
            yield bound
            return
        for index, one in enumerate(nodes):
            for after in self._field(patterns[0], one, bound):
                left = (*nodes[:index], *nodes[index + 1 :])
                yield from self._some(patterns[1:], left, after)

    def _parameter(self, pattern: Node, node: Node, bound: Bindings) -> Iterator[Bindings]:
        """A parameter; its default and its type may be left out."""
        variable = pattern[3][0] == ir.NAME and pattern[3][3].startswith(VARIABLE)
        if pattern[6] != node[6] and not (variable and node[6] not in (ir.REST, ir.KEYWORDS)):
            return
        for one in self.node(pattern[3], node[3], bound):
            afters: Iterator[Bindings] = iter((one,))
            for wanted, given in ((pattern[4], node[4]), (pattern[5], node[5])):
                if wanted is not None:
                    afters = (
                        two
                        for after in afters
                        for two in (self._field(wanted, given, after) if given is not None else ())
                    )
            yield from afters

    def _class(self, pattern: Node, node: Node, bound: Bindings) -> Iterator[Bindings]:
        for one in self._word(pattern[3], node[3], bound):
            named = tuple(base for base in pattern[4] if many_of(base) is None)
            for two in self._some(named, node[4], one):
                for three in self._some(pattern[6], node[6], two):
                    yield from self.sequence(pattern[7], node[7], three)

    def _assign(self, pattern: Node, node: Node, bound: Bindings) -> Iterator[Bindings]:
        """One of the targets is meant; a type may be left out."""
        if len(pattern[3]) != 1 or (pattern[4] is None) != (node[4] is None):
            return
        for target in node[3]:
            for one in self.node(pattern[3][0], target, bound):
                if pattern[4] is None:
                    yield one
                    continue
                for two in self.node(pattern[4], node[4], one):
                    if pattern[5] is None:
                        yield two
                    elif node[5] is not None:
                        yield from self.node(pattern[5], node[5], two)


def _name(node: Any) -> str:
    """A dotted name in a pattern or in code; empty for anything else."""
    if not is_node(node):
        return ""
    if node[0] == ir.NAME:
        return node[3]
    if node[0] == ir.ATTR:
        inner = _name(node[3])
        return f"{inner}.{node[4]}" if inner else ""
    return ""
