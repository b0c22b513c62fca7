"""What every part of the interpreter shares: the state, the heap, and how taint is moved."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from headgate.scan.flow.env import Env, Joiner
from headgate.scan.flow.findings import Hit, Recorder
from headgate.scan.flow.program import (
    ClassRef,
    FunctionRef,
    Imported,
    ModuleRef,
    ModuleState,
    Program,
)
from headgate.scan.flow.rules import Rules
from headgate.scan.flow.values import (
    UNKNOWN,
    WHOLE,
    Obj,
    Taint,
    Token,
    Trace,
    Value,
    merge_taint,
    step,
)
from headgate.scan.ir.nodes import Node

MAX_STEPS = 8_000
"""Statements that the analysis of one root may execute, those of its callees included."""
MAX_CALLS = 14
"""Calls within calls that are followed."""
FEW_CALLS = 3
"""Calls within calls that are followed when no data from outside goes in."""
SMALL = 40
"""Statements of a function that is followed then."""
_DEEP = 4


class CutOff(Exception):
    """The budget of a function is used up."""


class Frame:
    """A function, a module or a class body that is being run."""

    __slots__ = (
        "closure", "cls", "conds", "depth", "entry", "env", "globals", "hits", "loops", "module",
        "name", "nonlocals", "number", "out", "raises", "returned", "self_ref", "writes",
        "yielded",
    )  # fmt: skip

    def __init__(self, module: ModuleState, name: str, depth: int) -> None:
        self.module = module
        self.name = name
        self.depth = depth
        self.number = 0
        """Tells it from every other, once it is asked for."""
        self.closure: FunctionRef | None = None
        self.cls: ClassRef | None = None
        self.entry: Any = None
        self.env: Env | None = None
        """While something else runs: where it stands."""
        self.globals: set[str] = set()
        self.nonlocals: set[str] = set()
        self.hits: list[Hit] = []
        self.loops: list[tuple[list[Env], list[Env]]] = []
        """Of the loops around: states at their breaks and continues."""
        self.raises: list[list[tuple[Env, Value]]] = []
        self.returned: Value | None = None
        self.conds: list[tuple[Any, Any]] = []
        self.out: Env | None = None
        """The state at the returns so far."""
        self.yielded: Value | None = None
        self.self_ref: Any = None
        self.writes: list[tuple[Any, str, Value]] = []
        """Assignments to names outside of the function."""


class Core:
    """State and primitives. The parts of the interpreter derive from it, one after another."""

    def __init__(self, program: Program, rules: Rules, recorder: Recorder) -> None:
        self.program = program
        self.tracker = program.tracker
        self.rules = rules
        self.recorder = recorder
        self.joiner = Joiner(program.heap)
        self.env: Env = Env({}, {}, {})
        self.dead: bool = False
        """Whether what was just evaluated does not come back."""
        self.frame: Frame = Frame(ModuleState(""), "", 0)
        self.steps = 0
        self.shared: dict[str, Value] = {}
        """What was stored under names of libraries: `flask.g.user`."""
        self.tokens: dict[tuple[Any, ...], Token] = {}

    # What later parts provide.

    def eval(self, node: Node) -> Value:
        raise NotImplementedError

    def call(
        self,
        function: Value,
        args: list[Value],
        keywords: dict[str, Value],
        node: Node,
        extra: Value | None = None,
    ) -> Value:
        raise NotImplementedError

    def attribute(self, value: Value, name: str, node: Node) -> Value:
        raise NotImplementedError

    def run_module(self, state: ModuleState) -> None:
        raise NotImplementedError

    # Objects

    def obj(self, value: Value) -> Obj | None:
        ref = value.ref
        if ref is None:
            return None
        return self.env.heap.get(ref) or self.program.heap.get(ref)

    def new(self, obj: Obj, kind: str = "") -> Value:
        """A value for a new object."""
        ref = self.joiner.fresh()
        self.env.heap[ref] = obj
        return Value(ref=ref, type=kind or obj.kind)

    def put(self, value: Value, obj: Obj) -> None:
        """Replace the object of a value; what modules share keeps what it had as well."""
        ref = value.ref
        self.env.heap[ref] = obj
        if ref in self.program.heap and self.frame.depth >= 0:
            old = self.program.heap[ref]
            if len(old.items) < 200 and self.concrete(obj):
                self.program.heap[ref] = obj

    def concrete(self, obj: Obj) -> bool:
        """Whether nothing in it belongs to one call only."""
        values = list(obj.items.values())
        if obj.rest is not None:
            values.append(obj.rest)
        return all(
            value.ref is None and all(token.root().index < 0 for token in value.taint or ())
            for value in values
        )

    # Taint

    def deep(self, value: Value, depth: int = 0) -> Taint | None:
        """The taint of a value and of everything in it."""
        taint = value.taint
        if value.ref is not None and depth < _DEEP:
            obj = self.obj(value)
            if obj is not None:
                for item in obj.items.values():
                    if item.taint or item.ref is not None:
                        taint = merge_taint(taint, self.deep(item, depth + 1))
                if obj.rest is not None:
                    taint = merge_taint(taint, self.deep(obj.rest, depth + 1))
        return taint

    def trace(self, trace: Trace, reason: str, node: Node) -> Trace:
        return step(trace, reason, self.frame.module.path, node[1], node[2])

    def moved(
        self, taint: Taint | None, reason: str, node: Node, keep: int = -1, add: int = 0
    ) -> Taint | None:
        """The taint after one more step. `keep`: mask of the bits that survive it."""
        if not taint:
            return None
        path, start, end = self.frame.module.path, node[1], node[2]
        return {
            token: ((mask & keep) | add, step(trace, reason, path, start, end))
            for token, (mask, trace) in taint.items()
        }

    def narrowed(self, taint: Taint | None, keep: int = -1, add: int = 0) -> Taint | None:
        """The taint with other bits, without a step."""
        if not taint:
            return None
        return {token: ((mask & keep) | add, trace) for token, (mask, trace) in taint.items()}

    def part(self, taint: Taint | None, key: str, node: Node) -> Taint | None:
        """The taint of what is under a key of something tainted."""
        if not taint:
            return None
        reason = f"what is under `{key}` is taken"
        return {
            token.part(key): (mask, self.trace(trace, reason, node))
            for token, (mask, trace) in taint.items()
        }

    def union(self, values: Iterable[Value]) -> Taint | None:
        """The taint of values that go into one; none of them is the whole of it."""
        taint: Taint | None = None
        for value in values:
            taint = merge_taint(taint, self.deep(value))
        return self.narrowed(taint, ~7)

    # Names

    def shared_under(self, name: str) -> Value | None:
        """What was stored under a name of a library."""
        found = self.shared.get(name)
        if found is not None:
            self.tracker.read(("shared", name))
        return found

    def force(self, value: Value) -> Value:
        """What an imported name means."""
        seen = 0
        while isinstance(value, Imported) and seen < 10:
            value = self.module_member(value.module, value.wanted)
            seen += 1
        return UNKNOWN if isinstance(value, Imported) else value

    def module_member(self, state: ModuleState, name: str) -> Value:
        """A name of a module of the project: a variable, a submodule, or nothing known."""
        if not name:
            return Value(obj=ModuleRef(state))
        self.run_module(state)
        found = state.vars.get(name)
        self.tracker.read_variable(state.path, name)
        if found is not None:
            return found
        if state.path.endswith("/__init__.py") or state.path == "__init__.py":
            folder = state.folder
            below = self.program.at(f"{folder}/{name}" if folder else name)
            if below is not None:
                return Value(obj=ModuleRef(below))
        return UNKNOWN

    def token(
        self, label: str, what: str, key: str, node: Node, confidence: Any, scope: Any = None
    ) -> Token:
        """The token of a source: one for the same source in the same function."""
        frame = self.frame
        path = frame.module.path
        if scope is None:
            if not frame.number:
                frame.number = self.joiner.fresh()
            place = (label, what, key, path, frame.number)
        else:
            place = (label, what, key, path, scope, node[1])
        found = self.tokens.get(place)
        if found is None:
            found = Token(label, what, key, path, node[1], node[2], confidence)
            self.tokens[place] = found
        return found

    def tainted(self, token: Token, node: Node, mask: int = 0, reason: str = "") -> Taint:
        trace = self.trace(None, reason or f"{token.what} comes in", node)
        return {token: (mask | WHOLE, trace)}

    # Facts

    def facts_for(self, token: Token) -> int:
        """The kinds that tests on this way have cleared a token of."""
        facts = self.env.facts
        mask = 0
        one: Token | None = token
        while one is not None:
            mask |= facts.get(one, 0)
            one = one.parent
        return mask

    def whole_tokens(self, value: Value, bit: int = WHOLE) -> list[Token]:
        """Tokens whose whole the value is."""
        return [token for token, (mask, _) in (value.taint or {}).items() if mask & bit]


Callback = Callable[..., Value]
Keywords = Mapping[str, Value]
