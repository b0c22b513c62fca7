"""Passwords and other secrets that a program stores, answers or logs as they are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import cast

from headgate.model.finding import Confidence
from headgate.scan.absence import words
from headgate.scan.absence.facts import Place
from headgate.scan.absence.lacks import Lack, Project, is_sign_in, lack, reads_request
from headgate.scan.absence.names import Function, last_name, walk
from headgate.scan.absence.routes import Route
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Node
from headgate.scan.late import late

_SERIALISERS = late(
    r"(to|as|get)_?(dict|json|data)\w*|json\w*|serialize\w*|serialise\w*|dump|dict|to_representation"
)
_KEEPS = frozenset(
    {
        "insert_one",
        "insert",
        "update_one",
        "filter_by",
        "filter",
        "find_one",
        "encode",
        "execute",
        "post",
        "put",
    }
)
_LOGS = frozenset({"print", "debug", "info", "warning", "error", "critical", "exception", "log"})
_PASSWORD = late(r"(\w+_)?(passw(or)?d|passphrase|pwd)(_?[12])?|passw(or)?d_\w+", re.IGNORECASE)
_SECRET = late(
    r"(\w+_)?(passw(or)?d|pwd|secret|auth_?token|access_?token|api_?key|private_?key|credit_?card|ssn|cvv)",
    re.IGNORECASE,
)


def _mentioned(node: Node) -> set[str]:
    """Names, attributes and constant keys in an expression."""
    out: set[str] = set()
    for one in walk(node):
        if one[0] == ir.NAME:
            out.add(one[3])
        elif one[0] == ir.ATTR:
            out.add(one[4])
        elif one[0] == ir.INDEX and one[4][0] == ir.CONST and type(one[4][3]) is str:
            out.add(one[4][3])
        elif (
            one[0] == ir.CALL
            and last_name(one[3]) == "get"
            and one[4]
            and one[4][0][0] == ir.CONST
            and type(one[4][0][3]) is str
        ):
            out.add(one[4][0][3])
    return out


def _is_password(node: Node) -> bool:
    """Whether a value is a password as it came in: a name or something taken out of a request."""
    if node[0] == ir.CALL and last_name(node[3]) not in ("get", "strip", "str", "get_argument"):
        return False
    if node[0] in (ir.CONST, ir.BUILD, ir.BINARY, ir.COMPARE):
        return False
    return any(_PASSWORD.fullmatch(one) for one in _mentioned(node))


def _plaintext(project: Project) -> Iterator[Lack]:
    seen: set[int] = set()
    for route in project.routes:
        if route.facts.has(words.HASHES):
            continue
        for function in route.facts.functions:
            if id(function.node) in seen:
                continue
            seen.add(id(function.node))
            first = next(_stores(function), None)
            if first is not None:
                yield first


_STORES = "Is what is stored or compared here a hash made elsewhere?"


def _cookies(project: Project) -> Iterator[Lack]:
    """Passwords that are put into a cookie."""
    for route in project.routes:
        for node in walk(route.function.node[5]):
            if (
                node[0] == ir.CALL
                and last_name(node[3]) in ("set_cookie", "set_signed_cookie")
                and _typed(route.function, node)
            ):
                yield lack(
                    "plaintext-password-storage", route.function, _STORES, node, Confidence.MEDIUM
                )


def _typed(function: Function, call: Node) -> bool:
    """Whether a cookie holds a password as it was typed, itself or through a variable."""
    value = next((one for key, one in call[5] if key == "value"), None)
    value = call[4][1] if value is None and len(call[4]) > 1 else value
    if value is None:
        return False
    while value[0] == ir.INDEX:
        value = value[3]
    if value[0] == ir.NAME and not _PASSWORD.fullmatch(value[3]):
        name = value[3]
        value = next(
            (
                one[4]
                for one in walk(function.node[5])
                if one[0] == ir.ASSIGN
                and one[4] is not None
                and any(target[0] == ir.NAME and target[3] == name for target in one[3])
            ),
            value,
        )
        if value[0] == ir.CALL and value[4] and value[4][0][0] == ir.CONST:
            return bool(_PASSWORD.fullmatch(str(value[4][0][3])))
    return _is_password(value)


def _stores(function: Function) -> Iterator[Lack]:
    for node in walk(function.node[5]):
        op = node[0]
        if op == ir.CALL:
            name = last_name(node[3])
            # By position it is only told by its name: `Customer(name, password)`.
            named = [
                ("password", one) for one in node[4] if one[0] == ir.NAME and name[:1].isupper()
            ]
            for key, value in (*node[5], *named):
                if key and _PASSWORD.fullmatch(key) and _is_password(value):
                    model = name[:1].isupper() and not name.endswith(
                        ("Error", "Form", "Client", "Connection", "Request")
                    )
                    if model or name in ("filter_by", "create", "insert", "values"):
                        yield lack(
                            "plaintext-password-storage", function, _STORES, node, Confidence.MEDIUM
                        )
                        break
        elif op == ir.ASSIGN and node[4] is not None and function.name != "__init__":
            for target in node[3]:
                if (
                    target[0] == ir.ATTR
                    and _PASSWORD.fullmatch(target[4])
                    and not (target[3][0] == ir.NAME and target[3][3] == "self")
                    and _is_password(node[4])
                ):
                    yield lack(
                        "plaintext-password-storage", function, _STORES, node, Confidence.MEDIUM
                    )
        elif op == ir.COMPARE:
            rest = cast("tuple[tuple[str, Node], ...]", node[4])
            if [one[0] for one in rest] not in (["=="], ["!="]):
                continue
            left, right = node[3], rest[0][1]
            for stored, given in ((left, right), (right, left)):
                if (
                    stored[0] == ir.ATTR
                    and _PASSWORD.fullmatch(stored[4])
                    and stored[3][0] == ir.NAME
                    and stored[3][3]
                    not in ("form", "request", "self", "data", "body", "payload", "credentials")
                    and _is_password(given)
                ):
                    yield lack(
                        "plaintext-password-storage", function, _STORES, node, Confidence.MEDIUM
                    )
        elif (
            op == ir.CONST
            and type(node[3]) is str
            and words.SQL_PASSWORD.match(node[3].lower())
            and any(
                one[0] == ir.NAME and _PASSWORD.fullmatch(one[3]) for one in walk(function.node[5])
            )
        ):
            yield lack("plaintext-password-storage", function, _STORES, node)


def _responses(project: Project) -> Iterator[Lack]:
    reached: dict[str, set[int]] = {}
    for route in project.routes:
        for one in route.facts.functions:
            reached.setdefault(one.state.path, set()).add(id(one.node))
    for state in project.names.program.states.values():
        here = reached.get(state.path)
        if here is None:
            yield from _placed(state.path, project.known[state].answers)
            continue
        for function in project.names.functions(state):
            if id(function.node) in here or _makes_answers(function):
                yield from _answers(function)


def _makes_answers(function: Function) -> bool:
    return function.owner is not None and _SERIALISERS.fullmatch(function.name) is not None


def _placed(path: str, places: Iterable[Place]) -> Iterator[Lack]:
    for kind, start, end, subject, question, confidence in places:
        yield Lack(kind, path, start, end, subject, question, Confidence(confidence))


def own_answers(function: Function) -> Iterator[Place]:
    """What a method that makes answers gives away, whoever calls it."""
    for one in _answers(function) if _makes_answers(function) else ():
        yield one.kind, one.start, one.end, one.subject, one.question, int(one.confidence)


def _answers(function: Function) -> Iterator[Lack]:
    yield from _whole_rows(function)
    kept: set[int] = set()
    for node in walk(function.node[5]):
        if node[0] == ir.CALL and last_name(node[3]) in _KEEPS:
            kept.update(id(one) for one in walk(node) if one[0] == ir.MAP)
        if node[0] != ir.MAP or id(node) in kept:
            continue
        for key, value in node[3]:
            if (
                key is not None
                and key[0] == ir.CONST
                and type(key[3]) is str
                and words.SECRET_FIELD.fullmatch(key[3])
                and value[0] in (ir.ATTR, ir.INDEX)
                and not reads_request(value)
                and any(words.SECRET_FIELD.fullmatch(one) for one in _mentioned(value))
            ):
                yield lack(
                    "secret-in-response",
                    function,
                    f"Who gets to see `{key[3]}`?",
                    value,
                    Confidence.MEDIUM,
                )
                break


def _whole_rows(function: Function) -> Iterator[Lack]:
    """`{c.name: getattr(self, c.name) for c in self.__table__.columns}` of a class one of whose
    columns is secret: nothing leaves that one out."""
    owner = function.owner
    if owner is None or not _makes_answers(function) or "__table__" not in function.node[11]:
        return
    names = (
        target[3]
        for node in owner.node[7]
        if node[0] == ir.ASSIGN and node[4] is not None and node[4][0] == ir.CALL
        for target in node[3]
        if target[0] == ir.NAME
    )
    secret = next((one for one in names if _SECRET_COLUMN.fullmatch(one)), None)
    for node in walk(function.node[5]) if secret is not None else ():
        if (
            node[0] == ir.COMPREHENSION
            and node[3] == "dict"
            and not any(conditions for _, _, conditions in node[6])
        ):
            yield lack(
                "secret-in-response",
                function,
                f"Who gets to see `{secret}`?",
                node,
                Confidence.MEDIUM,
            )
            return


_SECRET_COLUMN = late(
    rf"{words.SECRET_FIELD.pattern}|pw(_?hash)?|(\w+_)?(api|auth|access|refresh|session)_?token",
    re.IGNORECASE,
)


def _logs(project: Project) -> Iterator[Lack]:
    seen: set[int] = set()
    for route in project.routes:
        for function in route.facts.functions:
            if id(function.node) in seen:
                continue
            seen.add(id(function.node))
            for node in walk(function.node[5]):
                if node[0] == ir.CALL and last_name(node[3]) in _LOGS and _logged(route, node):
                    yield lack(
                        "sensitive-data-exposure",
                        function,
                        "Who reads this log, and how long is it kept?",
                        node,
                    )


def _logged(route: Route, call: Node) -> bool:
    for value in call[4]:
        names = {
            name
            for name in _mentioned(value)
            if not name.endswith(("_field", "_id", "_type", "_name"))
        }
        if any(_SECRET.fullmatch(one) for one in names) or _is_every_header(value):
            return True
        if (
            value[0] == ir.NAME
            and value[3] in ("content", "data", "body", "payload", "request_data")
            and is_sign_in(route)
        ):
            return True
    return False


def _is_every_header(value: Node) -> bool:
    """Whether a value is all headers or cookies of a request: what says who calls is among
    them."""
    if value[0] == ir.BUILD:
        return any(_is_every_header(one) for one in value[3])
    if value[0] == ir.CALL and len(value[4]) == 1 and last_name(value[3]) in _WRAPS:
        return _is_every_header(value[4][0])
    return (
        value[0] == ir.ATTR
        and value[4] in ("headers", "cookies", "META", "COOKIES")
        and last_name(value[3]) in ("request", "req")
    )


_WRAPS = frozenset({"dict", "str", "repr", "list", "dumps"})


def _by_hand(project: Project) -> Iterator[Lack]:
    """Tokens that are taken apart and believed: what is in the middle of `a.b.c` is read, and
    nothing looks at the end."""
    seen: set[int] = set()
    for route in project.routes:
        for function in (one for facts in (route.facts, *route.guards) for one in facts.functions):
            if id(function.node) in seen:
                continue
            seen.add(id(function.node))
            mentions: frozenset[str] = function.node[11]
            if not mentions >= {"split", "loads"} or mentions.isdisjoint(_DECODES):
                continue
            middle = next((one for one in walk(function.node[5]) if _is_middle(one)), None)
            if middle is not None and not any(_PROVES.search(one) for one in mentions):
                yield lack(
                    "jwt-unverified",
                    function,
                    "What proves that the program itself made this token?",
                    middle,
                    Confidence.MEDIUM,
                )


def _is_middle(node: Node) -> bool:
    """`token.split(".")[1]`"""
    return (
        node[0] == ir.INDEX
        and node[4][0] == ir.CONST
        and node[4][3] == 1
        and node[3][0] == ir.CALL
        and last_name(node[3][3]) == "split"
        and any(one[0] == ir.CONST and one[3] in (".", b".") for one in node[3][4])
    )


_DECODES = frozenset({"b64decode", "urlsafe_b64decode", "base64url_decode"})
_PROVES = late(r"hmac|verif|compare_digest|sig(n|$|_)|check", re.IGNORECASE)


def _settings(project: Project) -> Iterator[Lack]:
    """Django settings whose list of middleware has no protection against other sites."""
    for state in project.names.program.states.values():
        if "settings" in state.path:
            yield from _placed(state.path, project.known[state].settings)


def of_settings(body: Iterable[Node]) -> Iterator[Place]:
    """What the statements of a file of settings lack."""
    for node in body:
        if node[0] != ir.ASSIGN or node[4] is None or node[4][0] != ir.SEQ:
            continue
        if not any(
            one[0] == ir.NAME and one[3] in ("MIDDLEWARE", "MIDDLEWARE_CLASSES") for one in node[3]
        ):
            continue
        texts = [one[3] for one in node[4][4] if one[0] == ir.CONST and type(one[3]) is str]
        if texts and not any("csrf" in one.lower() for one in texts):
            yield (
                "missing-csrf-protection", node[1], node[2], "MIDDLEWARE",
                "What protects forms from other sites, if not Django's middleware?",
                int(Confidence.MEDIUM),
            )  # fmt: skip


CHECKS = (_plaintext, _cookies, _responses, _logs, _by_hand, _settings)
