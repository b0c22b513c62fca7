"""Runs statements."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from headgate.scan.flow.core import MAX_STEPS, CutOff
from headgate.scan.flow.env import Env
from headgate.scan.flow.matching import Matching
from headgate.scan.flow.values import (
    Value,
)
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Node


class Statements(Matching):
    """Statements."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.live: Env | None = self.env
        self._runners: dict[int, Callable[[Node], None]] = {
            ir.EXPR: self._expression,
            ir.ASSIGN: self._assign,
            ir.AUGMENT: self._augment,
            ir.IF: self._if,
            ir.FOR: self._for,
            ir.WHILE: self._while,
            ir.TRY: self._try,
            ir.WITH: self._with,
            ir.RETURN: self._return,
            ir.RAISE: self._raise,
            ir.MATCH: self._match,
            ir.FUNCTION: self._function,
            ir.CLASS: self._define_class,
            ir.IMPORT: self._import,
            ir.EXPORT: self._export,
            ir.DELETE: self._delete,
            ir.GLOBAL: self._global,
            ir.NONLOCAL: self._nonlocal,
            ir.BREAK: self._break,
            ir.CONTINUE: self._continue,
            ir.ASSERT: self._assert,
            ir.BLOCK: self._block,
        }

    # What calls provide.

    def define(self, node: Node) -> Value:
        raise NotImplementedError

    def run(self, body: Sequence[Node]) -> bool:
        """Run statements; False when the end of them is not reached."""
        runners = self._runners
        for node in body:
            self.steps += 1
            if self.steps > MAX_STEPS:
                raise CutOff
            runners[node[0]](node)
            if self.dead:
                self.dead = False
                return False
        return True

    def _expression(self, node: Node) -> None:
        self.eval(node[3])

    def _global(self, node: Node) -> None:
        self.frame.globals.update(node[3])

    def _nonlocal(self, node: Node) -> None:
        self.frame.nonlocals.update(node[3])
        for name in node[3]:
            value = self._outer(name)
            if value is not None and name not in self.env.vars:
                self.env.vars[name] = value

    def _assert(self, node: Node) -> None:
        if not self.assume(self.eval(node[3]), True):
            self._stop()

    def _block(self, node: Node) -> None:
        if not self.run(node[3]):
            self._stop()

    def _function(self, node: Node) -> None:
        self.env.vars[node[3]] = self.define(node)

    def _define_class(self, node: Node) -> None:
        self.env.vars[node[3]] = self.make_class(node)
