"""What routes in JavaScript lack. Every answer is a question to a human."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from headgate.model.finding import Confidence
from headgate.scan.absence import javascript_data, javascript_rights
from headgate.scan.absence import javascript_words as words
from headgate.scan.absence import words as common
from headgate.scan.absence.javascript_names import Scripts, snake, text_of
from headgate.scan.absence.javascript_project import (
    HEADER,
    Project,
    is_authenticated,
    is_sign_in,
    lack,
    who_signed_in,
    writes,
)
from headgate.scan.absence.javascript_routes import Route, routes_of
from headgate.scan.absence.lacks import Lack
from headgate.scan.absence.names import last_name, walk
from headgate.scan.absence.whole import Whole
from headgate.scan.flow.javascript_modules import JavaScriptProgram
from headgate.scan.flow.project import Source
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Node
from headgate.scan.kept import digest_of
from headgate.scan.kept import program as program_of

_PROGRAM = ("absence", "flow", "front", "ir")
"""Rooms whose code it comes from."""
_FRAMEWORKS = frozenset(
    {
        "express", "koa", "@koa/router", "koa-router", "fastify", "next", "restify", "next-auth",
        "express-promise-router", "@hapi/hapi", "@nestjs/common",
    }
)  # fmt: skip


def lacks_of(files: Mapping[str, Source], cache: Path | None = None) -> list[Lack]:
    """What the routes in JavaScript files lack, by place. Without a framework that has routes
    there is nothing to ask. `cache`: a private directory for what is found; None: none. Never
    raises for their content."""
    imports = {name for file in files.values() for name in file.imports}
    tops = {name if name.startswith("@") else name.partition("/")[0] for name in imports}
    if tops.isdisjoint(_FRAMEWORKS):
        return []
    whole = Whole(cache, files)
    key = digest_of(program_of(*_PROGRAM), list(files)) if whole.keeps else b""
    found = whole.take(key)
    if found is None:
        found = _found(files, imports)
        whole.keep(key, found, files)
    return found


def _found(files: Mapping[str, Source], imports: set[str]) -> list[Lack]:
    program = JavaScriptProgram(lambda path: files[path].module(), files)
    scripts = Scripts(program)
    routes = routes_of(scripts)
    named = {snake(one) for file in files.values() for one in file.mentions}
    checked = {id(route): is_authenticated(route) for route in routes}
    project = Project(scripts, routes, frozenset(imports), frozenset(named), checked)
    found: dict[tuple[str, str, int], Lack] = {}
    for check in CHECKS:
        for one in check(project):
            found.setdefault((one.kind, one.path, one.start), one)
    return sorted(found.values(), key=lambda one: (one.path, one.start, one.kind))


def _authentication(project: Project) -> Iterator[Lack]:
    """Routes that change something, or answer about one object, where others ask who calls."""
    if not any(project.checked.values()) and not any(map(is_sign_in, project.routes)):
        return
    by_file: dict[str, list[Route]] = {}
    for route in project.routes:
        by_file.setdefault(route.state.path, []).append(route)
    for route in project.routes:
        if project.checked[id(route)] or common.OPEN.search(route.where) or is_sign_in(route):
            continue
        if not route.handlers or "password" in route.facts.words:
            continue  # What it does is not known; or it makes an account, most likely.
        siblings = [one for one in by_file[route.state.path] if one is not route]
        having = sum(project.checked[id(one)] for one in siblings)
        most = having >= 2 and having * 2 >= len(siblings)
        changes = route.changes and writes(route)
        if changes or (most and (route.parameters or route.changes)):
            yield lack(
                "missing-authentication",
                route,
                "Is this route meant to be open to everybody?",
                Confidence.MEDIUM if most and changes else Confidence.LOW,
            )


def _owner(project: Project) -> Iterator[Lack]:
    """Objects that are fetched by a number from the request, by somebody who is signed in."""
    for route in project.routes:
        if not project.checked[id(route)] or any(map(words.PRIVILEGED.fullmatch, route.words)):
            continue
        nodes = [one for fn in route.facts.functions for one in walk(fn.node[5])]
        if any(map(who_signed_in, nodes)) or route.facts.has(words.PRIVILEGED):
            continue
        if any(words.WHO.fullmatch(one) for one in route.facts.words - {"user", "account"}):
            continue
        for node in nodes:
            if node[0] == ir.CALL and _takes_one(node) and _by_request(route, node):
                yield lack(
                    "missing-owner-check", route, "May everybody who is signed in have this object?"
                )
                break
            if node[0] != ir.CALL or last_name(node[3]) not in words.FETCHES:
                continue
            model = snake(last_name(node[3][3])) if node[3][0] == ir.ATTR else ""
            personal = common.PERSONAL.fullmatch(model) or any(
                common.PERSONAL.fullmatch(part) for part in route.pattern.split("/")
            )
            if personal and _by_request(route, node):
                yield lack(
                    "missing-owner-check", route, "May everybody who is signed in have this object?"
                )
                break


_BY_ID = re.compile(
    r"^\s*(select|update|delete)\b.*?(\bfrom|\bupdate)\s+[\"`]?(?P<table>\w+)[\"`]?[^;]*"
    r"\bwhere\s+[\"`]?(\w+\.)?id[\"`]?\s*=\s*(\?|\$\d|[:@]\w+)\s*(limit\b.*)?;?\s*$",
    re.DOTALL,
)


def _takes_one(call: Node) -> bool:
    """`db.query("SELECT … FROM orders WHERE id = ?", …)`, of what mostly belongs to somebody."""
    for node in walk(call):
        text = text_of(node)
        match = _BY_ID.search(text.lower()) if text is not None else None
        if match is not None and common.PERSONAL.fullmatch(match["table"]):
            return True
    return False


def _by_request(route: Route, call: Node) -> bool:
    """Whether a call is given an identifier that the caller chooses."""
    taken = _taken(route)
    for node in walk((call[4], call[5])):
        if node[0] == ir.ATTR and node[3][0] == ir.ATTR and node[3][4] in _PARTS:
            return True
        if node[0] == ir.NAME and node[3] in taken:
            return True
    return False


_PARTS = frozenset({"params", "query", "body"})


def _taken(route: Route) -> set[str]:
    """Variables that hold something of the request's parameters or body."""
    found: set[str] = set()
    for fn in route.facts.functions:
        for node in walk(fn.node[5]):
            if node[0] != ir.ASSIGN or node[4] is None:
                continue
            if any(one[0] == ir.ATTR and one[4] in _PARTS for one in walk(node[4])):
                found.update(
                    one[3] for target in node[3] for one in walk(target) if one[0] == ir.NAME
                )
    return found


