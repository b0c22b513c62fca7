"""Rows and documents that a route takes by what the caller sends, whose table names an owner."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from headgate.model.finding import Confidence
from headgate.scan.absence import words
from headgate.scan.absence.lacks import Lack, Project, is_authenticated, is_sign_in, lack
from headgate.scan.absence.names import last_name, walk
from headgate.scan.absence.objects import is_sent, is_tied, sent_names
from headgate.scan.absence.rights import is_restricted
from headgate.scan.absence.routes import Route
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Node

_SQL = re.compile(r"^\s*(select|update|delete|insert|create)\b", re.IGNORECASE)
_TABLE = re.compile(
    r"\b(?:from|update|into|table(?:\s+if\s+not\s+exists)?)\s+[\"`]?(\w+)", re.IGNORECASE
)
_WHERE = re.compile(r"\bwhere\b(.*)", re.IGNORECASE | re.DOTALL)
_BY_ID = re.compile(
    r"[\"`]?\b(?:\w+\.)?(?:id|pk|uuid|guid|\w+_(?:id|no|number)|number|code|ref(?:erence)?)[\"`]?\s*="
    r"\s*(?:\?|%s|\$\d+|[:@]\w+|%\(\w+\)s)",
    re.IGNORECASE,
)
_NAME = re.compile(r"[a-z_]\w*", re.IGNORECASE)
_OWNS = re.compile(
    r"(owner|author|creator|created_by|user|account|customer|member|tenant|client|patient|student"
    r"|employee|driver|resident|holder|subscriber|borrower|seller|buyer)(_?(id|uuid|name))?"
    r"|username|uid",
    re.IGNORECASE,
)
_RUNS = frozenset(
    {
        "execute", "fetch", "fetchrow", "fetchval", "fetchone", "fetch_one", "fetch_all",
        "fetchall", "query", "query_one", "raw", "run", "one", "all", "scalar", "scalars", "exec",
    }
)  # fmt: skip
_DOCUMENTS = frozenset(
    {
        "find_one", "find", "update_one", "delete_one", "replace_one", "find_one_and_update",
        "find_one_and_delete", "find_one_and_replace", "insert_one", "delete_many", "update_many",
    }
)  # fmt: skip


@dataclass(slots=True)
class _Owned:
    """Tables and collections, and the columns of each that say whose a row is."""

    columns: dict[str, set[str]] = field(default_factory=dict[str, set[str]])

    def add(self, table: str, names: Iterator[str] | set[str]) -> None:
        found = {one.lower() for one in names if _OWNS.fullmatch(one)}
        if found:
            self.columns.setdefault(table.lower(), set()).update(found)


def _owned(project: Project) -> _Owned:
    found = _Owned()
    program = project.names.program
    for state in program.states.values():
        module = program.module_of(state)
        if module is None:
            continue
        for node in walk(module.body):
            if node[0] == ir.CONST and type(node[3]) is str and _SQL.match(node[3]):
                table = _TABLE.search(node[3])
                if table is not None:
                    names = set(_NAME.findall(node[3])) - {table[1]}
                    found.add(table[1], names)
            elif _is_document(node):
                found.add(_collection(node), _keys(node[4][0]))
    return found


def _is_document(node: Node) -> bool:
    """Whether a node is a call of a collection with a filter or a document."""
    if node[0] != ir.CALL or not node[4] or last_name(node[3]) not in _DOCUMENTS:
        return False
    return node[4][0][0] == ir.MAP


def _collection(call: Node) -> str:
    """`loans` of `db.loans.find_one(…)` and `db["loans"].find_one(…)`."""
    on = call[3][3] if call[3][0] == ir.ATTR else call[3]
    if on[0] == ir.INDEX and on[4][0] == ir.CONST:
        return str(on[4][3])
    return last_name(on)


def _keys(node: Node) -> set[str]:
    return {
        str(key[3])
        for key, _ in node[3]
        if key is not None and key[0] == ir.CONST and type(key[3]) is str
    }


def _owner(project: Project) -> Iterator[Lack]:
    owned: _Owned | None = None
    for route in project.routes:
        if is_sign_in(route) or not is_authenticated(route):
            continue
        sent = sent_names(route)
        if not sent:
            continue
        for node in walk(route.function.node[5]):
            if node[0] != ir.CALL or not node[4]:
                continue
            name = last_name(node[3])
            if name not in _RUNS and name not in _DOCUMENTS:
                continue
            if owned is None:
                owned = _owned(project)
            subject = (
                _document(node, sent, owned) if name in _DOCUMENTS else _row(node, sent, owned)
            )
            if not subject:
                continue
            if is_restricted(route) or _ties(route, owned.columns[subject.lower()]):
                break
            yield lack(
                "missing-owner-check",
                route.function,
                f"May every caller see or change every row of {subject}?",
                node,
                Confidence.MEDIUM,
            )
            break


def _row(call: Node, sent: set[str], owned: _Owned) -> str:
    """The table that a query takes a row from by what was sent; empty: none, or by its owner."""
    query = call[4][0]
    if query[0] == ir.CALL and query[4]:
        query = query[4][0]  # `text("…")`
    if query[0] != ir.CONST or type(query[3]) is not str:
        return ""
    table, where = _TABLE.search(query[3]), _WHERE.search(query[3])
    if table is None or where is None or not _BY_ID.search(where[1]):
        return ""
    owns = owned.columns.get(table[1].lower())
    if owns is None or any(_OWNS.fullmatch(one) for one in _NAME.findall(where[1])):
        return ""
    given = [*call[4][1:], *(value for _, value in call[5])]
    return table[1] if any(_holds_sent(one, sent) for one in given) else ""


def _document(call: Node, sent: set[str], owned: _Owned) -> str:
    wanted = call[4][0]
    name = _collection(call)
    if wanted[0] != ir.MAP or name.lower() not in owned.columns:
        return ""
    keys = _keys(wanted)
    if any(_OWNS.fullmatch(one) for one in keys):
        return ""
    by_id = any(
        key is not None and key[0] == ir.CONST and words.IDENTIFIER.fullmatch(str(key[3]))
        for key, value in wanted[3]
        if is_sent(value, sent)
    )
    return name if by_id else ""


def _holds_sent(node: Node, sent: set[str]) -> bool:
    if node[0] == ir.SEQ:
        return any(_holds_sent(one, sent) for one in node[4])
    if node[0] == ir.MAP:
        return any(_holds_sent(value, sent) for _, value in node[3])
    return is_sent(node, sent)


def _ties(route: Route, columns: set[str]) -> bool:
    """Whether the owner that the row names is compared with somebody."""
    if is_tied(route.function):
        return True
    for one in route.facts.functions:
        for node in walk(one.node[5]):
            if node[0] == ir.COMPARE:
                for part in walk(node):
                    key = None
                    if part[0] == ir.INDEX:
                        key = part[4]
                    elif part[0] == ir.CALL and last_name(part[3]) == "get" and part[4]:
                        key = part[4][0]
                    name = part[4] if part[0] == ir.ATTR else ""
                    if key is not None and key[0] == ir.CONST:
                        name = str(key[3])
                    if name.lower() in columns or _OWNS.fullmatch(name):
                        return True
    return False


CHECKS = (_owner,)
