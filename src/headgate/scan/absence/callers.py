"""Who may call a route, by what its decorators and its class say, and what it is registered with.

What functions of the project that run before it do is in `before`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from headgate.scan.absence import words
from headgate.scan.absence.names import Class, Function, Names, last_name, walk
from headgate.scan.absence.routes import Route, facts_of
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Node

_KEYWORDS = frozenset(
    {
        "permission_classes", "authentication_classes", "permissions", "auth", "dependencies",
        "authorizer", "login_required", "permission", "guards", "decorators", "auth_required",
    }
)  # fmt: skip
"""Keywords of decorators and constructors, and attributes of classes, that say who may call."""
_OPEN = frozenset({"AllowAny", "AllowAnonymous", "IsAuthenticatedOrReadOnly", "allow_any"})
_BEFORE_METHODS = ("prepare", "dispatch", "initial", "check_permissions", "before_request")
_DENIES = words.any_of(
    r"(HTTP)?(Unauthori[sz]ed|Forbidden)(Error|Exception)?", r"(Http)?PermissionDenied",
    r"permission_denied", r"NotAuthenticated", r"AuthenticationFailed", r"NotAuthori[sz]ed\w*",
    r"UNAUTHENTICATED",
    r"HttpResponseForbidden", r"redirect_to_login", r"login_url", r"Abort401|Abort403",
    r"HTTP_40[13]_\w+",
)  # fmt: skip
_TOO_MANY = words.any_of(r"TooManyRequests", r"HTTP_429_\w+", r"Throttled", r"RateLimit\w*")
_OTHER = re.compile(r"csrf|xsrf|origin|content_?type|maintenance", re.IGNORECASE)
_FRAMEWORK = ("rest_framework.",)


class Callers:
    """What is asked of whoever calls, in a whole project."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._denying: dict[int, bool] = {}
        self._default = False
        for state in names.program.states.values():
            self._settings(state)

    def asked(self, route: Route) -> bool | None:
        """Whether somebody who is not known is sent away; None: nothing tells."""
        function = route.function
        heads = [*function.node[6], *(function.owner.node[6] if function.owner else ())]
        said = self._said(function, heads)
        if said is not None:
            # What is open to the framework may ask by itself: a key in a header.
            return said or self.denies(function)
        for head in heads:
            if any(
                words.AUTHENTICATION.fullmatch(one[3] if one[0] == ir.NAME else one[4])
                for one in walk(head)
                if one[0] in (ir.NAME, ir.ATTR)
            ):
                return True
        for head in function.node[6]:
            if self._registered(function, head):
                return True
        if function.owner is not None and self._by_method(function.owner):
            return True
        if self._default and self._is_framework(function):
            return True
        return True if self._dispatched(function) else None

    def _dispatched(self, function: Function) -> bool:
        """Whether a function that asks who calls takes it from a table of routes."""
        state = function.state
        module = self._names.program.module_of(state)
        for node in module.body if module is not None else ():
            if node[0] != ir.ASSIGN or node[4] is None or node[4][0] != ir.MAP:
                continue
            if not any(one[0] == ir.NAME and one[3] == function.name for _, one in node[4][3]):
                continue
            tables = {one[3] for one in node[3] if one[0] == ir.NAME}
            return any(
                not tables.isdisjoint(one.node[11]) and self.denies(one)
                for one in self._names.functions(state)
            )
        return False

    def limits(self, route: Route) -> bool:
        """Whether the route or a decorator of it counts how often it is called."""
        function = route.function
        found: list[Function] = [function]
        for head in (*function.node[6], *(function.owner.node[6] if function.owner else ())):
            decorator = self._function(function, head[3] if head[0] == ir.CALL else head)
            if decorator is not None:
                found.append(decorator)
        return any(_answers(one.node, (429,), _TOO_MANY) for one in found)

    def denies(self, function: Function) -> bool:
        """Whether a function of the project sends callers away that it does not know."""
        key = id(function.node)
        found = self._denying.get(key)
        if found is None:
            found = self._denying[key] = not _OTHER.search(function.name) and any(
                _answers(one.node, (401, 403), _DENIES)
                for one in facts_of(self._names, function, 2).functions
            )
        return found

    def _settings(self, state: Any) -> None:
        if "settings" not in state.path:
            return
        module = self._names.program.module_of(state)
        for node in walk(module.body) if module is not None else ():
            if node[0] != ir.MAP:
                continue
            for key, value in node[3]:
                if key is not None and key[0] == ir.CONST and key[3] == _DEFAULT:
                    texts = [one[3] for one in walk(value) if one[0] == ir.CONST]
                    texts = [one for one in texts if isinstance(one, str)]
                    self._default = bool(texts) and not any(
                        one.rpartition(".")[2] in _OPEN for one in texts
                    )

    def _said(self, function: Function, heads: list[Node]) -> bool | None:
        """What keywords of the decorators, or attributes of the class, say."""
        for head in heads:
            if head[0] != ir.CALL:
                continue
            for key, value in head[5]:
                if key in _KEYWORDS:
                    return not _is_open(value)
            if last_name(head[3]) in _KEYWORDS and head[4]:
                return not _is_open(head[4][0])
        owner = function.owner
        while owner is not None:
            for node in owner.node[7]:
                if node[0] == ir.ASSIGN and node[4] is not None:
                    for target in node[3]:
                        if target[0] == ir.NAME and target[3] in _KEYWORDS:
                            return not _is_open(node[4])
            owner = next(self._above(owner), None)
        return None

    def _above(self, one: Class) -> Iterator[Class]:
        for base in one.bases:
            path, colon, name = base.partition(":")
            state = self._names.program.states.get(path) if colon else None
            found = self._names.found(state, name) if state is not None else None
            if isinstance(found, Class) and found is not one:
                yield found

    def _by_method(self, owner: Class, depth: int = 0) -> bool:
        for name in _BEFORE_METHODS:
            method = owner.methods.get(name)
            if method is not None and (
                self.denies(method)
                or any(
                    words.AUTHENTICATION.fullmatch(last_name(one))
                    for head in method.node[6]
                    for one in walk(head)
                    if one[0] in (ir.NAME, ir.ATTR)
                )
            ):
                return True
        if any(
            words.AUTHENTICATION.fullmatch(base.rpartition(".")[2].rpartition(":")[2])
            for base in owner.bases
        ):
            return True
        return depth < 5 and any(self._by_method(one, depth + 1) for one in self._above(owner))

    def _function(self, function: Function, node: Node) -> Function | None:
        meaning = self._names.meaning(function.state, node)
        return meaning if isinstance(meaning, Function) else None

    def _registered(self, function: Function, head: Node) -> bool:
        """Whether what the route is registered with was made with a check: `NinjaAPI(auth=…)`."""
        plain = head[3] if head[0] == ir.CALL else head
        if plain[0] != ir.ATTR or plain[3][0] != ir.NAME:
            return False
        name = plain[3][3]
        module = self._names.program.module_of(function.state)
        for node in module.body if module is not None else ():
            if node[0] != ir.ASSIGN or node[4] is None or node[4][0] != ir.CALL:
                continue
            if not any(one[0] == ir.NAME and one[3] == name for one in node[3]):
                continue
            for key, value in node[4][5]:
                if key in _KEYWORDS and not _is_open(value):
                    return key != "dependencies" or self._depends(function, value)
        return False

    def _depends(self, function: Function, value: Node) -> bool:
        for one in walk(value):
            if one[0] not in (ir.NAME, ir.ATTR):
                continue
            if words.AUTHENTICATION.fullmatch(last_name(one)):
                return True
            found = self._function(function, one)
            if found is not None and self.denies(found):
                return True
        return False

    def _is_framework(self, function: Function) -> bool:
        owner = function.owner
        if owner is not None:
            return any(base.startswith(_FRAMEWORK) for base in owner.bases)
        return any(last_name(one) == "api_view" for one in function.node[6])


_DEFAULT = "DEFAULT_PERMISSION_CLASSES"


def _is_open(value: Node) -> bool:
    """Whether what is given admits everybody: `None`, `[]`, `[AllowAny]`."""
    if value[0] == ir.CONST:
        return not value[3]
    if value[0] in (ir.SEQ,):
        return all(last_name(one) in _OPEN for one in value[4])
    return last_name(value) in _OPEN


def _answers(function: Node, statuses: tuple[int, ...], pattern: words.Words) -> bool:
    """Whether a function answers with one of these statuses, or names what does."""
    for node in walk(function[5]):
        if node[0] == ir.CONST:
            if type(node[3]) is int and node[3] in statuses:
                return True
        elif node[0] in (ir.NAME, ir.ATTR) and pattern.fullmatch(last_name(node)):
            return True
    return False
