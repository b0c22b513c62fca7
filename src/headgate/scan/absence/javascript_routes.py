"""The routes of a JavaScript program, and what runs before each of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import field

from headgate.model.record import record
from headgate.scan.absence.javascript_matcher import covers, matchers
from headgate.scan.absence.javascript_names import (
    Fn,
    Scripts,
    option,
    snake,
    text_of,
    words_in,
)
from headgate.scan.absence.javascript_nest import actions, controllers
from headgate.scan.absence.javascript_routers import HOOKS, VERBS, Key, Routers
from headgate.scan.absence.names import last_name, walk
from headgate.scan.absence.words import Words
from headgate.scan.flow.program import ModuleState
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Node
from headgate.scan.late import late

CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_NEXT_ROUTE = late(r"(^|/)app/(.*/)?route\.[cm]?[jt]sx?$")
_NEXT_API = late(r"(^|/)pages/api/.*\.[cm]?[jt]sx?$")
_NEXT_BEFORE = late(r"^(.*/)?(middleware|proxy)\.[cm]?[jt]s$")
_DEPTH = 3
_MAX = 40
_TEXT = 400


@record(frozen=False, eq=False)
class Facts:
    """What functions of the project, and those that they call, are made of."""

    functions: list[Fn] = field(default_factory=list[Fn])
    words: set[str] = field(default_factory=set[str])
    """Names in them, in the way of `snake`."""
    texts: list[str] = field(default_factory=list[str])
    """Constant texts, lower case."""
    calls: set[str] = field(default_factory=set[str])
    """Last names of what is called, as they are written."""

    def has(self, pattern: Words | re.Pattern[str]) -> bool:
        return any(pattern.fullmatch(one) for one in self.words)

    def says(self, pattern: Words | re.Pattern[str]) -> bool:
        return any(pattern.search(one) for one in self.texts)


@record(frozen=False, eq=False)
class Route:
    """One way into the program."""

    state: ModuleState
    node: Node
    """Where it is registered, or its function."""
    end: int
    pattern: str
    method: str
    """`ALL` when it is not told."""
    handlers: list[Fn]
    facts: Facts
    before: list[tuple[ModuleState, Node]]
    """What runs before the handler, in order."""
    words: frozenset[str]
    """Names in what runs before, and in the functions of the project among it."""
    options: Node | None = None
    """Fastify's options."""
    guards: tuple[Fn, ...] = ()
    """Functions of the project that run before the handler."""

    @property
    def subject(self) -> str:
        return f"{self.method} {self.pattern}" if self.pattern else self.method

    @property
    def where(self) -> str:
        """Everything that says what the route is for."""
        names = (one.node[3] for one in self.handlers)
        return " ".join((self.pattern, *(snake(name) for name in names if name)))

    @property
    def changes(self) -> bool:
        return self.method in CHANGING or self.method == "ALL"

    @property
    def parameters(self) -> list[str]:
        return re.findall(r":([A-Za-z_]\w*)|\[(?:\.\.\.)?(\w+)\]", self.pattern)


