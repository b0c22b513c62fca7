"""JavaScript's functions: what their parameters hold, and those that libraries call back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from headgate.model.finding import Confidence
from headgate.scan.flow.core import Frame
from headgate.scan.flow.env import Env
from headgate.scan.flow.findings import ASSUMED, BUILT, Hit
from headgate.scan.flow.javascript_objects import JavaScriptObjects, functions_in, symbolic
from headgate.scan.flow.program import FunctionRef, free_names
from headgate.scan.flow.sinks import Arguments, dotted
from headgate.scan.flow.transfer import Inward, Summary
from headgate.scan.flow.values import UNKNOWN, WHOLE, Obj, Trace, Value
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Node
from headgate.scan.packs.schema import Propagator

_COMPOSED = frozenset(
    {
        "sql-injection", "nosql-injection", "command-injection", "code-injection", "xss",
        "template-injection", "xpath-injection", "ldap-injection", "prompt-injection",
    }
)  # fmt: skip
"""Kinds of texts that one function composes and another, which many use, hands on."""
_LISTENING = frozenset({"on", "once", "addListener", "addEventListener", "emit"})
_EVENTS = frozenset({"data", "entry", "connection", "field"})
_MESSAGING = frozenset({"addEventListener", "ws", "wss", "socket", "WebSocket"})
_ANSWERING = frozenset(
    {"res", "response", "reply", "ctx", "context", "h", "c", "Response", "NextResponse", "resp"}
)
"""Names of what a caller is answered with."""
ASKING = frozenset({"query", "execute", "all"})
_ERRORS = frozenset({"err", "error", "e"})
_DEEPEST_MAKER = 6
"""Calls within calls in which functions that make functions are followed."""


class JavaScriptFunctions(JavaScriptObjects):
    """Functions as values."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._makers: dict[tuple[str, int], bool] = {}
        self._unknowing = 0
        """Calls around, one in another, of functions that libraries call with what is not known."""
        self._well_made: set[tuple[str, int]] = set()
        self.rooted: Node | None = None
        """The function that is looked at by itself, not for a call of it."""
        self.within: list[Node] = []
        """The functions that are being run, the innermost last."""

    def closure(self, function: Node) -> Value:
        value = super().closure(function)
        ref: FunctionRef = value.obj
        self.nested.append((ref, None))
        made = self.made.setdefault(ref.module.path, {})
        place = (ref.module.path, function[1])
        alone = self._unknowing or (len(self.within) == 1 and self.within[0] is self.rooted)
        if not alone:
            # What a caller gave the function around it is better known than what nobody gave it.
            self._well_made.add(place)
        if not alone or place not in self._well_made:
            made[function[1]] = (ref, None)
        return value

    def _summary(self, ref: FunctionRef, frame: Frame, heap_before: dict[Any, Obj]) -> Summary:
        """What functions made here hold is kept: they are called later."""
        summary = super()._summary(ref, frame, heap_before)
        out = frame.out or self.env
        for inner, _ in self.nested:
            if inner.frame is frame and inner.captured is not None:
                self.keep_captured(inner, out.vars, out.heap)
        return summary

    def _worth(
        self,
        function: Node,
        args: list[Value],
        keywords: dict[str, Value],
        extra: Value | None,
        ref: FunctionRef,
    ) -> bool:
        if super()._worth(function, args, keywords, extra, ref) or listens(function[11]):
            return True
        if self.shallow:
            return False
        if self.frame.depth < _DEEPEST_MAKER and self._makes(ref):
            return True
        if ref.captured is None:
            return False
        # What comes in may be in a variable around the function.
        frame = ref.frame
        around = ref.captured if frame is None or frame.env is None else frame.env.vars
        held = (around.get(name) for name in free_names(function))
        return any(one is not None and one.taint for one in held)

    def _apply(
        self, summary: Summary, inward: Inward, node: Node, name: str, ref: FunctionRef
    ) -> Value:
        if summary.hits:
            composed = _composed(inward)
            if composed or any(one.kind == "mass-assignment" for one in summary.hits):
                hits = [self._brought(hit, composed, node) for hit in summary.hits]
                summary = summary.with_hits(hits)
        # Objects that everything hangs on are dear to carry in and out: that counts as work.
        for held in (*inward.heap.values(), *summary.changed.values()):
            self.steps += 4 * len(held.items)
        return super()._apply(summary, inward, node, name, ref)

    def _analyse(
        self,
        ref: FunctionRef,
        bound: list[tuple[Node, Value | None]],
        captured: dict[str, Value] | None,
        inward: Inward,
    ) -> Summary:
        self.within.append(ref.node)
        try:
            return super()._analyse(ref, bound, captured, inward)
        finally:
            self.within.pop()

    def call(
        self,
        function: Value,
        args: list[Value],
        keywords: dict[str, Value],
        node: Node,
        extra: Value | None = None,
    ) -> Value:
        known = function.name or function.obj or function.taint or function.ref is not None
        if not known and any(one.taint for one in args) and not any(map(symbolic, args)):
            # A callback of whoever calls: they are looked at again.
            self.published.update(one[3] for one in self.within if one[3])
        return super().call(function, args, keywords, node, extra)

    def _carries(
        self,
        function: Node,
        args: list[Value],
        keywords: dict[str, Value],
        extra: Value | None,
    ) -> bool:
        if not super()._carries(function, args, keywords, extra):
            return False
        if not function[11].isdisjoint(self.rules.source_tails):
            return True
        # The text of an error is followed where that costs little only.
        values = [*args, *keywords.values(), *([extra] if extra is not None else [])]
        return any(
            token.root().label != "error" for one in values for token in self.deep(one) or ()
        )

    def _brought(self, hit: Hit, composed: set[int], node: Node) -> Hit:
        """What a function only hands on to a database, a shell or a model is told where its
        caller put the text together: there it is wrong, and there it is mended."""
        root = hit.token.root().index
        handed = hit.kind in _COMPOSED and root in composed and not is_composed(hit.trace)
        if not handed and (hit.kind != "mass-assignment" or self.frame.depth):
            return hit
        place = node[3] if node[0] == ir.CALL and node[3][0] == ir.CALL else node
        if place[0] != ir.CALL or place[1] == place[2]:
            return hit
        return replace(
            hit, path=self.frame.module.path, start=place[1], end=place[2], sink=dotted(place[3])
        )

    def _makes(self, ref: FunctionRef) -> bool:
        """Whether what it makes are functions, or an object that has some."""
        place = (ref.module.path, ref.node[1])
        found = self._makers.get(place)
        if found is None:
            found = self._makers[place] = _gives_functions(ref.node[5])
        return found

    def enter(self, parameter: Node, value: Value | None) -> None:
        if value is None or value is UNKNOWN:
            typed = self.typed_parameter(parameter)
            if typed is not None:
                value = typed
        super().enter(parameter, value)

    def typed_parameter(self, parameter: Node) -> Value | None:
        """What a parameter with a conventional name holds: `req`, `res`, `ctx`."""
        target = parameter[3]
        if target[0] != ir.NAME:
            return None
        for selector, kind, _ in self.rules.typed_params:
            named = target[3] in selector.named
            if named and not (selector.annotation or selector.default or selector.decorator):
                return Value(type=kind)
        return None

    def callback(self, function: Value, others: list[Value], node: Node) -> Value:
        """A function that a library calls: with what is not known, or an error before it."""
        refs = functions_in(function)
        parameters: Sequence[Node] = refs[0].node[4] if refs else ()
        if len(parameters) > 1 and _name_of(parameters[0]) in _ERRORS:
            wrong = self.error(node, refs[0].node)
            return self.calls_back(function, [wrong, *self._rows(node)], node)
        return self.calls_back(function, [], node)

    def _rows(self, node: Node) -> list[Value]:
        """`db.query(sql, (error, rows) => …)`"""
        if node[0] != ir.CALL or dotted(node[3]).rpartition(".")[2] not in ASKING:
            return []
        token = self.token("stored", "a row of the database", "", node, Confidence.MEDIUM)
        mask = self.rules.all & ~self.rules.mask(("xss",))
        return [Value(self.tainted(token, node, mask), type="list")]

    def error(self, node: Node, function: Node) -> Value:
        """What a library says that went wrong, where a function may tell a caller."""
        if function[11].isdisjoint(_ANSWERING):
            return UNKNOWN
        return super()._caught(None, node, ())

    def _caught(self, kind: Node | None, node: Node, raised: Sequence[tuple[Env, Value]]) -> Value:
        if self.within and self.within[-1][11].isdisjoint(_ANSWERING):
            return Value(name="*.exception", type="Exception")
        return super()._caught(kind, node, raised)

    def report(self, hit: Hit) -> None:
        if hit.kind == "error-exposure" and _assumed(hit.trace) > 1:
            return
        super().report(hit)

    def calls_back(self, function: Value, args: list[Value], node: Node) -> Value:
        """Call a callback; whether it comes back says nothing of what follows here."""
        refs = functions_in(function)
        if not refs:
            return UNKNOWN
        count = len(refs[0].node[4])
        padded = [*args, *[UNKNOWN] * max(0, count - len(args))]
        self._unknowing += count > 0 and not args
        try:
            call = (ir.CALL, node[1], node[2], node, (), (), False)
            result = self.call(function, padded, {}, call)
        finally:
            self._unknowing -= count > 0 and not args
        self.dead = False
        return result

    def _propagate(
        self, rule: Propagator, given: Arguments, node: Node, shown: str
    ) -> Value | None:
        recv = given[0]
        if rule.calls is not None:
            return None
        if rule.sources == ("none",) and recv is not None and (recv.taint or recv.ref is not None):
            # A list or text that came in, not a store that is asked.
            return None
        found = super()._propagate(rule, given, node, shown)
        if found is not None and found.taint and "URLSearchParams" in rule.call:
            # Taken apart: each part is all of what was sent for it.
            return Value(self.narrowed(found.taint, -1, WHOLE), type=found.type)
        return found


