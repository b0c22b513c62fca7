"""Follows data by the rules of a user's own, which speak of what code looks like.

The places that the patterns select are found before anything is evaluated; when the interpreter
comes to one of them, the value gets the taint of the rule, loses it, or is judged. Without such
rules nothing of this is there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from headgate.model.finding import Confidence
from headgate.scan.flow.values import Obj, Taint, Value, merge_taint
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Node
from headgate.scan.packs.schema import KindName, Pack, Sink
from headgate.scan.patterns.marks import After, Mark, Marks, concerns, marks_of
from headgate.scan.patterns.schema import TaintRule

if TYPE_CHECKING:
    from headgate.scan.flow.calls import Calls
    from headgate.scan.flow.project import Source
    from headgate.scan.flow.run import Run


def follow_own_rules(
    run: Run, packs: Iterable[Pack], files: Mapping[str, Source], language: str
) -> None:
    """Make an analysis heed the taint rules of packs."""
    rules = [rule for pack in packs for rule in pack.rules]
    if not rules:
        return
    found: dict[str, Marks] = {}
    for path, file in files.items():
        wanted = [rule for rule in rules if concerns(rule, path, file.data, language)]
        if not wanted:
            continue
        marks = marks_of(file.module(), file.data, wanted, language)
        run.rules.source_tails |= marks.words
        for name in marks.given_up:
            run.recorder.cut_off(path, name)
        if marks.of:
            found[path] = marks
    if found:
        _Following(run.calls, found)


class _Following:
    """Stands between an interpreter and what it evaluates."""

    def __init__(self, calls: Calls, marks: Mapping[str, Marks]) -> None:
        self._calls = calls
        self._marks = marks
        self._eval: Callable[[Node], Value] = calls.eval
        self._bind: Callable[[Node, Value, Node], None] = calls.bind
        self._quiet = False
        self._enter: Callable[[Node, Value | None], None] = calls.enter
        calls.eval = self.eval
        calls.enter = self.enter
        calls.bind = self.bind

    def _mark(self, node: Node) -> Mark | None:
        marks = self._marks.get(self._calls.frame.module.path)
        if marks is None or self._quiet:
            return None
        return marks.of.get(node[:3])  # pyright: ignore[reportArgumentType]

    def eval(self, node: Node) -> Value:
        value = self._eval(node)
        mark = self._mark(node)
        if mark is None:
            return value
        for rule in mark.sources:
            value = self._tainted(value, rule, node)
        for rule in mark.clean:
            value = self._cleaned(value, rule)
        for one in mark.sinks:
            sink = Sink(kind=KindName(one.rule.name), what=one.shown)
            self._calls.sink(sink, [value], one.node, one.shown)
        for after in mark.after:
            self._after(after, node)
        return value

    def bind(self, target: Node, value: Value, node: Node) -> None:
        mark = self._mark(target)
        if mark is not None:
            for rule in mark.bound:
                value = self._tainted(value, rule, target)
            for rule in mark.cleaned:
                value = self._cleaned(value, rule)
        self._bind(target, value, node)

    def enter(self, parameter: Node, value: Value | None) -> None:
        """A parameter gets what is passed for it."""
        self._enter(parameter, value)
        target = parameter[3]
        mark = self._mark(target) if target[0] == ir.NAME else None
        if mark is None:
            return
        for rule in mark.bound:
            held = self._calls.env.vars[target[3]]
            self._calls.env.vars[target[3]] = self._tainted(held, rule, target)

    def _tainted(self, value: Value, rule: TaintRule, node: Node) -> Value:
        calls = self._calls
        what = f"`{_written(node)}`"
        token = calls.token(rule.label, what, rule.name, node, Confidence.MEDIUM, node[1])
        return _with(value, merge_taint(value.taint, calls.tainted(token, node)))

    def _cleaned(self, value: Value, rule: TaintRule) -> Value:
        calls = self._calls
        taint = calls.deep(value)
        if not taint:
            return value
        clean = calls.narrowed(taint, -1, calls.rules.bits[KindName(rule.name)])
        held = calls.obj(value)
        if held is None:
            return _with(value, clean)
        return Value(clean, None, None, value.type, value.name)

    def _after(self, after: After, node: Node) -> None:
        if after.target[0] not in (ir.NAME, ir.ATTR, ir.INDEX):
            return
        passed = self._passed(after, node) if after.what == "pass" else None
        if after.what == "pass" and not passed:
            return
        self._quiet = True
        try:
            value = self._eval(after.target)
            if after.what == "taint":
                value = self._tainted(value, after.rule, after.target)
            elif after.what == "clean":
                value = self._cleaned(value, after.rule)
            else:
                held = self._calls.obj(value)
                if held is not None:
                    rest = merge_taint(held.rest.taint if held.rest else None, passed or {})
                    self._calls.put(value, Obj(held.kind, held.items, Value(rest), held.cls, True))
                    return
                value = _with(value, merge_taint(value.taint, passed or {}))
            self._bind(after.target, value, after.target)
        finally:
            self._quiet = False

    def _passed(self, after: After, node: Node) -> Taint | None:
        """What comes out of the other variable, for this rule only."""
        calls = self._calls
        assert after.source is not None
        taint = calls.deep(self.eval(after.source))
        others = sum(calls.rules.bits.values()) & ~calls.rules.bits[KindName(after.rule.name)]
        return calls.moved(taint, f"`{_written(node)}` passes it on", node, ~7, others)


def _with(value: Value, taint: Taint | None) -> Value:
    return Value(taint, None, value.ref, value.type, value.name, value.obj, value.recv, value.text)


def _written(node: Node) -> str:
    """How an expression reads, roughly."""
    parts: list[str] = []
    one: Any = node
    while True:
        if one[0] == ir.CALL:
            parts.append("()")
        elif one[0] == ir.ATTR:
            parts.append(f".{one[4]}")
        elif one[0] == ir.INDEX:
            parts.append("[]")
        else:
            parts.append(one[3] if one[0] == ir.NAME else "…")
            return "".join(reversed(parts))
        one = one[3]
