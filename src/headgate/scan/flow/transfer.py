"""Values on their way into a function and back: a caller's tokens and objects get numbers, so that
one analysis of the function serves every call that looks the same."""

from __future__ import annotations

from typing import Any

from headgate.scan.flow.builtins import Partial
from headgate.scan.flow.findings import Hit
from headgate.scan.flow.program import ClassRef, FunctionRef, ModuleRef, free_names
from headgate.scan.flow.values import (
    MAX_TOKENS,
    SYMBOLS,
    Cond,
    Facts,
    Obj,
    Taint,
    Token,
    Trace,
    Value,
    merge_taint,
    step,
)

_DEPTH = 5
_WIDE = 40
_MANY = 100


class Summary:
    """What a function does with the values it is given."""

    __slots__ = ("changed", "cond", "facts", "heap", "hits", "returns", "value", "writes")

    def __init__(self) -> None:
        self.value: Value | None = None
        self.heap: dict[Any, Obj] = {}
        self.changed: dict[Any, Obj] = {}
        self.facts: Facts = {}
        self.cond: Cond | None = None
        self.hits: list[Hit] = []
        self.writes: list[tuple[Any, str, Value]] = []
        self.returns = True

    def with_hits(self, hits: list[Hit]) -> Summary:
        """The same, with other hits."""
        out = Summary()
        for name in Summary.__slots__:
            setattr(out, name, getattr(self, name))
        out.hits = hits
        return out