def _csrf(project: Project) -> Iterator[Lack]:
    """Changes on requests that browsers make with a session's cookie."""
    if project.imports.isdisjoint(words.SESSIONS):
        return
    libraries = {snake(name.rpartition("/")[2]) for name in project.imports}
    if any(map(words.CSRF.fullmatch, project.words | libraries)) or _same_site(project):
        return
    for route in project.routes:
        if not route.changes or not writes(route):
            continue
        if any(map(words.BEARER.fullmatch, route.words)) or route.facts.has(words.BEARER):
            continue
        if not route.facts.says(HEADER):
            yield lack(
                "missing-csrf-protection",
                route,
                "Can a page of another site make a signed-in browser do this?",
            )


def _same_site(project: Project) -> bool:
    """Whether the session's cookie is kept from other sites."""
    for state in project.scripts.program.states.values():
        for node in walk(project.scripts.body(state)):
            if node[0] != ir.MAP:
                continue
            for key, value in node[3]:
                if key is not None and text_of(key) == "sameSite":
                    text = text_of(value)
                    if (text or "").lower() in ("lax", "strict") or value[3] is True:
                        return True
    return False


def _rate_limit(project: Project) -> Iterator[Lack]:
    whole = any(map(words.LIMITER.fullmatch, project.words & _REGISTERED))
    for route in project.routes:
        if not is_sign_in(route) or whole:
            continue
        if any(map(words.LIMITER.fullmatch, route.words)) or route.facts.has(words.LIMITER):
            continue
        # Next.js limits outside of the route.
        own_file = route.node[0] == ir.FUNCTION
        if own_file and any(map(words.LIMITER.fullmatch, project.words)):
            continue
        yield lack(
            "missing-rate-limit",
            route,
            "What stops somebody from trying a million passwords here?",
        )


_REGISTERED = frozenset({"fastify_rate_limit"})


def _password_change(project: Project) -> Iterator[Lack]:
    for route in project.routes:
        where = snake(route.where)
        if not common.CHANGES_PASSWORD.search(where) or common.NOT_CHANGE.search(where):
            continue
        if not route.changes or not route.facts.has(common.PASSWORD) or not writes(route):
            continue
        if not route.facts.has(words.ASKS_OLD):
            yield lack(
                "password-change-without-old",
                route,
                "Could somebody with a borrowed session keep the account?",
                Confidence.MEDIUM,
            )


Check = Callable[[Project], Iterator[Lack]]
CHECKS: tuple[Check, ...] = (
    _authentication,
    _owner,
    _csrf,
    _rate_limit,
    _password_change,
    *javascript_rights.CHECKS,
    *javascript_data.CHECKS,
)
