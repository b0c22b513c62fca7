"""Objects that a route fetches by what the caller sends, and whether they are the caller's."""

from __future__ import annotations

import re
from collections.abc import Iterator

from headgate.model.finding import Confidence
from headgate.scan.absence import words
from headgate.scan.absence.before import checks_rights
from headgate.scan.absence.lacks import (
    Lack,
    Project,
    is_authenticated,
    is_sign_in,
    lack,
    reads_request,
)
from headgate.scan.absence.names import Class, Function, Names, last_name, walk
from headgate.scan.absence.owning import is_caller, owner_fields
from headgate.scan.absence.rights import is_restricted
from headgate.scan.absence.routes import Route
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Node
from headgate.scan.late import late

_MOST_PERSONAL = frozenset(
    {
        "user",
        "users",
        "account",
        "accounts",
        "customer",
        "customers",
        "patient",
        "patients",
        "profile",
        "profiles",
    }
)
_BODY = frozenset({"json", "get_json", "form", "data", "POST", "body", "values", "forms"})


_NOT_SENT = frozenset(
    {"self", "request", "req", "cls", "info", "root", "parent", "_", "obj", "context", "ctx"}
)


def sent_names(route: Route) -> set[str]:
    """Names in a route that hold what the caller sent, identity that was checked excepted."""
    function = route.function
    sent = set(route.parameters)
    if route.named:
        sent.update(one[3][3] for one in function.node[4] if _is_filled(one))
    elif function.owner is not None or not route.patterns:
        sent.update(
            one[3][3]
            for one in function.node[4]
            if one[3][0] == ir.NAME and one[3][3] not in _NOT_SENT
        )
    sent &= {one[3][3] for one in function.node[4] if one[3][0] == ir.NAME}
    for node in walk(function.node[5]):
        if node[0] != ir.ASSIGN or node[4] is None or node[4][0] in (ir.COMPREHENSION, ir.MAP):
            continue
        if is_sent(node[4], sent):
            for target in node[3]:
                if target[0] == ir.NAME:
                    sent.add(target[3])
    return sent


def _is_filled(parameter: Node) -> bool:
    """Whether a framework fills a parameter with what was sent, and not with a service."""
    if parameter[3][0] != ir.NAME:
        return False
    default, annotation = parameter[4], parameter[5]
    names = {last_name(one) for one in walk((default, annotation)) if one[0] in _NAMED}
    return names.isdisjoint(_SERVICES)


_NAMED = (ir.NAME, ir.ATTR, ir.CALL)
_SERVICES = frozenset(
    {
        "Depends", "Security", "Session", "AsyncSession", "Request", "Response",
        "BackgroundTasks", "WebSocket", "Connection",
    }
)  # fmt: skip


_PARSES = frozenset({"payload", "parse_body", "get_body", "json_body", "read_json", "load_body"})
"""Functions of a project that read the body of a request or an event."""


def is_sent(node: Node, sent: set[str]) -> bool:
    """Whether a value is what the caller sent, and not what a check of identity made of it."""
    while node[0] in (ir.AWAIT, ir.INDEX) or (
        node[0] == ir.CALL
        and (
            last_name(node[3])
            in ("get", "int", "str", "strip", "lower", "getlist", "pop", "UUID", "ObjectId")
        )
    ):
        if node[0] == ir.CALL and node[3][0] == ir.NAME and node[4]:
            node = node[4][0]
        elif node[0] == ir.CALL and node[3][0] == ir.ATTR:
            node = node[3][3]
        elif node[0] in (ir.AWAIT, ir.INDEX):
            node = node[3]
        else:
            break
    if node[0] == ir.NAME:
        return node[3] in sent
    if node[0] == ir.CALL and last_name(node[3]) not in (
        "get_json",
        "json",
        "post",
        "form",
        "get_argument",
        "get_body_argument",
        "get_data",
        "loads",
        "body",
        *_PARSES,
    ):
        return False
    if node[0] == ir.CALL and last_name(node[3]) in _PARSES:
        return any(one[0] == ir.NAME and one[3] in ("event", "request", "req") for one in node[4])
    return reads_request(node)


def _owner(project: Project) -> Iterator[Lack]:
    fields = owner_fields(project.names) if project.routes else frozenset[str]()
    for route in project.routes:
        if is_sign_in(route) or words.NOT_CHANGE.search(route.where):
            continue
        if for_administrators(route.function) or is_restricted(route):
            continue
        sent = sent_names(route)
        checked = is_authenticated(route)
        if not sent and not checked:
            continue
        if is_tied(route.function, fields):
            continue
        tied: set[int] = set()
        for call in walk(route.function.node[5]):
            if call[0] == ir.CALL and last_name(call[3]) in _NARROWS and _is_tied(call, sent):
                # `select(Note).where(Note.id == id).where(Note.owner == current_user.id)`
                tied.update(id(one) for one in walk(call[3]))
            subject = _fetched(project.names, route.function, call, sent, fields)
            if subject is None or id(call) in tied:
                continue
            if not checked and subject.lower() not in _MOST_PERSONAL:
                continue
            yield lack(
                "missing-owner-check",
                route.function,
                f"May every caller see or change every {subject}?",
                call,
                Confidence.MEDIUM if checked else Confidence.LOW,
            )
            break


