"""Routes for administrators that ask who calls, and not whether they may."""

from __future__ import annotations

import re
from collections.abc import Iterator

from headgate.model.finding import Confidence
from headgate.scan.absence import words
from headgate.scan.absence.before import checks_rights
from headgate.scan.absence.lacks import Lack, Project, is_authenticated, is_sign_in, lack
from headgate.scan.absence.names import walk
from headgate.scan.absence.owning import is_caller
from headgate.scan.absence.routes import Route
from headgate.scan.ir import nodes as ir
from headgate.scan.late import late

_FOR_FEW = late(
    r"(^|[\s/_-])(admin|administration|backoffice|back-office|superuser|moderation|staff)($|[\s/_-])",
    re.IGNORECASE,
)
_ROLE = late(r"admin|superuser|staff|moderator|role|permission|manager", re.IGNORECASE)
_QUESTION = "Its siblings ask what the caller may do. May everybody who has signed in do this?"


def is_restricted(route: Route) -> bool:
    """Whether a route, or what runs before it, tests what whoever calls may do."""
    if any(_ROLE.search(one) for one in route.decorators):
        return True
    function = route.function
    heads = (function.node[6], tuple(one[4:6] for one in function.node[4]))
    for node in walk(heads):
        if node[0] in (ir.NAME, ir.ATTR) and _ROLE.search(
            node[3] if node[0] == ir.NAME else node[4]
        ):
            return True
        if node[0] == ir.CONST and type(node[3]) is str and node[3] != "" and _is_role(node[3]):
            return True
    every = (route.facts, *route.guards)
    return any(checks_rights(one) for facts in every for one in facts.functions)


def _is_role(text: str) -> bool:
    return words.PRIVILEGED.match(text.lower()) is not None and text.lower() not in (
        "true", "1", "yes",
    )  # fmt: skip


def _authorisation(project: Project) -> Iterator[Lack]:
    routes = [route for route in project.routes if _FOR_FEW.search(route.where)]
    if not routes:
        return
    restricted = {id(route): is_restricted(route) for route in routes}
    for route in routes:
        if restricted[id(route)] or is_sign_in(route) or not is_authenticated(route):
            continue
        if any(restricted[id(one)] for one in routes if one.path == route.path):
            yield lack(
                "missing-authorisation", route.function, _QUESTION, confidence=Confidence.MEDIUM
            )


def _grants(project: Project) -> Iterator[Lack]:
    """What other routes ask of the caller, given to anybody by one that does not ask."""
    tested: dict[str, set[str]] = {}
    for route in project.routes:
        tested.setdefault(route.path, set()).update(_tested(route))
    for route in project.routes:
        names = tested[route.path]
        if not names or is_restricted(route) or not is_authenticated(route):
            continue
        if any(names & set(one.mentions) for one in route.guards):
            continue
        body = list(walk(route.function.node[5]))
        for node in body if not _tested(route) else ():
            if node[0] == ir.ASSIGN and any(
                target[0] == ir.ATTR and target[4] in names and not is_caller(target[3])
                for target in node[3]
            ):
                yield lack(
                    "missing-authorisation", route.function, _QUESTION, node, Confidence.MEDIUM
                )
                break


def _tested(route: Route) -> set[str]:
    """Attributes of the caller without which the route does not go on: `if not g.user.vet`."""
    found: set[str] = set()
    for node in walk(route.function.node[5]):
        if node[0] != ir.IF:
            continue
        test = node[3]
        for one in test[4] if test[0] == ir.BOOL else (test,):
            if one[0] == ir.UNARY and one[3] == "not" and one[4][0] == ir.ATTR:
                right = one[4]
                if is_caller(right[3]) and not _STATES.search(right[4]):
                    found.add(right[4])
    return found


_STATES = late(
    r"active|confirm|verif|enabled|authenticated|anonymous|email|name|phone", re.IGNORECASE
)
"""What an account is in, and gives no rights."""

CHECKS = (_authorisation, _grants)
