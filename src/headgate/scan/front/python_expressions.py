"""Python's expressions, lowered."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tree_sitter import Node as Tree

from headgate.scan.front.python_text import Texts
from headgate.scan.front.python_tree import Scope
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Node

_CHAIN = 40
"""Operands of one chain of operators; a longer one keeps its operands and loses its order."""

_OPERATORS = frozenset({"==", "!=", "<", "<=", ">", ">=", "in", "not in", "is", "is not", "<>"})
_PARAMETERS = frozenset(
    {"identifier", "tuple_pattern", "list_splat_pattern", "dictionary_splat_pattern"}
)


class Expressions(Texts):
    """Lowers expressions and targets."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)

        self._lowerings: dict[str, Callable[[Tree], Node]] = {
            "identifier": self._name,
            "attribute": self._attribute,
            "call": self._call,
            "string": self._string,
            "subscript": self._subscript,
            "integer": self._number,
            "float": self._number,
            "true": self._true,
            "false": self._false,
            "none": self._none,
            "binary_operator": self._binary,
            "boolean_operator": self._boolean,
            "comparison_operator": self._comparison,
            "not_operator": self._unary,
            "unary_operator": self._unary,
            "list": self._sequence,
            "tuple": self._sequence,
            "set": self._sequence,
            "expression_list": self._sequence,
            "pattern_list": self._sequence,
            "tuple_pattern": self._sequence,
            "list_pattern": self._sequence,
            "dictionary": self._dictionary,
            "parenthesized_expression": self._parenthesized,
            "type": self._parenthesized,
            "conditional_expression": self._conditional,
            "lambda": self._lambda,
            "list_comprehension": self._comprehension,
            "set_comprehension": self._comprehension,
            "dictionary_comprehension": self._comprehension,
            "generator_expression": self._comprehension,
            "await": self._await,
            "yield": self._yield,
            "named_expression": self._named,
            "concatenated_string": self._concatenated,
            "list_splat": self._splat,
            "list_splat_pattern": self._splat,
            "parenthesized_list_splat": self._parenthesized,
            "dictionary_splat": self._splat,
            "slice": self._slice,
            "generic_type": self._generic,
            "assignment": self._opaque,
        }

    def _name(self, tree: Tree) -> Node:
        start, end = tree.start_byte, tree.end_byte
        name = self.text(tree)
        self.scope.mentions.add(name)
        return (ir.NAME, start, end, name)

    def _attribute(self, tree: Tree) -> Node:
        children = tree.children
        name = self.text(children[-1])
        self.scope.mentions.add(name)
        return (ir.ATTR, tree.start_byte, tree.end_byte, self.expr(children[0]), name)

    def _call(self, tree: Tree) -> Node:
        children = [child for child in tree.children if child.type != "comment"]
        function = self.expr(children[0])
        arguments: list[Node] = []
        keywords: list[tuple[str | None, Node]] = []
        given = children[-1]
        if given.type == "generator_expression":
            arguments.append(self.expr(given))
        else:
            for child in given.named_children:
                kind = child.type
                if kind == "keyword_argument":
                    parts = child.named_children
                    name = self.text(parts[0])
                    self.scope.mentions.add(name)
                    keywords.append((name, self.expr(parts[-1])))
                elif kind == "dictionary_splat":
                    keywords.append((None, self.expr(child.named_children[0])))
                elif kind != "comment":
                    arguments.append(self.expr(child))
        fields = (function, tuple(arguments), tuple(keywords), False)
        return (ir.CALL, tree.start_byte, tree.end_byte, *fields)

    def _subscript(self, tree: Tree) -> Node:
        children = [child for child in tree.named_children if child.type != "comment"]
        value = self.expr(children[0])
        indexes = [self.expr(child) for child in children[1:]]
        start, end = tree.start_byte, tree.end_byte
        if len(indexes) == 1:
            return (ir.INDEX, start, end, value, indexes[0])
        return (ir.INDEX, start, end, value, (ir.SEQ, start, end, "tuple", tuple(indexes)))

    def _generic(self, tree: Tree) -> Node:
        """`list[int]` in an annotation."""
        children = tree.named_children
        value = self.expr(children[0])
        start, end = tree.start_byte, tree.end_byte
        inner = [self.expr(one) for child in children[1:] for one in child.named_children]
        index = inner[0] if len(inner) == 1 else (ir.SEQ, start, end, "tuple", tuple(inner))
        return (ir.INDEX, start, end, value, index)

    def _slice(self, tree: Tree) -> Node:
        parts: list[Node | None] = [None, None, None]
        at = 0
        for child in tree.children:
            if child.type == ":":
                at = min(at + 1, 2)
            elif child.type != "comment":
                parts[at] = self.expr(child)
        return (ir.SLICE, tree.start_byte, tree.end_byte, *parts)

    def _binary(self, tree: Tree) -> Node:
        start, end = tree.start_byte, tree.end_byte
        right: list[tuple[str, Tree, int]] = []
        while tree.type == "binary_operator":
            children = [child for child in tree.children if child.type != "comment"]
            if len(children) < 3:
                break
            right.append((children[1].type, children[2], tree.end_byte))
            tree = children[0]
        node = self.expr(tree) if right else self._opaque(tree)
        if len(right) > _CHAIN:
            operands = (node, *(self.expr(operand) for _, operand, _ in reversed(right)))
            return (ir.OPAQUE, start, end, operands)
        for operator, operand, stop in reversed(right):
            node = (ir.BINARY, start, stop, operator, node, self.expr(operand))
        return node

    def _boolean(self, tree: Tree) -> Node:
        start, end = tree.start_byte, tree.end_byte
        children = [child for child in tree.children if child.type != "comment"]
        operator = children[1].type
        operands: list[Tree] = []
        while True:
            operands.append(children[-1])
            first = children[0]
            if first.type != "boolean_operator":
                operands.append(first)
                break
            inner = [child for child in first.children if child.type != "comment"]
            if inner[1].type != operator:
                operands.append(first)
                break
            children = inner
        lowered = tuple(self.expr(operand) for operand in reversed(operands))
        return (ir.BOOL, start, end, operator, lowered)

    def _comparison(self, tree: Tree) -> Node:
        operators: list[str] = []
        operands: list[Node] = []
        for child in tree.children:
            kind = child.type
            if kind in _OPERATORS:
                operators.append("!=" if kind == "<>" else kind)
            elif kind != "comment":
                operands.append(self.expr(child))
        rest = tuple(zip(operators, operands[1:], strict=False))
        return (ir.COMPARE, tree.start_byte, tree.end_byte, operands[0], rest)

    def _unary(self, tree: Tree) -> Node:
        children = tree.children
        operand = self.expr(children[-1])
        operator = children[0].type
        start, end = tree.start_byte, tree.end_byte
        if operator == "-" and operand[0] == ir.CONST and isinstance(operand[3], (int, float)):
            return (ir.CONST, start, end, -operand[3])
        return (ir.UNARY, start, end, operator, operand)

    def _sequence(self, tree: Tree) -> Node:
        kind = tree.type.partition("_")[0]
        if kind not in ("list", "set"):
            kind = "tuple"
        items = tuple(self.expr(child) for child in tree.named_children if child.type != "comment")
        return (ir.SEQ, tree.start_byte, tree.end_byte, kind, items)

    def _dictionary(self, tree: Tree) -> Node:
        entries: list[tuple[Node | None, Node]] = []
        for child in tree.named_children:
            if child.type == "pair":
                parts = [one for one in child.named_children if one.type != "comment"]
                entries.append((self.expr(parts[0]), self.expr(parts[-1])))
            elif child.type == "dictionary_splat":
                entries.append((None, self.expr(child.named_children[0])))
            elif child.type == "ERROR":
                self.lost(child)
        return (ir.MAP, tree.start_byte, tree.end_byte, tuple(entries))

    def _parenthesized(self, tree: Tree) -> Node:
        for child in tree.named_children:
            if child.type != "comment":
                return self.expr(child)
        return (ir.OPAQUE, tree.start_byte, tree.end_byte, ())

    def _conditional(self, tree: Tree) -> Node:
        parts = [child for child in tree.named_children if child.type != "comment"]
        if len(parts) != 3:
            return self._opaque(tree)
        then, test, otherwise = parts
        fields = (self.expr(test), self.expr(then), self.expr(otherwise))
        return (ir.COND, tree.start_byte, tree.end_byte, *fields)

    def _lambda(self, tree: Tree) -> Node:
        given = tree.child_by_field_name("parameters")
        body = tree.child_by_field_name("body")
        outer, self.scope = self.scope, Scope()
        parameters = () if given is None else self.parameters(given)
        value = self.optional(body)
        start, end = tree.start_byte, tree.end_byte
        place = (body.start_byte, body.end_byte) if body is not None else (end, end)
        scope = self.leave(outer)
        function = (
            ir.FUNCTION, start, end, "", parameters, ((ir.RETURN, *place, value),), (), None,
            ir.ARROW | scope.flags, tuple(scope.bound), 1, frozenset(scope.mentions),
        )  # fmt: skip
        return (ir.LAMBDA, start, end, function)

    def leave(self, outer: Scope) -> Scope:
        """End the scope of a function and go back to the one around it."""
        scope, self.scope = self.scope, outer
        outer.mentions |= scope.mentions
        outer.size += scope.size
        for name in scope.outer:
            scope.bound.pop(name, None)
        return scope

    def parameters(self, tree: Tree) -> tuple[Node, ...]:
        """The parameters of a function or a lambda, bound in the scope."""
        found: list[Node] = []
        kind = ir.PLAIN
        for child in tree.named_children:
            form = child.type
            if form == "keyword_separator":
                kind = ir.KEYWORD_ONLY
            elif form == "positional_separator":
                found = [(*one[:6], ir.POSITIONAL_ONLY) for one in found]
            elif form in ("comment", "ERROR"):
                if form == "ERROR":
                    self.lost(child)
            else:
                one = self._parameter(child, kind)
                if one[6] == ir.REST:
                    kind = ir.KEYWORD_ONLY
                found.append(one)
        return tuple(found)

    def _parameter(self, tree: Tree, kind: int) -> Node:
        start, end = tree.start_byte, tree.end_byte
        default = self.optional(tree.child_by_field_name("value"))
        annotation = self.optional(tree.child_by_field_name("type"))
        name = tree
        if tree.type not in _PARAMETERS:
            name = tree.child_by_field_name("name") or tree.named_children[0]
        if name.type in ("list_splat_pattern", "dictionary_splat_pattern"):
            kind = ir.REST if name.type == "list_splat_pattern" else ir.KEYWORDS
            name = name.named_children[0]
        return (ir.PARAMETER, start, end, self.target(name), default, annotation, kind)

    def _comprehension(self, tree: Tree) -> Node:
        kind = tree.type.partition("_")[0]
        if kind == "dictionary":
            kind = "dict"
        clauses: list[tuple[Node, Node, list[Node]]] = []
        body: Tree | None = None
        for child in tree.named_children:
            form = child.type
            if form == "for_in_clause":
                left = child.child_by_field_name("left")
                right = child.children_by_field_name("right")
                if left is not None and right:
                    items = tuple(self.expr(one) for one in right if one.is_named)
                    iterable: Node = items[0]
                    if len(items) > 1:
                        place = (right[0].start_byte, right[-1].end_byte)
                        iterable = (ir.SEQ, *place, "tuple", items)
                    clauses.append((self.target(left), iterable, []))
            elif form == "if_clause":
                if clauses:
                    clauses[-1][2].extend(self.expr(one) for one in child.named_children[:1])
            elif form != "comment" and body is None:
                body = child
        key: Node | None = None
        if body is None:
            return (ir.OPAQUE, tree.start_byte, tree.end_byte, ())
        if body.type == "pair":
            parts = body.named_children
            key, element = self.expr(parts[0]), self.expr(parts[-1])
        else:
            element = self.expr(body)
        frozen = tuple((left, right, tuple(tests)) for left, right, tests in clauses)
        return (ir.COMPREHENSION, tree.start_byte, tree.end_byte, kind, key, element, frozen)

    def _await(self, tree: Tree) -> Node:
        return (ir.AWAIT, tree.start_byte, tree.end_byte, self._last(tree.named_children))

    def _last(self, children: Iterable[Tree]) -> Node:
        kept = [child for child in children if child.type != "comment"]
        return self.expr(kept[-1]) if kept else (ir.CONST, 0, 0, None)

    def _yield(self, tree: Tree) -> Node:
        self.scope.flags |= ir.GENERATOR
        children = tree.named_children
        value = self.expr(children[-1]) if children else None
        delegates = any(child.type == "from" for child in tree.children)
        return (ir.YIELD, tree.start_byte, tree.end_byte, value, delegates)

    def _named(self, tree: Tree) -> Node:
        children = [child for child in tree.named_children if child.type != "comment"]
        value = self.expr(children[-1])
        return (ir.ASSIGNING, tree.start_byte, tree.end_byte, self.target(children[0]), "", value)

    def _splat(self, tree: Tree) -> Node:
        return (ir.STAR, tree.start_byte, tree.end_byte, self._last(tree.named_children))