class Inward:
    """Renames what a call passes in."""

    def __init__(self, heap: dict[Any, Obj], shared: dict[Any, Obj], *, widen: bool) -> None:
        self._from = heap
        self._shared = shared
        self._widen = widen
        self.tokens: list[Token] = []
        self.traces: list[Trace] = []
        self._index: dict[Token, int] = {}
        self.refs: dict[Any, Any] = {}
        """The caller's number of an object → its number inside."""
        self.heap: dict[Any, Obj] = {}

    def value(self, value: Value, depth: int = 0) -> tuple[Value, Any]:
        """The value as the function sees it, and what tells it from another."""
        taint, key = self._taint(value.taint)
        consts = (
            None
            if self._widen and value.consts not in ((None,), (True,), (False,))
            else value.consts
        )
        ref, inner = self._object(value.ref, depth)
        obj, object_key = self._callable(value.obj, depth)
        recv = None
        recv_key: Any = None
        if value.recv is not None and depth < _DEPTH:
            recv, recv_key = self.value(value.recv, depth + 1)
        text = None if self._widen else value.text
        out = Value(taint, consts, ref, value.type, value.name, obj, recv, text)
        typed = None
        if consts is not None:
            typed = tuple((type(one).__name__, one) for one in consts)
        return out, (key, typed, inner, value.type, value.name, object_key, recv_key, text)

    def _taint(self, taint: Taint | None) -> tuple[Taint | None, Any]:
        if not taint:
            return None, None
        out: Taint = {}
        key: list[tuple[int, int]] = []
        for token, (mask, trace) in taint.items():
            index = self._index.get(token)
            if index is None:
                if len(self.tokens) < MAX_TOKENS:
                    index = len(self.tokens)
                    self.tokens.append(token)
                    self.traces.append(trace)
                else:
                    index = MAX_TOKENS - 1
                self._index[token] = index
            symbol = SYMBOLS[index]
            old = out.get(symbol)
            out[symbol] = (mask if old is None else mask & old[0], None)
            key.append((index, mask))
        return out, tuple(key)

    def _object(self, ref: Any, depth: int) -> tuple[Any, Any]:
        if ref is None:
            return None, None
        known = self.refs.get(ref)
        if known is not None:
            return known, known
        obj = self._from.get(ref)
        if obj is None:
            # What modules hold is found by its number everywhere.
            return ref, ref
        number = ("in", len(self.refs))
        self.refs[ref] = number
        if depth >= _DEPTH or len(obj.items) > _WIDE or len(self.refs) > _MANY:
            taint: Taint | None = None
            for item in obj.items.values():
                taint = merge_taint(taint, item.taint)
            if obj.rest is not None:
                taint = merge_taint(taint, obj.rest.taint)
            taint, key = self._taint(taint)
            self.heap[number] = Obj(obj.kind, {}, Value(taint), obj.cls, True)
            return number, (obj.kind, key)
        items: dict[Any, Value] = {}
        keys: list[Any] = []
        for name, item in obj.items.items():
            items[name], key = self.value(item, depth + 1)
            keys.append((name, key))
        rest, rest_key = None, None
        if obj.rest is not None:
            rest, rest_key = self.value(obj.rest, depth + 1)
        self.heap[number] = Obj(obj.kind, items, rest, obj.cls, obj.open)
        return number, (obj.kind, tuple(keys), rest_key, obj.cls, obj.open)

    def _callable(self, obj: Any, depth: int) -> tuple[Any, Any]:
        if obj is None:
            return None, None
        if isinstance(obj, FunctionRef):
            place = (obj.module.path, obj.node[1])
            bound: Value | None = None
            bound_key: Any = None
            if obj.bound is not None and depth < _DEPTH:
                bound, bound_key = self.value(obj.bound, depth + 1)
            captured, keys = self.captured(obj, depth)
            if captured is None and bound is None:
                return obj, place
            ref = FunctionRef(obj.module, obj.node, obj.cls, captured, None, bound)
            return ref, (place, bound_key, keys)
        if isinstance(obj, tuple):
            pairs = [self._callable(one, depth) for one in obj]  # pyright: ignore[reportUnknownVariableType]
            return tuple(one for one, _ in pairs), tuple(key for _, key in pairs)
        if isinstance(obj, Partial) and depth < _DEPTH:
            function, key = self.value(obj.function, depth + 1)
            args = [self.value(one, depth + 1) for one in obj.args]
            named = {name: self.value(one, depth + 1) for name, one in obj.keywords.items()}
            partial = Partial(
                function, [one for one, _ in args], {name: one for name, (one, _) in named.items()}
            )
            return partial, (
                key, tuple(k for _, k in args), tuple((n, k) for n, (_, k) in named.items()),
            )  # fmt: skip
        if isinstance(obj, ModuleRef):
            return obj, obj.state.path
        if isinstance(obj, ClassRef):
            return obj, (obj.module.path, obj.node[1])
        return obj, obj

    def captured(self, ref: FunctionRef, depth: int = 0) -> tuple[dict[str, Value] | None, Any]:
        """What a function closes over, of what it uses."""
        source = ref.captured
        chain: list[dict[str, Value]] = []
        frame = ref.frame
        if frame is not None and frame.env is not None:
            source = frame.env.vars
        if source is not None:
            chain.append(source)
        closure = frame.closure if frame is not None else None
        while closure is not None and len(chain) < 5:
            inner = closure.frame
            if inner is not None and inner.env is not None:
                chain.append(inner.env.vars)
            elif closure.captured is not None:
                chain.append(closure.captured)
            closure = inner.closure if inner is not None else None
        if not chain or depth >= _DEPTH:
            return None, None
        ref.module.tracker.now.touched.add((ref.module.path, ref.node[1]))
        out: dict[str, Value] = {}
        keys: list[Any] = []
        for name in sorted(free_names(ref.node)):
            for one in chain:
                found = one.get(name)
                if found is not None:
                    if found.obj is ref:
                        break
                    out[name], key = self.value(found, depth + 1)
                    keys.append((name, key))
                    break
        return out, tuple(keys)


def _used(function: FunctionRef, captured: dict[str, Value]) -> dict[str, Value]:
    """What a function uses of the names where it was defined, and of those around."""
    out: dict[str, Value] = {}
    frame = function.frame
    around = frame.closure.captured if frame is not None and frame.closure is not None else None
    for name in free_names(function.node):
        found = captured.get(name)
        if found is None and around is not None:
            found = around.get(name)
        if found is not None:
            out[name] = found
    return out


