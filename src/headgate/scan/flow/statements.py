"""Runs statements."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from headgate.scan.flow.core import MAX_STEPS, CutOff, Frame
from headgate.scan.flow.env import Env
from headgate.scan.flow.expressions import Expressions
from headgate.scan.flow.program import Imported, ModuleRef, ModuleState, PackageRef
from headgate.scan.flow.sinks import dotted
from headgate.scan.flow.values import (
    NONE,
    UNKNOWN,
    Obj,
    Taint,
    Value,
    add_facts,
    constant,
    merge_taint,
    truth,
)
from headgate.scan.ir import nodes as ir
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


class Statements(Expressions):
    """Statements."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.live: Env | None = self.env
        self._runners: dict[int, Callable[[Node], None]] = {
            ir.EXPR: self._expression,
            ir.ASSIGN: self._assign,
            ir.AUGMENT: self._augment,
            ir.IF: self._if,
            ir.FOR: self._for,
            ir.WHILE: self._while,
            ir.TRY: self._try,
            ir.WITH: self._with,
            ir.RETURN: self._return,
            ir.RAISE: self._raise,
            ir.MATCH: self._match,
            ir.FUNCTION: self._function,
            ir.CLASS: self._define_class,
            ir.IMPORT: self._import,
            ir.EXPORT: self._export,
            ir.DELETE: self._delete,
            ir.GLOBAL: self._global,
            ir.NONLOCAL: self._nonlocal,
            ir.BREAK: self._break,
            ir.CONTINUE: self._continue,
            ir.ASSERT: self._assert,
            ir.BLOCK: self._block,
        }

    # What calls provide.

    def define(self, node: Node) -> Value:
        raise NotImplementedError

    def run(self, body: Sequence[Node]) -> bool:
        """Run statements; False when the end of them is not reached."""
        runners = self._runners
        for node in body:
            self.steps += 1
            if self.steps > MAX_STEPS:
                raise CutOff
            runners[node[0]](node)
            if self.dead:
                self.dead = False
                return False
        return True

    def _stop(self) -> None:
        """The statements after this one are not reached."""
        self.dead = True

    # Simple ones

    def _expression(self, node: Node) -> None:
        self.eval(node[3])

    def _assign(self, node: Node) -> None:
        targets, value_node = node[3], node[4]
        if value_node is None:
            if self.frame.cls is not None and self.frame.depth == -2:
                self.frame.cls.order.append((targets[0][3], None))
            if targets and targets[0][0] == ir.NAME and node[5] is not None:
                typed = self.annotated(node[5])
                if typed is not UNKNOWN and self.frame.depth != -2:
                    self.env.vars[targets[0][3]] = typed
            return
        first = targets[0] if targets else None
        before = self.target
        if first is not None:
            self.target = self._name_of(first)
        value = self.eval(value_node)
        self.target = before
        if node[5] is not None:
            value = self.typed(value, self.annotated(node[5]))
            if self.frame.cls is not None and self.frame.depth == -2 and first is not None:
                self.frame.cls.order.append((first[3], value_node))
        for target in targets:
            self.bind(target, value, node)

    def _name_of(self, target: Node) -> str:
        op = target[0]
        if op == ir.NAME:
            return target[3]
        if op == ir.ATTR:
            return target[4]
        if op == ir.INDEX and target[4][0] == ir.CONST:
            return str(target[4][3])
        return self.target

    def annotated(self, node: Node) -> Value:
        """A value of the type that an annotation names."""
        raise NotImplementedError

    def typed(self, value: Value, kind: Value) -> Value:
        """The value, with the type of an annotation where it has none."""
        if kind is UNKNOWN or value.type or value.ref is not None or value.obj is not None:
            return value
        if value.consts is not None:
            return value
        if value.taint and kind.ref is not None:
            return value
        return Value(
            value.taint, value.consts, kind.ref, kind.type, value.name, None, value.recv, value.text
        )

    def bind(self, target: Node, value: Value, node: Node) -> None:
        """Assign to a target."""
        op = target[0]
        if op == ir.NAME:
            self._bind_name(target, value)
        elif op == ir.ATTR:
            self._bind_attribute(target, value, node)
        elif op == ir.INDEX:
            self._bind_item(target, value, node)
        elif op == ir.SEQ:
            self._unpack(target[4], value, node)
        elif op == ir.STAR:
            self.bind(target[3], value, node)
        elif op == ir.MAP:
            for key_node, inner in target[3]:
                if key_node is None:
                    self.bind(inner, Value(self.deep(value), None, value.ref), node)
                else:
                    key = self.eval(key_node)
                    name = key.consts[0] if key.consts else ""
                    if value.name and isinstance(name, str):
                        self.bind(inner, self.attribute(value, name, node), node)
                    else:
                        self.bind(inner, self.item(value, key, node), node)
        elif op == ir.DEFAULT:
            other = self.eval(target[4])
            known = value is not UNKNOWN
            self.bind(
                target[3], self.joiner.values(value, other, self.env) if known else other, node
            )

    def _bind_name(self, target: Node, value: Value) -> None:
        name = target[3]
        frame = self.frame
        if value.taint:
            taint = self.moved(value.taint, f"it is assigned to `{name}`", target)
            value = Value(
                taint, value.consts, value.ref, value.type, value.name, value.obj, value.recv,
                value.text, value.cond,
            )  # fmt: skip
        self.named(name, value, target)
        if self.rules.assigns:
            self.assigned([name, f"*.{name}"], value, target, None)
        if name in frame.globals:
            frame.writes.append((frame.module, name, value))
        self.env.vars[name] = value

    def _bind_attribute(self, target: Node, value: Value, node: Node) -> None:
        name = target[4]
        holder = self.eval(target[3])
        self.named(name, value, target)
        names: list[str] = []
        if holder.name:
            names.append(f"{holder.name}.{name}")
        if holder.type:
            names += [f"{kind}.{name}" for kind in self.rules.lineage(holder.type)]
        held = self.obj(holder)
        if held is not None and held.cls is not None:
            names += [f"{base}.{name}" for base in held.cls.library_bases()]
        names.append(f"*.{name}")
        self.assigned(names, value, target, target)
        value = self.stored(value, target)
        if held is not None and held.kind == "instance":
            if held.cls is not None:
                member = held.cls.member(f"{name}=")
                if member is not None:
                    self.call(self.bound(member, holder, held.cls, node), [value], {}, node)
                    return
            self.set_item(holder, constant(name), value)
        elif isinstance(holder.obj, ModuleRef):
            self.publish(holder.obj.state, name, value)
            self.env.vars[f"{holder.obj.state.path}:{name}"] = value
        elif holder.obj is not None and hasattr(holder.obj, "members"):
            if not value.taint or all(t.root().index < 0 for t in value.taint):
                holder.obj.members[name] = value
        elif (holder.name and holder.recv is None) or (holder.name and "." in holder.name):
            self._share(f"{holder.name}.{name}", value)
        elif held is not None:
            self.set_item(holder, constant(name), value)
        elif value.taint and target[3][0] == ir.NAME:
            self._turn_object(target[3], holder, name, value)

    def _turn_object(self, node: Node, holder: Value, name: str, value: Value) -> None:
        """An unknown value gets an attribute: remember it as an object."""
        fresh = self.new(Obj("instance", {name: value}, None, None, True))
        self.env.vars[node[3]] = Value(
            holder.taint, None, fresh.ref, holder.type, holder.name, holder.obj, holder.recv
        )

    def _share(self, name: str, value: Value) -> None:
        """Store under a name of a library; other functions read it there."""
        self.env.vars[name] = value
        if value.ref is not None:
            return
        if value.taint and any(token.root().index >= 0 for token in value.taint):
            self.frame.writes.append(("shared", name, value))
            return
        self.share(name, value)

    def share(self, name: str, value: Value) -> None:
        old = self.shared.get(name)
        if value.taint:
            self.shared[name] = Value(merge_taint(old.taint if old else None, value.taint))
        elif old is None and value.consts is None and value.obj is None and value.type:
            self.shared[name] = Value(type=value.type)

    def publish(self, state: ModuleState, name: str, value: Value) -> None:
        """A module's variable is assigned from a function: it may be either from now on."""
        self.run_module(state)
        old = state.vars.get(name)
        if isinstance(old, Imported):
            return
        if value.ref is not None and value.ref in self.env.heap:
            self.program.heap[value.ref] = self.env.heap[value.ref]
        if old is None or old.consts == (None,):
            state.vars[name] = value
        else:
            state.vars[name] = self.joiner.values(old, value, Env({}, {}, self.program.heap))

    def _bind_item(self, target: Node, value: Value, node: Node) -> None:
        holder = self.eval(target[3])
        key = self.eval(target[4]) if target[4][0] != ir.SLICE else UNKNOWN
        word = key.consts[0] if key.consts is not None and len(key.consts) == 1 else None
        if isinstance(word, str):
            self.named(word, value, target)
        shown = f"[{word}]" if isinstance(word, str) else "[*]"
        bases: list[str] = [holder.name] if holder.name else []
        if holder.type:
            bases += self.rules.lineage(holder.type)
        names = [f"{base}{shown}" for base in bases]
        names += [f"{base}[*]" for base in bases if shown != "[*]"]
        if names:
            self.assigned(names, value, target, target)
            if key.taint:
                self.assigned([f"{base}[*]" for base in bases], key, target, target)
        if isinstance(word, str):
            self.assigned([f"*[{word}]"], value, target, target)
        value = self.stored(value, target)
        held = self.obj(holder)
        if held is not None:
            if held.cls is not None:
                method = held.cls.member("__setitem__")
                if method is not None:
                    self.call(self.bound(method, holder, held.cls, node), [key, value], {}, node)
                    return
            self.set_item(holder, key, value)
        elif holder.name and isinstance(word, str):
            self._share(f"{holder.name}[{word}]", value)
        elif target[3][0] == ir.NAME and value.taint and not holder.name:
            fresh = self.new(Obj("dict", {}, None, None, True))
            old = holder
            self.env.vars[target[3][3]] = Value(old.taint, None, fresh.ref, old.type)
            self.set_item(fresh, key, value)

    def _unpack(self, targets: Sequence[Node], value: Value, node: Node) -> None:
        ordered = self.sequence(value, node)
        star = next((i for i, one in enumerate(targets) if one[0] == ir.STAR), None)
        if ordered is None and value.consts is not None and len(value.consts) == 1:
            text = value.consts[0]
            if isinstance(text, str) and len(text) == len(targets):
                ordered = [constant(one) for one in text]
        if ordered is None or (star is None and len(ordered) != len(targets)):
            held = self.obj(value)
            for index, target in enumerate(targets):
                if held is not None and index in held.items and star is None:
                    item = held.items[index]
                elif held is None and value.taint and value.type != "str":
                    item = Value(self.narrowed(value.taint, ~1))
                else:
                    item = self.iterate(value, node)
                if target[0] == ir.STAR:
                    item = self.bag(item)
                self.bind(target, item, node)
            return
        if star is None:
            for target, item in zip(targets, ordered, strict=True):
                self.bind(target, item, node)
            return
        after = len(targets) - star - 1
        for target, item in zip(targets[:star], ordered, strict=False):
            self.bind(target, item, node)
        self.bind(targets[star], self.make_list(ordered[star : len(ordered) - after]), node)
        if after:
            for target, item in zip(targets[star + 1 :], ordered[-after:], strict=False):
                self.bind(target, item, node)

    def _augment(self, node: Node) -> None:
        target = node[3]
        old = self.eval(target)
        value = self.eval(node[5])
        held = self.obj(old)
        if held is not None and held.kind == "list" and node[4] == "+":
            self.method(old, "extend", [value], {}, node)
            return
        self.bind(target, self.operate(node[4], old, value, node), node)

    def _delete(self, node: Node) -> None:
        for target in node[3]:
            if target[0] == ir.NAME:
                self.env.vars.pop(target[3], None)
            elif target[0] == ir.INDEX:
                self.delete_item(self.eval(target[3]), self.eval(target[4]))

    def _global(self, node: Node) -> None:
        self.frame.globals.update(node[3])

    def _nonlocal(self, node: Node) -> None:
        self.frame.nonlocals.update(node[3])
        for name in node[3]:
            value = self._outer(name)
            if value is not None and name not in self.env.vars:
                self.env.vars[name] = value

    def _assert(self, node: Node) -> None:
        if not self.assume(self.eval(node[3]), True):
            self._stop()

    def _block(self, node: Node) -> None:
        if not self.run(node[3]):
            self._stop()

    # Ways that part

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
                taint = merge_taint(taint, self.tainted(token, place))
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

    # Matching

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

    # Definitions

    def _function(self, node: Node) -> None:
        self.env.vars[node[3]] = self.define(node)

    def _define_class(self, node: Node) -> None:
        self.env.vars[node[3]] = self.make_class(node)

    def _import(self, node: Node) -> None:
        state = self.frame.module
        for module, name, alias, level in node[3]:
            if name == "*":
                self._import_all(state, module, level)
                continue
            if not name:
                self.env.vars[alias] = self._module_value(state, module, alias)
                continue
            self.env.vars[alias] = self._imported(state, module, name, level)

    def _module_value(self, state: ModuleState, module: str, alias: str) -> Value:
        first = module.partition(".")[0]
        if alias == first and "." in module:
            inside = self.program.resolve(state.folder, first)
            if inside is not None or self.program.is_package(state.folder, first):
                return Value(obj=PackageRef(first, state.folder))
            return Value(name=first)
        found = self.program.resolve(state.folder, module)
        if found is not None and found is not state:
            return Value(obj=ModuleRef(found))
        if self.program.is_package(state.folder, module):
            return Value(obj=PackageRef(module, state.folder))
        return Value(name=module)

    def _source(self, state: ModuleState, module: str, level: int) -> ModuleState | None:
        if level:
            return self.program.relative(state, level, module)
        found = self.program.resolve(state.folder, module)
        return None if found is state else found

    def _imported(self, state: ModuleState, module: str, name: str, level: int) -> Value:
        found = self._source(state, module, level)
        below: ModuleState | None = None
        if level:
            folder = self.program.above(state, level)
            if folder is not None:
                stem = "/".join(part for part in (folder, module.replace(".", "/"), name) if part)
                below = self.program.at(stem)
        else:
            below = self.program.resolve(state.folder, f"{module}.{name}")
        if found is None:
            if below is not None and below is not state:
                return Value(obj=ModuleRef(below))
            return Value(name=f"{module}.{name}" if not level else name)
        return Imported(found, name)

    def _import_all(self, state: ModuleState, module: str, level: int) -> None:
        found = self._source(state, module, level)
        if found is None:
            return
        self.run_module(found)
        for name, value in found.vars.items():
            if not name.startswith("_") and "." not in name:
                self.env.vars[name] = value

    def _export(self, node: Node) -> None:
        for name, value_node in node[3]:
            self.env.vars[f"export {name}"] = self.eval(value_node)


__all__ = ["Frame", "Statements"]
