"""Evaluates expressions."""

from __future__ import annotations

import builtins
import operator
from collections.abc import Callable
from typing import Any

from headgate.model.finding import Confidence
from headgate.scan.flow.containers import MAX_ITEMS
from headgate.scan.flow.env import several
from headgate.scan.flow.findings import PARAMETER
from headgate.scan.flow.library import Library
from headgate.scan.flow.program import ClassRef, FunctionRef, Imported, ModuleRef, PackageRef
from headgate.scan.flow.sinks import dotted
from headgate.scan.flow.values import (
    FALSE,
    HOST,
    NONE,
    TRUE,
    UNKNOWN,
    WHOLE,
    Obj,
    Value,
    constant,
    merge_taint,
    truth,
)
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Node

_BUILTINS = frozenset(dir(builtins))
HOSTS = frozenset({"netloc", "hostname", "host", "origin"})
_ESCAPING = {"markupsafe.Markup": ("xss",)}
"""Texts that make what is formatted into them safe, and for what."""
_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": lambda one, other: one / other,
    "//": lambda one, other: one // other,
    "%": operator.mod,
    "&": lambda one, other: one & other,
    "|": lambda one, other: one | other,
    "^": lambda one, other: one ^ other,
    "**": lambda one, other: one**other if abs(other) < 20 and abs(one) < 1000 else 1 / 0,
    "<<": lambda one, other: one << other if other < 64 else 1 / 0,
    ">>": lambda one, other: one >> other,
}


