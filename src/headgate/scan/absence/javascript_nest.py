"""Routes that classes and files make without a call: controllers of NestJS, actions of React.

https://docs.nestjs.com/controllers https://docs.nestjs.com/guards https://react.dev/reference/rsc/use-server
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from headgate.scan.absence.javascript_names import Fn, Scripts, option, text_of
from headgate.scan.absence.names import last_name, walk
from headgate.scan.flow.program import ModuleState
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Node

Found = tuple[ModuleState, Node]
_VERBS = {
    "Get": "GET", "Post": "POST", "Put": "PUT", "Patch": "PATCH", "Delete": "DELETE", "All": "ALL",
    "Head": "GET",
}  # fmt: skip
_ACTIONS = "use server"


def controllers(scripts: Scripts) -> Iterator[tuple[ModuleState, Node, str, str, list[Found]]]:
    """State, function, pattern, method and what runs before it, of every method of a controller
    that is a route."""
    states = [
        state
        for state in scripts.program.states.values()
        if any(name.startswith("@nestjs/") for name, _ in scripts.table(state).imports.values())
    ]
    everywhere = _global_guards(scripts, states)
    for state in states:
        for node in scripts.table(state).values.values():
            if node[0] != ir.CLASS:
                continue
            prefix = next((_text(one) for one in node[6] if _named(one) == "Controller"), None)
            if prefix is None:
                continue
            above = [(state, one) for one in node[6] if _named(one) not in ("Controller", "")]
            for one in node[7]:
                if one[0] != ir.FUNCTION:
                    continue
                for decorator in one[6]:
                    method = _VERBS.get(_named(decorator))
                    if method is None:
                        continue
                    pattern = "/" + "/".join(
                        part.strip("/") for part in (prefix, _text(decorator)) if part.strip("/")
                    )
                    own = [(state, d) for d in one[6] if d is not decorator]
                    yield state, one, pattern, method, [*everywhere, *above, *own]


def _named(decorator: Node) -> str:
    return last_name(decorator)


def _text(decorator: Node) -> str:
    """The path that a decorator is given."""
    if decorator[0] != ir.CALL or not decorator[4]:
        return ""
    path = option(decorator, "path")
    return text_of(path if path is not None else decorator[4][0]) or ""


def _global_guards(scripts: Scripts, states: Iterable[ModuleState]) -> list[Found]:
    """`app.useGlobalGuards(new Guard())`, and `{ provide: APP_GUARD, useClass: Guard }`."""
    found: list[Found] = []
    for state in states:
        for node in walk(scripts.body(state)):
            if node[0] == ir.CALL and last_name(node[3]) == "useGlobalGuards":
                found += [(state, one) for one in node[4]]
            elif node[0] == ir.MAP:
                keys = {text_of(key): value for key, value in node[3] if key is not None}
                given = keys.get("provide")
                if given is not None and last_name(given) == "APP_GUARD" and "useClass" in keys:
                    found.append((state, keys["useClass"]))
    return found


def actions(scripts: Scripts) -> Iterator[tuple[ModuleState, Fn]]:
    """Functions that a browser may call as they are, with whatever arguments."""
    for state in scripts.program.states.values():
        module = scripts.program.module_of(state)
        if module is None or _ACTIONS not in module.mentions:
            continue
        body = module.body
        if any(map(_is_directive, body)):
            for value in scripts.table(state).exports.values():
                for fn in scripts.functions(state, value):
                    if fn.state is state:
                        yield state, fn
            continue
        for node in walk(body):
            if node[0] == ir.FUNCTION and any(map(_is_directive, node[5])):
                yield state, Fn(state, node)


def _is_directive(node: Node) -> bool:
    return node[0] == ir.EXPR and node[3][0] == ir.CONST and node[3][3] == _ACTIONS
