"""Classes of the project: their bodies, their instances, and types that annotations name."""

from __future__ import annotations

from headgate.scan.flow.core import Frame
from headgate.scan.flow.env import Env
from headgate.scan.flow.program import NAMED_TUPLE, ClassRef, FunctionRef
from headgate.scan.flow.statements import Statements
from headgate.scan.flow.values import (
    UNKNOWN,
    Obj,
    Value,
    constant,
)
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Node

_DATACLASSES = frozenset(
    {
        "dataclasses.dataclass", "attr.s", "attr.attrs", "attrs.define", "attrs.frozen",
        "attr.dataclass", "pydantic.dataclasses.dataclass",
    }
)  # fmt: skip
_FIELD_BASES = frozenset(
    {
        "pydantic.BaseModel", "typing.NamedTuple", "typing.TypedDict", "pydantic.BaseSettings",
        "sqlmodel.SQLModel", "msgspec.Struct",
    }
)  # fmt: skip
_CHOICES = frozenset({"typing.Literal", "typing_extensions.Literal"})
_CLOSED = frozenset({"enum.Enum", "enum.IntEnum", "enum.StrEnum", "enum.Flag", "enum.IntFlag"})
_PLAIN = frozenset({"int", "float", "bool", "uuid.UUID", "datetime.date", "datetime.datetime"})
_WRAPPERS = frozenset(
    {
        "typing.Optional", "typing.Annotated", "typing.Union", "typing.Final", "typing.Required",
        "typing_extensions.Annotated",
    }
)  # fmt: skip


class Classes(Statements):
    """Making of classes and of their instances."""

    def instantiate(
        self,
        cls: ClassRef,
        args: list[Value],
        keywords: dict[str, Value],
        node: Node,
        extra: Value | None,
    ) -> Value:
        """`Class(…)`."""
        bases = list(cls.library_bases())
        value = self.new(Obj("instance", {}, None, cls, False), bases[0] if bases else "")
        given = (None, args, keywords, extra)
        for base in bases:
            if base in self.rules.calls:
                self.library_call(Value(name=base), given, node, self.target)
                break
        init = cls.member("__init__") or cls.member("constructor")
        if init is not None and isinstance(init.obj, FunctionRef):
            self.call(self.bound(init, value, cls, node), args, keywords, node, extra)
        elif cls.fills or any(base in _FIELD_BASES for base in bases):
            self._fill(cls, value, args, keywords, node, extra)
        else:
            values = [*args, *keywords.values()]
            taint = self.union(values)
            for name, item in keywords.items():
                self.set_item(value, constant(name), self.stored(item, node))
            if args and taint:
                held = self.obj(value)
                if held is not None:
                    self.put(value, Obj("instance", held.items, Value(self.union(args)), cls, True))
        return value

    def _fill(
        self,
        cls: ClassRef,
        value: Value,
        args: list[Value],
        keywords: dict[str, Value],
        node: Node,
        extra: Value | None,
    ) -> None:
        """The fields of a dataclass, in the order of its bases."""
        for index, (name, default) in enumerate(cls.field_names().items()):
            item = args[index] if index < len(args) else keywords.get(name)
            if item is None and extra is not None:
                item = extra
            if item is None:
                member = cls.member(name)
                item = member if member is not None and default is not None else UNKNOWN
            self.set_item(value, constant(name), self.stored(item, node))
        after = cls.member("__post_init__")
        if after is not None:
            self.call(self.bound(after, value, cls, node), [], {}, node)

    def declared(self, cls: ClassRef, name: str) -> Value | None:
        """What the annotation of a field in a class's body says; None: there is none."""
        for one in cls.lineage():
            for statement in one.node[7]:
                if statement[0] != ir.ASSIGN or statement[5] is None:
                    continue
                target = statement[3][0]
                if target[0] != ir.NAME or target[3] != name:
                    continue
                caller = self.frame
                self.frame = Frame(one.module, "", -3)
                try:
                    return self.annotated(statement[5])
                finally:
                    self.frame = caller
        return None

    def make_class(self, node: Node) -> Value:
        frame = self.frame
        cls = ClassRef(frame.module, node)
        for base_node in node[4]:
            base = self.eval(base_node)
            if isinstance(base.obj, ClassRef):
                cls.derive(base.obj)
            elif base.name:
                cls.library.append(self.rules.canonical(base.name))
        if "typing.NamedTuple" in cls.library:
            cls.kind = NAMED_TUPLE
        for decorator_node in node[6]:
            decorator = self.eval(
                decorator_node[3] if decorator_node[0] == ir.CALL else decorator_node
            )
            if decorator.name in _DATACLASSES:
                cls.kind = "dataclass"
        inner = Frame(frame.module, node[3], -2)
        inner.cls = cls
        inner.closure = (
            FunctionRef(frame.module, node, None, self.env.vars, frame)
            if frame.depth >= 0
            else None
        )
        outer_env, outer_target = self.env, self.target
        frame.env = outer_env
        self.frame = inner
        self.env = Env({}, dict(outer_env.facts), outer_env.heap)
        try:
            self.run(node[7])
            cls.members = self.env.vars
        finally:
            self.frame, self.target = frame, outer_target
            heap = self.env.heap
            self.env = outer_env
            if heap is not outer_env.heap:
                outer_env.heap.update(heap)
        return Value(obj=cls)

    def annotated(self, node: Node) -> Value:
        op = node[0]
        if op == ir.CONST and isinstance(node[3], str):
            name = node[3]
            if not name.isidentifier():
                return UNKNOWN
            return self._instance(self.lookup(name, node))
        if op == ir.BINARY and node[3] == "|":
            found = self.annotated(node[4])
            return found if found is not UNKNOWN else self.annotated(node[5])
        if op == ir.INDEX:
            outer = self.eval(node[3])
            inner = node[4]
            first = inner[4][0] if inner[0] == ir.SEQ and inner[4] else inner
            if outer.name in _WRAPPERS:
                return self.annotated(first)
            if outer.name in _CHOICES:
                return Value(type="int")
            if outer.name in ("list", "typing.List", "typing.Sequence", "typing.Iterable"):
                item = self.annotated(first)
                return self.bag(item) if item is not UNKNOWN else UNKNOWN
            return UNKNOWN
        if op in (ir.NAME, ir.ATTR):
            return self._instance(self.eval(node))
        return UNKNOWN

    def _instance(self, value: Value) -> Value:
        """An instance of the class that a value is."""
        if isinstance(value.obj, ClassRef):
            bases = list(value.obj.library_bases())
            if not _CLOSED.isdisjoint(bases):
                # One of its members, which are written in the code.
                return Value(type="int")
            return self.new(Obj("instance", {}, None, value.obj, True), bases[0] if bases else "")
        name = self.rules.canonical(value.name)
        if name in _PLAIN:
            return Value(type="int")
        if name == "str":
            return Value(type="str")
        if name in self.rules.types or "." in name:
            return Value(type=name)
        return UNKNOWN
