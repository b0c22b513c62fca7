"""What routes lack. Every answer is a question to a human: nothing here proves a defect."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from headgate.model.finding import Confidence
from headgate.model.record import record
from headgate.scan.absence import words
from headgate.scan.absence.before import asks_who
from headgate.scan.absence.callers import Callers
from headgate.scan.absence.facts import Known
from headgate.scan.absence.names import Function, Names, last_name, walk
from headgate.scan.absence.owning import is_caller
from headgate.scan.absence.routes import Facts, Route, routes_of
from headgate.scan.absence.words import Words
from headgate.scan.flow.program import Program
from headgate.scan.flow.rules import Rules
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Node
from headgate.scan.late import late


@record
class Lack:
    """Something that is not there."""

    kind: str
    path: str
    start: int
    end: int
    subject: str
    """What lacks it, as the code calls it."""
    question: str
    confidence: Confidence = Confidence.LOW


@dataclass
class Project:
    """The routes of a project, and what is known of all of it."""

    names: Names
    known: Known
    routes: list[Route]

    @cached_property
    def mentions(self) -> frozenset[str]:
        """Names that any file has."""
        states = self.names.program.states.values()
        found = (name for state in states for name in self.known.mentions(state))
        return frozenset(name.rpartition(".")[2] for name in found)

    @cached_property
    def defined(self) -> frozenset[str]:
        """Names of the functions in it."""
        states = self.names.program.states.values()
        return frozenset(name for state in states for name in self.known[state].functions)

    def uses(self, pattern: Words | re.Pattern[str]) -> bool:
        """Whether a name that matches is used; what is defined only is not."""
        found = {one for one in self.mentions if pattern.fullmatch(one)}
        return any(one not in self.defined or self._referred(one) for one in found)

    def _referred(self, name: str) -> bool:
        program = self.names.program
        for state in program.states.values():
            if name not in self.known.mentions(state):
                continue
            module = program.module_of(state)
            for node in walk(module.body) if module is not None else ():
                op = node[0]
                if (op == ir.NAME and node[3] == name) or (op == ir.ATTR and node[4] == name):
                    return True
                if op == ir.CONST and type(node[3]) is str and node[3].endswith(name):
                    return True
        return False


def lacks_of(
    program: Program,
    rules: Rules,
    known: Known,
    checks: Iterable[Check] | None = None,
    documents: Mapping[str, bytes] | None = None,
) -> list[Lack]:
    """What the routes of a program lack, by place."""
    names = Names(program, rules, known)
    routes = routes_of(names, documents or {})
    if routes:
        callers = Callers(names)
        for route in routes:
            route.asked, route.limited = callers.asked(route), callers.limits(route)
    project = Project(names, known, routes)
    found: dict[tuple[str, str, int], Lack] = {}
    for check in CHECKS if checks is None else checks:
        for lack in check(project):
            found.setdefault((lack.kind, lack.path, lack.start), lack)
    return sorted(found.values(), key=lambda one: (one.path, one.start, one.kind))


def place(function: Function) -> tuple[str, int, int]:
    """The file and the place of a function's head, decorators not counted."""
    node = function.node
    first = min((one[1] for one in node[5]), default=node[2])
    return function.state.path, node[1], min(first, node[2])


def lack(
    kind: str,
    function: Function,
    question: str,
    node: Node | None = None,
    confidence: Confidence = Confidence.LOW,
) -> Lack:
    """A lack of a function, or of one statement in it."""
    path, start, end = place(function)
    if node is not None:
        start, end = node[1], node[2]
    return Lack(kind, path, start, end, function.name, question, confidence)


# What a route does


def is_authenticated(route: Route) -> bool:
    """Whether anything in the route tells of a check of who calls."""
    if route.asked is not None:
        return route.asked
    if any(words.AUTHENTICATION.fullmatch(one) for one in route.decorators):
        return True
    if route.facts.has(words.AUTHENTICATION) or route.facts.says(_HEADER):
        return True
    node = route.function.node
    for parameter in node[4]:
        for part in (parameter[4], parameter[5]):
            if part is not None and any(
                words.AUTHENTICATION.fullmatch(last_name(one))
                for one in walk(part)
                if one[0] in (ir.NAME, ir.ATTR)
            ):
                return True
    owner = route.function.owner
    if owner is not None and any(
        words.AUTHENTICATION.fullmatch(one.rpartition(".")[2].rpartition(":")[2])
        for one in owner.bases
    ):
        return True
    return reads_session(route.facts) or any(
        asks_who(one) or one.says(_HEADER) or reads_session(one) for one in route.guards
    )


