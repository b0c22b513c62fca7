"""What JavaScript's objects are: `this`, prototypes, `new`, and attributes that are items."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from headgate.scan.flow.attributes import HOSTS, SuperRef
from headgate.scan.flow.constraints import demanded
from headgate.scan.flow.core import Frame
from headgate.scan.flow.findings import ASSUMED
from headgate.scan.flow.javascript_modules import DEFAULT, JavaScriptModules
from headgate.scan.flow.program import ClassRef, FunctionRef, ModuleRef, ModuleState, free_names
from headgate.scan.flow.values import UNKNOWN, WHOLE, Obj, Value, constant
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Node

_MAX_KEPT = 6
"""Objects within objects that are kept."""


class JavaScriptObjects(JavaScriptModules):
    """Attributes, methods and construction."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._with_this: dict[tuple[str, int], Node] = {}
        self._prototypes: dict[tuple[str, int], ClassRef] = {}
        self.made: dict[str, dict[int, tuple[FunctionRef, ClassRef | None]]] = {}
        """Functions that are values, by the path of their module and where they begin."""
        self._kept: dict[int, tuple[Obj, int]] = {}
        self.published: set[str] = set()
        """Variables of modules that functions have put what comes in into."""

    # `this`

    def method_of(self, ref: FunctionRef, this: Value) -> FunctionRef:
        """The function, called on a value: `this` is its first parameter."""
        if ref.bound is not None:
            return ref
        place = (ref.module.path, ref.node[1])
        node = self._with_this.get(place)
        if node is None:
            node = ref.node
            at = (node[1], node[1])
            parameter = (ir.PARAMETER, *at, (ir.NAME, *at, "this"), None, None, ir.PLAIN)
            node = (*node[:4], (parameter, *node[4]), *node[5:])
            self._with_this[place] = node
        return FunctionRef(ref.module, node, ref.cls, ref.captured, ref.frame, this)

    def bound(self, member: Value, value: Value, cls: ClassRef, node: Node) -> Value:
        ref = member.obj
        if not isinstance(ref, FunctionRef) or ref.node[8] & ir.STATIC:
            return member
        method = Value(obj=self.method_of(ref, value))
        return self.call(method, [], {}, node) if ref.node[8] & ir.GETTER else method

    def _name(self, node: Node) -> Value:
        if node[3] == "super":
            return super()._super([])
        return super()._name(node)

    def _super(self, args: list[Value]) -> Value:
        """`super(…)` in a constructor."""
        parent = super()._super([])
        if isinstance(parent.obj, SuperRef):
            self._construct_parent(parent, parent.obj, args, (0, 0, 0))
        return UNKNOWN

    # What outlives a call

    def keep(self, value: Value, heap: dict[Any, Obj], depth: int = 0) -> Value:
        """Objects that functions hold, for when these are called later. The value, with a number
        by which its object is found then."""
        if depth > _MAX_KEPT:
            return value
        for one in functions_in(value):
            self.keep_function(one, heap, depth + 1)
        held = heap.get(value.ref)
        if held is None or value.ref in self.program.heap:
            return value
        ref = value.ref
        if not isinstance(ref, int):
            # What was passed in has a number that means something in this call only.
            known = self._kept.get(id(held))
            if known is None:
                ref = self.joiner.fresh()
                self._kept[id(held)] = (held, ref)
            else:
                ref = known[1]
        value = Value(
            value.taint, value.consts, ref, value.type, value.name, value.obj, value.recv,
            value.text, value.cond,
        )  # fmt: skip
        if ref in self.program.heap:
            return value
        items = {name: one for name, one in held.items.items() if not symbolic(one)}
        rest = held.rest if held.rest is not None and not symbolic(held.rest) else None
        self.program.heap[ref] = Obj(held.kind, items, rest, held.cls, held.open)
        for name, one in items.items():
            if one.ref is not None or one.obj is not None:
                items[name] = self.keep(one, heap, depth + 1)
        if rest is not None and (rest.ref is not None or rest.obj is not None):
            rest = self.keep(rest, heap, depth + 1)
        self.program.heap[ref] = Obj(held.kind, items, rest, held.cls, held.open)
        return value

    def keep_function(self, ref: FunctionRef, heap: dict[Any, Obj], depth: int = 0) -> None:
        """What a function has captured and is bound to."""
        if ref.bound is not None:
            ref.bound = self.keep(ref.bound, heap, depth)
        if ref.captured is not None:
            self.keep_captured(ref, ref.captured, heap, depth)

    def keep_captured(
        self, ref: FunctionRef, variables: dict[str, Value], heap: dict[Any, Obj], depth: int = 0
    ) -> None:
        """The variables around a function that it uses."""
        kept: dict[str, Value] = {}
        for name in free_names(ref.node):
            held = variables.get(name)
            if held is not None and (held.ref is not None or held.obj is not None):
                one = self.keep(held, heap, depth)
                if one.ref != held.ref:
                    kept[name] = one
        ref.captured = {**variables, **kept} if kept else variables

    # Attributes

    def attribute(self, value: Value, name: str, node: Node) -> Value:
        held = self.obj(value)
        if value.name and name not in ("then", "catch"):
            stored = self._kept_under(f"{value.name}.{name}")
            if stored is not None:
                return stored
        if value.type in self.rules.types:
            stored = self._kept_under(f"{value.type}.{name}")
            if stored is not None:
                return stored
        if name in ("call", "apply", "bind") and value.name and value.obj is None:
            if value.name.partition(".")[0] == "Function":
                # `Function.call.bind(…)`: no text is run.
                return UNKNOWN
            return Value(name=f"Function.{name}", recv=value)
        if name == "length":
            return Value(type="int") if not isinstance(value.obj, ClassRef) else UNKNOWN
        if isinstance(value.obj, FunctionRef) and value.obj.bound is None:
            found = self._of_function(value.obj, name)
            if found is not None:
                return found
        if held is not None and held.kind != "instance":
            found = held.items.get(name)
            plain = value.type in ("", "dict")
            if found is None and plain and held.kind == "dict" and held.rest is not None:
                found = self.item(value, constant(name), node)
            if found is not None:
                if isinstance(found.obj, FunctionRef) and _uses_this(found.obj):
                    return Value(obj=self.method_of(found.obj, value))
                if value.taint:
                    return self.item(value, constant(name), node)
                return found
            if value.type in ("dict", "list", "tuple", "set") and not value.taint:
                return Value(name=f"*.{name}", recv=value)
        return super().attribute(value, name, node)

    def annotated(self, node: Node) -> Value:
        if node[0] == ir.INDEX and node[4][0] == ir.SEQ:
            # A field with decorators.
            return self.annotated(node[3])
        return super().annotated(node)

    def _of_instance(self, value: Value, held: Obj, name: str, node: Node) -> Value | None:
        cls = held.cls
        unknown = cls is not None and held.open and name not in held.items and not value.taint
        if unknown and cls is not None and cls.member(name) is None and cls.field(name) is None:
            given = self._injected(cls, name)
            if given is not UNKNOWN:
                return given
        found = super()._of_instance(value, held, name, node)
        if found is None or not value.taint or not found.taint or held.cls is None:
            return found
        kinds = demanded(*held.cls.demands(name))
        if not kinds:
            return found
        taint = self.narrowed(found.taint, -1, self.rules.mask(kinds))
        return Value(taint, found.consts, found.ref, found.type, found.name, found.obj, found.recv)

    def _injected(self, cls: ClassRef, name: str) -> Value:
        """What a constructor is given and keeps, by the type that it is declared with."""
        for one in cls.lineage():
            member = one.members.get("constructor")
            ref = member.obj if member is not None else None
            if not isinstance(ref, FunctionRef):
                continue
            kept = next((n[4][3] for n in ref.node[5] if _keeps(n, name)), None)
            for parameter in ref.node[4]:
                target, annotation = parameter[3], parameter[5]
                if kept is not None and target[3] == kept and annotation is not None:
                    caller = self.frame
                    self.frame = Frame(ref.module, "", -3)
                    try:
                        return self.annotated(annotation)
                    finally:
                        self.frame = caller
        return UNKNOWN

    def _taken(self, value: Value, name: str, node: Node) -> Any:
        if name in HOSTS:
            return super()._taken(value, name, node)
        if value.type == "str":
            return self.narrowed(value.taint, ~WHOLE)
        return self.part(value.taint, name, node)

    def _of_type(self, value: Value, name: str, node: Node) -> Value | None:
        found = super()._of_type(value, name, node)
        if found is None or found.taint or not value.taint or found.consts is not None:
            return found
        # A part of something that came in came in, whatever its type.
        return Value(self._taken(value, name, node), type=found.type, name=found.name, recv=value)

    def _of_function(self, ref: FunctionRef, name: str) -> Value | None:
        if name in ("call", "apply", "bind"):
            return Value(name=f"Function.{name}", recv=Value(obj=ref))
        cls = self.prototype(ref)
        if name == "prototype":
            return Value(obj=cls)
        return cls.members.get(f"static {name}")

    def prototype(self, ref: FunctionRef) -> ClassRef:
        """What instances of a function that is used as a class have."""
        place = (ref.module.path, ref.node[1])
        cls = self._prototypes.get(place)
        if cls is None:
            node = (ir.CLASS, ref.node[1], ref.node[2], ref.node[3], (), (), (), ())
            cls = self._prototypes[place] = ClassRef(ref.module, node)
        return cls

    def _bind_attribute(self, target: Node, value: Value, node: Node) -> None:
        holder = self.eval(target[3])
        if isinstance(holder.obj, FunctionRef):
            self.prototype(holder.obj).members[f"static {target[4]}"] = value
            return
        if target[4] == "prototype" and isinstance(holder.obj, ClassRef):
            return
        super()._bind_attribute(target, value, node)
        if value.taint and holder.ref is None and holder.type in self.rules.types:
            # What one function puts on a request, the next one finds there.
            full = f"{holder.type}.{target[4]}"
            if full not in self.rules.attrs:
                reason = f"{ASSUMED}be found there by the next handler"
                taint = self.moved(value.taint, reason, target)
                self._share(full, Value(taint, value.consts, type=value.type, text=value.text))

    def _kept_under(self, full: str) -> Value | None:
        found = self.env.vars.get(full)
        return self.shared_under(full) if found is None else found

    def publish(self, state: ModuleState, name: str, value: Value) -> None:
        if value.taint:
            self.published.add(name)
        super().publish(state, name, value)

    def bind(self, target: Node, value: Value, node: Node) -> None:
        if target[0] != ir.MAP:
            super().bind(target, value, node)
            return
        taken: set[Any] = set()
        for key_node, inner in target[3]:
            if key_node is None:
                self.bind(inner, self._rest_of(value, taken), node)
                continue
            key = self.eval(key_node)
            name = key.consts[0] if key.consts else None
            taken.add(name)
            if isinstance(name, str):
                self.bind(inner, self.attribute(value, name, target), node)
            else:
                self.bind(inner, self.item(value, key, target), node)

    def _rest_of(self, value: Value, taken: set[Any]) -> Value:
        held = self.obj(value)
        if held is None:
            return Value(self.deep(value), type=value.type)
        items = {name: item for name, item in held.items.items() if name not in taken}
        return self.new(Obj("dict", items, held.rest, None, held.open))

    # Calls

    def _call(self, node: Node) -> Value:
        """A tag of the project's own is given the texts and, one by one, what is between them."""
        if _is_tagged(node):
            function = self.eval(node[3])
            if isinstance(function.obj, FunctionRef):
                template = node[4][0]
                parts: Sequence[Node] = template[3] if template[0] == ir.BUILD else (template,)
                given = [self.eval(one) for one in parts if one[0] != ir.CONST]
                # Never anything but texts of the program, whichever is asked for.
                texts = self.bag(Value(type="str"))
                return self.call(function, [texts, *given], {}, node)
        return super()._call(node)

    def call(
        self,
        function: Value,
        args: list[Value],
        keywords: dict[str, Value],
        node: Node,
        extra: Value | None = None,
    ) -> Value:
        obj = function.obj
        if isinstance(obj, ModuleRef):
            default = obj.state.vars.get(DEFAULT)
            if default is None or isinstance(default.obj, ModuleRef):
                return UNKNOWN
            return self.call(default, args, keywords, node, extra)
        if obj is None and function.name:
            args = self._flattened(args, node)
            for one in args:
                if isinstance(one.obj, FunctionRef):
                    self.keep_function(one.obj, self.env.heap)
        if isinstance(obj, FunctionRef) and node[0] == ir.CALL and node[6] is True:
            return self._construct(obj, args, keywords, node, extra)
        if isinstance(obj, ClassRef) and function.ref is not None:
            return UNKNOWN
        return super().call(function, args, keywords, node, extra)

    def _flattened(self, args: list[Value], node: Node) -> list[Value]:
        """Handlers may be given in lists."""
        out: list[Value] = []
        for one in args:
            items = self.sequence(one, node) if one.ref is not None else None
            if items and any(isinstance(item.obj, FunctionRef) for item in items):
                out += items
            else:
                out.append(one)
        return out

    def _construct(
        self,
        ref: FunctionRef,
        args: list[Value],
        keywords: dict[str, Value],
        node: Node,
        extra: Value | None,
    ) -> Value:
        """`new F(…)`."""
        this = self.new(Obj("instance", {}, None, self.prototype(ref)))
        result = self.invoke(self.method_of(ref, this), args, keywords, node, extra)
        self.dead = False
        return result if result.ref is not None and result.ref != this.ref else this

    def _construct_parent(
        self,
        function: Value,
        parent: SuperRef,
        args: list[Value],
        node: Node,
    ) -> None:
        this = Value(ref=function.ref)
        for cls in parent.cls.lineage()[1:]:
            member = cls.members.get("constructor")
            if member is not None:
                self.call(self.bound(member, this, cls, node), args, {}, node)
                break

    def instantiate(
        self,
        cls: ClassRef,
        args: list[Value],
        keywords: dict[str, Value],
        node: Node,
        extra: Value | None,
    ) -> Value:
        value = super().instantiate(cls, args, keywords, node, extra)
        held = self.obj(value)
        if held is not None:
            items = dict(held.items)
            for one in cls.lineage():
                for name, member in one.members.items():
                    plain = not isinstance(member.obj, (FunctionRef, ClassRef))
                    if plain and name not in items:
                        items[name] = member
            if len(items) > len(held.items):
                self.put(value, Obj("instance", items, held.rest, held.cls, held.open))
        return value


def _keeps(node: Node, name: str) -> bool:
    """Whether a statement is `this.name = parameter`."""
    if node[0] != ir.ASSIGN or node[4] is None or node[4][0] != ir.NAME:
        return False
    target = node[3][0]
    return target[0] == ir.ATTR and target[4] == name and target[3][3:] == ("this",)


def _uses_this(ref: FunctionRef) -> bool:
    return ref.bound is None and not ref.node[8] & ir.ARROW and "this" in ref.node[11]


def functions_in(value: Value) -> list[FunctionRef]:
    """The functions of the project that a value may be."""
    obj = value.obj
    several = cast("tuple[Any, ...]", obj) if isinstance(obj, tuple) else (obj,)
    return [one for one in several if isinstance(one, FunctionRef)]


def symbolic(value: Value) -> bool:
    """Whether it is a caller's."""
    return any(token.root().index >= 0 for token in value.taint or ())


def _is_tagged(call: Node) -> bool:
    """Whether a call is written with a template and no parentheses: both end at one place."""
    return len(call[4]) == 1 and call[4][0][2] == call[2] and call[4][0][0] in (ir.BUILD, ir.CONST)
