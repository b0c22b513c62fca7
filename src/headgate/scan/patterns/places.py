"""The places in a file that formulas select."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import cast

from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Node
from headgate.scan.patterns.code import Code, compiled, is_deep, is_node
from headgate.scan.patterns.file import File
from headgate.scan.patterns.schema import Formula, Op
from headgate.scan.patterns.unify import Bindings, Unifier

_ALIKE = frozenset({ir.CALL, ir.RETURN, ir.FUNCTION, ir.CLASS, ir.WITH, ir.IF, ir.FOR, ir.ATTR})
"""Operations of patterns that are like nodes of the same operation only."""


@dataclass(frozen=True, slots=True)
class Place:
    """One place."""

    start: int
    end: int
    node: Node | None
    """What stands there; None for several statements."""
    bound: Bindings
    whole: Node | None = field(default=None)
    """Where the focus is on a part: what that is a part of."""

    def within(self, other: Place) -> bool:
        return other.start <= self.start and self.end <= other.end


class Searcher:
    """Searches one file for one rule."""

    def __init__(self, file: File, language: str) -> None:
        self.file = file
        self._language = language
        self._unifier = Unifier(file)

    def places(self, formula: Formula) -> list[Place]:
        """What a formula selects, in the order of the text. Raises TooMuch."""
        found = self._select(formula)
        return sorted(_once(found), key=lambda one: (one.start, one.end))

    def _select(self, formula: Formula) -> list[Place]:
        if formula.op is Op.MATCH:
            return list(self._matches(compiled(formula.text, self._language)))
        if formula.op is Op.ANY:
            return [place for one in formula.items for place in self._select(one)]
        if formula.op is Op.ALL:
            return self._all(formula.items)
        # What is inside of something is, by itself, that.
        return self._select(formula.items[0])

    def _all(self, items: Iterable[Formula]) -> list[Place]:
        items = list(items)
        first = [one for one in items if one.op in (Op.MATCH, Op.ANY, Op.ALL)]
        inside = [one for one in items if one.op is Op.INSIDE]
        found = self._select(first[0]) if first else self._select(inside[0])
        for one in first[1:]:
            found = list(self._both(found, self._select(one)))
        for one in inside[0 if first else 1 :]:
            around = self._select(one)
            self._unifier.spend(len(found) * len(around))
            found = [
                Place(place.start, place.end, place.node, bound, place.whole)
                for place in found
                for other in around
                if place.within(other)
                for bound in self._joined(place.bound, other.bound)
            ]
        for one in items:
            if one.op in (Op.NOT, Op.NOT_INSIDE):
                gone = self._select(one.items[0])
                self._unifier.spend(len(found) * len(gone))
                found = [place for place in found if not self._gone(place, gone)]
        for one in items:
            if one.op is Op.WHERE:
                found = [place for place in found if self._like(one, place)]
        for one in items:
            if one.op is Op.FOCUS:
                found = [part for place in found for part in self._focused(one, place)]
        return found

    def _both(self, some: list[Place], others: list[Place]) -> Iterator[Place]:
        self._unifier.spend(len(some) * len(others))
        for one in some:
            for other in others:
                inner = one if one.within(other) else other if other.within(one) else None
                if inner is None:
                    continue
                for bound in self._joined(one.bound, other.bound):
                    yield Place(inner.start, inner.end, inner.node, bound)

    def _joined(self, one: Bindings, other: Bindings) -> Iterator[Bindings]:
        """Both bindings, when they agree."""
        self._unifier.spend(0)
        if all(self._unifier.same(one[name], other[name]) for name in one.keys() & other.keys()):
            yield {**other, **one}

    def _gone(self, place: Place, gone: list[Place]) -> bool:
        return any(
            place.within(other) and next(self._joined(place.bound, other.bound), None) is not None
            for other in gone
        )

    def _like(self, where: Formula, place: Place) -> bool:
        what = place.bound.get(where.names[0])
        if isinstance(what, str):
            return re.match(where.text, what) is not None
        if what is None or not is_node(what):
            return False
        return re.match(where.text, self.file.text(what)) is not None

    def _focused(self, focus: Formula, place: Place) -> Iterator[Place]:
        for name in focus.names:
            what = place.bound.get(name)
            if what is None or isinstance(what, str):
                continue
            nodes = (what,) if is_node(what) else cast("tuple[Node, ...]", what)
            for node in nodes:
                yield Place(node[1], node[2], node, place.bound, place.node)

    def _matches(self, code: Code) -> Iterator[Place]:
        if len(code.body) > 1:
            yield from self._sequences(code)
            return
        pattern = next(iter(code.body))
        only = pattern[0] if pattern[0] in _ALIKE and not is_deep(pattern) else None
        for node in self.file.nodes:
            if node[0] == ir.EXPR or (only is not None and node[0] != only):
                continue
            for bound in self._unifier.node(pattern, node, {}):
                yield Place(node[1], node[2], node, bound)

    def _sequences(self, code: Code) -> Iterator[Place]:
        """Statements one after another."""
        last = code.body[-1]
        open_ = last[0] == ir.NAME and last[3] == "hg_ellipsis"
        wanted = code.body[:-1] if open_ else code.body
        for block in self.file.blocks:
            for start in range(len(block)):
                for end in range(start + 1, len(block) + 1):
                    for bound in self._unifier.sequence(wanted, block[start:end], {}):
                        until = block[-1] if open_ else block[end - 1]
                        yield Place(block[start][1], until[2], None, bound)


def _once(places: Iterable[Place]) -> Iterator[Place]:
    seen: set[tuple[int, int, int, int]] = set()
    for one in places:
        whole = one.whole[1] if one.whole is not None else -1
        key = (one.start, one.end, one.node[0] if one.node is not None else -1, whole)
        if key not in seen:
            seen.add(key)
            yield one