class Expressions(Library):
    """Expressions."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._evaluators: dict[int, Callable[[Node], Value]] = {
            ir.CONST: self._const,
            ir.NAME: self._name,
            ir.ATTR: self._attr,
            ir.INDEX: self._index,
            ir.CALL: self._call,
            ir.BUILD: self._build,
            ir.BINARY: self._binary,
            ir.UNARY: self._unary,
            ir.COMPARE: self._compare,
            ir.BOOL: self._bool,
            ir.COND: self._cond,
            ir.SEQ: self._seq,
            ir.MAP: self._map,
            ir.LAMBDA: self._lambda,
            ir.COMPREHENSION: self._comprehension,
            ir.AWAIT: self._await,
            ir.YIELD: self._yield,
            ir.ASSIGNING: self._assigning,
            ir.STAR: self._star,
            ir.REGEX: self._regex,
            ir.CLASS_EXPR: self._class,
            ir.MARKUP: self._markup,
            ir.OPAQUE: self._opaque,
            ir.COMMA: self._comma,
            ir.SLICE: self._slice,
        }
        self.target = ""
        """Name of what the value is for."""

    def eval(self, node: Node) -> Value:
        return self._evaluators[node[0]](node)

    # What statements provide.

    def bind(self, target: Node, value: Value, node: Node) -> None:
        raise NotImplementedError

    def make_class(self, node: Node) -> Value:
        raise NotImplementedError

    def declared(self, cls: ClassRef, name: str) -> Value | None:
        """What the annotation of a field says."""
        raise NotImplementedError

    # Leaves

    def _const(self, node: Node) -> Value:
        value = node[3]
        if value is None:
            return NONE
        if value is True:
            return TRUE
        if value is False:
            return FALSE
        return constant(value)

    def _name(self, node: Node) -> Value:
        return self.lookup(node[3], node)

    def lookup(self, name: str, node: Node) -> Value:
        """What a name means here."""
        value = self.env.vars.get(name)
        if value is None:
            value = self._outer(name)
        if isinstance(value, Imported):
            value = self.force(value)
        if value is None:
            if name in ("True", "False"):
                return TRUE if name == "True" else FALSE
            found = self.read(Value(name=name), name, node)
            if found.taint or found.type or name in _BUILTINS or name.startswith("__"):
                return found
            return self._undefined(found, name, node)
        if value.name and value.recv is None and not value.taint and value.obj is None:
            return self.read(value, value.name, node)
        return value

    def _undefined(self, value: Value, name: str, node: Node) -> Value:
        """A name that nothing defines: it may hold anything."""
        module = self.frame.module.ir
        known = module is None or module.language != "python" or name in self.rules.calls
        if known or name in self.rules.types:
            return value
        token = self.token(
            PARAMETER, f"`{name}`, which is defined elsewhere", name, node, Confidence.MEDIUM, name
        )
        return Value(self.tainted(token, node), name=value.name)

    def _outer(self, name: str) -> Value | None:
        closure = self.frame.closure
        seen = 0
        while closure is not None and seen < 6:
            frame = closure.frame
            if frame is not None and frame.env is not None:
                found = frame.env.vars.get(name)
            else:
                found = closure.captured.get(name) if closure.captured is not None else None
            if found is not None:
                return found
            closure = frame.closure if frame is not None else None
            seen += 1
        return self.frame.module.vars.get(name)

    def read(self, value: Value, name: str, node: Node) -> Value:
        """A name of a library that is read: it may be a source, or hold a typed value."""
        name = self.rules.canonical(name)
        stored = self.env.vars.get(name) if "." in name else None
        if stored is None and name in self.shared:
            stored = self.shared[name]
        if stored is not None:
            return stored
        rule = self.rules.attrs.get(name)
        if rule is None:
            return value if value.name == name else Value(name=name)
        for literal in rule.literals:
            self.literal(literal, node, dotted(node), self.target)
        for source in rule.sources:
            if source.route_path and self.frame.entry is not None and self.frame.entry.constant:
                return constant(self.frame.entry.path)
            token = self.token(source.label, source.what, name, node, source.confidence)
            taint = self.tainted(token, node, self.rules.mask(source.safe_for))
            return Value(taint, type=source.type or rule.type, name=name)
        return Value(type=rule.type, name=name)

    # Attributes

    def _attr(self, node: Node) -> Value:
        value = self.eval(node[3])
        return self.attribute(value, node[4], node)

    def attribute(self, value: Value, name: str, node: Node) -> Value:
        obj = value.obj
        if obj is not None:
            found = self._of_project(value, obj, name, node)
            if found is not None:
                return found
        held = self.obj(value)
        if held is not None and (held.kind == "instance" or name in held.items):
            found = self._of_instance(value, held, name, node)
            if found is not None:
                return found
        if value.type:
            found = self._of_type(value, name, node)
            if found is not None:
                return found
        if value.name and not value.type:
            full = f"{value.name}.{name}"
            if value.taint:
                return Value(self._taken(value, name, node), name=full, recv=value)
            if value.recv is None:
                found = self.read(UNKNOWN, full, node)
                if found.taint or found.type or found.name != full:
                    return found
                return Value(name=found.name, recv=value if "." in value.name else None)
            return Value(name=full, recv=value)
        if value.taint:
            return Value(self._taken(value, name, node), name=f"*.{name}", recv=value)
        if value.type:
            return Value(name=f"{value.type}.{name}", recv=value)
        return Value(name=f"*.{name}", recv=value)

    def _taken(self, value: Value, name: str, node: Node) -> Any:
        if name in HOSTS:
            return self.moved(value.taint, f"`{name}` is taken", node, ~7, HOST)
        if name in ("parents", "parent", "name", "stem", "suffix") and value.type in (
            "",
            "pathlib.Path",
        ):
            return self.narrowed(value.taint, ~WHOLE)
        if value.type in ("str", "urllib.parse.ParseResult"):
            return self.narrowed(value.taint, ~WHOLE)
        return self.part(value.taint, name, node)

    def _of_project(self, value: Value, obj: Any, name: str, node: Node) -> Value | None:
        if isinstance(obj, ModuleRef):
            assigned = self.env.vars.get(f"{obj.state.path}:{name}")
            if assigned is not None:
                return assigned
            found = self.module_member(obj.state, name)
            if isinstance(found, Imported):
                found = self.force(found)
            if found is UNKNOWN and obj.state.path.endswith("__init__.py"):
                return UNKNOWN
            return found
        if isinstance(obj, PackageRef):
            return self._of_package(obj, name, node)
        if isinstance(obj, ClassRef):
            return self._of_class(obj, name, node)
        if isinstance(obj, SuperRef):
            return self._of_super(value, obj, name, node)
        if isinstance(obj, tuple):
            out: Value | None = None
            for one in several(obj):
                found = self._of_project(Value(obj=one), one, name, node)
                if found is not None:
                    out = found if out is None else self.joiner.values(out, found, self.env)
            return out
        return None

    def _of_super(self, value: Value, parent: SuperRef, name: str, node: Node) -> Value:
        this = Value(ref=value.ref, type="")
        for cls in parent.cls.lineage()[1:]:
            member = cls.members.get(name)
            if member is not None:
                return self.bound(member, this, cls, node)
        for base in parent.cls.library_bases():
            return Value(name=f"{base}.{name}", recv=Value(ref=value.ref, type=base))
        return Value(name=f"object.{name}", recv=this)

    def _of_package(self, package: PackageRef, name: str, node: Node) -> Value:
        full = f"{package.name}.{name}"
        state = self.program.resolve(package.folder, full)
        if state is not None:
            return Value(obj=ModuleRef(state))
        own = self.program.resolve(package.folder, package.name)
        if own is not None:
            return self.force(self.module_member(own, name))
        if self.program.is_package(package.folder, full):
            return Value(obj=PackageRef(full, package.folder))
        return self.read(UNKNOWN, full, node)

    def _of_class(self, cls: ClassRef, name: str, node: Node) -> Value | None:
        member = cls.member(name)
        if member is not None:
            member = self.force(member) if isinstance(member, Imported) else member
            function = member.obj
            if isinstance(function, FunctionRef) and _decorated(function, "classmethod"):
                return Value(obj=_bound(function, Value(obj=cls)))
            return member
        if name in ("__name__", "__qualname__"):
            return constant(cls.name)
        for base in cls.library_bases():
            return self.read(UNKNOWN, f"{base}.{name}", node)
        return UNKNOWN

    def _of_instance(self, value: Value, held: Obj, name: str, node: Node) -> Value | None:
        found = held.items.get(name)
        if found is not None:
            if value.taint:
                return Value(
                    merge_taint(found.taint, self._taken(value, name, node)), found.consts,
                    found.ref, found.type, found.name, found.obj, found.recv,
                )  # fmt: skip
            return found
        cls = held.cls
        if cls is None:
            return None
        member = cls.member(name)
        if value.taint and not (member is not None and isinstance(member.obj, FunctionRef)):
            declared = self.declared(cls, name)
            if declared is not None:
                # A field that came in: its default says nothing of what it holds.
                if declared.type == "int":
                    return declared
                return Value(
                    self._taken(value, name, node), None, declared.ref, declared.type,
                    f"*.{name}", recv=value,
                )  # fmt: skip
        if member is not None:
            return self.bound(member, value, cls, node)
        found = cls.field(name) if held.open else None
        if found is not None:
            return found
        if value.taint:
            return Value(self._taken(value, name, node), name=f"*.{name}", recv=value)
        for base in cls.library_bases():
            typed = Value(ref=value.ref, type=base, obj=None)
            found = self._of_type(typed, name, node)
            if found is not None:
                return found
        getter = cls.member("__getattr__")
        if getter is not None and isinstance(getter.obj, FunctionRef):
            method = self.bound(getter, value, cls, node)
            return self.call(method, [constant(name)], {}, node)
        bases = list(cls.library_bases())
        if bases:
            return Value(name=f"{bases[0]}.{name}", recv=Value(ref=value.ref, type=bases[0]))
        if held.rest is not None:
            return held.rest
        return Value(name=f"*.{name}", recv=value)

    def bound(self, member: Value, value: Value, cls: ClassRef, node: Node) -> Value:
        """A member of a class, read from an instance."""
        function = member.obj
        if isinstance(function, FunctionRef):
            if _decorated(function, "staticmethod"):
                return member
            if _decorated(function, "classmethod"):
                return Value(obj=_bound(function, Value(obj=cls)))
            method = Value(obj=_bound(function, value))
            if _decorated(function, "property") or _decorated(function, "cached_property"):
                return self.call(method, [], {}, node)
            return method
        return member

    def _of_type(self, value: Value, name: str, node: Node) -> Value | None:
        """What the packs say of an attribute of a type."""
        result = ""
        for kind in self.rules.lineage(value.type):
            full = f"{kind}.{name}"
            rule = self.rules.attrs.get(full)
            if rule is not None and (rule.sources or rule.type or rule.literals):
                return self.read(UNKNOWN, full, node)
            types = self.rules.types.get(kind)
            if types is not None and not result:
                result = types.methods.get(name, "")
        taint = self._taken(value, name, node) if value.taint else None
        if result or value.type in self.rules.types or taint:
            return Value(taint, type=result, name=f"{value.type}.{name}", recv=value)
        return None

    # Items

    def _index(self, node: Node) -> Value:
        value = self.eval(node[3])
        index = node[4]
        if index[0] == ir.SLICE:
            return self._sliced(value, index, node)
        key = self.eval(index)
        held = self.obj(value)
        if held is not None and held.cls is not None:
            method = held.cls.member("__getitem__")
            if method is not None:
                return self.call(self.bound(method, value, held.cls, node), [key], {}, node)
        if isinstance(value.obj, ClassRef) or (value.name and not value.taint and not value.ref):
            full = f"{value.name}[{key.consts[0]}]" if value.name and key.consts else ""
            stored = self.env.vars.get(full) or self.shared.get(full) if full else None
            if stored is not None:
                return stored
            if isinstance(value.obj, ClassRef):
                return value
        if value.type and value.ref is not None and value.type in self.rules.types:
            return self._typed_item(value, key, node)
        if value.type.startswith("collections.defaultdict"):
            self.defaulted(value, key)
        found = self.item(value, key, node)
        known = self.rules.types.get(value.type) if value.type else None
        kind = known.methods.get("[]", "") if known is not None else ""
        if not kind or found.type == kind:
            return found
        return Value(found.taint, found.consts, found.ref, kind, found.name, found.obj)

    def _typed_item(self, value: Value, key: Value, node: Node) -> Value:
        """`config["section"]["key"]` of a type whose methods take by several keys."""
        held = self.obj(value)
        if held is not None and key.consts is not None and len(key.consts) == 1:
            first = key.consts[0]
            inner: dict[Any, Value] = {
                one[-1]: item
                for one, item in held.items.items()
                if isinstance(one, tuple) and isinstance(first, str) and one[0] == first.lower()
            }
            if inner and first not in held.items:
                return self.new(Obj("dict", inner, held.rest, None, held.open))
        return self.item(value, key, node)

    def _sliced(self, value: Value, index: Node, node: Node) -> Value:
        bounds: list[int | None] = []
        known = True
        for one in index[3:6]:
            if one is None:
                bounds.append(None)
                continue
            got = self.eval(one)
            at = got.consts[0] if got.consts is not None and len(got.consts) == 1 else ""
            if at is None or (isinstance(at, int) and not isinstance(at, bool)):
                bounds.append(at)
            else:
                known = False
        if known and bounds[2] == 0:
            known = False
        if known and value.consts is not None:
            folded = self._fold(operator.getitem, (value.consts, (slice(*bounds),)))
            if folded is not None:
                return folded
        held = self.obj(value)
        if held is not None:
            ordered = self.sequence(value, node)
            if ordered is not None and known:
                return self.make_list(ordered[slice(*bounds)], held.kind)
            return self.bag(self.any_item(held) or UNKNOWN)
        return Value(self.moved(value.taint, "a part of it is taken", node, ~7), type=value.type)

    def _slice(self, node: Node) -> Value:
        for one in node[3:6]:
            if one is not None:
                self.eval(one)
        return UNKNOWN

    # Calls

    def _call(self, node: Node) -> Value:
        function = self.eval(node[3])
        args: list[Value] = []
        keywords: dict[str, Value] = {}
        extra: Value | None = None
        for one in node[4]:
            if one[0] != ir.STAR:
                args.append(self.eval(one))
                continue
            spread = self.eval(one[3])
            ordered = self.sequence(spread, node)
            if ordered is not None:
                args.extend(ordered)
            else:
                item = self.iterate(spread, node)
                extra = item if extra is None else self.joiner.values(extra, item, self.env)
        for name, one in node[5]:
            if name is not None:
                before, self.target = self.target, name
                value = self.eval(one)
                self.target = before
                keywords[name] = value
                self.named(name, value, one)
                continue
            spread = self.eval(one)
            held = self.obj(spread)
            if held is not None:
                keywords.update({k: v for k, v in held.items.items() if isinstance(k, str)})
                if held.rest is not None:
                    extra = held.rest
            elif spread.taint:
                extra = Value(self.part(spread.taint, "*", node))
        if node[3] == (ir.NAME, node[3][1], node[3][2], "super"):
            return self._super(args)
        return self.call(function, args, keywords, node, extra)

    def _super(self, args: list[Value]) -> Value:
        ref = self.frame.self_ref
        cls = self.frame.cls
        if cls is None or ref is None:
            return UNKNOWN
        return Value(ref=ref, obj=SuperRef(cls))

    # Texts and numbers

    def _build(self, node: Node) -> Value:
        parts = [self.eval(one) for one in node[3]]
        return self.built(parts, node, "it is put into a text")

    def _binary(self, node: Node) -> Value:
        op = node[3]
        left = self.eval(node[4])
        right = self.eval(node[5])
        return self.operate(op, left, right, node)

    def operate(self, op: str, left: Value, right: Value, node: Node) -> Value:
        """`left op right`."""
        if op in ("%", "+") and left.type in _ESCAPING:
            # It escapes what is put into it.
            mask = self.rules.mask(_ESCAPING[left.type])
            taint = merge_taint(left.taint, self.narrowed(self.deep(right), ~7, mask))
            return Value(taint, type=left.type)
        if left.consts is not None and right.consts is not None:
            function = _ARITHMETIC.get(op)
            if op == "%" and isinstance(left.consts[0], (str, bytes)):
                return self.percent(left, right, node)
            if op == "*" and any(
                isinstance(o, (str, bytes)) for o in (*left.consts, *right.consts)
            ):
                return Value(type="str")
            folded = self._fold(function, (left.consts, right.consts)) if function else None
            if folded is not None:
                return folded
        if op == "%" and (left.consts is not None or left.type == "str" or left.text is not None):
            return self.percent(left, right, node)
        one, other = self.obj(left), self.obj(right)
        if op in ("+", "|") and (one is not None or other is not None):
            return self._added(op, left, right, node)
        if op == "+":
            if left.type in ("int", "float") or right.type in ("int", "float"):
                return Value(type="int")
            numbers = any(
                value.consts and not isinstance(value.consts[0], (str, bytes))
                for value in (left, right)
            )
            if not numbers:
                return self.built([left, right], node, "it is appended to a text")
        taint = merge_taint(self.deep(left), self.deep(right))
        if not taint:
            return Value(text="\0") if op == "/" else UNKNOWN
        if op == "/":
            parts = [left, constant("/"), right]
            value = self.built(parts, node, "it is joined to a path")
            return Value(value.taint, type=left.type, text=value.text)
        if op in ("-", "*", "//", "**", "<<", ">>", "&", "^") and op != "*":
            return Value(self.narrowed(taint, ~7))
        return Value(self.moved(taint, f"`{op}` is applied", node, ~7))

    def _added(self, op: str, left: Value, right: Value, node: Node) -> Value:
        one, other = self.obj(left), self.obj(right)
        kind = (one or other or Obj("list", {})).kind
        if kind == "dict":
            value = self.new(Obj("dict", {}))
            self.merge_into(value, left, node)
            self.merge_into(value, right, node)
            return value
        first, second = self.sequence(left, node), self.sequence(right, node)
        if first is not None and second is not None and len(first) + len(second) < MAX_ITEMS:
            return self.make_list(first + second, kind)
        item = self.joiner.values(self.iterate(left, node), self.iterate(right, node), self.env)
        return self.bag(item, kind)

    def _unary(self, node: Node) -> Value:
        value = self.eval(node[4])
        if node[3] == "not":
            return self.negated(value)
        if value.consts is not None and node[3] in ("-", "+", "~"):
            function = {"-": operator.neg, "+": operator.pos, "~": operator.invert}[node[3]]
            folded = self._fold(function, (value.consts,))
            if folded is not None:
                return folded
        return Value(type="int") if node[3] != "await" else value

    def _compare(self, node: Node) -> Value:
        left = self.eval(node[3])
        out: Value | None = None
        before = node[3]
        for op, right_node in node[4]:
            right = self.eval(right_node)
            if op in ("==", "!="):
                self._compare_rules(before, right_node, left, right, node)
            result = self._special(op, left, right, node)
            out = result if out is None else self.both(out, result, result, both=True)
            left, before = right, right_node
        return out or UNKNOWN

    def _special(self, op: str, left: Value, right: Value, node: Node) -> Value:
        for one, other in ((left, right), (right, left)):
            held = self.obj(one)
            if op == "in" or held is None or held.cls is None:
                continue
            method = held.cls.member("__eq__")
            if method is not None and op == "==":
                return self.call(self.bound(method, one, held.cls, node), [other], {}, node)
        return self.compared(op, left, right, node)

    def _compare_rules(self, one: Node, other: Node, left: Value, right: Value, node: Node) -> None:
        for literal in self.rules.named:
            if not literal.compare:
                continue
            for side, against in ((one, right), (other, left)):
                name = side[4] if side[0] == ir.ATTR else side[3] if side[0] == ir.NAME else ""
                if (
                    isinstance(name, str)
                    and self.rules.wanted_name(name)
                    and against.consts is None
                    and self.value_meets(literal.value, against)
                ):
                    self.literal(literal, node, name)
                    return

    def _bool(self, node: Node) -> Value:
        op = node[3]
        out: Value | None = None
        saved = self.env.facts
        for one in node[4]:
            if out is not None:
                known = truth(out)
                if op == "??":
                    if out.consts is not None and None not in out.consts:
                        break
                elif known is (op == "or") and known is not None:
                    break
                if op != "??" and not self.assume(out, op == "and"):
                    break
            value = self.eval(one)
            if out is None:
                out = value
                continue
            known = truth(out)
            if (op != "??" and known is (op == "and")) or (
                op == "or" and out.consts is not None and not any(out.consts)
            ):
                result = value
            else:
                either = out
                if op == "and":
                    # What is taken for false is empty, or nothing: no data in it does harm.
                    either = Value(consts=out.consts, type=out.type)
                elif op == "or" and out.consts is not None:
                    kept = tuple(c for c in out.consts if c)
                    either = Value(out.taint, kept or None, out.ref, out.type, out.name, out.obj)
                result = self.joiner.values(either, value, self.env)
            out = result if op == "??" else self.both(out, value, result, both=op == "and")
        self.env.facts = saved
        return out or UNKNOWN

    def _cond(self, node: Node) -> Value:
        test = self.eval(node[3])
        known = truth(test)
        if known is not None:
            return self.eval(node[4] if known else node[5])
        start = self.env
        self.env = start.fork()
        then = self.eval(node[4]) if self.assume(test, True) else None
        then = self._cleared_here(then)
        after = self.env
        self.env = start.fork()
        otherwise = self.eval(node[5]) if self.assume(test, False) else None
        otherwise = self._cleared_here(otherwise)
        joined = self.joiner.envs(after if then is not None else None, self.env)
        if joined is not None:
            self.env = joined
        if then is None or otherwise is None:
            return then or otherwise or UNKNOWN
        return self.joiner.values(then, otherwise, self.env)

    def _cleared_here(self, value: Value | None) -> Value | None:
        """A value with what is known where it is made: the way there is forgotten after."""
        if value is None or not value.taint or not self.env.facts:
            return value
        taint = {
            token: (mask | (self.cleared(token, self.facts_for(token)) & ~7), trace)
            for token, (mask, trace) in value.taint.items()
        }
        return Value(
            taint, value.consts, value.ref, value.type, value.name, value.obj, value.recv,
            value.text,
        )  # fmt: skip

    # Containers

    def _seq(self, node: Node) -> Value:
        items: list[Value] = []
        spread: Value | None = None
        for one in node[4]:
            if one[0] != ir.STAR:
                items.append(self.eval(one))
                continue
            value = self.eval(one[3])
            ordered = self.sequence(value, node)
            if ordered is not None:
                items.extend(ordered)
            else:
                item = self.iterate(value, node)
                spread = item if spread is None else self.joiner.values(spread, item, self.env)
        if spread is not None:
            for item in items:
                spread = self.joiner.values(spread, item, self.env)
            return self.bag(spread, node[3])
        return self.make_list(items, node[3])

    def _map(self, node: Node) -> Value:
        value = self.new(Obj("dict", {}))
        if len(node[3]) > MAX_ITEMS:
            rest: Value = UNKNOWN
            for _, item in node[3]:
                rest = self.joiner.values(rest, self.eval(item), self.env)
            return self.bag(rest, "dict")
        for key_node, item_node in node[3]:
            if key_node is None:
                self.merge_into(value, self.eval(item_node), node)
                continue
            key = self.eval(key_node)
            name = key.consts[0] if key.consts and isinstance(key.consts[0], str) else ""
            before, self.target = self.target, name or self.target
            item = self.eval(item_node)
            self.target = before
            if name:
                self.named(name, item, item_node)
            self.set_item(value, key, self.stored(item, item_node))
        return value

    def _comprehension(self, node: Node) -> Value:
        kind, key_node, element_node, clauses = node[3], node[4], node[5], node[6]
        before = self.env
        self.env = before.fork()
        first = clauses[0] if clauses else None
        if first is not None and len(clauses) == 1:
            items = self.sequence(self.eval(first[1]), node)
            if items is not None and len(items) <= 8 and kind in ("list", "generator"):
                out: list[Value] | None = []
                for item in items:
                    self.bind(first[0], item, node)
                    tests = [truth(self.eval(test)) for test in first[2]]
                    if any(test is False for test in tests):
                        continue
                    if any(test is None for test in tests):
                        out = None
                        break
                    out.append(self.eval(element_node))
                if out is not None:
                    heap = self.env.heap
                    self.env = before
                    self.env.heap.update(heap)
                    return self.make_list(out)
        for target, iterable, tests in clauses:
            self.bind(target, self.iterate(self.eval(iterable), node), node)
            for test in tests:
                self.assume(self.eval(test), True)
        key = self.eval(key_node) if key_node is not None else None
        element = self.eval(element_node)
        if element.cond is None:
            element = self._cleared_here(element) or element
        heap = self.env.heap
        self.env = before
        self.env.heap.update(heap)
        if kind == "dict":
            value = self.new(Obj("dict", {}))
            self.set_item(value, key or UNKNOWN, element)
            held = self.obj(value)
            if held is not None:
                self.put(value, Obj("dict", held.items, held.rest, None, True))
            return value
        return self.bag(element, "set" if kind == "set" else "list")

    def _lambda(self, node: Node) -> Value:
        return self.closure(node[3])

    def closure(self, function: Node) -> Value:
        """A function that is defined here."""
        frame = self.frame
        top = frame.depth < 0
        ref = FunctionRef(
            frame.module,
            function,
            None,
            None if top else self.env.vars,
            None if top else frame,
        )
        return Value(obj=ref)

    def _await(self, node: Node) -> Value:
        return self.eval(node[3])

    def _yield(self, node: Node) -> Value:
        value = self.eval(node[3]) if node[3] is not None else NONE
        if node[4]:
            value = self.iterate(value, node)
        frame = self.frame
        if frame.yielded is None:
            frame.yielded = value
        else:
            frame.yielded = self.joiner.values(frame.yielded, value, self.env)
        return UNKNOWN

    def _assigning(self, node: Node) -> Value:
        value = self.eval(node[5])
        if node[4]:
            value = self.operate(node[4], self.eval(node[3]), value, node)
        self.bind(node[3], value, node)
        return value

    def _star(self, node: Node) -> Value:
        return self.bag(self.iterate(self.eval(node[3]), node))

    def _regex(self, node: Node) -> Value:
        return Value(type="re.Pattern", text=node[3])

    def _class(self, node: Node) -> Value:
        return self.make_class(node[3])

    def _markup(self, node: Node) -> Value:
        values = [self.eval(one) for _, one in node[4]]
        values += [self.eval(one) for one in node[5]]
        return Value(type="markup") if values else UNKNOWN

    def _opaque(self, node: Node) -> Value:
        values = [self.eval(one) for one in node[3]]
        taint = self.union(values)
        return Value(taint) if taint else UNKNOWN

    def _comma(self, node: Node) -> Value:
        out = UNKNOWN
        for one in node[3]:
            out = self.eval(one)
        return out


class SuperRef:
    """`super()` in a method of the class."""

    __slots__ = ("cls",)

    def __init__(self, cls: ClassRef) -> None:
        self.cls = cls


def _decorated(function: FunctionRef, name: str) -> bool:
    for one in function.node[6]:
        last = one[4] if one[0] == ir.ATTR else one[3] if one[0] == ir.NAME else ""
        if last == name:
            return True
    return name == "staticmethod" and bool(function.node[8] & ir.STATIC)


def _bound(function: FunctionRef, value: Value) -> FunctionRef:
    return FunctionRef(
        function.module, function.node, function.cls, function.captured, function.frame, value
    )


__all__ = ["Expressions", "SuperRef"]