_HEADER = late(r"^(authorization|x-api-?key|x-auth-token|x-access-token|x-token)$")
_WHO = late(
    r"(user|login|logged|auth|account|role|admin|uid|identity|name|member|email|id)", re.IGNORECASE
)


def reads_session(facts: Facts) -> bool:
    """Whether it looks into the session for who calls."""
    for function in facts.functions:
        for node in walk(function.node[5]):
            container, key = None, None
            if node[0] == ir.INDEX:
                container, key = node[3], node[4]
            elif node[0] == ir.CALL and node[4] and last_name(node[3]) == "get":
                container, key = node[3][3] if node[3][0] == ir.ATTR else None, node[4][0]
            elif node[0] == ir.COMPARE and node[4] and node[4][0][0] in ("in", "not in"):
                container, key = node[4][0][1], node[3]
            if (
                container is not None
                and key is not None
                and key[0] == ir.CONST
                and type(key[3]) is str
                and last_name(container).endswith("session")
                and _WHO.search(key[3])
            ):
                return True
    return False


def changes_state(facts: Facts) -> bool:
    """Whether something is written: to a database, a store or a file."""
    return (
        not facts.calls.isdisjoint(words.CHANGING_CALLS)
        or facts.says(words.SQL_CHANGE)
        or any(
            one[0] == ir.CALL and last_name(one[3]) in ("create", "add", "update") and one[4]
            for function in facts.functions[:1]
            for one in walk(function.node[5])
        )
    )


def is_sign_in(route: Route) -> bool:
    """Whether a password or a code is checked by it."""
    if words.NOT_SIGN_IN.search(route.where):
        return False
    password = route.facts.has(words.PASSWORD) or route.facts.says(words.PASSWORD_TEXT)
    if not password or not may_post(route):
        return False
    if words.SIGN_IN.search(route.where):
        return True
    return any(words.CHECKS_PASSWORD.fullmatch(one) for one in route.facts.calls) and (
        route.facts.says(words.PASSWORD_TEXT)
    )


def may_post(route: Route) -> bool:
    """Whether it takes requests that have a body."""
    return route.changes or bool(
        route.facts.mentions & {"POST", "form", "post", "get_json", "is_valid", "body", "data"}
    )


def _reads(facts: Facts) -> bool:
    """Whether something is read: of a database, a store or a file."""
    return not facts.calls.isdisjoint(words.READS) or facts.says(_SELECT) or changes_state(facts)


_SELECT = re.compile(r"^\s*select\b.*\bfrom\b", re.DOTALL)
_PRIVATE = re.compile(
    r"(^|[^a-z]|[a-z](?=[A-Z]))(export|dump|backup|admin|internal|audit|debug|payroll)",
    re.IGNORECASE,
)
"""Routes that tell what is not meant for everybody."""

# The checks


def _authentication(project: Project) -> Iterator[Lack]:
    """Routes that change something, or answer about one object, where others ask who calls."""
    checked = {id(route): is_authenticated(route) for route in project.routes}
    if not any(checked.values()) and not any(is_sign_in(route) for route in project.routes):
        return
    by_file: dict[str, list[Route]] = {}
    for route in project.routes:
        by_file.setdefault(route.path, []).append(route)
    for route in project.routes:
        if checked[id(route)] or words.OPEN.search(route.where) or is_sign_in(route):
            continue
        if route.facts.says(words.PASSWORD_TEXT) and not words.CHANGES_PASSWORD.search(route.where):
            continue  # It makes an account, most likely.
        siblings = [one for one in by_file[route.path] if one is not route]
        having = sum(checked[id(one)] for one in siblings)
        most = having >= 2 and having * 2 >= len(siblings)
        destroys = not route.facts.calls.isdisjoint({"drop_all", "rmtree", "drop_database"})
        writes = may_post(route) and (changes_state(route.facts) or "save" in route.facts.calls)
        some = having >= 1 and having * 2 >= len(siblings)
        tells = some and _PRIVATE.search(route.where) is not None
        answers = route.parameters and _reads(route.facts)
        if destroys or writes or tells or (most and (answers or route.changes)):
            yield lack(
                "missing-authentication",
                route.function,
                "Is this route meant to be open to everybody?",
                confidence=Confidence.MEDIUM if most and writes else Confidence.LOW,
            )


