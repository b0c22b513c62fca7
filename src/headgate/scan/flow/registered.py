"""Tables of routes: classes that a framework makes, and what it hands to each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headgate.scan.flow.env import Env
from headgate.scan.flow.program import PATTERNS, ClassRef, FunctionRef
from headgate.scan.flow.values import Obj, Value
from headgate.scan.ir.nodes import Node

if TYPE_CHECKING:
    from headgate.scan.flow.calls import Calls
    from headgate.scan.flow.core import Core

TABLES = {
    "tornado.web.Application": (0, "handlers"),
    "tornado.web.Application.add_handlers": (1, "host_handlers"),
    "tornado.web.url": (None, ""),
    "tornado.web.URLSpec": (None, ""),
    "tornado.routing.URLSpec": (None, ""),
    "tornado.routing.Rule": (None, ""),
}
"""Calls that take routes, and where; None: the call is itself one route."""
TAILS = frozenset(name.rpartition(".")[2] for name in TABLES)
_FILLED = "initialize"
"""The method that is called with what stands third in a route: `(pattern, Handler, {"db": db})`."""


def register(calls: Calls, name: str, given: Any, node: Node) -> None:
    """Remember the patterns of the classes in a table, and call what fills them."""
    place = TABLES.get(name)
    if place is None:
        return
    position, keyword = place
    _recv, args, keywords, _ = given
    if position is None:
        _route(calls, args, keywords, node)
        return
    table = keywords.get(keyword) or (args[position] if position < len(args) else None)
    for one in (calls.sequence(table, node) if table is not None else None) or ():
        items = calls.sequence(one, node)
        if items:
            _route(calls, items, {}, node)


def _route(calls: Calls, items: list[Value], keywords: dict[str, Value], node: Node) -> None:
    if len(items) < 2 or not isinstance(items[1].obj, ClassRef):
        return
    cls = items[1].obj
    pattern = items[0].consts[0] if items[0].consts else ""
    cls.patterns.append(pattern if isinstance(pattern, str) else "")
    cls.changes(PATTERNS)
    given = items[2] if len(items) > 2 else keywords.get("kwargs")
    method = cls.member(_FILLED)
    held = calls.obj(given) if given is not None else None
    if held is None or method is None or not isinstance(method.obj, FunctionRef):
        return
    bases = list(cls.library_bases())
    this = calls.new(Obj("instance", {}, None, cls, True), bases[0] if bases else "")
    named = {key: value for key, value in held.items.items() if isinstance(key, str)}
    calls.call(calls.bound(method, this, cls, node), [], named, node)
    calls.dead = False
    filled = calls.obj(this)
    for key, value in filled.items.items() if filled is not None else ():
        keep(calls, value)
        old = cls.fields.get(key)
        joined = Env({}, {}, calls.program.heap)
        cls.fields[key] = value if old is None else calls.joiner.values(old, value, joined)
        cls.changes(key)


def keep(calls: Core, value: Value, depth: int = 0) -> None:
    """Objects that outlive the function they were made in."""
    held = calls.env.heap.get(value.ref)
    if held is None or depth > 4:
        return
    calls.program.heap[value.ref] = held
    for item in (*held.items.values(), *((held.rest,) if held.rest is not None else ())):
        if item.ref is not None:
            keep(calls, item, depth + 1)
