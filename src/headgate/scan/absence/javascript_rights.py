"""What other routes to the same things ask of whoever calls, and one does not."""

from __future__ import annotations

import re
from collections.abc import Iterator

from headgate.model.finding import Confidence
from headgate.scan.absence import javascript_words as words
from headgate.scan.absence.javascript_names import snake, text_of, words_in
from headgate.scan.absence.javascript_project import Project, lack, who_signed_in, writes
from headgate.scan.absence.javascript_routes import Route
from headgate.scan.absence.lacks import Lack
from headgate.scan.absence.names import last_name, walk
from headgate.scan.absence.words import any_of
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Node

_RIGHT = any_of(
    r"(user_?)?roles?|is_?(admin|staff|superuser|moderator|manager)|admin|permissions?|scopes?"
)
_DESTROYS = frozenset(
    {
        "delete", "deleteOne", "deleteMany", "destroy", "remove", "findByIdAndDelete", "del",
        "findByIdAndRemove", "findOneAndDelete", "deleteBy", "truncate", "drop",
    }
)  # fmt: skip
_DELETES = re.compile(r"^\s*(delete\s+from|truncate|drop)\b")
_OWNER = re.compile(
    r"(user|owner|author|account|customer|creator|member|tenant|driver|pupil|student|patient"
    r"|client|seller|buyer|employee|profile|person|uploader|sender)_?id"
    r"|owner|author|creator|created_?by|uploaded_?by|user|tenant"
)
_BY_ID = re.compile(
    r"(?:\bfrom|\bupdate|\binto)\s+[\"`]?(?P<table>\w+)[\"`]?.*\bwhere\b.*?\bid\s*=", re.DOTALL
)
_OWNER_COLUMN = re.compile(rf"\b(?:{_OWNER.pattern})\b[\"`]?\s*=")
_ONE = frozenset({"delete", "update", "findOne", "findOneBy", "updateOne", "get"}) | words.FETCHES


def asks_rights(project: Project, route: Route, common: set[int]) -> bool:
    """Whether what the caller may do is asked before a route, or in it. `common`: what runs before
    every route of its file, which tells nothing of one of them."""
    called = {snake(one) for one in route.facts.calls}
    functions = list(route.facts.functions)
    for state, one in route.before:
        if id(one) not in common:
            called.update(words_in(one))
            functions += project.scripts.functions(state, one)
    if any(map(words.PRIVILEGED.fullmatch, called)):
        return True
    return any(
        node[0] == ir.ATTR and _RIGHT.fullmatch(snake(node[4])) is not None
        for fn in functions
        for node in walk(fn.node[5])
    )


def _asked(project: Project) -> dict[int, bool]:
    common: dict[str, set[int]] = {}
    for route in project.routes:
        before = {id(one) for _, one in route.before}
        path = route.state.path
        common[path] = common[path] & before if path in common else before
    return {
        id(route): asks_rights(project, route, common[route.state.path]) for route in project.routes
    }


def destroys(route: Route) -> bool:
    """Whether something is gone afterwards."""
    if route.method == "DELETE" or not route.facts.calls.isdisjoint(_DESTROYS):
        return writes(route)
    return any(_DELETES.search(one) for one in route.facts.texts)


def _authorisation(project: Project) -> Iterator[Lack]:
    """Routes that destroy something, where those beside them ask what the caller may do."""
    asked = _asked(project)
    for route in project.routes:
        if not project.checked[id(route)] or asked[id(route)] or not route.changes:
            continue
        nodes = (node for fn in route.facts.functions for node in walk(fn.node[5]))
        if not destroys(route) or any(map(who_signed_in, nodes)):
            continue
        beside = [
            one
            for one in project.routes
            if one is not route and one.state is route.state and one.changes
        ]
        same = [one for one in beside if _things(one.pattern) == _things(route.pattern)]
        alike = same or (beside if len(beside) > 1 else [])
        if alike and all(asked[id(one)] for one in alike):
            yield lack(
                "missing-authorisation",
                route,
                "May everybody who is signed in do this?",
                Confidence.MEDIUM,
            )


def _things(pattern: str) -> tuple[str, ...]:
    """What a route is about: its path without parameters, and without what is done to one."""
    parts = [one for one in pattern.split("/") if one]
    at = next((i for i, one in enumerate(parts) if one[:1] in ":["), len(parts))
    return tuple(parts[:at])


def _owner(project: Project) -> Iterator[Lack]:
    """Objects that are taken by their number, where others take the caller's own only."""
    asked = _asked(project)
    for route in project.routes:
        if not project.checked[id(route)] or asked[id(route)] or not _numbered(route):
            continue
        nodes = [node for fn in route.facts.functions for node in walk(fn.node[5])]
        if any(map(who_signed_in, nodes)):
            continue
        owned: set[str] = set()
        for one in project.routes:
            if one is not route and one.state is route.state:
                owned |= _taken(one, owned=True)
        if _taken(route, owned=False) & owned:
            yield lack(
                "missing-owner-check",
                route,
                "May everybody who is signed in have this object?",
                Confidence.MEDIUM,
            )


def _numbered(route: Route) -> bool:
    """Whether the caller says which object is meant."""
    if route.parameters:
        return True
    return any(
        node[0] == ir.ATTR and node[4] in ("params", "query", "body")
        for fn in route.handlers
        for node in walk(fn.node[5])
    )


def _taken(route: Route, *, owned: bool) -> set[str]:
    """Models and tables of which a route takes one object: the caller's own, or any."""
    found: set[str] = set()
    for fn in route.facts.functions:
        for node in walk(fn.node[5]):
            if node[0] != ir.CALL:
                continue
            for one in node[4]:
                text = _text(one)
                match = _BY_ID.search(text.lower()) if text else None
                if match is not None and (_OWNER_COLUMN.search(text.lower()) is not None) is owned:
                    found.add(match["table"])
            if node[3][0] != ir.ATTR or last_name(node[3]) not in _ONE | {"updateMany"}:
                continue
            keys = _keys(node)
            named = "id" in keys or "_id" in keys or not keys
            if keys and any(map(_OWNER.fullmatch, keys)) is owned and (owned or named):
                found.add(snake(last_name(node[3][3])))
    return found


def _text(node: Node) -> str:
    text = text_of(node)
    if text is not None:
        return text
    if node[0] == ir.BUILD:
        return "".join(text_of(one) or "?" for one in node[3])
    return ""


def _keys(call: Node) -> set[str]:
    """The keys of the objects that a call is given, in the way of `snake`."""
    return {
        snake(text)
        for node in walk(call[4])
        if node[0] == ir.MAP
        for key, _ in node[3]
        if key is not None and (text := text_of(key)) is not None
    }


CHECKS = (_authorisation, _owner)
