"""Analyses a project: its modules, its entries, and every function in which data comes in."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from headgate.model.finding import Confidence
from headgate.scan.flow.calls import Calls
from headgate.scan.flow.core import MAX_CALLS, CutOff, Frame
from headgate.scan.flow.dependents import concerned
from headgate.scan.flow.entries import (
    EntryInfo,
    class_entries,
    is_number,
    param_sources,
)
from headgate.scan.flow.env import Env
from headgate.scan.flow.findings import PARAMETER, Found, Recorder
from headgate.scan.flow.marked import follow_own_rules
from headgate.scan.flow.parameters import judge, worth_a_look, worth_reading
from headgate.scan.flow.program import ClassRef, FunctionRef, ModuleState, Program, decorator_names
from headgate.scan.flow.rules import Rules
from headgate.scan.flow.values import UNKNOWN, Obj, Value
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Module, Node
from headgate.scan.packs.schema import Kind, KindName, Pack

_RECURSION = 30_000
_ROUNDS = 3
DESCRIBED = "openapi.operation"
"""The name by which packs speak of functions that an OpenAPI description makes routes."""
_REACH = 2
"""Calls within calls through which parameters of functions are followed."""


class Mode(StrEnum):
    """What the code is, which decides where data comes in."""

    AUTO = "auto"
    APPLICATION = "application"
    LIBRARY = "library"


@dataclass(slots=True)
class Outcome:
    """What the analysis of a project came to."""

    found: list[Found] = field(default_factory=list[Found])
    cut: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    """Path → functions whose analysis was cut off."""


class Source(Protocol):
    """A file that can be analysed."""

    @property
    def imports(self) -> tuple[str, ...]:
        """Modules that it imports."""
        ...

    @property
    def data(self) -> bytes:
        """Its text."""
        ...

    @property
    def mentions(self) -> frozenset[str]:
        """Every name in it."""
        ...

    def module(self) -> Module:
        """Its tree."""
        ...


def analyse(
    files: Mapping[str, Source],
    packs: Sequence[Pack],
    kinds: Mapping[KindName, Kind],
    mode: Mode = Mode.AUTO,
    least: Confidence = Confidence.MEDIUM,
    changed: frozenset[str] | None = None,
    routes: Iterable[tuple[str, str, str]] = (),
    language: str = "python",
) -> Outcome:
    """Everything that is found in the files, by path, and at least as sure as `least`.

    `routes`: functions (dotted names), paths and HTTP methods that something else than the code
    makes routes, like a description in OpenAPI.
    """
    imported = {name for file in files.values() for name in file.imports}
    tops = imported | {name.lstrip(".").partition(".")[0] for name in imported}
    active = [pack for pack in packs if not pack.when or tops.intersection(pack.when)]
    rules = Rules(active, kinds, least)
    scope = None if changed is None else concerned(files, changed)
    with _deep_recursion():
        run = _run_of(language)(files, rules, mode, scope)
        run.routes = tuple(routes)
        follow_own_rules(run, active, files, language)
        run.all()
    return Outcome(run.recorder.all(), run.recorder.cut)


def _run_of(language: str) -> type[Run]:
    if language != "javascript":
        return Run
    from headgate.scan.flow.javascript_run import JavaScriptRun

    return JavaScriptRun


@contextmanager
def _deep_recursion() -> Any:
    """Trees may be nested deep; the depth of what is lowered is bounded."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, _RECURSION))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