class _Finder:
    def __init__(self, scripts: Scripts) -> None:
        self.scripts = scripts
        self._routers = Routers(scripts)

    def routes(self) -> list[Route]:
        calls = [
            (state, node)
            for state in self.scripts.program.states.values()
            for node in walk(self.scripts.body(state))
            if node[0] == ir.CALL
        ]
        for state, node in calls:
            self._routers.register(state, node)
        found = [route for state, node in calls for route in self._of_call(state, node)]
        found += self._of_next()
        found += self._of_classes()
        return sorted(found, key=lambda one: (one.state.path, one.node[1], one.subject))

    # Routes

    def _of_call(self, state: ModuleState, node: Node) -> Iterator[Route]:
        target = node[3]
        if target[0] != ir.ATTR:
            return
        key = self._routers.router(state, target[3])
        if key is None:
            return
        if target[4] == "route" and len(node[4]) == 1 and node[4][0][0] == ir.MAP:
            yield from self._of_options(key, state, node)
            return
        method = VERBS.get(target[4])
        if method is None:
            return
        pattern, args = _pattern(node)
        if pattern is None or not args:
            return
        options = args[0] if len(args) > 1 and args[0][0] == ir.MAP else None
        hooks = [(state, value) for _, value in _hooks(options)]
        args = args[1:] if options is not None else args
        inline = [(state, one) for one in args[:-1]]
        if args[-1][0] == ir.SEQ:
            inline += [(state, one) for one in args[-1][4][:-1]]
            args = [*args[:-1], args[-1][4][-1]] if args[-1][4] else args
        handlers = list(self.scripts.functions(state, args[-1]))
        wrapped = [(state, args[-1])] if args[-1][0] == ir.CALL else []
        if not handlers and args[-1][0] not in (ir.NAME, ir.ATTR, ir.CALL, ir.LAMBDA):
            return
        whole, before = self._routers.before(key, node[1], pattern)
        end = node[4][0][2] if node[4] and node[4][0][0] == ir.CONST else target[2]
        yield self._route(
            state, node, end, whole, method, handlers, [*before, *inline, *hooks, *wrapped], options
        )

    def _of_options(self, key: Key, state: ModuleState, node: Node) -> Iterator[Route]:
        """Fastify's `route({method, url, handler})`."""
        options = node[4][0]
        url, handler = option(node, "url") or option(node, "path"), option(node, "handler")
        pattern = text_of(url) if url is not None else None
        given = option(node, "method")
        if pattern is None or handler is None or given is None:
            return
        methods = [text_of(one) for one in (given[4] if given[0] == ir.SEQ else (given,))]
        whole, before = self._routers.before(key, node[1], pattern)
        hooks = [(state, value) for _, value in _hooks(options)]
        handlers = list(self.scripts.functions(state, handler))
        method = next((one for one in methods if one in CHANGING), methods[0] or "ALL")
        yield self._route(
            state, node, node[3][2], whole, method, handlers, [*before, *hooks], options
        )

    def _of_next(self) -> Iterator[Route]:
        """Route handlers and API routes of Next.js, by the names of their files."""
        states = self.scripts.program.states.values()
        every = [
            (matchers(self.scripts, state), (state, fn.node))
            for state in states
            if _NEXT_BEFORE.match(state.path)
            for value in self.scripts.table(state).exports.values()
            for fn in self.scripts.functions(state, value)
        ]
        for state in states:
            if (match := _NEXT_ROUTE.search(state.path)) is not None:
                pattern = "/" + (match[2] or "").rstrip("/")
                before = [one for told, one in every if covers(told, pattern)]
                for method in ("GET", *sorted(CHANGING)):
                    value = self.scripts.table(state).exports.get(method)
                    if value is not None:
                        yield from self._next(state, value, pattern, method, before)
            elif _NEXT_API.search(state.path):
                value = self.scripts.table(state).exports.get("default")
                pattern = "/" + state.path[state.path.index("api/") :].rpartition(".")[0]
                before = [one for told, one in every if covers(told, pattern)]
                if value is not None:
                    yield from self._next(state, value, pattern, "", before)

    def _of_classes(self) -> Iterator[Route]:
        """Methods of controllers, and actions that a browser may call."""
        for state, node, pattern, method, before in controllers(self.scripts):
            first = min((one[1] for one in node[5]), default=node[2])
            handlers = [Fn(state, node)]
            yield self._route(
                state, node, min(first, node[2]), pattern, method, handlers, before, None
            )
        for state, fn in actions(self.scripts):
            node = fn.node
            first = min((one[1] for one in node[5]), default=node[2])
            yield self._route(state, node, min(first, node[2]), node[3], "POST", [fn], [], None)

    def _next(
        self,
        state: ModuleState,
        value: Node,
        pattern: str,
        method: str,
        before: list[tuple[ModuleState, Node]],
    ) -> Iterator[Route]:
        handlers = list(self.scripts.functions(state, value))
        if not handlers:
            return
        _, made = self.scripts.meaning(state, value)
        wrapped = [(state, made)] if made[0] == ir.CALL else []
        node = handlers[0].node
        if not method:
            texts = {text.upper() for text in self.facts(handlers).texts}
            named = texts & (CHANGING | {"GET"})
            method = next(iter(sorted(named & CHANGING)), "GET")
        first = min((one[1] for one in node[5]), default=node[2])
        yield self._route(
            state, node, min(first, node[2]), pattern, method, handlers, [*before, *wrapped], None
        )

    def _route(
        self,
        state: ModuleState,
        node: Node,
        end: int,
        pattern: str,
        method: str,
        handlers: list[Fn],
        before: list[tuple[ModuleState, Node]],
        options: Node | None,
    ) -> Route:
        words: set[str] = set()
        guards: list[Fn] = []
        for where, one in before:
            skip = any(fn.node is one or _is_lambda_of(one, fn) for fn in handlers)
            words.update(() if skip else _outside(one))
            functions = list(self.scripts.functions(where, one))
            functions = [fn for fn in functions if all(fn.node is not h.node for h in handlers)]
            facts = self.facts(functions)
            words |= facts.words
            guards += facts.functions
        return Route(
            state, node, end, pattern, method, handlers, self.facts(handlers), before,
            frozenset(words), options, tuple(guards),
        )  # fmt: skip

    def facts(self, functions: Iterable[Fn]) -> Facts:
        """The facts of functions, callees included down to a depth."""
        facts = Facts()
        pending = [(fn, 0) for fn in functions]
        while pending and len(facts.functions) < _MAX:
            fn, level = pending.pop(0)
            if any(fn.node is known.node for known in facts.functions):
                continue
            facts.functions.append(fn)
            for node in walk((fn.node[4], fn.node[5])):
                op = node[0]
                if op == ir.NAME:
                    facts.words.add(snake(node[3]))
                elif op == ir.ATTR:
                    facts.words.add(snake(node[4]))
                elif op == ir.MAP:
                    for key, _ in node[3]:
                        if key is not None and (text := text_of(key)) is not None:
                            facts.words.add(snake(text))
                elif op == ir.CONST and type(node[3]) is str and len(node[3]) < _TEXT:
                    facts.texts.append(node[3].lower())
                elif op == ir.CALL:
                    facts.calls.add(_called(node))
                    callee = self.scripts.callee(fn.state, node) if level < _DEPTH else None
                    if callee is not None:
                        pending.append((callee, level + 1))
        return facts


