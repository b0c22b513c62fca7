"""Assignments: to names, attributes, items and several at once."""

from __future__ import annotations

from collections.abc import Sequence

from headgate.scan.flow.env import Env
from headgate.scan.flow.imports import Imports
from headgate.scan.flow.program import Imported, ModuleRef, ModuleState
from headgate.scan.flow.registered import keep
from headgate.scan.flow.values import (
    UNKNOWN,
    Obj,
    Value,
    constant,
    merge_taint,
)
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Node


class Assignments(Imports):
    """What is assigned, and to what."""

    # What later parts provide.

    def annotated(self, node: Node) -> Value:
        """A value of the type that an annotation names."""
        raise NotImplementedError

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
            if not any(token.root().index >= 0 for token in value.taint or ()):
                # Those that are called from here find it there.
                self.publish(frame.module, name, value)
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
                holder.obj.changes(name)
        elif holder.type in self.rules.kept_types and held is None:
            self._leave(f"{holder.type}.{name}", value)
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

    def _leave(self, name: str, value: Value) -> None:
        """Leave something where every function finds it: `app["db"] = …`."""
        held = self.obj(value)
        if held is None:
            self._share(name, value)
            return
        self.env.vars[name] = value
        if self.shared_under(name) is None and self.concrete(
            Obj("list", {}, Value(self.deep(value)))
        ):
            keep(self, value)
            self.shared[name] = value
            self.tracker.change(("shared", name))
            self.tracker.now.shared[name] = False

    def share(self, name: str, value: Value) -> None:
        old = self.shared.get(name)
        if value.taint:
            self.shared[name] = Value(merge_taint(old.taint if old else None, value.taint))
        elif old is None and value.consts is None and value.obj is None and value.type:
            self.shared[name] = Value(type=value.type)
        else:
            return
        self.tracker.change(("shared", name))
        self.tracker.now.shared[name] = bool(self.shared[name].taint)

    def publish(self, state: ModuleState, name: str, value: Value) -> None:
        """A module's variable is assigned from a function: it may be either from now on."""
        self.run_module(state)
        old = state.vars.get(name)
        if isinstance(old, Imported):
            return
        if value.ref is not None and value.ref in self.env.heap:
            self.program.heap[value.ref] = self.env.heap[value.ref]
        self.tracker.change_variable(state.path, name)
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
        elif holder.type in self.rules.kept_types and isinstance(word, str):
            self._leave(f"{holder.type}[{word}]", value)
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