def _name_of(parameter: Node) -> str:
    target = parameter[3]
    return target[3] if target[0] == ir.NAME else ""


def listens(mentions: frozenset[str]) -> bool:
    """Whether something may be listened to that arrives: by the names and short texts in it."""
    if mentions.isdisjoint(_LISTENING):
        return False
    if not mentions.isdisjoint(_EVENTS):
        return True
    return "message" in mentions and not mentions.isdisjoint(_MESSAGING)


def _composed(inward: Inward) -> set[int]:
    """Of the tokens that a call passes in: those in texts that its caller put together."""
    return {index for index, trace in enumerate(inward.traces) if is_composed(trace)}


def _assumed(trace: Trace) -> int:
    """Steps of a way that are taken for true without being known."""
    count = 0
    while trace is not None:
        count += ASSUMED in trace[1]
        trace = trace[0]
    return count


def is_composed(trace: Trace) -> bool:
    while trace is not None:
        if trace[1] in BUILT:
            return True
        trace = trace[0]
    return False


def _gives_functions(body: Sequence[Node]) -> bool:
    """Whether a body returns functions, or puts some on `this`."""
    waiting = list(body)
    while waiting:
        node = waiting.pop()
        op = node[0]
        if op == ir.RETURN and node[3] is not None:
            if _is_function(node[3]):
                return True
        elif op == ir.ASSIGN and node[4] is not None:
            for target in node[3]:
                on_this = target[0] == ir.ATTR and target[3][0] == ir.NAME
                if on_this and target[3][3] == "this" and _is_function(node[4]):
                    return True
        elif op == ir.IF:
            waiting += (*node[4], *node[5])
        elif op in (ir.BLOCK, ir.TRY):
            waiting += node[3]
    return False


def _is_function(node: Node) -> bool:
    if node[0] == ir.MAP:
        return any(value[0] == ir.LAMBDA for _, value in node[3])
    return node[0] in (ir.LAMBDA, ir.CLASS_EXPR)