def for_administrators(function: Function) -> bool:
    """Whether a decorator or a dependency admits administrators only."""
    heads = (function.node[6], tuple(one[4:6] for one in function.node[4]))
    return any(
        _ADMINISTRATORS.search(one[3] if one[0] == ir.NAME else one[4]) is not None
        for one in walk(heads)
        if one[0] in (ir.NAME, ir.ATTR)
    )


_ADMINISTRATORS = late(r"admin|superuser|staff|moderator", re.IGNORECASE)


def is_tied(function: Function, fields: frozenset[str] = frozenset()) -> bool:
    """Whether anything compares an owner."""
    for node in walk(function.node[5]):
        if node[0] == ir.COMPARE:
            sides = (node[3], *(one[1] for one in node[4]))
            if any(
                (
                    part[0] == ir.ATTR
                    and part[4][:1].islower()
                    and (words.OWN.fullmatch(part[4]) is not None or part[4] in fields)
                )
                or (part[0] == ir.NAME and words.AUTHENTICATION.fullmatch(part[3]) is not None)
                or is_caller(part)
                for side in sides
                for part in walk(side)
            ) and node[4][0][0] in ("==", "!=", "is", "is not", "in", "not in"):
                return True
        elif node[0] == ir.CALL and _CHECKS.fullmatch(last_name(node[3])):
            return True
    return False


_CALLERS = frozenset({"user", "owner", "current_user", "g", "account"})
_CHECKS = words.any_of(
    r"has_perm\w*",
    r"check_object_permissions",
    r"(check|can|may|must|verify|ensure|authorize|require|assert)_?\w*(owner|access|perm\w*|authori\w*)",
    r"(check|can|may|must|verify|ensure|authorize|require|assert|is)_(\w+_)?(own(s|ed|er|ership)?|belongs?)(_\w+)?",
    r"owns(_\w+)?|belongs_to(_\w+)?",
)  # fmt: skip


def _fetched(
    names: Names, function: Function, call: Node, sent: set[str], fields: frozenset[str]
) -> str | None:
    """What a call fetches by something that was sent; None: nothing, or what is the caller's."""
    if call[0] == ir.INDEX:
        base = call[3]
        if (
            base[0] == ir.NAME
            and base[3] not in sent
            and is_sent(call[4], sent)
            and _store(base[3])
        ):
            return base[3]
        return None
    if call[0] != ir.CALL:
        return None
    helper = words.FETCH_HELPER.fullmatch(last_name(call[3]))
    if helper is not None and any(is_sent(one, sent) for one in call[4]):
        mentioned = {last_name(one) for one in call[4]} | {key for key, _ in call[5] if key}
        owned = any(words.AUTHENTICATION.fullmatch(one) or one in _CALLERS for one in mentioned)
        return None if owned or not _store(helper["what"]) else helper["what"]
    if last_name(call[3]) not in words.FETCHES:
        return None
    by_sent, tied = False, _is_tied(call, sent)
    values = [(None, one) for one in call[4]] + list(call[5])
    for key, value in values:
        for part in walk(value):
            if (part[0] == ir.COMPARE and any(is_sent(one[1], sent) for one in part[4])) or (
                part[0] == ir.MAP and any(is_sent(one, sent) for _, one in part[3])
            ):
                by_sent = True
        if is_sent(value, sent) and (key is None or words.IDENTIFIER.fullmatch(key)):
            by_sent = True
    if tied or not by_sent:
        return None
    subject = _subject(call) or ""
    if call[3][0] == ir.ATTR and not _store(subject):
        subject = _table(names, function, call[3][3]) or subject
    if not subject:
        return None
    meaning = names.found(function.state, subject)
    if isinstance(meaning, Class) and has_owner(meaning, fields):
        return subject
    return subject if _store(subject) else None


def _table(names: Names, function: Function, on: Node) -> str:
    """`orders` of `table = dynamodb.Table("orders")`."""
    found = names.assigned(function.state, on) if on[0] in (ir.NAME, ir.ATTR) else None
    value = found[1] if found is not None else on
    if value[0] == ir.CALL and last_name(value[3]) == "Table" and value[4]:
        return str(value[4][0][3]) if value[4][0][0] == ir.CONST else ""
    return ""


_NARROWS = frozenset({"where", "filter", "filter_by"})
"""Calls that leave rows out, one after the other."""