class Run:
    """One analysis."""

    def __init__(
        self,
        files: Mapping[str, Source],
        rules: Rules,
        mode: Mode,
        scope: frozenset[str] | None,
    ) -> None:
        self.scope = scope
        self.files = files
        self.rules = rules
        self.mode = mode
        self.routes: tuple[tuple[str, str, str], ...] = ()
        self.program = Program(lambda path: files[path].module(), sorted(files))
        self.recorder = Recorder(rules.kinds)
        if mode is not Mode.LIBRARY:
            self.recorder.judge = judge
        self.calls = Calls(self.program, rules, self.recorder)
        self.calls.recorder = self.recorder
        self._done: set[tuple[str, int]] = set()
        self._tainting: set[str] = set()
        """Names of functions that give what comes in, and of attributes that hold it."""

    def all(self) -> None:
        states = [
            state
            for path, state in self.program.states.items()
            if self.scope is None or path in self.scope
        ]
        wanted = [state for state in states if self._interesting(state)]
        for state in wanted:
            self._guarded(state, "the module", lambda state=state: self.calls.run_module(state))
        functions = [one for state in wanted for one in self._functions(state)]
        self._described(states)
        self._entries(functions)
        for ref, cls in functions:
            if self._mentions(ref.node):
                self._root(ref, cls)
        for _ in range(_ROUNDS):
            if not self._follow(states):
                break
        if self.mode is not Mode.APPLICATION:
            self._parameters(states)

    def _parameters(self, states: Sequence[ModuleState]) -> None:
        """Functions that nobody calls: what a caller may do with them."""
        every = self.mode is Mode.LIBRARY
        self.calls.reach = MAX_CALLS if every else _REACH
        for state in states:
            file = self.files[state.path]
            if not every and not worth_reading(file.mentions, file.data, 0, len(file.data)):
                continue
            module = self.program.module_of(state)
            if module is None or not (every or _any_worth(module.body, file.data)):
                if not state.done:
                    state.ir = None
                continue
            self._guarded(state, "the module", lambda state=state: self.calls.run_module(state))
            for ref, cls in self._functions(state):
                place = (ref.module.path, ref.node[1])
                if place in self.calls.called or place in self.calls.entry_of:
                    continue
                public = not ref.node[3].startswith("_")
                if (every and public) or worth_a_look(ref.node, file.data):
                    name = f"{cls.name}.{ref.node[3]}" if cls is not None else ref.node[3]
                    self._guarded(
                        state, name, lambda ref=ref, cls=cls: self._analyse(ref, cls, None, True)
                    )
                    self.calls.nested = []

    def _interesting(self, state: ModuleState) -> bool:
        rules = self.rules
        mentions = self.files[state.path].mentions
        if not mentions.isdisjoint(rules.source_tails) or not mentions.isdisjoint(rules.rule_tails):
            return True
        if rules.entries and not mentions.isdisjoint(self._entry_tails()):
            return True
        return any(rules.wanted_name(name) for name in mentions)

    def _entry_tails(self) -> set[str]:
        out: set[str] = set()
        for entry in self.rules.entries:
            selector = entry.selector
            for name in (*selector.decorator, *selector.base, *selector.call):
                out.add(name.rpartition(".")[2])
        for source in self.rules.params:
            selector = source.param
            if selector is not None:
                for name in (*selector.annotation, *selector.named, *selector.default):
                    out.add(name.rpartition(".")[2])
        return out

    def _mentions(self, function: Node) -> bool:
        """Whether something in the function is a source, or judged by a literal."""
        mentions: frozenset[str] = function[11]
        rules = self.rules
        if not mentions.isdisjoint(rules.source_tails):
            return True
        if not mentions.isdisjoint(rules.rule_tails):
            return True
        return any(rules.wanted_name(name) for name in mentions)

    def _brings(self, function: Node) -> bool:
        """Whether data may come in in the function itself."""
        return not function[11].isdisjoint(self.rules.source_tails)

    # Functions

    def _functions(self, state: ModuleState) -> list[tuple[FunctionRef, ClassRef | None]]:
        """Functions and methods of a module, as they are defined at its top."""
        out: list[tuple[FunctionRef, ClassRef | None]] = []
        module = self.program.module_of(state)
        if module is None:
            return out
        self._collect(state, module.body, None, out)
        return out

    def _collect(
        self,
        state: ModuleState,
        body: Sequence[Node],
        cls: ClassRef | None,
        out: list[tuple[FunctionRef, ClassRef | None]],
    ) -> None:
        for node in body:
            op = node[0]
            if op == ir.FUNCTION:
                out.append((FunctionRef(state, node, cls), cls))
            elif op == ir.CLASS:
                names = cls.members if cls is not None else state.vars
                value = names.get(node[3])
                inner = value.obj if value is not None else None
                if isinstance(inner, ClassRef) and inner.node is node:
                    self._collect(state, node[7], inner, out)
                    for info in class_entries(self.rules, inner):
                        self.calls.entries.append(info)
                        place = (info.ref.module.path, info.ref.node[1])
                        self.calls.entry_of.setdefault(place, info)
            elif op == ir.IF:
                self._collect(state, node[4], cls, out)
                self._collect(state, node[5], cls, out)
            elif op == ir.TRY:
                self._collect(state, node[3], cls, out)
                for _, _, inner_body in node[4]:
                    self._collect(state, inner_body, cls, out)
            elif op in (ir.BLOCK,):
                self._collect(state, node[3], cls, out)

    def _described(self, states: Sequence[ModuleState]) -> None:
        """Make entries of the functions that are routes by a description."""
        rule = next((one for one in self.rules.entries if DESCRIBED in one.selector.call), None)
        if rule is None:
            return
        for dotted, pattern, _ in self.routes:
            module, _, name = dotted.rpartition(".")
            for state in states:
                stem = state.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
                if not module or (stem != module and not stem.endswith("." + module)):
                    continue
                self.calls.run_module(state)
                found = state.vars.get(name)
                ref = found.obj if found is not None else None
                if found is None or not isinstance(ref, FunctionRef):
                    continue
                info = EntryInfo.of(
                    self.rules, rule, ref, found, [], DESCRIBED, [Value(consts=(pattern,))], {}
                )
                self.calls.entries.append(info)
                self.calls.entry_of.setdefault((ref.module.path, ref.node[1]), info)

    def _entries(self, functions: list[tuple[FunctionRef, ClassRef | None]]) -> None:
        at = 0
        while at < len(self.calls.entries):
            info = self.calls.entries[at]
            at += 1
            self._root(info.ref, info.cls, info)
        if self.rules.params:
            for ref, cls in functions:
                if self._has_param_source(ref, cls):
                    self._root(ref, cls, follow=True)

    def _has_param_source(self, ref: FunctionRef, cls: ClassRef | None) -> bool:
        place = (ref.module.path, ref.node[1])
        if place in self._done:
            return False
        names = {one[3][3] for one in ref.node[4] if one[3][0] == ir.NAME}
        mentions: frozenset[str] = ref.node[11]
        for source in self.rules.params:
            selector = source.param
            if selector is None or selector.decorator or selector.base or selector.call:
                continue
            if selector.named and names.intersection(selector.named):
                return True
            for name in (*selector.annotation, *selector.default):
                if name.rpartition(".")[2] in mentions:
                    return True
        return False

    def _root(
        self,
        ref: FunctionRef,
        cls: ClassRef | None,
        info: EntryInfo | None = None,
        *,
        follow: bool = False,
    ) -> None:
        place = (ref.module.path, ref.node[1])
        if place in self._done:
            return
        self._done.add(place)
        if cls is not None:
            # What the constructor stores, the methods find.
            for name in ("__init__", "constructor"):
                init = cls.member(name)
                if init is not None and isinstance(init.obj, FunctionRef):
                    self._root(init.obj, init.obj.cls)
        name = f"{cls.name}.{ref.node[3]}" if cls is not None else ref.node[3]
        shallow = info is None and not follow and not self._brings(ref.node)
        self._guarded(ref.module, name, lambda: self._analyse(ref, cls, info), shallow=shallow)
        nested, self.calls.nested = self.calls.nested, []
        for inner, inner_cls in nested:
            if self._mentions(inner.node):
                self._root(inner, inner_cls)

    def _guarded(
        self, state: ModuleState, name: str, run: Callable[[], None], *, shallow: bool = False
    ) -> None:
        calls = self.calls
        calls.steps = 0
        calls.dead = False
        calls.target = ""
        calls.shallow = shallow
        calls.frame = Frame(state, name, -3)
        calls.env = Env({}, {}, {})
        try:
            run()
        except (CutOff, RecursionError):
            self.recorder.cut_off(state.path, name)

    def _analyse(
        self,
        ref: FunctionRef,
        cls: ClassRef | None,
        info: EntryInfo | None,
        callers: bool = False,
    ) -> None:
        calls = self.calls
        calls.run_module(ref.module)
        ref = FunctionRef(ref.module, ref.node, ref.cls or cls, ref.captured, ref.frame)
        calls.frame = Frame(ref.module, ref.node[3], -3)
        calls.env = Env({}, {}, {})
        keywords: dict[str, Value] = {}
        sources = {
            parameter[3][3]: (parameter, source, converter)
            for parameter, source, converter in param_sources(
                self.rules, ref, cls, info, self._annotation
            )
        }
        self_value: Value | None = None
        parameters = [one for one in ref.node[4] if one[3][0] == ir.NAME]
        static = "staticmethod" in decorator_names(ref.node)
        if cls is not None and parameters and not static:
            if "classmethod" in decorator_names(ref.node):
                self_value = Value(obj=cls)
            else:
                bases = list(cls.library_bases())
                self_value = calls.new(
                    Obj("instance", {}, None, cls, True), bases[0] if bases else ""
                )
            parameters = parameters[1:]
        args: list[Value] = []
        for parameter in parameters:
            name = parameter[3][3]
            if parameter[6] in (ir.REST, ir.KEYWORDS):
                continue
            value = self._typed_parameter(parameter, ref, cls, info)
            given = sources.get(name)
            if given is not None:
                _, source, converter = given
                if is_number(converter):
                    value = Value(type="int")
                else:
                    token = calls.token(
                        source.label, source.what, name, parameter, source.confidence, name
                    )
                    mask = self.rules.mask(source.safe_for)
                    plain = value.type in ("int",)
                    if not plain:
                        kind = source.type or value.type
                        taint = calls.tainted(token, parameter, mask)
                        value = Value(taint, ref=value.ref, type=kind)
            elif info is not None and (found := self._injected(parameter, info)) is not None:
                value = found
            elif callers and value.type not in ("int", "float", "bool"):
                token = calls.token(
                    PARAMETER, f"the parameter `{name}`", name, parameter, Confidence.MEDIUM, name
                )
                taint = calls.tainted(token, parameter)
                value = Value(taint, ref=value.ref, type=value.type)
            keywords[name] = value
        extra: Value | None = None
        if info is not None:
            for name in info.path_parameters():
                if name not in keywords and any(p[6] == ir.KEYWORDS for p in ref.node[4]):
                    keywords[name] = UNKNOWN
        function = info.value if info is not None else Value(obj=ref)
        target = function.obj
        if not isinstance(target, FunctionRef) or target.node is ref.node:
            target = ref
        bound = self_value
        called = FunctionRef(
            target.module, target.node, target.cls, target.captured, target.frame,
            target.bound if target.bound is not None else None,
        )  # fmt: skip
        positional = [bound, *args] if bound is not None else args
        result = calls.invoke(called, positional, keywords, _place(ref.node), extra)
        self._after(ref, cls, self_value, result)

    def _typed_parameter(
        self, parameter: Node, ref: FunctionRef, cls: ClassRef | None, info: EntryInfo | None
    ) -> Value:
        calls = self.calls
        value = UNKNOWN
        if parameter[5] is not None:
            frame, env = calls.frame, calls.env
            calls.frame = Frame(ref.module, "", -3)
            value = calls.annotated(parameter[5])
            calls.frame, calls.env = frame, env
        if value is not UNKNOWN:
            return value
        guess = ""
        tops = self._tops(ref.module.path)
        for selector, kind, when in self.rules.typed_params:
            if selector.named and parameter[3][3] not in selector.named:
                continue
            if selector.first and parameter is not _first(ref, cls):
                continue
            if selector.annotation or selector.default:
                continue
            if selector.decorator or selector.base or selector.call:
                if info is not None and _selected(self.rules, selector, info):
                    return Value(type=kind)
                # Registered where it is not seen: by what its file imports.
                if info is not None or selector.decorator or selector.base:
                    continue
                if tops.isdisjoint(when):
                    continue
            if not tops.isdisjoint(when):
                return Value(type=kind)
            guess = guess or kind
        return Value(type=guess) if guess else UNKNOWN

    def _injected(self, parameter: Node, info: EntryInfo, depth: int = 0) -> Value | None:
        """What a framework calls to fill a parameter: `Depends(get_db)`; None: nothing."""
        calls = self.calls
        marker = parameter[4] if parameter[4] is not None else _annotated(parameter[5])
        if marker is None or marker[0] != ir.CALL or depth > _INJECTIONS:
            return None
        name = calls.rules.canonical(calls.eval(marker[3]).name)
        source = next((one for one in self.rules.params if name in one.injected), None)
        if source is None:
            return None
        given = marker[4][0] if marker[4] else _plain_annotation(parameter[5])
        function = calls.eval(given) if given is not None else UNKNOWN
        target = function.obj
        if isinstance(target, ClassRef):
            init = target.member("__init__")
            target = init.obj if init is not None else None
            skipped = 1
        else:
            skipped = 0
        if not isinstance(target, FunctionRef):
            return None
        caller, frame = calls.env, calls.frame
        keywords: dict[str, Value] = {}
        for one in target.node[4][skipped:]:
            if one[3][0] != ir.NAME or one[6] in (ir.REST, ir.KEYWORDS):
                continue
            calls.frame = Frame(target.module, "", -3)
            kind, default = self._annotation(one)
            found = self._injected(one, info, depth + 1)
            calls.frame = frame
            if found is None:
                found = self._typed_parameter(one, target, None, None)
                calls.env, calls.frame = caller, frame
                if found.type != "int" and kind not in source.skip and default not in source.skip:
                    token = calls.token(
                        source.label, source.what, one[3][3], one, source.confidence, one[3][3]
                    )
                    taint = calls.tainted(token, one, self.rules.mask(source.safe_for))
                    found = Value(taint, ref=found.ref, type=found.type)
            keywords[one[3][3]] = found
        result = calls.call(function, [], keywords, _place(target.node))
        calls.dead = False
        if target.node[8] & ir.GENERATOR and not skipped:
            result = calls.iterate(result, _place(target.node))
        return result

    def _tops(self, path: str) -> set[str]:
        """The packages that a file imports from."""
        file = self.files.get(path)
        return set() if file is None else {one.partition(".")[0] for one in file.imports}

    def _annotation(self, parameter: Node) -> tuple[str, str]:
        """The canonical names of a parameter's annotation and default call."""
        calls = self.calls
        kind, default = "", ""
        if parameter[5] is not None:
            value = calls.annotated(parameter[5])
            kind = value.type
            held = calls.obj(value)
            if not kind and held is not None and held.cls is not None:
                kind = next(iter(held.cls.library_bases()), "")
            marker = _annotated_call(parameter[5])
            if marker is not None:
                default = calls.rules.canonical(calls.eval(marker).name)
        if parameter[4] is not None and parameter[4][0] == ir.CALL:
            default = calls.rules.canonical(calls.eval(parameter[4][3]).name)
        return kind, default

    # What flows on to other functions

    def _after(
        self, ref: FunctionRef, cls: ClassRef | None, self_value: Value | None, result: Value
    ) -> None:
        calls = self.calls
        if calls.deep(result):
            self._tainting.add(ref.node[3])
        if self_value is None or cls is None or self_value.ref is None:
            return
        held = calls.obj(self_value)
        for name, item in held.items.items() if held is not None else ():
            old = cls.fields.get(name)
            if item.ref is not None and item.ref in calls.env.heap:
                self._keep(item)
            if old is None:
                cls.fields[name] = item
            elif old is not item:
                cls.fields[name] = calls.joiner.values(old, item, Env({}, {}, self.program.heap))
            if calls.deep(item):
                self._tainting.add(name)

    def _keep(self, value: Value, depth: int = 0) -> None:
        """Objects that outlive the function they were made in."""
        heap = self.calls.env.heap
        held = heap.get(value.ref)
        if held is None or depth > 4:
            return
        self.program.heap[value.ref] = held
        for item in held.items.values():
            if item.ref is not None:
                self._keep(item, depth + 1)
        if held.rest is not None and held.rest.ref is not None:
            self._keep(held.rest, depth + 1)

    def _follow(self, states: Sequence[ModuleState]) -> bool:
        """Analyse the functions that use what was found to give what comes in."""
        names, self._tainting = self._tainting, set()
        names |= {
            name.rpartition(".")[2] for name, value in self.calls.shared.items() if value.taint
        }
        if not names:
            return False
        again = False
        for state in states:
            if self.files[state.path].mentions.isdisjoint(names):
                continue
            self._guarded(state, "the module", lambda state=state: self.calls.run_module(state))
            for ref, cls in self._functions(state):
                place = (ref.module.path, ref.node[1])
                if place not in self._done and not ref.node[11].isdisjoint(names):
                    self._root(ref, cls, follow=True)
                    again = True
        return again


