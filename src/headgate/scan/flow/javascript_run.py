"""Analyses a project of JavaScript files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from headgate.model.finding import Confidence
from headgate.scan.flow.core import Frame
from headgate.scan.flow.entries import EntryInfo, is_number, param_sources
from headgate.scan.flow.env import Env, several
from headgate.scan.flow.findings import Recorder
from headgate.scan.flow.javascript import JavaScript
from headgate.scan.flow.javascript_functions import listens
from headgate.scan.flow.javascript_modules import DEFAULT, JavaScriptProgram
from headgate.scan.flow.program import ClassRef, FunctionRef, ModuleState
from headgate.scan.flow.project import Mode, Source
from headgate.scan.flow.rules import Rules
from headgate.scan.flow.run import Run
from headgate.scan.flow.values import UNKNOWN, Obj, Value
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Node
from headgate.scan.ir.walking import walk

_REQUESTS = (".Request", ".Context", "Request", ".IncomingMessage")
_ANSWERS = (".Response", "Reply", "Response", ".ServerResponse")
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_HANDED = ("next/server.NextRequest", "next/server.RouteContext")
"""What Next.js hands to the functions that a file called `route` exports by these names:
https://nextjs.org/docs/app/api-reference/file-conventions/route"""


_ACTIONS = "use server"


def _is_directive(body: Sequence[Node]) -> bool:
    """Whether a body has the directive that makes its functions server actions."""
    return any(
        node[0] == ir.EXPR and node[3][0] == ir.CONST and node[3][3] == _ACTIONS for node in body
    )


_PIPES = re.compile(r"Parse(Int|Float|Bool|UUID|Enum|Date)Pipe")


def _piped(parameter: Node) -> bool:
    """`@Param("id", ParseIntPipe)`"""
    marker = parameter[4]
    if marker is None or marker[0] != ir.CALL:
        return False
    given = (one[3] if one[0] == ir.CALL else one for one in marker[4])
    return any(one[0] == ir.NAME and _PIPES.fullmatch(one[3]) for one in given)


_GRAPHQL = frozenset(
    {
        "graphql", "apollo-server", "apollo-server-express", "@apollo/server", "graphql-yoga",
        "mercurius", "@graphql-tools/schema", "express-graphql", "graphql-tag",
    }
)  # fmt: skip
_ROOTS = frozenset({"Query", "Mutation", "Subscription"})


_TELLING = frozenset({"findUnique", "findUniqueOrThrow", "findMany", "findByPk", "findAll"})


def _common_names(rules: Rules) -> set[str]:
    """Names of sources that say nothing by themselves: `get` and `find` of rows, which are looked
    at where something else is of interest."""
    kept: set[str] = set(_TELLING)
    stored: set[str] = set()
    for table in (rules.calls, rules.attrs):
        for name, rule in table.items():
            for source in rule.sources:
                tails = stored if source.label == "stored" else kept
                tails.add(name.rpartition(".")[2])
    return stored - kept


def _resolvers(body: Sequence[Node]) -> Iterator[int]:
    """Where the functions in `{ Query: { users: (parent, args) => … } }` begin."""
    for node in walk(body):
        if node[0] != ir.MAP or _ROOTS.isdisjoint(_text_of(key) for key, _ in node[3]):
            continue
        for _, fields in node[3]:
            if fields[0] == ir.MAP:
                for _, value in fields[3]:
                    if value[0] == ir.LAMBDA:
                        yield value[3][1]


def _text_of(node: Node | None) -> str | None:
    """The text that a literal is."""
    return node[3] if node is not None and node[0] == ir.CONST and type(node[3]) is str else None


