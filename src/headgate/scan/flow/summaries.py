"""What a function was found to do, kept, and brought to where it is called."""

from __future__ import annotations

from typing import Any

from headgate.scan.flow.core import Frame
from headgate.scan.flow.definitions import Definitions
from headgate.scan.flow.findings import Hit
from headgate.scan.flow.program import FunctionRef
from headgate.scan.flow.transfer import Inward, Outward, Summary
from headgate.scan.flow.values import (
    NONE,
    UNKNOWN,
    Cond,
    Obj,
    Value,
    add_facts,
    merge_facts,
)
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Node


class Summaries(Definitions):
    """Summaries of functions, made and applied."""

    def _summary(self, ref: FunctionRef, frame: Frame, heap_before: dict[Any, Obj]) -> Summary:
        summary = Summary()
        summary.hits = frame.hits
        summary.writes = frame.writes
        out = frame.out
        function = ref.node
        if out is None:
            summary.returns = False
            if not function[8] & ir.GENERATOR:
                return summary
            summary.returns = True
            out = self.env
        self.env = out
        value = frame.returned or NONE
        if function[8] & ir.GENERATOR:
            value = self.bag(frame.yielded or UNKNOWN)
        if function[7] is not None and value.ref is None and value.obj is None:
            value = self.typed(value, self.annotated(function[7]))
        for name in sorted(frame.nonlocals):
            if name in out.vars:
                summary.writes.append((None, name, out.vars[name]))
        summary.value = value
        summary.heap = out.heap
        summary.changed = {
            number: obj
            for number, obj in out.heap.items()
            if (number in heap_before and obj is not heap_before[number])
            or (number not in heap_before and number in self.program.heap)
        }
        summary.facts = {
            token: mask for token, mask in out.facts.items() if token.root().index >= 0
        }
        cond: Cond = (None, None)
        for yes, no in frame.conds:
            cond = (merge_facts(cond[0], yes), merge_facts(cond[1], no))
        if cond[0] or cond[1]:
            summary.cond = cond
        return summary

    def _apply(
        self, summary: Summary, inward: Inward, node: Node, name: str, ref: FunctionRef
    ) -> Value:
        """What a call does here, by the summary of the function."""
        place = (self.frame.module.path, node[1], node[2])
        root = self.frame.depth == -3
        outward = Outward(inward, summary, self.joiner.fresh, self.env.heap, place, name, root=root)
        for hit in summary.hits:
            self._pass_on(hit, outward)
        for where, variable, value in summary.writes:
            self._write(where, variable, outward.value(value))
        if not summary.returns:
            self.dead = True
            return UNKNOWN
        for number, obj in summary.changed.items():
            target = outward.refs.get(number)
            if target is None and number in self.program.heap:
                target = number
            if target is not None:
                self.put(Value(ref=target), outward.object(obj))
        facts = outward.facts(summary.facts)
        if facts:
            self.env.facts = add_facts(self.env.facts, facts) or {}
        value = outward.value(summary.value or NONE)
        if summary.cond is not None:
            yes, no = summary.cond
            cond = (outward.facts(yes), outward.facts(no))
            value = Value(
                value.taint, value.consts, value.ref, value.type, value.name, value.obj,
                value.recv, value.text, cond,
            )  # fmt: skip
        return value

    def _pass_on(self, hit: Hit, outward: Outward) -> None:
        token = outward.token(hit.token)
        bit = self.rules.bits[hit.kind]
        if self.cleared(token, self.facts_for(token)) & bit:
            return
        self.report(
            Hit(
                hit.kind, token, outward.trace(hit.token, hit.trace), hit.path, hit.start, hit.end,
                hit.sink, hit.confidence, hit.severity, hit.text, hit.rule,
            )
        )  # fmt: skip

    def _write(self, where: Any, name: str, value: Value) -> None:
        if where is None:
            # `nonlocal`: the variable of the function around, when that is running.
            if name in self.env.vars:
                self.env.vars[name] = value
            elif self.frame.depth >= 0:
                self.frame.writes.append((None, name, value))
            return
        symbolic = any(token.root().index >= 0 for token in self.deep(value) or ())
        if where == "shared":
            self.env.vars[name] = value
            if symbolic:
                self.frame.writes.append((where, name, value))
            else:
                self.share(name, value)
            return
        if symbolic and self.frame.depth >= 0:
            self.frame.writes.append((where, name, value))
            return
        self.publish(where, name, value)