_DOING = frozenset({ir.EXPR, ir.ASSIGN, ir.FOR, ir.WHILE, ir.WITH})
"""Statements that do something where they stand."""
_CALLED = re.compile(rb"\b(system|popen|getoutput|getstatusoutput|shell|execute|eval|exec|raw)\b")


def _runs_text(data: bytes, node: Node) -> bool:
    """Whether a statement outside of functions may run a text."""
    return bool(_CALLED.search(data, node[1], node[2]))


def _any_worth(body: Sequence[Node], data: bytes) -> bool:
    """Whether any function in a body may run a text that it puts together."""
    for node in body:
        op = node[0]
        if op == ir.FUNCTION and worth_a_look(node, data):
            return True
        if op == ir.CLASS and _any_worth(node[7], data):
            return True
        if op == ir.IF and (_any_worth(node[4], data) or _any_worth(node[5], data)):
            return True
        if op == ir.TRY and _any_worth(node[3], data):
            return True
        if op in _DOING and _runs_text(data, node):
            return True
    return False


def _place(node: Node) -> Node:
    """Where a function that nobody calls is called: at its head."""
    return (
        ir.CALL,
        node[1],
        min(node[1] + 40, node[2]),
        (ir.NAME, node[1], node[1], node[3]),
        (),
        (),
        False,
    )


