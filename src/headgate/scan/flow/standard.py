"""Python's standard library where data takes a turn: templates of texts, functions of functions."""

from __future__ import annotations

import re
from collections.abc import Callable

from headgate.scan.flow.builtins import Builtins, Partial
from headgate.scan.flow.values import UNKNOWN, Value, merge_taint
from headgate.scan.ir.nodes import Node

_TEMPLATE = "string.Template"
_DEFAULTS = "collections.defaultdict"
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
        return None

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
