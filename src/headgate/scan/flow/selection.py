"""Which modules and functions are of interest: in which something comes in or is judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from headgate.scan.flow.calls import Calls
from headgate.scan.flow.entries import (
    class_entries,
)
from headgate.scan.flow.findings import Recorder
from headgate.scan.flow.parameters import judge, worth_a_look
from headgate.scan.flow.program import ClassRef, FunctionRef, ModuleState, Program
from headgate.scan.flow.project import Mode, Source
from headgate.scan.flow.rules import Rules
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Node
from headgate.scan.late import late

_DOING = frozenset({ir.EXPR, ir.ASSIGN, ir.FOR, ir.WHILE, ir.WITH})
"""Statements that do something where they stand."""
_CALLED = late(rb"\b(system|popen|getoutput|getstatusoutput|shell|execute|eval|exec|raw)\b")


class Selection:
    """What of a project is looked at."""

    def __init__(
        self,
        files: Mapping[str, Source],
        rules: Rules,
        mode: Mode,
        scope: frozenset[str] | None,
    ) -> None:
        self.scope = scope
        self.files = files
        self.rules = rules
        self.mode = mode
        self.routes: tuple[tuple[str, str, str], ...] = ()
        self.program = Program(lambda path: files[path].module(), sorted(files))
        self.recorder = Recorder(rules.kinds)
        if mode is not Mode.LIBRARY:
            self.recorder.judge = judge
        self.calls = Calls(self.program, rules, self.recorder)
        self.calls.recorder = self.recorder
        self._done: dict[tuple[str, int], tuple[int, int]] = {}
        """Functions that were analysed; how many names were shared then, and how many `_fields`
        there were."""
        self._fields: dict[str, None] = {}
        """Attributes in which methods store what comes in, the first first."""
        self._tainting: set[str] = set()
        """Names of functions that give what comes in, and of attributes that hold it."""

    def _interesting(self, state: ModuleState) -> bool:
        rules = self.rules
        mentions = self.files[state.path].mentions
        if not mentions.isdisjoint(rules.source_tails) or not mentions.isdisjoint(rules.rule_tails):
            return True
        if rules.entries and not mentions.isdisjoint(self._entry_tails()):
            return True
        return any(rules.wanted_name(name) for name in mentions)

    def _entry_tails(self) -> set[str]:
        out: set[str] = set()
        for entry in self.rules.entries:
            selector = entry.selector
            for name in (*selector.decorator, *selector.base, *selector.call):
                out.add(name.rpartition(".")[2])
        for source in self.rules.params:
            selector = source.param
            if selector is not None:
                for name in (*selector.annotation, *selector.named, *selector.default):
                    out.add(name.rpartition(".")[2])
        return out

    def _mentions(self, function: Node) -> bool:
        """Whether something in the function is a source, or judged by a literal."""
        mentions: frozenset[str] = function[11]
        rules = self.rules
        if not mentions.isdisjoint(rules.source_tails):
            return True
        if not mentions.isdisjoint(rules.rule_tails):
            return True
        return any(rules.wanted_name(name) for name in mentions)

    def _brings(self, function: Node) -> bool:
        """Whether data may come in in the function itself."""
        return not function[11].isdisjoint(self.rules.source_tails)

    # Functions

    def _functions(self, state: ModuleState) -> list[tuple[FunctionRef, ClassRef | None]]:
        """Functions and methods of a module, as they are defined at its top."""
        out: list[tuple[FunctionRef, ClassRef | None]] = []
        module = self.program.module_of(state)
        if module is None:
            return out
        self._collect(state, module.body, None, out)
        return out

    def _collect(
        self,
        state: ModuleState,
        body: Sequence[Node],
        cls: ClassRef | None,
        out: list[tuple[FunctionRef, ClassRef | None]],
    ) -> None:
        for node in body:
            op = node[0]
            if op == ir.FUNCTION:
                out.append((FunctionRef(state, node, cls), cls))
            elif op == ir.CLASS:
                names = cls.members if cls is not None else state.vars
                value = names.get(node[3])
                inner = value.obj if value is not None else None
                if isinstance(inner, ClassRef) and inner.node is node:
                    self._collect(state, node[7], inner, out)
                    for info in class_entries(self.rules, inner):
                        self.calls.register(info)
            elif op == ir.IF:
                self._collect(state, node[4], cls, out)
                self._collect(state, node[5], cls, out)
            elif op == ir.TRY:
                self._collect(state, node[3], cls, out)
                for _, _, inner_body in node[4]:
                    self._collect(state, inner_body, cls, out)
            elif op in (ir.BLOCK,):
                self._collect(state, node[3], cls, out)

    def _has_param_source(self, ref: FunctionRef) -> bool:
        """Whether a parameter of a function may be a source by its name or its annotation."""
        names = {one[3][3] for one in ref.node[4] if one[3][0] == ir.NAME}
        mentions: frozenset[str] = ref.node[11]
        for source in self.rules.params:
            selector = source.param
            if selector is None or selector.decorator or selector.base or selector.call:
                continue
            if selector.named and names.intersection(selector.named):
                return True
            for name in (*selector.annotation, *selector.default):
                if name.rpartition(".")[2] in mentions:
                    return True
        return False


def _runs_text(data: bytes, node: Node) -> bool:
    """Whether a statement outside of functions may run a text."""
    return bool(_CALLED.search(data, node[1], node[2]))


def any_worth(body: Sequence[Node], data: bytes) -> bool:
    """Whether any function in a body may run a text that it puts together."""
    for node in body:
        op = node[0]
        if op == ir.FUNCTION and worth_a_look(node, data):
            return True
        if op == ir.CLASS and any_worth(node[7], data):
            return True
        if op == ir.IF and (any_worth(node[4], data) or any_worth(node[5], data)):
            return True
        if op == ir.TRY and any_worth(node[3], data):
            return True
        if op in _DOING and _runs_text(data, node):
            return True
    return False
