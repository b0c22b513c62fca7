"""Ways that part and meet: tests, loops, errors and the ends of functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from headgate.scan.flow.assignments import Assignments
from headgate.scan.flow.env import Env
from headgate.scan.flow.sinks import dotted
from headgate.scan.flow.values import (
    NONE,
    UNKNOWN,
    Taint,
    Value,
    add_facts,
    merge_taint,
    truth,
)
from headgate.scan.ir.nodes import Node

_WIDE_ERRORS = frozenset(
    {
        "Exception", "BaseException", "Error", "DatabaseError", "OperationalError",
        "ProgrammingError", "IntegrityError", "SQLAlchemyError", "OSError", "IOError",
    }
)  # fmt: skip
"""Errors whose text a library or the system wrote."""


def _widen(before: Env, after: Env) -> bool:
    """Forget what counts on with every turn of a loop; whether there is anything."""
    widened = False
    for name, value in after.vars.items():
        old = before.vars.get(name)
        if old is None or old is value or old.consts is None or value.consts is None:
            continue
        if old.consts != value.consts and set(value.consts) - {True, False, None}:
            widened = True
            after.vars[name] = Value(value.taint, None, value.ref, value.type)
    return widened


class Branches(Assignments):
    """Statements with bodies, and those that leave them."""

    def run(self, body: Sequence[Node]) -> bool:
        """Run statements; False when the end of them is not reached."""
        raise NotImplementedError

    def _stop(self) -> None:
        """The statements after this one are not reached."""
        self.dead = True

    def _if(self, node: Node) -> None:
        test = self.eval(node[3])
        if self.dead:
            return
        known = truth(test)
        if known is not None:
            self.assume(test, known)
            if not self.run(node[4] if known else node[5]):
                self._stop()
            return
        start = self.env
        after: Env | None = None
        self.env = start.fork()
        if self.assume(test, True) and self.run(node[4]):
            after = self.env
        self.env = start
        otherwise: Env | None = None
        if self.assume(test, False) and self.run(node[5]):
            otherwise = self.env
        self._meet(after, otherwise)

    def _meet(self, one: Env | None, other: Env | None) -> None:
        joined = self.joiner.envs(one, other)
        if joined is None:
            self._stop()
        else:
            self.env = joined

    def _for(self, node: Node) -> None:
        iterable = self.eval(node[4])
        if self.dead:
            return
        ordered = self.sequence(iterable, node)
        if ordered is not None and len(ordered) <= 1 and node[7] == "items" and not ordered:
            if not self.run(node[6]):
                self._stop()
            return
        item = self.iterate(iterable, node)
        if node[7] == "keys":
            item = Value(self.narrowed(self.deep(iterable), ~1))
        start = self.env
        frame = self.frame
        breaks: list[Env] = []
        state: Env | None = start
        checked: Any = None
        for turn in range(2):
            continues: list[Env] = []
            frame.loops.append((breaks, continues))
            self.env = (state or start).fork()
            self.bind(node[3], item, node[3])
            alive = self.run(node[5])
            frame.loops.pop()
            after = self.env if alive else None
            for one in continues:
                after = self.joiner.envs(after, one)
            if turn == 0 and after is not None:
                checked = self._checked(iterable, after, start)
            before, state = state, self.joiner.envs(state, after)
            if after is None:
                break
            if turn and before is not None and state is not None:
                _widen(before, state)
        if state is None:
            state = start
        self.env = state
        if checked and not breaks:
            # Every item passed the test in the loop's body.
            self.env.facts = add_facts(self.env.facts, checked) or {}
        end: Env | None = self.env
        if node[6] and not self.run(node[6]):
            end = None
        for one in breaks:
            end = self.joiner.envs(end, one)
        self._meet(end, None)

    def _checked(self, iterable: Value, after: Env, start: Env) -> Any:
        """Facts about what does not change in the loop, from a loop over known constants."""
        held = self.obj(iterable)
        known = held is not None and not held.open and held.items
        if not known and not iterable.consts:
            return None
        return {
            token: mask for token, mask in after.facts.items() if mask & ~start.facts.get(token, 0)
        }

    def _while(self, node: Node) -> None:
        frame = self.frame
        breaks: list[Env] = []
        state: Env | None = self.env
        end: Env | None = None
        first = bool(node[6])
        for turn in range(3):
            if state is None:
                break
            self.env = state.fork()
            test = self.eval(node[3]) if not first else None
            known = truth(test) if test is not None else None
            if known is not True or test is None:
                leave = self.env.fork()
                inside, self.env = self.env, leave
                if test is None or self.assume(test, False):
                    end = self.joiner.envs(end, self.env if not first else None)
                self.env = inside
            if known is False or (test is not None and not self.assume(test, True)):
                break
            continues: list[Env] = []
            frame.loops.append((breaks, continues))
            alive = self.run(node[4])
            frame.loops.pop()
            after = self.env if alive else None
            for one in continues:
                after = self.joiner.envs(after, one)
            first = False
            if after is None:
                state = None
                break
            before, state = state, self.joiner.envs(state, after)
            if turn and state is not None and not _widen(before, state):
                break
        if state is not None:
            self.env = state.fork()
            test = self.eval(node[3])
            if truth(test) is not True and self.assume(test, False):
                end = self.joiner.envs(end, self.env)
        if end is not None and node[5]:
            self.env = end
            if not self.run(node[5]):
                end = None
        for one in breaks:
            end = self.joiner.envs(end, one)
        self._meet(end, None)

    def _break(self, node: Node) -> None:
        if self.frame.loops:
            self.frame.loops[-1][0].append(self.env)
        self._stop()

    def _continue(self, node: Node) -> None:
        if self.frame.loops:
            self.frame.loops[-1][1].append(self.env)
        self._stop()

    def _try(self, node: Node) -> None:
        body, handlers, otherwise, final = node[3], node[4], node[5], node[6]
        start = self.env.fork()
        raised: list[tuple[Env, Value]] = []
        self.frame.raises.append(raised)
        alive = self.run(body)
        self.frame.raises.pop()
        after = self.env if alive else None
        thrown: Env | None = start
        for one, _ in raised:
            thrown = self.joiner.envs(thrown, one)
        thrown = self.joiner.envs(thrown, self.env)
        if thrown is not None and thrown is not start:
            thrown = Env(thrown.vars, dict(start.facts), thrown.heap)
        if alive and otherwise and not self.run(otherwise):
            after = None
        elif alive:
            after = self.env
        for kind, name, inner in handlers:
            assert thrown is not None
            self.env = thrown.fork()
            if name is not None:
                self.env.vars[name] = self._caught(kind, node, raised)
            if self.run(inner):
                after = self.joiner.envs(after, self.env)
        if final:
            ended = after is None
            self.env = after if after is not None else (thrown or start).fork()
            if not self.run(final) or ended:
                self._stop()
            return
        self._meet(after, None)

    def _caught(self, kind: Node | None, node: Node, raised: Sequence[tuple[Env, Value]]) -> Value:
        """What `except … as e` binds. Errors of one narrow kind mostly tell what their program
        wrote; those that may be anything tell of its inside."""
        taint: Taint | None = None
        if kind is None or dotted(kind).rpartition(".")[2] in _WIDE_ERRORS:
            place = kind if kind is not None else node
            for source in self.rules.exceptions:
                token = self.token(source.label, source.what, "", place, source.confidence)
                mask = self.rules.mask(source.safe_for)
                taint = merge_taint(taint, self.tainted(token, place, mask))
        for _, value in raised:
            taint = merge_taint(taint, self.narrowed(self.deep(value), ~1))
        return Value(taint, name="*.exception", type="Exception")

    def _with(self, node: Node) -> None:
        for context_node, target in node[3]:
            context = self.eval(context_node)
            if target is not None:
                self.bind(target, self._entered(context, context_node), context_node)
        if not self.run(node[4]):
            self._stop()

    def _entered(self, context: Value, node: Node) -> Value:
        held = self.obj(context)
        if held is None:
            return context
        if held.kind == "instance":
            method = held.cls.member("__enter__") if held.cls is not None else None
            if method is None and held.cls is not None:
                method = held.cls.member("__aenter__")
            if method is None or held.cls is None:
                return context
            return self.call(self.bound(method, context, held.cls, node), [], {}, node)
        if held.kind == "list" and held.open:
            return self.any_item(held) or UNKNOWN
        return context

    # Ends

    def _return(self, node: Node) -> None:
        value = self.eval(node[3]) if node[3] is not None else NONE
        if self.dead:
            return
        frame = self.frame
        if frame.entry is not None and frame.entry.sinks and node[3] is not None:
            self.returned(value, node)
        self.leave(value)
        self._stop()

    def returned(self, value: Value, node: Node) -> None:
        raise NotImplementedError

    def leave(self, value: Value) -> None:
        """A way out of the function with this value."""
        frame = self.frame
        facts = self.env.facts
        yes, no = self.cond_of(value)
        frame.conds.append((add_facts(facts, yes), add_facts(facts, no)))
        value = self._cleared_here(value) or value
        frame.returned = (
            value if frame.returned is None else self._either(frame.returned, frame.out, value)
        )
        frame.out = self.joiner.envs(frame.out, self.env)

    def _either(self, one: Value, before: Env | None, other: Value) -> Value:
        if before is not None:
            heap = {**before.heap, **self.env.heap}
            self.env.heap = heap
        return self.joiner.values(one, other, self.env)

    def _raise(self, node: Node) -> None:
        value = self.eval(node[3]) if node[3] is not None else UNKNOWN
        for one in self.frame.raises[-1:]:
            one.append((self.env, value))
        self._stop()
