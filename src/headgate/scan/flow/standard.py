"""Python's standard library where data takes a turn: templates of texts, functions of functions."""

from __future__ import annotations

import re
from collections.abc import Callable

from headgate.scan.flow.builtins import Builtins, Partial
from headgate.scan.flow.program import FunctionRef
from headgate.scan.flow.values import UNKNOWN, Obj, Value, constant, merge_taint
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Node

_TEMPLATE = "string.Template"
_DEFAULTS = "collections.defaultdict"
_QUEUES = frozenset(
    {
        "queue.Queue", "queue.SimpleQueue", "queue.LifoQueue", "queue.PriorityQueue",
        "asyncio.Queue", "multiprocessing.Queue", "multiprocessing.SimpleQueue",
    }
)  # fmt: skip
_LATER = frozenset({"delay", "delay_on_commit", "apply_async", "apply_async_on_commit", "s", "si"})
"""Methods that a decorator of a task queue gives a function, to call it elsewhere."""
_FIELDS = re.compile(r"\$(?:(\w+)|\{(\w+)\})")
_FOLDS = 12
"""Items that `functools.reduce` is followed over."""


class Standard(Builtins):
    """Functions and methods of the standard library."""

    def builtin(
        self,
        name: str,
        args: list[Value],
        keywords: dict[str, Value],
        node: Node,
        extra: Value | None,
    ) -> Value | None:
        if name in _QUEUES:
            return self.new(Obj("list", {}), name)
        handler = _FUNCTIONS.get(name)
        if handler is not None and args:
            return handler(self, args, keywords, node)
        return super().builtin(name, args, keywords, node, extra)

    def standard_method(
        self, recv: Value, name: str, args: list[Value], keywords: dict[str, Value], node: Node
    ) -> Value | None:
        """The result of a method of a type of this file; None: not known here."""
        if recv.type == _TEMPLATE and name in ("substitute", "safe_substitute"):
            return self._substituted(recv, args, keywords, node)
        if recv.type in _QUEUES:
            return self._queued(recv, name, args, node)
        if name in _LATER and isinstance(recv.obj, FunctionRef) and recv.obj.node[6]:
            return self._later(recv.obj, name, args, keywords, node)
        return None

    def _queued(self, recv: Value, name: str, args: list[Value], node: Node) -> Value | None:
        """What is put into a queue comes out of it, the first first."""
        if name in ("put", "put_nowait") and args:
            return self.method(recv, "append", args[:1], {}, node)
        if name in ("get", "get_nowait"):
            last = recv.type == "queue.LifoQueue"
            if recv.type == "queue.PriorityQueue":
                return self.iterate(recv, node)
            return self.method(recv, "pop", [] if last else [constant(0)], {}, node)
        return None

    def _later(
        self,
        ref: FunctionRef,
        name: str,
        args: list[Value],
        keywords: dict[str, Value],
        node: Node,
    ) -> Value:
        """A task that a worker runs with these arguments; the answer is a receipt."""
        if name.startswith("apply_async"):
            given = args[0] if args else keywords.get("args")
            named = args[1] if len(args) > 1 else keywords.get("kwargs")
            args = (self.sequence(given, node) or []) if given is not None else []
            held = self.obj(named) if named is not None else None
            items = held.items.items() if held is not None else ()
            keywords = {key: one for key, one in items if isinstance(key, str)}
        if _is_bound(ref):
            args = [UNKNOWN, *args]
        self.call(Value(obj=ref), args, keywords, node)
        self.dead = False
        return UNKNOWN

    def template(self, args: list[Value], keywords: dict[str, Value], node: Node) -> Value:
        text = args[0]
        known = text.consts[0] if text.consts and len(text.consts) == 1 else None
        return Value(text.taint, type=_TEMPLATE, text=known if isinstance(known, str) else None)

    def _substituted(
        self, recv: Value, args: list[Value], keywords: dict[str, Value], node: Node
    ) -> Value:
        taint = recv.taint
        wanted: set[str] | None = None
        if recv.text is not None:
            wanted = {one for pair in _FIELDS.findall(recv.text) for one in pair if one}
        values = [value for name, value in keywords.items() if wanted is None or name in wanted]
        for mapping in args:
            obj = self.obj(mapping)
            if obj is None or obj.open or wanted is None:
                values.append(mapping)
            else:
                values += [item for key, item in obj.items.items() if key in wanted]
        for value in values:
            taint = merge_taint(taint, self.deep(value))
        return Value(self.moved(taint, "it is put into a template", node, ~7), type="str")

    def reduced(self, args: list[Value], keywords: dict[str, Value], node: Node) -> Value:
        """`functools.reduce(function, items, first)`."""
        if len(args) < 2:
            return UNKNOWN
        items = self.sequence(args[1], node)
        if items is None or len(items) > _FOLDS or not (items or args[2:]):
            return Value(self.deep(args[1]))
        items = [*args[2:3], *items]
        result = items[0]
        for item in items[1:]:
            result = self.call(args[0], [result, item], {}, node)
        return result

    def getter(self, args: list[Value], keywords: dict[str, Value], node: Node) -> Value:
        """`operator.itemgetter(key)`."""
        if len(args) != 1:
            return UNKNOWN
        return Value(obj=Partial(Value(name="operator.itemgetter()"), [args[0]], {}))

    def got(self, args: list[Value], keywords: dict[str, Value], node: Node) -> Value:
        return self.item(args[1], args[0], node) if len(args) > 1 else UNKNOWN

    def elsewhere(self, args: list[Value], keywords: dict[str, Value], node: Node) -> Value:
        """`asyncio.to_thread(function, …)`: what the function returns, once it is awaited."""
        return self.call(args[0], args[1:], keywords, node)

    def defaults(self, args: list[Value], keywords: dict[str, Value], node: Node) -> Value:
        """`collections.defaultdict(factory)`."""
        value = self.dictionary(args[1:], keywords, node)
        factory = args[0].name
        kind = f"{_DEFAULTS}[{factory}]" if factory in ("list", "set", "dict") else _DEFAULTS
        return Value(value.taint, ref=value.ref, type=kind)

    def defaulted(self, value: Value, key: Value) -> None:
        """Make what a `defaultdict` makes when a key is new."""
        kind = value.type.removeprefix(_DEFAULTS).strip("[]")
        obj = self.obj(value)
        consts = key.consts
        if not kind or obj is None or consts is None or len(consts) != 1:
            return
        if consts[0] not in obj.items:
            made = self.dictionary([], {}, ()) if kind == "dict" else self.make_list([], kind)
            self.set_item(value, key, made)


_FUNCTIONS: dict[str, Callable[[Standard, list[Value], dict[str, Value], Node], Value]] = {
    _TEMPLATE: Standard.template,
    _DEFAULTS: Standard.defaults,
    "functools.reduce": Standard.reduced,
    "operator.itemgetter": Standard.getter,
    "operator.itemgetter()": Standard.got,
    "asyncio.to_thread": Standard.elsewhere,
    "anyio.to_thread.run_sync": Standard.elsewhere,
    "starlette.concurrency.run_in_threadpool": Standard.elsewhere,
    "fastapi.concurrency.run_in_threadpool": Standard.elsewhere,
}


def _is_bound(ref: FunctionRef) -> bool:
    """Whether the task itself comes first: `@task(bind=True)`."""
    return any(
        decorator[0] == ir.CALL
        and any(name == "bind" and value[0] == ir.CONST for name, value in decorator[5])
        for decorator in ref.node[6]
    )