def _called(call: Node) -> str:
    return last_name(call[3])


def _is_lambda_of(node: Node, fn: Fn) -> bool:
    return node[0] == ir.LAMBDA and node[3] is fn.node


def _outside(node: Node) -> Iterator[str]:
    """Names in an expression, not those in functions written in it."""
    if node[0] in (ir.LAMBDA, ir.FUNCTION):
        return
    if node[0] == ir.CALL:
        yield from words_in(node[3])
        for one in node[4]:
            yield from _outside(one)
        return
    yield from words_in(node)


def _hooks(options: Node | None) -> Iterator[tuple[str, Node]]:
    for key, value in options[3] if options is not None else ():
        name = text_of(key) if key is not None else None
        if name in HOOKS:
            yield name, value


def _pattern(node: Node) -> tuple[str | None, list[Node]]:
    """The pattern of a route, and what else it is given."""
    args = list(node[4])
    inner = node[3][3]
    while inner[0] == ir.CALL and inner[3][0] == ir.ATTR:
        # `router.route("/a").get(f).post(g)`
        if inner[3][4] == "route" and inner[4]:
            return text_of(inner[4][0]), args
        inner = inner[3][3]
    if not args or len(args) < 2:
        return None, []
    first = args[0]
    if first[0] == ir.SEQ and first[4]:
        first = first[4][0]
    text = text_of(first)
    if text is not None and (text.startswith(("/", "*")) or not text):
        return text, args[1:]
    if first[0] in (ir.REGEX, ir.BUILD):
        return "", args[1:]
    return None, []


def routes_of(scripts: Scripts) -> list[Route]:
    """Every route of Express, Koa, Fastify and Next.js, in the order of the files."""
    return _Finder(scripts).routes()
