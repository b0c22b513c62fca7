"""Attributes of modules, classes, instances and values of libraries."""

from __future__ import annotations

from typing import Any

from headgate.scan.flow.constraints import NO_TEXT, demanded
from headgate.scan.flow.env import several
from headgate.scan.flow.fields import Fields
from headgate.scan.flow.program import ClassRef, FunctionRef, Imported, ModuleRef, PackageRef
from headgate.scan.flow.values import (
    HOST,
    UNKNOWN,
    WHOLE,
    Obj,
    Value,
    constant,
    merge_taint,
)
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Node

AS_VIEW = "as_view"
"""Method of classes that frameworks make functions of: Flask, Django and those like them."""
HOSTS = frozenset({"netloc", "hostname", "host", "origin"})
_LAST_PART = frozenset({"name", "stem", "suffix"})


class Attributes(Fields):
    """Reading of attributes."""

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
            if not full.startswith("*."):
                # What was stored on something that a framework hands on: `request.state.user`.
                stored = self.env.vars.get(full) or self.shared_under(full)
                if stored is not None:
                    return stored
            return Value(name=full, recv=value)
        if value.taint:
            return Value(self._taken(value, name, node), name=f"*.{name}", recv=value)
        if value.type:
            return Value(name=f"{value.type}.{name}", recv=value)
        return Value(name=f"*.{name}", recv=value)

    def _taken(self, value: Value, name: str, node: Node) -> Any:
        if name in HOSTS:
            return self.moved(value.taint, f"`{name}` is taken", node, ~7, HOST)
        if name in _LAST_PART and value.type.startswith("pathlib."):
            # As `os.path.basename`: the last part alone.
            harmless = self.rules.mask(("path-traversal", "archive-extraction"))
            return self.narrowed(self.portion(value.taint, f"({name})", node), -1, harmless)
        if value.type in ("", "pathlib.Path"):
            if name in ("parents", "parent"):
                return self.narrowed(value.taint, ~WHOLE)
            if name in _LAST_PART:
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
            cls.reads(name)
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
        rows = self.manager(cls, name)
        if rows is not None:
            return rows
        for base in cls.library_bases():
            found = self.read(UNKNOWN, f"{base}.{name}", node)
            return Value(name=found.name, recv=Value(obj=cls)) if name == AS_VIEW else found
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
        declared = self.of_fields(value, cls, name, node)
        if declared is not None:
            return declared
        member = cls.member(name)
        if value.taint and not (member is not None and isinstance(member.obj, FunctionRef)):
            declared = self.declared(cls, name)
            if declared is not None:
                # A field that came in: its default says nothing of what it holds.
                if declared.type == "int":
                    return declared
                taint = self._taken(value, name, node)
                kinds = demanded(*cls.demands(name))
                if declared.type == "str":
                    kinds = (*kinds, *NO_TEXT)
                if kinds:
                    taint = self.narrowed(taint, -1, self.rules.mask(kinds))
                came_in = Value(
                    taint, None, declared.ref, declared.type,
                    f"*.{name}", recv=value,
                )  # fmt: skip
                return self.validated(came_in, value, cls, name, node)
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
        if value.type in self.rules.kept_types:
            full = f"{value.type}.{name}"
            stored = self.env.vars.get(full) or self.shared_under(full)
            if stored is not None:
                return stored
        for kind in self.rules.lineage(value.type):
            full = f"{kind}.{name}"
            rule = self.rules.attrs.get(full)
            if rule is not None and (rule.sources or rule.type or rule.literals):
                return self.read(UNKNOWN, full, node)
            types = self.rules.types.get(kind)
            if types is not None and not result:
                result = types.methods.get(name) or types.methods.get("*", "")
        taint = self._taken(value, name, node) if value.taint else None
        if result or value.type in self.rules.types or taint:
            return Value(taint, type=result, name=f"{value.type}.{name}", recv=value)
        return None


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