def _csrf(project: Project) -> Iterator[Lack]:
    """Changes on requests that browsers make with cookies."""
    if not project.routes:
        return
    if not project.uses(words.COOKIES) and not any(
        reads_session(route.facts) for route in project.routes
    ):
        return
    exempt = {"csrf_exempt", "exempt"}
    django = any(one.startswith("Django") or one == "urlpatterns" for one in project.mentions)
    protected = project.uses(_CSRF_APP) or django
    by_one = {route.path for route in project.routes if _is_checked(route)}
    for route in project.routes:
        if not exempt.isdisjoint(route.decorators):
            signed = route.facts.has(_SIGNED)
            if not signed and not route.facts.has(words.BEARER) and not route.facts.says(_HEADER):
                yield lack(
                    "missing-csrf-protection",
                    route.function,
                    _CSRF_QUESTION,
                    confidence=Confidence.MEDIUM,
                )
            continue
        if protected or route.facts.has(words.CSRF) or route.facts.has(words.BEARER):
            continue
        if _is_checked(route):
            continue
        if any(
            one.has(words.CSRF) or one.says(words.CSRF_TEXT)
            for one in (*((route.facts,) if route.changes else ()), *route.guards)
        ):
            continue
        if route.facts.says(_HEADER):
            continue
        own = Facts([route.function])
        writes = changes_state(route.facts)
        form = not route.facts.mentions.isdisjoint(
            {
                "form",
                "post",
                "POST",
                "get_argument",
                "get_body_argument",
                "forms",
                "files",
                "values",
            }
        )
        by_get = not route.changes and reads_session(route.facts) and _writes_named(route)
        if (
            (writes and form and may_post(route))
            or (route.changes and reads_session(own) and writes)
            or (route.path in by_one and route.changes and _uses_session(route))
            or by_get
        ):
            yield lack("missing-csrf-protection", route.function, _CSRF_QUESTION)


def _is_checked(route: Route) -> bool:
    """Whether what decorates it asks where the request comes from."""
    return any(words.CSRF.fullmatch(one) for one in route.decorators)


def _uses_session(route: Route) -> bool:
    return any(
        one[0] in (ir.NAME, ir.ATTR) and last_name(one) in ("session", "current_user")
        for one in walk(route.function.node[5])
    )


_SIGNED = words.any_of(r"hmac", r"compare_digest", r"construct_event", r"verify_\w*signature\w*")
"""What tells that a machine signs what it sends: no browser of somebody's does that."""
_CSRF_QUESTION = "Can a page of another site make a signed-in browser do this?"
_CSRF_APP = late(
    r"CSRF_?Protect|CSRFMiddleware|SeaSurf|csrf_middleware|xsrf_cookies|CsrfViewMiddleware",
    re.IGNORECASE,
)
_ACTS = late(
    r"(disable|delete|remove|transfer|enable|change|update|logout_all|promote|grant|revoke|cancel|approve|pay|send)",
    re.IGNORECASE,
)


def _writes_named(route: Route) -> bool:
    return bool(_ACTS.search(route.where)) and changes_state(route.facts)


def _password_change(project: Project) -> Iterator[Lack]:
    for route in project.routes:
        where = route.where
        resets = words.RESETS.search(where) and not route.facts.calls.isdisjoint({"set_password"})
        if resets and route.facts.has(words.RESET_PROOF):
            continue
        changes = words.CHANGES_PASSWORD.search(where) and not words.NOT_CHANGE.search(where)
        own = not changes and not resets and _sets_own(route)
        if not changes and not resets and not own:
            continue
        named = route.facts.has(words.PASSWORD) or route.facts.says(words.PASSWORD_TEXT)
        if not may_post(route) or not (own or named):
            continue
        if route.facts.has(words.ASKS_OLD) or route.facts.says(_OLD_TEXT):
            continue
        yield lack(
            "password-change-without-old",
            route.function,
            "Could somebody with a borrowed session keep the account?",
            confidence=Confidence.MEDIUM,
        )