class JavaScriptRun(Run):
    """One analysis of JavaScript."""

    def __init__(
        self,
        files: Mapping[str, Source],
        rules: Rules,
        mode: Mode,
        scope: frozenset[str] | None = None,
    ) -> None:
        super().__init__(files, rules, mode, scope)
        self.program = JavaScriptProgram(lambda path: files[path].module(), sorted(files))
        self.recorder = Recorder(rules.kinds)
        self.interpreter = JavaScript(self.program, rules, self.recorder)
        self.calls = self.interpreter
        rules.source_tails -= _common_names(rules)
        self._resolvers: dict[str, set[int]] = {}
        # Resolvers are often kept apart from the file that makes the server.
        self._graphql = any(not _GRAPHQL.isdisjoint(self._tops(path)) for path in files)

    def _functions(self, state: ModuleState) -> list[tuple[FunctionRef, ClassRef | None]]:
        """Declared functions, methods of classes however they are defined, and function values."""
        out = super()._functions(state)
        seen = {id(cls) for _, cls in out if cls is not None}
        for value in list(state.vars.values()):
            cls = value.obj
            if isinstance(cls, ClassRef) and id(cls) not in seen and cls.module is state:
                seen.add(id(cls))
                out += [
                    (member.obj, cls)
                    for member in cls.members.values()
                    if isinstance(member.obj, FunctionRef)
                ]
        self.calls.nested = []
        return out + list(self.interpreter.made.get(state.path, {}).values())

    def _root(
        self,
        ref: FunctionRef,
        cls: ClassRef | None,
        info: EntryInfo | None = None,
        *,
        follow: bool = False,
    ) -> None:
        made = self.interpreter.made.get(ref.module.path, {}).get(ref.node[1])
        if made is not None and ref.bound is None:
            ref = made[0]
        super()._root(ref, cls, info, follow=follow)

    def _analyse(
        self,
        ref: FunctionRef,
        cls: ClassRef | None,
        info: EntryInfo | None,
        callers: bool = False,
    ) -> None:
        calls = self.interpreter
        calls.run_module(ref.module)
        calls.frame = Frame(ref.module, ref.node[3], -3)
        calls.env = Env({}, {}, {})
        parameters: Sequence[Node] = ref.node[4]
        self_value: Value | None = None
        if ref.bound is not None:
            parameters = parameters[1:]
        elif cls is not None and not ref.node[8] & ir.STATIC:
            bases = list(cls.library_bases())
            self_value = calls.new(Obj("instance", {}, None, cls, True), bases[0] if bases else "")
        sources = {
            parameter[3][3]: (source, converter)
            for parameter, source, converter in param_sources(
                self.rules, ref, None, info, self._annotation
            )
        }
        args: list[Value] = []
        for index, parameter in enumerate(parameters):
            if parameter[6] == ir.REST:
                break
            value = self._given(parameter, index, len(parameters), ref, info)
            name = parameter[3][3] if parameter[3][0] == ir.NAME else ""
            if name in sources:
                source, converter = sources[name]
                token = calls.token(
                    source.label, source.what, name, parameter, source.confidence, name
                )
                taint = calls.tainted(token, parameter, self.rules.mask(source.safe_for))
                number = is_number(converter) or value.type == "int" or _piped(parameter)
                kind = Value(taint, ref=value.ref, type=source.type)
                value = Value(type="int") if number else kind
            args.append(value)
        calls.rooted = ref.node
        called = ref if self_value is None else calls.method_of(ref, self_value)
        start = ref.node[1]
        end = min(start + 40, ref.node[2])
        place = (ir.CALL, start, end, (ir.NAME, start, start, ref.node[3]), (), (), False)
        result = calls.invoke(called, args, {}, place)
        self._after(ref, cls, self_value, result)

    def _parameters(self, states: Sequence[ModuleState]) -> None:
        """What callers outside of the project may pass is not judged in JavaScript."""

    def _follow(self, states: Sequence[ModuleState]) -> bool:
        self._tainting |= self.interpreter.published
        self.interpreter.published = set()
        return super()._follow(states)

    def _handles_errors(self, ref: FunctionRef) -> bool:
        """`(err, req, res, next) => …`: https://expressjs.com/en/guide/error-handling.html"""
        answer = self.interpreter.typed_parameter(ref.node[4][2])
        return answer is not None and answer.type == "express.Response"

    def _beside_answer(self, index: int, ref: FunctionRef) -> Value:
        """`({ query }, res) => …`: what is before an answer is the request."""
        if index or len(ref.node[4]) < 2:
            return UNKNOWN
        answer = self.interpreter.typed_parameter(ref.node[4][1])
        if answer is None or not answer.type.endswith(_ANSWERS):
            return UNKNOWN
        framework = answer.type.partition(".")[0]
        for _, kind, _ in self.rules.typed_params:
            if kind.startswith(f"{framework}.") and kind.endswith(_REQUESTS):
                return Value(type=kind)
        return UNKNOWN

    def _interesting(self, state: ModuleState) -> bool:
        file = self.files[state.path]
        if super()._interesting(state) or listens(file.mentions):
            return True
        return _ACTIONS.encode() in file.data

    def _mentions(self, function: Node) -> bool:
        return super()._mentions(function) or listens(function[11])

    def _brings(self, function: Node) -> bool:
        return super()._brings(function) or listens(function[11])

    def _entries(self, functions: list[tuple[FunctionRef, ClassRef | None]]) -> None:
        super()._entries(functions)
        for ref, cls in functions:
            if self._is_action(ref) or self._is_resolver(ref) or self._page_type(ref):
                self._root(ref, cls, follow=True)

    def _is_action(self, ref: FunctionRef) -> bool:
        """Whether anybody may call it from a browser, with whatever arguments:
        https://react.dev/reference/rsc/use-server"""
        body: Sequence[Node] = ref.node[5]
        if _is_directive(body):
            return True
        module = ref.module.ir
        if module is None or not _is_directive(module.body):
            return False
        return any(
            isinstance(one, FunctionRef) and one.node is ref.node
            for name, value in ref.module.vars.items()
            if name.startswith("export ")
            for one in several(value.obj)
        )

    def _is_resolver(self, ref: FunctionRef) -> bool:
        """Whether it answers a query of GraphQL."""
        path = ref.module.path
        if not self._graphql:
            return False
        known = self._resolvers.get(path)
        if known is None:
            module = self.program.module_of(ref.module)
            known = self._resolvers[path] = set(_resolvers(module.body if module else ()))
        return ref.node[1] in known

    def _page_type(self, ref: FunctionRef) -> str:
        """What Next.js gives to pages, and to what prepares them; empty for other functions:
        https://nextjs.org/docs/app/api-reference/file-conventions/page"""
        name, state = ref.node[3], ref.module
        if name == "getServerSideProps" or name == "getInitialProps":
            return "next.ServerContext"
        if state.path.rpartition("/")[2].partition(".")[0] != "page":
            return ""
        exported = (state.vars.get(DEFAULT), state.vars.get("export generateMetadata"))
        found = any(
            isinstance(one, FunctionRef) and one.node is ref.node
            for value in exported
            if value is not None
            for one in several(value.obj)
        )
        return "next.PageProps" if found else ""

    def _is_route_file(self, ref: FunctionRef) -> bool:
        state = ref.module
        if state.path.rpartition("/")[2].partition(".")[0] != "route":
            return False
        exported = (state.vars.get(f"export {name}") for name in _METHODS)
        return any(
            isinstance(one, FunctionRef) and one.node is ref.node
            for value in exported
            if value is not None
            for one in several(value.obj)
        )

    def _given(
        self,
        parameter: Node,
        index: int,
        count: int,
        ref: FunctionRef,
        info: EntryInfo | None,
    ) -> Value:
        """What a parameter of a function that nobody calls holds."""
        if info is None and self._is_action(ref):
            name = parameter[3][3] if parameter[3][0] == ir.NAME else str(index)
            token = self.calls.token(
                "web", "an argument of a server action", name, parameter, Confidence.HIGH, name
            )
            return Value(self.calls.tainted(token, parameter))
        if info is None and index == 1 and self._is_resolver(ref):
            token = self.calls.token(
                "web", "an argument of the query", "", parameter, Confidence.HIGH, "arguments"
            )
            return Value(self.calls.tainted(token, parameter))
        if info is None and index == 0 and (kind := self._page_type(ref)):
            return Value(type=kind)
        if info is None and index < len(_HANDED) and self._is_route_file(ref):
            return Value(type=_HANDED[index])
        if index == 0 and count == 4 and self._handles_errors(ref):
            return Value(type="express.Error")
        if parameter[3][0] == ir.NAME:
            value = self._typed_parameter(parameter, ref, None, info)
            if value is UNKNOWN:
                value = self.interpreter.typed_parameter(parameter) or UNKNOWN
            if value is not UNKNOWN or info is None:
                return value
        if info is None:
            return self._beside_answer(index, ref)
        names = info.rule.selector.call or info.rule.selector.decorator
        framework = names[0].partition(".")[0] if names else ""
        at = index - 1 if count == 4 else index
        endings = _REQUESTS if at == 0 else _ANSWERS if at == 1 else ()
        for _, kind, _ in self.rules.typed_params:
            if kind.startswith(f"{framework}.") and kind.endswith(endings):
                return Value(type=kind)
        return UNKNOWN