def _first(ref: FunctionRef, cls: ClassRef | None) -> Node | None:
    parameters = [one for one in ref.node[4] if one[3][0] == ir.NAME]
    if cls is not None and "staticmethod" not in decorator_names(ref.node):
        parameters = parameters[1:]
    return parameters[0] if parameters else None


def _selected(rules: Rules, selector: Any, info: EntryInfo) -> bool:
    from headgate.scan.flow.entries import selects

    return selects(rules, selector, info)


_INJECTIONS = 4
"""Dependencies of dependencies that are followed."""


def _annotated(node: Node | None) -> Node | None:
    """Of `Annotated[T, Depends(f)]`: the call."""
    if node is None or node[0] != ir.INDEX or node[4][0] != ir.SEQ:
        return None
    return next((one for one in node[4][4][1:] if one[0] == ir.CALL), None)


def _plain_annotation(node: Node | None) -> Node | None:
    """What an annotation names, `Annotated` looked through."""
    if node is not None and node[0] == ir.INDEX and node[4][0] == ir.SEQ and node[4][4]:
        return node[4][4][0]
    return node


def _annotated_call(node: Node) -> Node | None:
    """Of `Annotated[T, Query()]`: `Query`."""
    if node[0] != ir.INDEX or node[4][0] != ir.SEQ:
        return None
    for one in node[4][4][1:]:
        if one[0] == ir.CALL:
            return one[3]
    return None


__all__ = ["Confidence", "Mode", "Outcome", "Run", "Source", "analyse"]
