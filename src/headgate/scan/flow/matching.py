"""`match`: which pattern fits, and what it captures."""

from __future__ import annotations

from headgate.scan.flow.branches import Branches
from headgate.scan.flow.env import Env
from headgate.scan.flow.values import (
    Value,
    truth,
)
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Node


class Matching(Branches):
    """Patterns."""

    def _match(self, node: Node) -> None:
        subject = self.eval(node[3])
        end: Env | None = None
        state: Env | None = self.env
        breaks: list[Env] = []
        falls = node[5]
        fallen: Env | None = None
        if falls:
            self.frame.loops.append((breaks, breaks))
        for pattern, guard, body in node[4]:
            if state is None and fallen is None:
                break
            taken: Env | None = None
            if state is not None:
                self.env = state.fork()
                outcome = self._matches(pattern, subject, node)
                rest: Env | None = state
                if outcome is not False:
                    fits = True
                    certain = outcome is True
                    if guard is not None:
                        test = self.eval(guard)
                        known = truth(test)
                        certain = certain and known is True
                        fits = known is not False and self.assume(test, True)
                    if fits:
                        taken = self.env
                    if certain:
                        rest = None
                state = rest
            taken = self.joiner.envs(taken, fallen)
            fallen = None
            if taken is not None:
                self.env = taken
                if self.run(body):
                    if falls:
                        fallen = self.env
                    else:
                        end = self.joiner.envs(end, self.env)
        if falls:
            self.frame.loops.pop()
        end = self.joiner.envs(end, fallen)
        end = self.joiner.envs(end, state)
        for one in breaks:
            end = self.joiner.envs(end, one)
        self._meet(end, None)

    def _matches(self, pattern: Node, subject: Value, node: Node) -> bool | None:
        """Whether a pattern fits; what it captures is bound."""
        op = pattern[0]
        if op == ir.P_CAPTURE:
            inner: bool | None = True
            if pattern[3] is not None:
                inner = self._matches(pattern[3], subject, node)
            if pattern[4] is not None:
                self._bind_name((ir.NAME, pattern[1], pattern[2], pattern[4]), subject)
            return inner
        if op == ir.P_VALUE:
            test = self.compared("==", subject, self.eval(pattern[3]), node)
            known = truth(test)
            if known is not False:
                self.assume(test, True)
            return known
        if op == ir.P_OR:
            start = self.env
            out: bool | None = False
            met: Env | None = None
            for one in pattern[3]:
                self.env = start.fork()
                found = self._matches(one, subject, node)
                if found is not False:
                    met = self.joiner.envs(met, self.env)
                    out = None
                if found is True:
                    out = True
                    break
            self.env = met or start
            return out
        if op == ir.P_SEQ:
            return self._match_sequence(pattern, subject, node)
        if op == ir.P_MAP:
            out = None
            for key_node, inner_pattern in pattern[3]:
                item = self.item(subject, self.eval(key_node), node)
                if self._matches(inner_pattern, item, node) is False:
                    out = False
            if pattern[4]:
                self.env.vars[pattern[4]] = Value(self.deep(subject))
            return out
        if op == ir.P_CLASS:
            return self._match_class(pattern, subject, node)
        return None

    def _match_class(self, pattern: Node, subject: Value, node: Node) -> bool | None:
        self.eval(pattern[3])
        name = pattern[3][3] if pattern[3][0] == ir.NAME else ""
        for one in pattern[4]:
            if name in ("int", "float", "bool"):
                self._matches(one, Value(type=name), node)
            else:
                whole = name == "str"
                self._matches(one, subject if whole else Value(self.deep(subject)), node)
        for attribute, one in pattern[5]:
            self._matches(one, self.attribute(subject, attribute, node), node)
        return None

    def _match_sequence(self, pattern: Node, subject: Value, node: Node) -> bool | None:
        ordered = self.sequence(subject, node)
        patterns = pattern[3]
        starred = any(one[0] == ir.STAR for one in patterns)
        if ordered is not None and not starred:
            if len(ordered) != len(patterns):
                return False
            outcomes = [
                self._matches(one, item, node) for one, item in zip(patterns, ordered, strict=True)
            ]
            if False in outcomes:
                return False
            return True if all(one is True for one in outcomes) else None
        item = self.iterate(subject, node)
        for one in patterns:
            if one[0] == ir.STAR:
                self._matches(one[3], self.bag(item), node)
            else:
                self._matches(one, item, node)
        return None
