"""JavaScript's operators, lowered."""

from __future__ import annotations

from tree_sitter import Node as Tree

from headgate.scan.front.javascript_text import (
    kept,
    named,
    nothing,
)
from headgate.scan.front.javascript_tree import Trees
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Node

_CHAIN = 40
"""Operands of one chain of operators; a longer one keeps its operands and loses its order."""

_COMPARISONS = {
    "==": "==", "===": "==", "!=": "!=", "!==": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">=",
    "in": "in", "instanceof": "instanceof",
}  # fmt: skip
_LOGIC = {"&&": "and", "||": "or", "??": "??"}


class Operators(Trees):
    """Lowers operators."""

    def _binary(self, tree: Tree) -> Node:
        start, end = tree.start_byte, tree.end_byte
        chain: list[tuple[str, Tree, int]] = []
        while tree.type == "binary_expression":
            left = tree.child_by_field_name("left")
            operator = tree.child_by_field_name("operator")
            right = tree.child_by_field_name("right")
            if left is None or operator is None or right is None:
                break
            chain.append((operator.type, right, tree.end_byte))
            tree = left
        node = self.expr(tree) if chain else self._opaque(tree)
        if len(chain) > _CHAIN and len({operator for operator, _, _ in chain}) > 1:
            operands = (node, *(self.expr(operand) for _, operand, _ in reversed(chain)))
            return (ir.OPAQUE, start, end, operands)
        if len(chain) > _CHAIN and chain[0][0] == "+":
            return (ir.BUILD, start, end, (node, *(self.expr(one) for _, one, _ in chain[::-1])))
        for operator, operand, stop in reversed(chain[-_CHAIN * 3 :]):
            node = self._operation(operator, node, self.expr(operand), start, stop)
        return node

    def _operation(self, operator: str, left: Node, right: Node, start: int, end: int) -> Node:
        if operator in _COMPARISONS:
            return (ir.COMPARE, start, end, left, ((_COMPARISONS[operator], right),))
        if operator in _LOGIC:
            word = _LOGIC[operator]
            if left[0] == ir.BOOL and left[3] == word:
                return (ir.BOOL, start, end, word, (*left[4], right))
            return (ir.BOOL, start, end, word, (left, right))
        return (ir.BINARY, start, end, operator, left, right)

    def _unary(self, tree: Tree) -> Node:
        operator = tree.child_by_field_name("operator")
        operand = self.field(tree, "argument")
        word = operator.type if operator is not None else "void"
        start, end = tree.start_byte, tree.end_byte
        if word == "-" and operand[0] == ir.CONST and isinstance(operand[3], (int, float)):
            return (ir.CONST, start, end, -operand[3])
        if word == "void" and operand[0] == ir.CONST:
            return (ir.CONST, start, end, None)
        return (ir.UNARY, start, end, "not" if word == "!" else word, operand)

    def _update(self, tree: Tree) -> Node:
        argument = tree.child_by_field_name("argument")
        if argument is None:
            return self._opaque(tree)
        target = self.target(argument, False)
        operator = tree.child_by_field_name("operator")
        sign = "-" if operator is not None and operator.type == "--" else "+"
        start, end = tree.start_byte, tree.end_byte
        return (ir.ASSIGNING, start, end, target, sign, (ir.CONST, start, end, 1))

    def _ternary(self, tree: Tree) -> Node:
        names = ("condition", "consequence", "alternative")
        fields = (self.field(tree, name) for name in names)
        return (ir.COND, tree.start_byte, tree.end_byte, *fields)

    def _assigning(self, tree: Tree) -> Node:
        value = self.field(tree, "right")
        left = tree.child_by_field_name("left")
        target = nothing(tree) if left is None else self.target(left, False)
        if target[0] in (ir.NAME, ir.ATTR):
            value = named(value, target[3] if target[0] == ir.NAME else target[4])
        return (ir.ASSIGNING, tree.start_byte, tree.end_byte, target, "", value)

    def _augmenting(self, tree: Tree) -> Node:
        left = tree.child_by_field_name("left")
        operator = tree.child_by_field_name("operator")
        value = self.field(tree, "right")
        target = nothing(tree) if left is None else self.target(left, False)
        word = operator.type.removesuffix("=") if operator is not None else "+"
        start, end = tree.start_byte, tree.end_byte
        if word in _LOGIC:
            value = (ir.BOOL, start, end, _LOGIC[word], (target, value))
            word = ""
        return (ir.ASSIGNING, start, end, target, word, value)

    def _await(self, tree: Tree) -> Node:
        return (ir.AWAIT, tree.start_byte, tree.end_byte, self._inner(tree))

    def _yield(self, tree: Tree) -> Node:
        self.scope.flags |= ir.GENERATOR
        children = list(kept(tree.named_children))
        value = self.expr(children[0]) if children else None
        delegates = any(child.type == "*" for child in tree.children)
        return (ir.YIELD, tree.start_byte, tree.end_byte, value, delegates)

    def _comma(self, tree: Tree) -> Node:
        operands: list[Tree] = []
        waiting = list(kept(tree.named_children))[::-1]
        while waiting:
            one = waiting.pop()
            if one.type == "sequence_expression":
                waiting += list(kept(one.named_children))[::-1]
            else:
                operands.append(one)
        lowered = tuple(self.expr(one) for one in operands)
        return (ir.COMMA, tree.start_byte, tree.end_byte, lowered)
