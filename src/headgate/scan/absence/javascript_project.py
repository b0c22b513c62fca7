"""The routes of a JavaScript project, and what is asked of each of them."""

from __future__ import annotations

import re

from headgate.model.finding import Confidence
from headgate.model.record import record
from headgate.scan.absence import javascript_words as words
from headgate.scan.absence import words as common
from headgate.scan.absence.javascript_names import Fn, Scripts, snake, text_of
from headgate.scan.absence.javascript_routes import Route
from headgate.scan.absence.lacks import Lack
from headgate.scan.absence.names import last_name, walk
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Node
from headgate.scan.late import late

_CODE = late(r"(^|[/_ -])(pin|passcode|pass_?code|2fa|mfa|totp)($|[/_ -])", re.IGNORECASE)
HEADER = late(r"^(authorization|x-api-?key|x-auth-token|x-access-token|bearer )")


@record(frozen=False)
class Project:
    """The routes of a project, and what is known of all of it."""

    scripts: Scripts
    routes: list[Route]
    imports: frozenset[str]
    """Libraries that any file imports."""
    words: frozenset[str]
    """Names that any file has, in the way of `snake`."""
    checked: dict[int, bool]
    """By the identity of a route: whether anything tells of a check of who calls."""


def lack(kind: str, route: Route, question: str, confidence: Confidence = Confidence.LOW) -> Lack:
    """A lack of a route."""
    return Lack(
        kind, route.state.path, route.node[1], route.end, route.subject, question, confidence
    )


def is_authenticated(route: Route) -> bool:
    """Whether anything in the route, or before it, tells of a check of who calls."""
    if any(words.AUTHENTICATION.fullmatch(one) for one in route.words):
        return True
    facts = route.facts
    if facts.has(words.AUTHENTICATION) or facts.says(HEADER):
        return True
    if any(map(_turns_away, route.guards)):
        return True
    functions = (*facts.functions, *route.guards)
    return any(who_signed_in(one) for fn in functions for one in walk(fn.node[5]))


def _turns_away(fn: Fn) -> bool:
    """Whether what runs before a route answers that one has to sign in first."""
    knows = not _CALLERS.isdisjoint(fn.node[11])
    for node in walk(fn.node[5]):
        if node[0] == ir.CALL:
            name = last_name(node[3])
            for one in node[4]:
                if one[0] == ir.CONST and (one[3] == 401 or (one[3] == 403 and knows)):
                    return True
                text = text_of(one) if name == "redirect" else None
                if text is not None and _SIGN_IN_PAGE.search(text):
                    return True
            if name.startswith("Unauthori"):
                return True
        elif node[0] == ir.ASSIGN and node[4] is not None and node[4][3:] == (401,):
            return True
    return False


_CALLERS = frozenset({"session", "user", "role", "roles", "claims", "isAuthenticated"})
_SIGN_IN_PAGE = late(r"(log|sign)[_-]?in|/auth\b", re.IGNORECASE)


def who_signed_in(node: Node) -> bool:
    """`req.user`, `req.session.userId`, `ctx.state.user`, `res.locals.user`."""
    if node[0] != ir.ATTR or words.WHO.fullmatch(snake(node[4])) is None:
        return False
    holder = node[3]
    if holder[0] == ir.NAME:
        return holder[3] in ("req", "request", "session")
    return holder[0] == ir.ATTR and holder[4] in ("session", "state", "locals", "auth")


def writes(route: Route) -> bool:
    """Whether something is written: to a database, a store or a file."""
    return not route.facts.calls.isdisjoint(words.WRITES) or route.facts.says(common.SQL_CHANGE)


def is_sign_in(route: Route) -> bool:
    """Whether a password or a code is checked by it."""
    where = route.where
    if not route.changes or common.NOT_SIGN_IN.search(where):
        return False
    facts = route.facts
    password = facts.has(common.PASSWORD) or facts.says(common.PASSWORD_TEXT)
    password = password or "pass" in facts.words
    passport = "passport" in route.words
    if not password and not passport:
        return False
    if common.SIGN_IN.search(where) or _CODE.search(where):
        return True
    return not facts.calls.isdisjoint({"compare", "compareSync", "comparePassword", "logIn"})
