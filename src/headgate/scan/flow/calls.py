"""Calls functions and classes of the project, and defines them."""

from __future__ import annotations

from typing import Any

from headgate.scan.flow.builtins import Partial
from headgate.scan.flow.core import FEW_CALLS, MAX_CALLS, SMALL, Frame
from headgate.scan.flow.entries import EntryInfo, registered_by
from headgate.scan.flow.env import Env, several
from headgate.scan.flow.expressions import SuperRef
from headgate.scan.flow.findings import ASSUMED, Hit
from headgate.scan.flow.program import ClassRef, FunctionRef, Imported, ModuleState
from headgate.scan.flow.statements import Statements
from headgate.scan.flow.transfer import Inward, Outward, Summary
from headgate.scan.flow.values import (
    NONE,
    UNKNOWN,
    Cond,
    Obj,
    Value,
    add_facts,
    constant,
    merge_facts,
)
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Node

_VARIANTS = 24
"""Analyses of one function with different arguments, before they are made less precise."""
_UNDECORATED = frozenset(
    {
        "property", "staticmethod", "classmethod", "functools.wraps", "functools.lru_cache",
        "functools.cache", "functools.cached_property", "contextlib.contextmanager",
        "contextlib.asynccontextmanager", "abc.abstractmethod", "typing.overload",
    }
)  # fmt: skip
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


