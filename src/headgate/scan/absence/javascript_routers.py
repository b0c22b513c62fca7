"""The routers of a JavaScript program: what they use, and where they are mounted."""

from __future__ import annotations

import re
from collections.abc import Iterable

from headgate.model.record import record
from headgate.scan.absence.javascript_names import (
    Fn,
    Scripts,
    option,
    snake,
    text_of,
)
from headgate.scan.absence.names import last_name
from headgate.scan.flow.program import ModuleState
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Node
from headgate.scan.late import late

VERBS = {
    "get": "GET", "post": "POST", "put": "PUT", "patch": "PATCH", "delete": "DELETE",
    "del": "DELETE", "all": "ALL", "head": "GET",
}  # fmt: skip
_ROUTER = late(
    r"(app|server|fastify|instance|api|routes?|\w*router|\w*routes|\w*_app|\w*_api|v\d)",
    re.IGNORECASE,
)
_MAKES = late(r"^(express|Router|fastify|Fastify|Koa|KoaRouter|restify|connect|createServer)$")
HOOKS = frozenset({"onRequest", "preHandler", "preValidation", "preParsing"})
_DEPTH = 3

Key = tuple[str, str]
"""A router: the file and the variable that holds it."""


@record(frozen=False)
class _Mount:
    parent: Key
    at: int
    prefix: str
    inline: list[tuple[ModuleState, Node]]


@record(frozen=False)
class _Use:
    at: int
    prefix: str
    given: list[tuple[ModuleState, Node]]
    always: bool = False
    """A hook, which counts for what is registered before it as well."""


class Routers:
    """What was registered with each router, wherever that was written."""

    def __init__(self, scripts: Scripts) -> None:
        self.scripts = scripts
        self.uses: dict[Key, list[_Use]] = {}
        self.mounts: dict[Key, list[_Mount]] = {}

    def router(self, state: ModuleState, node: Node) -> Key | None:
        """The router that an expression is, when it is one."""
        if node[0] == ir.CALL:
            # `router.route("/a").get(…)`, `express().use(…)`
            return self.router(state, node[3][3]) if node[3][0] == ir.ATTR else None
        if node[0] == ir.ATTR and node[3][0] == ir.NAME and node[3][3] == "this":
            return (state.path, node[4]) if _ROUTER.fullmatch(snake(node[4])) else None
        if node[0] != ir.NAME:
            return None
        value = self.scripts.table(state).values.get(node[3])
        made = value is not None and value[0] == ir.CALL and _MAKES.match(last_name(value[3]))
        key = (state.path, node[3])
        if made or key in self.mounts or _ROUTER.fullmatch(snake(node[3])):
            return key
        return None

    def _exported_router(self, state: ModuleState, node: Node) -> Key | None:
        """The router that an imported name or a call of `require` stands for."""
        if node[0] == ir.ATTR and node[4] == "routes":
            return self._exported_router(state, node[3])
        if node[0] == ir.CALL and node[3][0] == ir.ATTR and node[3][4] == "routes":
            return self._exported_router(state, node[3][3])
        if node[0] != ir.NAME:
            return None
        given = self.scripts.table(state).imports.get(node[3])
        if given is None:
            return self.router(state, node)
        target = self.scripts.program.resolve(state.folder, given[0])
        if target is None:
            return None
        exports = self.scripts.table(target).exports
        value = exports.get(given[1] or "default") or exports.get("default")
        if value is not None and value[0] == ir.MAP:
            value = next(
                (v for k, v in value[3] if k is not None and k[3] == (given[1] or "router")), None
            )
        return self.router(target, value) if value is not None else None

    def register(self, state: ModuleState, node: Node) -> None:
        """Take in a call that may tell what a router uses, or where it is mounted."""
        target = node[3]
        if target[0] == ir.ATTR:
            key = self.router(state, target[3])
            if key is not None and target[4] in ("use", "register"):
                self._used(key, state, node)
            hook = key is not None and target[4] == "addHook" and len(node[4]) == 2
            if key is not None and hook and text_of(node[4][0]) in HOOKS:
                self._use(key, _Use(node[1], "", [(state, node[4][1])], always=True))
        self._given_away(state, node, target)

    def _use(self, key: Key, use: _Use) -> None:
        self.uses.setdefault(key, []).append(use)

    def _used(self, key: Key, state: ModuleState, node: Node) -> None:
        args = list(node[4])
        prefix = ""
        if args and (text := text_of(args[0])) is not None:
            prefix = text
            args = args[1:]
        if (given := option(node, "prefix")) is not None:
            prefix = text_of(given) or ""
        routers = [(one, found) for one in args if (found := self._exported_router(state, one))]
        plain = [(state, one) for one in args if all(one is not other for other, _ in routers)]
        for _, found in routers:
            if found != key:
                self.mounts.setdefault(found, []).append(_Mount(key, node[1], prefix, plain))
        if not routers:
            functions = [fn for _, one in plain for fn in self.scripts.functions(state, one)]
            if node[3][4] == "register" and functions:
                self._plugin(key, node[1], prefix, functions)
            else:
                self._use(key, _Use(node[1], prefix, plain))

    def _plugin(self, key: Key, at: int, prefix: str, functions: Iterable[Fn]) -> None:
        for fn in functions:
            name = fn.parameters[0] if fn.parameters else ""
            if name and (fn.state.path, name) != key:
                mount = _Mount(key, at, prefix, [])
                self.mounts.setdefault((fn.state.path, name), []).append(mount)

    def _given_away(self, state: ModuleState, node: Node, target: Node) -> None:
        """`require("./routes")(app)`"""
        keys = [(i, key) for i, one in enumerate(node[4]) if (key := self.router(state, one))]
        if not keys or (target[0] == ir.ATTR and target[4] in VERBS.keys() | {"use", "register"}):
            return
        callee = self.scripts.callee(state, node)
        if callee is None:
            return
        for index, key in keys:
            if index < len(callee.parameters) and callee.parameters[index]:
                child = (callee.state.path, callee.parameters[index])
                if child != key:
                    self.mounts.setdefault(child, []).append(_Mount(key, node[1], "", []))

    def before(
        self, key: Key, at: int, pattern: str, depth: int = 0
    ) -> tuple[str, list[tuple[ModuleState, Node]]]:
        """The whole pattern, and what the router and those above it run before a route."""
        found: list[tuple[ModuleState, Node]] = []
        for use in self.uses.get(key, ()):
            if (use.at < at or use.always) and _below(use.prefix, pattern):
                found += use.given
        mounts = self.mounts.get(key, ()) if depth < _DEPTH else ()
        whole = pattern
        above: list[tuple[ModuleState, Node]] = []
        for index, mount in enumerate(mounts):
            path = _joined(mount.prefix, pattern)
            upper, outer = self.before(mount.parent, mount.at, path, depth + 1)
            if index == 0:
                whole, above = upper, [*outer, *mount.inline]
            else:
                # Mounted twice: only what runs before it everywhere protects it.
                there = [*outer, *mount.inline]
                above = [one for one in above if any(one[1] is other[1] for other in there)]
        return whole, [*above, *found]


def _joined(prefix: str, pattern: str) -> str:
    return f"{prefix.rstrip('/')}/{pattern.lstrip('/')}" if prefix else pattern


def _below(prefix: str, pattern: str) -> bool:
    """Whether a route is below the prefix of what is used."""
    prefix = prefix.rstrip("/*").rstrip("/")
    return not prefix or pattern == prefix or pattern.startswith(prefix + "/")
