"""Whose something is: how a program writes who calls, and what ties a row to them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from headgate.scan.absence import words
from headgate.scan.absence.names import Names, last_name, walk
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Node

_CALLER = words.any_of(
    r"user", r"auth", r"current_user\w*", r"user_id", r"uid", r"who", r"account", r"account_id",
    r"member", r"member_id", r"principal", r"identity", r"viewer", r"me", r"sub", r"customer",
    r"customer_id",
    r"logged_in_user", r"caller", r"login", r"email", r"username", r"tenant", r"owner",
)  # fmt: skip
_CARRIERS = frozenset(
    {
        "request", "req", "g", "self", "context", "ctx", "session", "state", "environ", "info",
        "claims", "token", "payload",
    }
)  # fmt: skip
"""What carries who calls, as frameworks and their middleware leave it."""


def is_caller(node: Node) -> bool:
    """Whether an expression is who calls, or an identifier of theirs: `request.user.pk`,
    `info.context["user"]`, `self.current_user`, `g.user`."""
    for _ in range(4):
        op = node[0]
        if op == ir.NAME:
            return words.AUTHENTICATION.fullmatch(node[3]) is not None or node[3] in (
                "who", "uid", "me", "caller", "viewer", "user", "account", "user_id",
            )  # fmt: skip
        if op == ir.ATTR:
            name, base = node[4], node[3]
        elif op == ir.INDEX and node[4][0] == ir.CONST and isinstance(node[4][3], str):
            name, base = node[4][3], node[3]
        elif op == ir.CALL and node[3][0] in (ir.NAME, ir.ATTR):
            if words.AUTHENTICATION.fullmatch(last_name(node[3])):
                return True
            if last_name(node[3]) == "get" and node[4] and node[4][0][0] == ir.CONST:
                name, base = str(node[4][0][3]), node[3][3]
            elif last_name(node[3]) in ("int", "str") and len(node[4]) == 1:
                node = node[4][0]
                continue
            else:
                return False
        else:
            return False
        if words.AUTHENTICATION.fullmatch(name):
            return True
        if _CALLER.fullmatch(name) and last_name(base) in _CARRIERS:
            return True
        if name in ("id", "pk", "uuid") and last_name(_base(base)) in _LEFT:
            return True  # `info.context["cook"].id`: whatever was left there has an identifier.
        node = base
    return False


def _base(node: Node) -> Node:
    """What `x.name` and `x["name"]` are taken of."""
    if node[0] == ir.ATTR or (node[0] == ir.INDEX and node[4][0] == ir.CONST):
        return node[3]
    return (ir.CONST, node[1], node[2], None)


_LEFT = frozenset({"context", "ctx", "state", "g"})


def owner_fields(names: Names) -> frozenset[str]:
    """Names of attributes and columns that the program somewhere holds against who calls."""
    out: set[str] = set()
    for state in names.program.states.values():
        if names.known is not None and names.known.mentions(state).isdisjoint(_HINTS):
            continue
        for function in names.functions(state):
            if function.node[11].isdisjoint(_HINTS):
                continue
            for node in walk(function.node[5]):
                if node[0] == ir.COMPARE and len(node[4]) == 1:
                    left, right = node[3], node[4][0][1]
                    for one, other in ((left, right), (right, left)):
                        if one[0] == ir.ATTR and not is_caller(one) and is_caller(other):
                            out.add(one[4])
                elif node[0] == ir.CALL:
                    for key, value in node[5]:
                        if key and is_caller(value):
                            out.add(key.partition("__")[0])
    return frozenset(one for one in out if one not in _NO_OWNER)


_HINTS = frozenset(
    {
        "user", "auth", "current_user", "user_id", "uid", "who", "me", "caller", "viewer",
        "account",
        "principal", "identity", "claims", "context", "session", "member", "customer", "owner",
        "tenant", "sub", "username", "get_jwt_identity", "get_current_user", "account_id",
    }
)  # fmt: skip
"""One of these is in every function that says who calls."""
_NO_OWNER = frozenset({"pk", "id", "request", "context", "instance", "data"})
_TABLE = re.compile(
    r"^\s*(?:select\b(?P<columns>.*?)\bfrom|delete\s+from|update)\s+[`\"\[]?(?P<table>\w+)[`\"\]]?"
    r"(?P<rest>\b.*)$",
    re.IGNORECASE | re.DOTALL,
)
_BY_ID = re.compile(
    r"^[^()]*\bwhere\s+(?:\w+\.)?(?P<key>(?:\w+_)?(?:id|uuid|number|no|code|ref|slug))\s*=\s*(\?|%s|:\w+|\$\d+|%\(\w+\)s)\s*(?P<more>.*)$",
    re.IGNORECASE | re.DOTALL,
)
_COLUMN = re.compile(r"\b(?:\w+\.)?(\w+)\s*=\s*(?:\?|%s|:\w+|\$\d+|%\(\w+\)s)", re.IGNORECASE)


def by_identifier(text: str) -> tuple[str, str] | None:
    """The table of a query that finds rows by an identifier alone, and the column."""
    found = _TABLE.match(text)
    if found is None:
        return None
    rest = _BY_ID.match(found["rest"])
    if rest is None or re.match(r"(and|or)\b", rest["more"].strip(), re.IGNORECASE):
        return None
    return found["table"].lower(), rest["key"].lower()


def tied_tables(texts: Iterator[str]) -> dict[str, set[str]]:
    """Tables of which queries say an owner, and by which columns."""
    out: dict[str, set[str]] = {}
    for text in texts:
        found = _TABLE.match(text)
        if found is None:
            continue
        _, where, condition = found["rest"].lower().partition("where")
        if not where:
            continue
        for column in _COLUMN.findall(condition):
            if words.OWN.fullmatch(column) is not None:
                out.setdefault(found["table"].lower(), set()).add(column)
    return out