class Calls(Statements):
    """Calls and definitions."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._memo: dict[tuple[str, int], dict[Any, Summary | None]] = {}
        self.entries: list[EntryInfo] = []
        self.entry_of: dict[tuple[str, int], EntryInfo] = {}
        self.called: set[tuple[str, int]] = set()
        """Functions that are called from somewhere."""
        self.reach = MAX_CALLS
        """Calls within calls that are followed at most."""
        self.shallow = False
        """Whether only the function itself is of interest: nothing comes in there."""
        self.nested: list[tuple[FunctionRef, ClassRef | None]] = []

    def call(
        self,
        function: Value,
        args: list[Value],
        keywords: dict[str, Value],
        node: Node,
        extra: Value | None = None,
    ) -> Value:
        obj = function.obj
        if obj is None:
            if not function.name:
                held = self.obj(function)
                if held is not None and held.cls is not None:
                    method = held.cls.member("__call__")
                    if method is not None:
                        bound = self.bound(method, function, held.cls, node)
                        return self.call(bound, args, keywords, node, extra)
                return self._assumed([function, *args, *keywords.values()], node, "it")
            given = (function.recv, args, keywords, extra)
            for info in registered_by(self.rules, function.name, given, self):
                self.entries.append(info)
            return self.library_call(function, given, node, self.target)
        if isinstance(obj, FunctionRef):
            return self.invoke(obj, args, keywords, node, extra)
        if isinstance(obj, ClassRef):
            return self.instantiate(obj, args, keywords, node, extra)
        if isinstance(obj, Partial):
            return self.call(
                obj.function, [*obj.args, *args], {**obj.keywords, **keywords}, node, extra
            )
        if isinstance(obj, SuperRef):
            return UNKNOWN
        if isinstance(obj, tuple):
            return self._call_each(several(obj), args, keywords, node, extra)
        return self._assumed([*args, *keywords.values()], node, "it")

    def _call_each(
        self,
        functions: tuple[Any, ...],
        args: list[Value],
        keywords: dict[str, Value],
        node: Node,
        extra: Value | None,
    ) -> Value:
        """One of several functions is called, it is not known which."""
        out: Value | None = None
        start = self.env
        end: Env | None = None
        for one in functions:
            self.env = start.fork()
            result = self.call(Value(obj=one), args, keywords, node, extra)
            alive = not self.dead
            self.dead = False
            if alive:
                end = self.joiner.envs(end, self.env)
                if end is not None and out is not None:
                    end = Env(end.vars, end.facts, {**end.heap, **self.env.heap})
                    self.env = end
                out = result if out is None else self.joiner.values(out, result, self.env)
        if end is None:
            self.env = start
            self.dead = True
            return UNKNOWN
        self.env = end
        return out or UNKNOWN

    def _assumed(self, values: list[Value], node: Node, name: str) -> Value:
        taint = self.union(values)
        if not taint:
            return UNKNOWN
        return Value(self.moved(taint, f"{ASSUMED}pass through `{name}`", node))

    # Functions

    def invoke(
        self,
        ref: FunctionRef,
        args: list[Value],
        keywords: dict[str, Value],
        node: Node,
        extra: Value | None = None,
    ) -> Value:
        """Call a function of the project."""
        function = ref.node
        name = function[3] or "a lambda"
        if ref.bound is not None:
            args = [ref.bound, *args]
        if self.frame.depth >= self.reach:
            if self.reach < MAX_CALLS:
                return self._assumed([*args, *keywords.values()], node, name)
            self.recorder.cut_off(self.frame.module.path, self.frame.name)
            return self._assumed([*args, *keywords.values()], node, name)
        place = (ref.module.path, function[1])
        if not self._worth(function, args, keywords, extra, ref):
            return self._unfollowed(ref)
        if self.frame.depth != -3:
            self.called.add(place)
        variants = self._memo.setdefault(place, {})
        inward = Inward(self.env.heap, self.program.heap, widen=len(variants) > _VARIANTS)
        bound, key = self._parameters(ref, args, keywords, extra, inward, node)
        captured, captured_key = inward.captured(ref)
        whole = (key, captured_key)
        summary = variants.get(whole)
        if summary is None:
            if whole in variants:
                # It calls itself: what goes in comes out.
                return self._assumed([*args, *keywords.values()], node, name)
            variants[whole] = None
            try:
                summary = self._analyse(ref, bound, captured, inward)
            except BaseException:
                del variants[whole]
                raise
            variants[whole] = summary
        return self._apply(summary, inward, node, name, ref)

    def _worth(
        self,
        function: Node,
        args: list[Value],
        keywords: dict[str, Value],
        extra: Value | None,
        ref: FunctionRef,
    ) -> bool:
        """Whether a call is followed: data goes in, may come out, or it is cheap."""
        depth = self.frame.depth
        if depth == -3:
            return True
        if self.shallow:
            return depth < 1 and function[10] <= SMALL // 4
        if depth < FEW_CALLS and function[10] <= SMALL:
            return True
        if not function[11].isdisjoint(self.rules.source_tails):
            return True
        values = [*args, *keywords.values()]
        if extra is not None:
            values.append(extra)
        return any(self.deep(one) for one in values) or any(one.obj is not None for one in values)

    def _unfollowed(self, ref: FunctionRef) -> Value:
        """What is known of the result of a function that is not followed: its type."""
        returns = ref.node[7]
        if returns is None or returns[0] not in (ir.NAME, ir.ATTR):
            return UNKNOWN
        caller = self.frame
        self.frame = Frame(ref.module, "", -3)
        try:
            return self.annotated(returns)
        finally:
            self.frame = caller

    def _parameters(
        self,
        ref: FunctionRef,
        args: list[Value],
        keywords: dict[str, Value],
        extra: Value | None,
        inward: Inward,
        node: Node,
    ) -> tuple[list[tuple[Node, Value | None]], Any]:
        """The parameters with what is passed for them; None: the default."""
        out: list[tuple[Node, Value | None]] = []
        keys: list[Any] = []
        at = 0
        left = dict(keywords)
        for parameter in ref.node[4]:
            target, kind = parameter[3], parameter[6]
            name = target[3] if target[0] == ir.NAME else ""
            value: Value | None = None
            if kind == ir.REST:
                value = self.make_list(args[at:], "tuple")
                at = len(args)
                if extra is not None:
                    value = self.bag(extra, "tuple")
            elif kind == ir.KEYWORDS:
                value = self.new(Obj("dict", dict(left), extra, None, extra is not None))
                left = {}
            elif kind != ir.KEYWORD_ONLY and at < len(args):
                value = args[at]
                at += 1
            elif name in left:
                value = left.pop(name)
            elif extra is not None:
                value = extra
            if value is None:
                out.append((parameter, None))
                keys.append(None)
                continue
            inside, key = inward.value(value)
            out.append((parameter, inside))
            keys.append(key)
        return out, tuple(keys)

    def _analyse(
        self,
        ref: FunctionRef,
        bound: list[tuple[Node, Value | None]],
        captured: dict[str, Value] | None,
        inward: Inward,
    ) -> Summary:
        caller, caller_env, caller_dead = self.frame, self.env, self.dead
        caller_target = self.target
        caller.env = caller_env
        function = ref.node
        frame = Frame(ref.module, function[3] or "a lambda", max(caller.depth, -1) + 1)
        frame.closure = FunctionRef(ref.module, function, ref.cls, captured) if captured else None
        frame.cls = ref.cls
        frame.entry = self.entry_of.get((ref.module.path, function[1]))
        self.run_module(ref.module)
        self.frame = frame
        heap = dict(inward.heap)
        self.env = Env({}, {}, heap)
        self.dead = False
        self.target = function[3]
        try:
            for parameter, value in bound:
                self.enter(parameter, value)
            if ref.cls is not None and bound and bound[0][1] is not None:
                frame.self_ref = bound[0][1].ref
            alive = self.run(function[5])
            if alive:
                self.leave(NONE)
            return self._summary(ref, frame, heap_before=inward.heap)
        finally:
            self.frame, self.env, self.dead = caller, caller_env, caller_dead
            self.target = caller_target
            caller.env = None if caller.depth < -2 else caller_env

    def enter(self, parameter: Node, value: Value | None) -> None:
        target, default, annotation = parameter[3], parameter[4], parameter[5]
        if value is None:
            value = self.eval(default) if default is not None else UNKNOWN
        if annotation is not None and parameter[6] not in (ir.REST, ir.KEYWORDS):
            value = self.typed(value, self.annotated(annotation))
        if target[0] == ir.NAME:
            self.env.vars[target[3]] = value
            if value.consts is not None and default is not None:
                self.named(target[3], value, parameter)
        else:
            self.bind(target, value, parameter)

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

    # Classes

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
        elif cls.kind or any(base in _FIELD_BASES for base in bases):
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
        names: dict[str, Node | None] = {}
        for one in reversed(cls.lineage()):
            names.update(dict(one.order))
        for index, (name, default) in enumerate(names.items()):
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
                cls.bases.append(base.obj)
            elif base.name:
                cls.library.append(self.rules.canonical(base.name))
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

    def define(self, node: Node) -> Value:
        """`def`, with its decorators."""
        frame = self.frame
        value = self.closure(node)
        ref: FunctionRef = value.obj
        if frame.depth == -2:
            ref.cls = frame.cls
            if frame.closure is not None:
                ref.captured, ref.frame = frame.closure.captured, frame.closure.frame
            else:
                ref.captured = ref.frame = None
        decorators: list[tuple[str, Value, list[Value], dict[str, Value]]] = []
        for one in reversed(node[6]):
            value = self._decorate(one, value, decorators, node)
        if frame.depth >= 0:
            self.nested.append((ref, ref.cls))
        if decorators:
            self.entry(ref, value, decorators)
        return value

    def _decorate(
        self,
        decorator_node: Node,
        value: Value,
        decorators: list[tuple[str, Value, list[Value], dict[str, Value]]],
        node: Node,
    ) -> Value:
        called = decorator_node[0] == ir.CALL
        function = self.eval(decorator_node[3] if called else decorator_node)
        args: list[Value] = []
        keywords: dict[str, Value] = {}
        if called:
            args = [self.eval(one) for one in decorator_node[4]]
            keywords = {name: self.eval(one) for name, one in decorator_node[5] if name}
        if function.obj is None:
            name = self.rules.canonical(function.name)
            kinds = function.recv.type if function.recv is not None else ""
            tail = name.rpartition(".")[2]
            names = [name, *(f"{kind}.{tail}" for kind in self.rules.lineage(kinds) if kinds)]
            for one in dict.fromkeys(names):
                decorators.append((one, function, args, keywords))
            if tail == "setter" and node[3] in self.env.vars:
                self.env.vars[f"{node[3]}="] = value
                return self.env.vars[node[3]]
            return value
        decorators.append((_name_of(function), function, args, keywords))
        if isinstance(function.obj, (FunctionRef, ClassRef)):
            outer = self.call(function, args, keywords, decorator_node) if called else function
            wrapped = self.call(outer, [value], {}, decorator_node)
            self.dead = False
            if wrapped.obj is not None or wrapped.ref is not None:
                return wrapped
        return value

    def entry(
        self,
        ref: FunctionRef,
        value: Value,
        decorators: list[tuple[str, Value, list[Value], dict[str, Value]]],
    ) -> None:
        """Remember a function that decorators make an entry."""
        names = [name for name, _, _, _ in decorators]
        for rule in self.rules.entries:
            wanted = rule.selector.decorator
            for name, _, args, keywords in decorators:
                if name in wanted:
                    info = EntryInfo.of(self.rules, rule, ref, value, names, name, args, keywords)
                    self.entries.append(info)
                    self.entry_of[(ref.module.path, ref.node[1])] = info
                    return

    # Types

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

    # Modules

    def run_module(self, state: ModuleState) -> None:
        if state.done:
            return
        state.done = 1
        module = self.program.module_of(state)
        if module is None:
            state.done = 2
            return
        caller, caller_env, caller_dead = self.frame, self.env, self.dead
        steps, target = self.steps, self.target
        caller.env = caller_env
        self.steps = 0
        self.frame = Frame(state, "the module", -1)
        self.env = Env(state.vars, {}, {})
        self.env.vars["__name__"] = Value(type="str")
        self.env.vars["__file__"] = Value(type="str")
        self.dead = False
        self.target = ""
        try:
            for node in module.body:
                if not self.run((node,)):
                    break
                state.vars = self.env.vars
        except RecursionError:
            self.recorder.cut_off(state.path, "the module")
        finally:
            state.vars = self.env.vars
            self.program.heap.update(self.env.heap)
            state.done = 2
            for hit in self.frame.hits:
                self.report(hit)
            self.frame, self.env, self.dead = caller, caller_env, caller_dead
            self.steps, self.target = steps, target

    def returned(self, value: Value, node: Node) -> None:
        """What an entry answers with."""
        values = [value]
        ordered = self.sequence(value, node)
        held = self.obj(value)
        if held is not None and held.kind == "tuple" and ordered:
            values = ordered[:1]
        # It is sent as JSON, not as a page; what must not be told at all is told all the same.
        structured = held is not None and held.kind in ("dict", "list", "set", "instance")
        for sink in self.frame.entry.sinks:
            if not (structured and sink.unless_type):
                self.sink(sink, values, node, "return")


def _name_of(function: Value) -> str:
    obj = function.obj
    if isinstance(obj, FunctionRef):
        return obj.node[3]
    return obj.name if isinstance(obj, ClassRef) else ""


__all__ = ["Calls", "Imported"]