class Outward:
    """Turns what a function gives back into the caller's values."""

    def __init__(
        self,
        inward: Inward,
        summary: Summary,
        fresh: Any,
        heap: dict[Any, Obj],
        place: tuple[str, int, int],
        name: str,
        *,
        root: bool = False,
    ) -> None:
        self._root = root
        self._inward = inward
        self._summary = summary
        self._fresh = fresh
        self._heap = heap
        self._place = place
        self._name = name
        self.refs = {number: ref for ref, number in inward.refs.items()}
        self._into: dict[int, Trace] = {}
        self._whole: dict[tuple[int, int], Trace] = {}
        """By token and by the trace inside, which lives as long as the summary."""
        self._taints: dict[int, Taint] = {}

    def token(self, token: Token) -> Token:
        """The caller's token."""
        if token.parent is not None:
            return self.token(token.parent).part(token.key.rpartition(".")[2])
        if token.index < 0:
            return token
        if token.index < len(self._inward.tokens):
            return self._inward.tokens[token.index]
        return token

    def entered(self, index: int) -> Trace:
        """The trace of a caller's token, up to the inside of the function."""
        found = self._into.get(index)
        if found is None:
            trace = self._inward.traces[index] if index < len(self._inward.traces) else None
            found = trace
            if not self._root:
                found = step(trace, f"it is passed into `{self._name}`", *self._place)
            self._into[index] = found
        return found

    def trace(self, token: Token, trace: Trace) -> Trace:
        """The whole trace: the caller's, then the function's."""
        index = token.root().index
        if index < 0:
            return trace
        steps: list[Any] = []
        out: Trace = None
        while True:
            if trace is None:
                out = self.entered(index)
                break
            known = self._whole.get((index, id(trace)))
            if known is not None:
                out = known
                break
            steps.append(trace)
            trace = trace[0]
        for one in reversed(steps):
            out = step(out, one[1], one[2], one[3], one[4])
            self._whole[index, id(one)] = out
        return out

    def taint(self, taint: Taint | None) -> Taint | None:
        if not taint:
            return None
        known = self._taints.get(id(taint))
        if known is not None:
            return known
        out: Taint = {}
        for token, (mask, trace) in taint.items():
            whole = self.trace(token, trace)
            if trace is not None or token.root().index < 0:
                whole = step(whole, f"`{self._name}` returns it", *self._place)
            mine = self.token(token)
            old = out.get(mine)
            out[mine] = (mask if old is None else mask & old[0], whole)
        self._taints[id(taint)] = out
        return out

    def facts(self, facts: Facts | None) -> Facts | None:
        if facts is None:
            return None
        return {self.token(token): mask for token, mask in facts.items()}

    def value(self, value: Value, depth: int = 0) -> Value:
        plain = value.ref is None and value.obj is None and value.recv is None
        if plain and not value.taint:
            return value
        ref = self.ref(value.ref, depth)
        recv = (
            self.value(value.recv, depth + 1) if value.recv is not None and depth < _DEPTH else None
        )
        return Value(
            self.taint(value.taint), value.consts, ref, value.type, value.name,
            self._obj(value.obj, depth), recv, value.text,
        )  # fmt: skip

    def ref(self, ref: Any, depth: int) -> Any:
        if ref is None:
            return None
        known = self.refs.get(ref)
        if known is not None:
            return known
        obj = self._summary.heap.get(ref)
        if obj is None or depth > _DEPTH + 2:
            return ref
        number = self._fresh()
        self.refs[ref] = number
        self._heap[number] = self.object(obj, depth)
        return number

    def object(self, obj: Obj, depth: int = 0) -> Obj:
        items = {name: self.value(item, depth + 1) for name, item in obj.items.items()}
        rest = self.value(obj.rest, depth + 1) if obj.rest is not None else None
        return Obj(obj.kind, items, rest, obj.cls, obj.open)

    def _obj(self, obj: Any, depth: int) -> Any:
        if isinstance(obj, FunctionRef) and depth < _DEPTH:
            captured = obj.captured
            if obj.frame is not None and captured is not None:
                captured = _used(obj, captured)
            if captured is None and obj.bound is None:
                return obj
            return FunctionRef(
                obj.module,
                obj.node,
                obj.cls,
                {
                    n: self.value(v, depth + 1)
                    for n, v in (captured or {}).items()
                    if v.obj is not obj
                },
                None,
                self.value(obj.bound, depth + 1) if obj.bound is not None else None,
            )
        if isinstance(obj, tuple):
            return tuple(self._obj(one, depth) for one in obj)  # pyright: ignore[reportUnknownVariableType]
        if isinstance(obj, Partial) and depth < _DEPTH:
            return Partial(
                self.value(obj.function, depth + 1),
                [self.value(one, depth + 1) for one in obj.args],
                {name: self.value(one, depth + 1) for name, one in obj.keywords.items()},
            )
        return obj