def _sets_own(route: Route) -> bool:
    """Whether it sets a new password of whoever calls: `request.user.set_password(…)`."""
    for node in walk(route.function.node[5]):
        if node[0] != ir.CALL:
            continue
        if last_name(node[3]) == "set_password" and node[3][0] == ir.ATTR and node[4]:
            if is_caller(node[3][3]) and node[4][0][0] != ir.CONST:
                return True
        elif any(
            one[0] == ir.CONST and type(one[3]) is str and _SETS_HASH.search(one[3])
            for one in node[4][:1]
        ) and any(is_caller(part) for one in node[4][1:] for part in walk(one)):
            return True
    return False


_SETS_HASH = late(
    r"^\s*update\s+\S+\s+set\b.*\b(passw(or)?d|pwd|passphrase|(passw(or)?d_?|pw_?|pwd_?)?hash)\w*\s*=",
    re.IGNORECASE | re.DOTALL,
)
_OLD_TEXT = late(r"^(old|current|existing|previous)[ _-]?(passw(or)?d|pwd|pass)\w*$")


def _enumeration(project: Project) -> Iterator[Lack]:
    for route in project.routes:
        if not is_sign_in(route):
            continue
        if route.facts.says(words.UNKNOWN_ACCOUNT) and route.facts.says(words.WRONG_PASSWORD):
            node = _text_node(route.function, words.WRONG_PASSWORD)
            yield lack(
                "user-enumeration", route.function, "May a stranger learn who has an account?", node
            )


def _text_node(function: Function, pattern: Words | re.Pattern[str]) -> Node | None:
    for node in walk(function.node[5]):
        if node[0] == ir.CONST and type(node[3]) is str and pattern.search(node[3].lower()):
            return node
    return None


def _rights_from_request(project: Project) -> Iterator[Lack]:
    """What the caller may do, told by the caller."""
    for route in project.routes:
        for node in walk(route.function.node[5]):
            if node[0] == ir.COMPARE and len(node[4]) == 1 and node[4][0][0] == "==":
                left, right = node[3], node[4][0][1]
                for read, constant in ((left, right), (right, left)):
                    if (
                        constant[0] == ir.CONST
                        and words.PRIVILEGED.match(str(constant[3]).lower())
                        and reads_request(read)
                        and (
                            str(constant[3]).lower()
                            in ("admin", "administrator", "root", "superuser", "staff")
                            or _key_matches(read, words.PRIVILEGE)
                        )
                    ):
                        yield lack(
                            "missing-authorisation",
                            route.function,
                            "Is what the caller may do decided by what the caller sends?",
                            node,
                        )


def reads_request(node: Node) -> bool:
    """Whether an expression takes something out of a request."""
    mentioned: set[str] = set()
    for one in walk(node):
        if one[0] == ir.NAME:
            mentioned.add(one[3])
        elif one[0] == ir.ATTR:
            mentioned.add(one[4])
        elif one[0] == ir.CONST and one[3] in _EVENT:
            mentioned.add("event of a gateway")
    if "event" in mentioned and "event of a gateway" in mentioned:
        return True
    return bool(mentioned & {"request", "req"}) and bool(
        mentioned
        & {
            "args",
            "GET",
            "POST",
            "form",
            "cookies",
            "COOKIES",
            "headers",
            "META",
            "values",
            "query_params",
            "query",
            "json",
            "get_json",
            "params",
            "data",
            "forms",
            "match_info",
        }
    )


_EVENT = frozenset({"pathParameters", "queryStringParameters", "body"})


def _key_matches(node: Node, pattern: Words | re.Pattern[str]) -> bool:
    return any(
        one[0] == ir.CONST and type(one[3]) is str and pattern.fullmatch(one[3]) is not None
        for one in walk(node)
    )


Check = Callable[[Project], Iterator[Lack]]
CHECKS: tuple[Check, ...] = (
    _authentication,
    _csrf,
    _password_change,
    _enumeration,
    _rights_from_request,
)
