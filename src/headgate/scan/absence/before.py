"""What runs before a route and may refuse the call: decorators, dependencies, hooks of the
application."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from headgate.scan.absence import words
from headgate.scan.absence.names import Class, Function, Names, last_name, walk
from headgate.scan.flow.program import ModuleState
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Node
from headgate.scan.late import late

if TYPE_CHECKING:
    from headgate.scan.absence.routes import Facts

_DEPENDS = frozenset({"Depends", "Security"})
_ROUTERS = frozenset({"APIRouter", "FastAPI", "Blueprint", "Flask", "Quart"})
_HOOKS = frozenset({"before_request", "before_app_request", "middleware"})
_DISPATCH = ("starlette.middleware.base.BaseHTTPMiddleware",)
_PERMISSIONS = frozenset({"permission_classes", "permissions", "auth"})
_ASKS = ("has_permission", "authenticate", "__call__")
_REFUSALS = frozenset({401, 403})
_REFUSES = late(
    r"(HTTP)?(Unauthori[sz]ed|Forbidden)(Error|Exception)?|(Http)?PermissionDenied|permission_denied"
    r"|HTTP_?40[13]\w*|NotAuthenticated|unauthori[sz]ed|AuthenticationFailed|NotAuthori[sz]ed\w*"
    r"|UNAUTHENTICATED|HttpResponseForbidden|redirect_to_login|login_url"
)
_DEEP = 3


@dataclass(slots=True)
class Before:
    """What runs before the routes of a project, found once for all of them."""

    names: Names
    everywhere: list[Function] = field(default_factory=list[Function])
    """Hooks of the application, before every route."""
    of_router: dict[tuple[str, str], list[Function]] = field(
        default_factory=dict[tuple[str, str], list[Function]]
    )
    """By the file and the name of the router or blueprint that routes are put on."""

    @classmethod
    def of(cls, names: Names) -> Before:
        found = cls(names)
        for state in names.program.states.values():
            mentions = names.mentions(state)
            wanted = not mentions.isdisjoint(_HOOKS)
            given = "dependencies" in mentions
            if wanted or "BaseHTTPMiddleware" in mentions:
                found._hooks(state)
            module = names.program.module_of(state) if wanted or given else None
            if module is not None:
                found._calls(state, module.body)
        return found

    def _hooks(self, state: ModuleState) -> None:
        for function in self.names.functions(state):
            for decorator in function.node[6]:
                called = decorator[3] if decorator[0] == ir.CALL else decorator
                if called[0] == ir.ATTR and called[4] in _HOOKS:
                    self._add(state, called[3], called[4], function)
            owner = function.owner
            dispatches = function.name == "dispatch" and owner is not None
            if dispatches and owner is not None and self.names.derives(owner, _DISPATCH):
                self.everywhere.append(function)

    def _calls(self, state: ModuleState, body: object) -> None:
        for node in walk(body):
            if node[0] == ir.ASSIGN and node[4] is not None and node[4][0] == ir.CALL:
                value = node[4]
                if last_name(value[3]) in _ROUTERS and node[3][0][0] == ir.NAME:
                    place = (state.path, node[3][0][3])
                    whole = last_name(value[3]) == "FastAPI"
                    for function in self._dependencies(state, value):
                        kept = self.everywhere if whole else self.of_router.setdefault(place, [])
                        kept.append(function)
            elif node[0] == ir.CALL and node[3][0] == ir.ATTR and node[4]:
                if node[3][4] == "include_router":
                    place = self._router(state, node[4][0])
                    for function in self._dependencies(state, node):
                        self.of_router.setdefault(place, []).append(function)
                elif node[3][4] in _HOOKS:
                    function = self.names.meaning(state, node[4][0])
                    if isinstance(function, Function):
                        self._add(state, node[3][3], node[3][4], function)

    def _add(self, state: ModuleState, on: Node, hook: str, function: Function) -> None:
        kind = self.names.canonical(state, on)
        if hook == "before_request" and kind.endswith("Blueprint"):
            self.of_router.setdefault(self._router(state, on), []).append(function)
        else:
            self.everywhere.append(function)

    def _router(self, state: ModuleState, node: Node) -> tuple[str, str]:
        """The file and the name of a router that an expression means."""
        if node[0] == ir.ATTR:
            module = self.names.meaning(state, node[3])
            if isinstance(module, ModuleState):
                return module.path, node[4]
        name = last_name(node)
        target = self.names.bound(state, name)
        return (target[0].path, target[1]) if target is not None else (state.path, name)

    # Before one route

    def before(self, function: Function) -> Iterator[Function]:
        """Functions of the project that run before a route, the nearest first."""
        state = function.state
        for decorator in function.node[6]:
            called = decorator[3] if decorator[0] == ir.CALL else decorator
            yield from self._functions(state, called)
            if decorator[0] == ir.CALL:
                yield from self._dependencies(state, decorator)
                for key, value in decorator[5]:
                    if key in _PERMISSIONS:
                        yield from self._permissions(state, value)
            if called[0] == ir.ATTR:
                yield from self.of_router.get(self._router(state, called[3]), ())
        if function.owner is not None:
            for decorator in function.owner.node[6]:
                called = decorator[3] if decorator[0] == ir.CALL else decorator
                yield from self._functions(state, called)
            for node in function.owner.node[7]:
                if (
                    node[0] == ir.ASSIGN
                    and node[4] is not None
                    and any(one[0] == ir.NAME and one[3] in _PERMISSIONS for one in node[3])
                ):
                    yield from self._permissions(function.owner.state, node[4])
        yield from self._injected(function, 0)
        yield from self.everywhere

    def _permissions(self, state: ModuleState, value: Node) -> Iterator[Function]:
        """Of `permission_classes=[Editor]`: what these classes of the project ask."""
        for one in walk(value):
            if one[0] not in (ir.NAME, ir.ATTR):
                continue
            meaning = self.names.meaning(state, one)
            if isinstance(meaning, Class):
                yield from (meaning.methods[n] for n in _ASKS if n in meaning.methods)

    def _injected(self, function: Function, depth: int) -> Iterator[Function]:
        """What fills the parameters of a function."""
        for parameter in function.node[4]:
            for part in parameter[4:6]:
                if part is None:
                    continue
                for state, node in self._aliased(function.state, part):
                    for found in self._depended(state, node):
                        yield found
                        if depth < _DEEP:
                            yield from self._injected(found, depth + 1)

    def _aliased(self, state: ModuleState, part: Node) -> list[tuple[ModuleState, Node]]:
        """A part of a parameter, or what the name in it stands for: `User = Annotated[…]`."""
        found = [(state, part)]
        if part[0] in (ir.NAME, ir.ATTR):
            value = self.names.assigned(state, part)
            if value is not None:
                found.append(value)
        return found

    def _depended(self, state: ModuleState, node: Node) -> Iterator[Function]:
        for call in walk(node):
            if call[0] == ir.CALL and last_name(call[3]) in _DEPENDS and call[4]:
                yield from self._functions(state, call[4][0])

    def _dependencies(self, state: ModuleState, call: Node) -> Iterator[Function]:
        for key, value in call[5]:
            if key == "dependencies":
                yield from self._depended(state, value)

    def _functions(self, state: ModuleState, node: Node) -> Iterator[Function]:
        target = node[3] if node[0] == ir.CALL else node
        meaning = self.names.meaning(state, target)
        if isinstance(meaning, str) and target[0] == ir.NAME:
            # An instance that is called: `allow = RoleChecker("admin")`.
            value = self.names.assigned(state, target)
            if value is not None and value[1][0] == ir.CALL:
                meaning = self.names.meaning(value[0], value[1])
        if isinstance(meaning, Function):
            yield meaning
        elif isinstance(meaning, Class):
            methods = meaning.methods
            yield from (methods[name] for name in ("__call__", "__init__") if name in methods)


def asks_who(facts: Facts) -> bool:
    """Whether a function that runs before a route asks who calls, and refuses some."""
    refuses = any(
        (node[0] == ir.CONST and node[3] in _REFUSALS and type(node[3]) is int)
        or (node[0] == ir.NAME and _REFUSES.fullmatch(node[3]))
        or (node[0] == ir.ATTR and _REFUSES.fullmatch(node[4]))
        for function in facts.functions
        for node in walk(function.node[5])
    )
    if facts.has(words.AUTHENTICATION):
        return True
    return refuses and not facts.has(words.CSRF) and not facts.says(words.CSRF_TEXT)


def checks_rights(function: Function) -> bool:
    """Whether a function tests what whoever calls may do."""
    for node in walk(function.node[5]):
        if node[0] == ir.CALL and words.CHECKS_RIGHTS.fullmatch(last_name(node[3])):
            return True
        tests: tuple[Node, ...] = ()
        if node[0] in (ir.IF, ir.ASSERT, ir.COND, ir.WHILE):
            tests = (node[3],)
        elif node[0] == ir.COMPARE:
            tests = (node,)
        elif node[0] == ir.RETURN and node[3] is not None and node[3][0] in (ir.BOOL, ir.ATTR):
            tests = (node[3],)
        if any(_names_right(part) for test in tests for part in walk(test)):
            return True
    return False


def _names_right(node: Node) -> bool:
    if node[0] == ir.ATTR:
        return words.PRIVILEGE.fullmatch(node[4]) is not None
    key: Node | None = None
    if node[0] == ir.INDEX:
        key = node[4]
    elif node[0] == ir.CALL and last_name(node[3]) == "get" and node[4]:
        key = node[4][0]
    return (
        key is not None
        and key[0] == ir.CONST
        and type(key[3]) is str
        and words.PRIVILEGE.fullmatch(key[3]) is not None
    )
