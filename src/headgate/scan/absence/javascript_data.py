"""What routes in JavaScript do with what they are sent, and what they answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from headgate.scan.absence import javascript_words as words
from headgate.scan.absence import words as common
from headgate.scan.absence.javascript_names import Scripts, option, snake, text_of
from headgate.scan.absence.javascript_project import Project, lack
from headgate.scan.absence.javascript_routes import Route
from headgate.scan.absence.lacks import Lack
from headgate.scan.absence.names import last_name, walk
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Node
from headgate.scan.late import late

_REQUESTS = frozenset({"req", "request", "ctx", "context"})

_UPLOADS = {
    "multer": ("limits", "limits"),
    "express-fileupload": ("limits", "limits"),
    "@fastify/multipart": ("limits", "limits"),
    "fastify-multipart": ("limits", "limits"),
    "formidable": ("maxFileSize", "filter"),
}
"""Library → options of which one limits what may be sent."""
_MULTER_TAKES = frozenset({"single", "array", "fields", "any"})


def _uploads(project: Project) -> Iterator[Lack]:
    """Parsers of uploads that are told of no limit."""
    scripts = project.scripts
    for state in scripts.program.states.values():
        for node in walk(scripts.body(state)):
            if node[0] != ir.CALL:
                continue
            library = _library(scripts, node, state.path)
            names = _UPLOADS.get(library)
            if names is None or any(option(node, name) is not None for name in names):
                continue
            given = [one for one in node[4] if one[0] not in (ir.MAP, ir.LAMBDA)]
            if library.endswith("multipart"):
                given = given[1:]
            if any(one[0] in (ir.NAME, ir.ATTR, ir.CALL) for one in given) or any(
                key is None for one in node[4] if one[0] == ir.MAP for key, _ in one[3]
            ):
                continue  # Options that are made elsewhere.
            yield Lack(
                "missing-upload-limits", state.path, node[1], node[2], library,
                "What may be uploaded here, and how much?",
            )  # fmt: skip


def _library(scripts: Scripts, node: Node, path: str) -> str:
    """The library whose parser of uploads a call makes or registers."""
    state = scripts.program.states[path]
    target = node[3]
    if target[0] == ir.ATTR and target[4] == "register" and node[4] and node[4][0][0] == ir.NAME:
        name = scripts.module(state, node[4][0][3])
        return name if name.endswith("multipart") else ""
    if target[0] == ir.ATTR and target[4] in ("IncomingForm", "Formidable", "formidable"):
        target = target[3]
    if target[0] != ir.NAME:
        return ""
    name = scripts.module(state, target[3])
    return name.partition(".")[0] if name.startswith("formidable") else name


def _validation(project: Project) -> Iterator[Lack]:
    """State-changing routes that keep or pass on the whole body as it came."""
    for route in project.routes:
        if not route.changes or route.method == "DELETE":
            continue
        schema = route.options is not None and any(
            key is not None and text_of(key) == "schema" for key, _ in route.options[3]
        )
        if schema or any(map(words.VALIDATES.fullmatch, route.words)):
            continue
        if route.facts.has(words.VALIDATES):
            continue
        if any(_keeps_body(fn.node) for fn in route.handlers):
            yield lack(
                "missing-validation",
                route,
                "What may this request hold, and who says no to the rest?",
            )


def _keeps_body(function: Node) -> bool:
    held: set[str] = set()

    def whole(node: Node) -> bool:
        op = node[0]
        if op == ir.AWAIT:
            return whole(node[3])
        if op == ir.NAME:
            return node[3] in held
        if op == ir.ATTR:
            return node[4] == "body" and _is_request(node[3])
        if op == ir.CALL:
            called = node[3]
            if called[0] == ir.ATTR and called[4] == "json" and _is_request(called[3]):
                return not node[4]
            return last_name(called) in ("stringify", "assign") and any(map(whole, node[4]))
        if op == ir.MAP:
            spread = any(key is None and whole(value) for key, value in node[3])
            return spread or any(
                key is not None and text_of(key) in ("data", "$set", "body") and whole(value)
                for key, value in node[3]
            )
        return False

    found = False
    for node in walk(function[5]):
        fields: Any = node[3:]
        if node[0] == ir.ASSIGN and fields[1] and whole(fields[1]):
            held.update(target[3] for target in fields[0] if target[0] == ir.NAME)
        if any(whole(one) for one in walk(_looked_at(node))):
            return False
        if node[0] == ir.CALL and any(map(whole, fields[1])):
            found = found or _keeps(fields[0], fields[1], new=fields[3])
    return found


def _looked_at(node: Node) -> object:
    """What an expression looks at the form of."""
    fields: tuple[Any, ...] = node[3:]
    if node[0] == ir.UNARY and fields[0] == "typeof":
        return fields[1]
    if node[0] == ir.CALL and last_name(fields[0]) in words.LOOKS:
        return fields[:2]
    if node[0] == ir.COMPARE and any(one in ("instanceof", "in") for one, _ in fields[1]):
        return fields
    return fields[0] if node[0] == ir.ATTR and fields[1] == "length" else ()


def _keeps(called: Node, given: tuple[Node, ...], *, new: bool) -> bool:
    """Whether a call stores or passes on what it is given."""
    name = last_name(called)
    on: Node | None = called[3] if called[0] == ir.ATTR else None
    if name in words.STORES or name == "fetch":
        return True
    if new and name[:1].isupper():
        return name not in _NOT_MODELS
    if on is None:
        return False
    if name in ("post", "put", "patch"):
        return words.CLIENTS.fullmatch(snake(last_name(on))) is not None
    if name == "push":
        return on[0] == ir.NAME
    return name == "assign" and len(given) > 1 and given[0][0] == ir.NAME


_NOT_MODELS = frozenset({"Error", "Response", "Map", "Set", "Promise", "Date", "URLSearchParams"})


def _is_request(node: Node) -> bool:
    if node[0] == ir.NAME:
        return node[3] in _REQUESTS
    return node[0] == ir.ATTR and node[4] == "request"


def _secrets(project: Project) -> Iterator[Lack]:
    """Answers that hold a whole account, or its password."""
    if not project.routes:
        return
    models = _secret_models(project) | {f"select * from {one}" for one in _secret_tables(project)}
    for route in project.routes:
        if route.facts.has(words.PROTECTS_SECRET):
            continue
        fetched = _fetched(route, models)
        for fn in route.handlers:
            for node in walk(fn.node[5]):
                if any(_tells(one, fetched) for one in _answered(node)):
                    yield lack(
                        "secret-in-response",
                        route,
                        "Is everything in this answer meant to be read?",
                    )


def _secret_models(project: Project) -> set[str]:
    """Models that have a password and do not hide it."""
    found: set[str] = set()
    for state in project.scripts.program.states.values():
        nodes = list(walk(project.scripts.body(state)))
        names = {snake(n[4]) for n in nodes if n[0] == ir.ATTR}
        keys = {text_of(k) for n in nodes if n[0] == ir.MAP for k, _ in n[3] if k is not None}
        if "to_json" in names or keys & {"toJSON", "select", "transform", "defaultScope"}:
            continue
        for node in nodes:
            if node[0] != ir.CALL or last_name(node[3]) not in ("model", "define", "init"):
                continue
            name = text_of(node[4][0]) if node[4] else None
            if name is not None and any(map(_SECRET_KEY.fullmatch, filter(None, keys))):
                found.add(name.lower())
                found.add(f"{name.lower()}model")
    return found


def _secret_tables(project: Project) -> set[str]:
    """Tables that have a password, by what is written to or asked of them."""
    found: set[str] = set()
    for state in project.scripts.program.states.values():
        for node in walk(project.scripts.body(state)):
            text = text_of(node)
            match = _SELECTS.search(text.lower()) if text is not None and len(text) > 12 else None
            if match is not None:
                said = f"{match['columns'] or ''} {match['rest']}"
                if _SECRET_COLUMN.search(said):
                    found.add(match["table"])
    return found


_SECRET_KEY = late(
    r"(password|passwd|pwd|pass)(_?(hash|digest))?|hash|salt|(reset|api|session)_?token",
    re.IGNORECASE,
)
_SELECTS_ALL = late(r"^\s*select\s+\*\s+from\s+[\"`]?(?P<table>\w+)")
_SELECTS = late(
    r"\b(?:select\b(?P<columns>.*?)\bfrom|insert\s+into|update)\s+[\"`]?(?P<table>\w+)(?P<rest>.*)",
    re.DOTALL,
)
_SECRET_COLUMN = late(r"\b(pass(word)?(_?(hash|digest))?|passwd|pwd|hash|salt)\b")


def _fetched(route: Route, models: set[str]) -> set[str]:
    """Variables that hold what a fetch of such a model gave."""
    out: set[str] = set()
    for fn in route.handlers:
        for node in walk(fn.node[5]):
            if node[0] == ir.ASSIGN and node[4] is not None and _fetches(node[4], models):
                out.update(one[3] for one in walk(node[3]) if one[0] == ir.NAME)
            elif node[0] == ir.CALL and node[3][0] == ir.ATTR and node[3][4] == "then":
                given = node[4][0] if node[4] else node
                if given[0] == ir.LAMBDA and _fetches(node[3][3], models):
                    first = given[3][4][:1]
                    out.update(one[3][3] for one in first if one[3][0] == ir.NAME)
    return out


def _fetches(node: Node, models: set[str]) -> bool:
    if node[0] == ir.AWAIT:
        return _fetches(node[3], models)
    if node[0] != ir.CALL or node[3][0] != ir.ATTR:
        return False
    for one in walk(node):
        text = text_of(one)
        match = _SELECTS_ALL.search(text.lower()) if text is not None else None
        if match is not None and f"select * from {match['table']}" in models:
            return True
    if node[3][4] not in words.FETCHES | {"find", "findAll", "findMany", "create"}:
        return False
    return last_name(node[3][3]).lower() in models


def _answered(node: Node) -> Iterator[Node]:
    """What a statement or call sends to the caller."""
    if node[0] == ir.CALL and node[3][0] == ir.ATTR and node[3][4] in ("json", "send"):
        yield from node[4][:1]
    elif node[0] == ir.ASSIGN and node[4] is not None:
        for target in node[3]:
            if target[0] == ir.ATTR and target[4] == "body" and last_name(target[3]) in _REQUESTS:
                yield node[4]


def _tells(node: Node, fetched: set[str]) -> bool:
    if node[0] == ir.NAME:
        return node[3] in fetched
    if node[0] == ir.ATTR:
        named = node[4] == "rows" or common.SECRET_FIELD.fullmatch(snake(node[4])) is not None
        return named and node[3][0] == ir.NAME and node[3][3] in fetched
    if node[0] == ir.MAP:
        return any(_tells(value, fetched) for _, value in node[3])
    return False


CHECKS = (_uploads, _validation, _secrets)