def _is_tied(call: Node, sent: set[str]) -> bool:
    """Whether the arguments of a call name whoever calls."""
    values = [(None, one) for one in call[4]] + list(call[5])
    for key, value in values:
        if key and words.OWN.fullmatch(key) and not is_sent(value, sent):
            return True
        for part in walk(value):
            if is_caller(part):
                return True
            if part[0] == ir.CALL and any(
                inner and words.OWN.fullmatch(inner) and not is_sent(one, sent)
                for inner, one in part[5]
            ):
                return True  # `Q(vehicle__owner=…)`
            if part is value or part[0] not in (ir.NAME, ir.ATTR):
                continue
            if words.AUTHENTICATION.fullmatch(last_name(part)) is not None:
                return True
    return False


def _store(name: str) -> bool:
    return words.PERSONAL.fullmatch(name) is not None


def has_owner(one: Class, fields: frozenset[str] = frozenset()) -> bool:
    """Whether a class declares whose its objects are. `fields`: names that elsewhere say so."""
    return any(
        target[0] == ir.NAME and (words.OWN.fullmatch(target[3]) is not None or target[3] in fields)
        for node in one.node[7]
        if node[0] == ir.ASSIGN
        for target in node[3]
    )


def _subject(call: Node) -> str:
    """`Customer` of `Customer.query.get(…)` and of `get_object_or_404(Customer, …)`."""
    for one in call[4]:
        if one[0] in (ir.NAME, ir.ATTR) and last_name(one)[:1].isupper():
            return last_name(one)
    node = call[3]
    while node[0] in (ir.ATTR, ir.CALL):
        if node[0] == ir.CALL and node[4] and last_name(node[4][0])[:1].isupper():
            return last_name(node[4][0])
        node = node[3]
        if node[0] == ir.ATTR and node[4] in (
            "users",
            "notes",
            "orders",
            "accounts",
            "messages",
            "documents",
            "posts",
        ):
            return node[4]
    return node[3] if node[0] == ir.NAME else ""


def _assignment(project: Project) -> Iterator[Lack]:
    """Fields that the caller must not choose, taken from what the caller sends."""
    for route in project.routes:
        sent = sent_names(route)
        guarded = for_administrators(route.function)
        for node in walk(route.function.node[5]):
            if node[0] == ir.CALL:
                name = last_name(node[3])
                spread = [value for key, value in node[5] if key is None]
                if (
                    (
                        (name[:1].isupper() or name in ("create", "update", "insert", "values"))
                        and any(is_body(one, sent) for one in spread)
                    )
                    or (
                        name == "update"
                        and node[3][0] == ir.ATTR
                        and len(node[4]) == 1
                        and is_body(node[4][0], sent)
                        and route.changes
                    )
                    or (
                        name == "setattr"
                        and len(node[4]) == 3
                        and node[4][1][0] == ir.NAME
                        and _over_body(route.function, node[4][1][3], sent)
                    )
                ):
                    yield lack("mass-assignment", route.function, FIELDS, node, Confidence.MEDIUM)
        if not guarded and route.changes:
            yield from _privileges(route, sent)


FIELDS = "Which fields may the caller set, and are there others in the object?"


def _privileges(route: Route, sent: set[str]) -> Iterator[Lack]:
    for node in walk(route.function.node[5]):
        key = None
        if node[0] == ir.INDEX and node[4][0] == ir.CONST:
            key, base = node[4][3], node[3]
        elif (
            node[0] == ir.CALL and last_name(node[3]) == "get" and node[4] and node[3][0] == ir.ATTR
        ):
            first = node[4][0]
            key, base = (first[3] if first[0] == ir.CONST else None), node[3][3]
        else:
            continue
        if (
            isinstance(key, str)
            and words.PRIVILEGE.fullmatch(key)
            and is_sent(base, sent)
            and not checks_rights(route.function)
        ):
            yield lack(
                "mass-assignment", route.function, "May the caller choose their own rights?", node
            )
            return


def is_body(node: Node, sent: set[str]) -> bool:
    """Whether a value is the whole of what was sent."""
    while node[0] == ir.AWAIT:
        node = node[3]
    if node[0] == ir.NAME:
        return node[3] in sent and node[3] in (
            "data",
            "body",
            "payload",
            "content",
            "json_data",
            "request_data",
            "params",
            "form",
            "values",
            "args",
            "kwargs",
            "fields",
            "updates",
            "user_data",
        )
    if node[0] == ir.CALL and last_name(node[3]) == "to_dict" and node[3][0] == ir.ATTR:
        node = node[3][3]
    return reads_request(node) and last_name(node) in _BODY


def _over_body(function: Function, name: str, sent: set[str]) -> bool:
    for node in walk(function.node[5]):
        if node[0] == ir.FOR and any(one[0] == ir.NAME and one[3] == name for one in walk(node[3])):
            iterable = node[4]
            if iterable[0] == ir.CALL and iterable[3][0] == ir.ATTR:
                iterable = iterable[3][3]
            return is_body(iterable, sent) or is_sent(iterable, sent)
    return False


CHECKS = (_owner, _assignment)
