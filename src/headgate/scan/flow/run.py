"""One analysis of a project, from its entries and sources on."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from headgate.model.finding import Confidence
from headgate.scan.flow.constraints import NO_TEXT, demanded
from headgate.scan.flow.core import MAX_CALLS, CutOff, Frame
from headgate.scan.flow.entries import (
    EntryInfo,
    is_number,
    param_sources,
)
from headgate.scan.flow.env import Env
from headgate.scan.flow.findings import PARAMETER
from headgate.scan.flow.framework_calls import FrameworkCalls, place_of_call
from headgate.scan.flow.parameters import worth_a_look, worth_reading
from headgate.scan.flow.program import ClassRef, FunctionRef, ModuleState, decorator_names
from headgate.scan.flow.project import Mode, Outcome
from headgate.scan.flow.registered import TAILS, keep
from headgate.scan.flow.selection import any_worth
from headgate.scan.flow.uses import Place
from headgate.scan.flow.values import UNKNOWN, Obj, Value
from headgate.scan.ir import nodes as ir

ROUNDS = 3
_TABLED = frozenset({"tornado.httputil.HTTPServerRequest"})
_APPLICATIONS = frozenset({"app", "application"})
DESCRIBED = "openapi.operation"
"""The name by which packs speak of functions that an OpenAPI description makes routes."""
REACH = 2
"""Calls within calls through which parameters of functions are followed."""


class Run(FrameworkCalls):
    """One analysis."""

    def outcome(self) -> Outcome:
        """What the analysis came to."""
        return Outcome(self.recorder.all(), self.recorder.cut)

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
        self._before(functions)
        self._entries(functions)
        for ref, cls in functions:
            if self._mentions(ref.node):
                self._root(ref, cls)
        for state in states:
            for ref, cls in state.nested:
                if self._mentions(ref.node):
                    self._root(ref, cls)
        for _ in range(ROUNDS):
            if not self._follow(states):
                break
        if self.mode is not Mode.APPLICATION:
            self._parameters(states)

    def _before(self, functions: list[tuple[FunctionRef, ClassRef | None]]) -> None:
        """Look first at functions that set up what the routes find."""
        for ref, cls in functions:
            place = (ref.module.path, ref.node[1])
            if place not in self.calls.entry_of and self._sets_up(ref):
                self._root(ref, cls)

    def _sets_up(self, ref: FunctionRef) -> bool:
        """Whether a function has a table of routes, or leaves something on the application."""
        if self.rules.kept_types:
            named = {one[3][3] for one in ref.node[4] if one[3][0] == ir.NAME}
            if not named.isdisjoint(_APPLICATIONS):
                return True
        tabled = not _TABLED.isdisjoint(self.rules.types)
        return tabled and not TAILS.isdisjoint(ref.node[11])

    def _parameters(self, states: Sequence[ModuleState]) -> None:
        """Functions that nobody calls: what a caller may do with them."""
        every = self.mode is Mode.LIBRARY
        self.calls.reach = MAX_CALLS if every else REACH
        for state in states:
            file = self.files[state.path]
            if not every and not worth_reading(file.mentions, file.data, 0, len(file.data)):
                continue
            module = self.program.module_of(state)
            if module is None or not (every or any_worth(module.body, file.data)):
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
                self.calls.register(info)

    def _entries(self, functions: list[tuple[FunctionRef, ClassRef | None]]) -> None:
        at = 0
        while at < len(self.calls.entries):
            info = self.calls.entries[at]
            at += 1
            self._root(info.ref, info.cls, info)
        if self.rules.params:
            for ref, cls in functions:
                if self._has_param_source(ref):
                    self._root(ref, cls, follow=True)

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
        self._begin(place)
        if cls is not None:
            # What the constructor stores, the methods find.
            for name in ("__init__", "constructor"):
                init = cls.member(name)
                if init is not None and isinstance(init.obj, FunctionRef):
                    self._construct(init.obj)
        name = f"{cls.name}.{ref.node[3]}" if cls is not None else ref.node[3]
        shallow = info is None and not follow and not self._brings(ref.node)
        self._guarded(ref.module, name, lambda: self._analyse(ref, cls, info), shallow=shallow)
        nested, self.calls.nested = self.calls.nested, []
        for inner, inner_cls in nested:
            if self._mentions(inner.node):
                self._root(inner, inner_cls)

    def _begin(self, place: Place) -> None:
        """A function is dealt with."""
        since = len(self.calls.shared), len(self._fields)
        self._done[place] = since

    def _construct(self, ref: FunctionRef) -> None:
        """Analyse a constructor, before the methods that find what it stores."""
        self._root(ref, ref.cls)

    def _guarded(
        self, state: ModuleState, name: str, run: Callable[[], None], *, shallow: bool = False
    ) -> None:
        calls = self.calls
        calls.begin()
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
                    mask |= self.rules.mask(demanded(parameter[4], parameter[5]))
                    if value.type == "str":
                        mask |= self.rules.mask(NO_TEXT)
                    held = calls.obj(value)
                    item = held.rest if held is not None and held.kind == "list" else None
                    plain = "int" in (value.type, item.type if item is not None else "")
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
        rest = next((one for one in parameters if one[6] == ir.KEYWORDS), None)
        if rest is not None and info is not None and info.rule.kind == "resolver":
            given = sources.get(rest[3][3])
            if given is not None:
                source = given[1]
                token = calls.token(source.label, source.what, "**", rest, source.confidence, "**")
                extra = Value(calls.tainted(token, rest))
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
        result = calls.invoke(called, positional, keywords, place_of_call(ref.node), extra)
        self._after(ref, cls, self_value, result)

    # What flows on to other functions

    def _gives(self, name: str) -> None:
        """A function with this name gives what comes in, or an attribute holds it."""
        self._tainting.add(name)
        self.calls.tracker.now.tainting.add(name)

    def _after(
        self, ref: FunctionRef, cls: ClassRef | None, self_value: Value | None, result: Value
    ) -> None:
        calls = self.calls
        if calls.deep(result):
            self._gives(ref.node[3])
        if self_value is None or cls is None or self_value.ref is None:
            return
        held = calls.obj(self_value)
        for name, item in held.items.items() if held is not None else ():
            old = cls.fields.get(name)
            if item.ref is not None and item.ref in calls.env.heap:
                keep(calls, item)
            if old is None:
                cls.fields[name] = item
            elif old is not item:
                cls.fields[name] = calls.joiner.values(old, item, Env({}, {}, self.program.heap))
            if old is not item:
                cls.changes(name)
            if calls.deep(item):
                self._gives(name)
                held_in = (cls.module.path, cls.name, name)
                self._fields[held_in] = None
                calls.tracker.now.fields.append(held_in)

    def _follow(self, states: Sequence[ModuleState]) -> bool:
        """Analyse the functions that use what was found to give what comes in."""
        names, self._tainting = self._tainting, set()
        names |= {
            name.rpartition(".")[2] for name, value in self.calls.shared.items() if value.taint
        }
        if not names:
            return False
        again = False
        shared = list(self.calls.shared)
        for state in states:
            if self.files[state.path].mentions.isdisjoint(names):
                continue
            self._guarded(state, "the module", lambda state=state: self.calls.run_module(state))
            for ref, cls in self._functions(state):
                place = (ref.module.path, ref.node[1])
                mentions: frozenset[str] = ref.node[11]
                if mentions.isdisjoint(names):
                    continue
                since = self._done.get(place)
                if since is not None:
                    if not self._stored_since(mentions, cls, since, shared):
                        continue
                    del self._done[place]
                self._root(ref, cls, self.calls.entry_of.get(place), follow=True)
                again = True
        return again

    def _stored_since(
        self,
        mentions: frozenset[str],
        cls: ClassRef | None,
        since: tuple[int, int],
        shared: Sequence[str],
    ) -> bool:
        """Whether something that a function mentions may have been stored for it since it was
        analysed: `flask.g.user = …`, or, by a method that was looked at later, `self.user = …`."""
        later = {name.rpartition(".")[2].partition("[")[0] for name in shared[since[0] :]}
        if cls is not None:
            line = {(one.module.path, one.name) for one in cls.lineage()}
            fields = list(self._fields)[since[1] :]
            later.update(name for path, owner, name in fields if (path, owner) in line)
        return not mentions.isdisjoint(later)
