"""Python, lowered from its tree-sitter tree.

tree-sitter and not `ast`: it reads syntax newer than the Python that runs it, and half-written
files as far as they go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import tree_sitter_python
from tree_sitter import Language, Parser
from tree_sitter import Node as Tree

from headgate.scan.front.python_patterns import Patterns
from headgate.scan.front.python_tree import Scope
from headgate.scan.front.tree import MAX_DEPTH
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Module, Node

_LANGUAGE = Language(tree_sitter_python.language())
_NOTHING: tuple[Node, ...] = ()


def lower(data: bytes) -> Module:
    """The module in a file of UTF-8 text without a byte order mark. Never raises for its content:
    what is not understood is listed in `Module.broken`."""
    return _Lowering(data).module()


class _Lowering(Patterns):
    """Lowers statements."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)

        self._statements: dict[str, Callable[[Tree], Node | None]] = {
            "expression_statement": self._expression,
            "return_statement": self._return,
            "if_statement": self._if,
            "for_statement": self._for,
            "while_statement": self._while,
            "try_statement": self._try,
            "with_statement": self._with,
            "function_definition": self._function,
            "class_definition": self._class,
            "decorated_definition": self._decorated,
            "import_statement": self._import,
            "import_from_statement": self._from,
            "global_statement": self._global,
            "nonlocal_statement": self._global,
            "delete_statement": self._delete,
            "raise_statement": self._raise,
            "assert_statement": self._assert,
            "match_statement": self._match,
            "break_statement": self._jump,
            "continue_statement": self._jump,
            "block": self._nested,
            "ERROR": self._error,
        }
        self._ignored = frozenset(
            {"comment", "pass_statement", "future_import_statement", "type_alias_statement"}
        )

    def module(self) -> Module:
        tree = Parser(_LANGUAGE).parse(self.data)
        body = self._all(tree.root_node.children)
        if tree.root_node.has_error and not self.broken:
            self.broken.append(_first_error(tree.root_node))
        return Module(
            language="python",
            body=body,
            imports=tuple(self._imports),
            mentions=frozenset(self.scope.mentions),
            broken=tuple(self.broken),
        )

    def _all(self, trees: Iterable[Tree]) -> tuple[Node, ...]:
        self.depth += 1
        found: list[Node] = []
        for tree in trees:
            kind = tree.type
            if kind in self._ignored:
                continue
            if self.depth > MAX_DEPTH:
                self.lost(tree)
                continue
            lowering = self._statements.get(kind)
            self.scope.size += 1
            node = self._other(tree) if lowering is None else lowering(tree)
            if node is not None:
                found.append(node)
        self.depth -= 1
        return tuple(found)

    def body(self, tree: Tree | None) -> tuple[Node, ...]:
        return _NOTHING if tree is None else self._all(tree.children)

    def _block(self, tree: Tree) -> tuple[Node, ...]:
        """The block among the children of a clause."""
        for child in reversed(tree.children):
            if child.type == "block":
                return self._all(child.children)
        return _NOTHING

    def _other(self, tree: Tree) -> Node | None:
        if not tree.is_named:
            return None
        return (ir.EXPR, tree.start_byte, tree.end_byte, self.expr(tree))

    def _error(self, tree: Tree) -> Node | None:
        self.lost(tree)
        # What a half-written statement holds is lowered as far as it goes.
        return (ir.BLOCK, tree.start_byte, tree.end_byte, self._all(tree.children))

    def _nested(self, tree: Tree) -> Node:
        return (ir.BLOCK, tree.start_byte, tree.end_byte, self._all(tree.children))

    def _expression(self, tree: Tree) -> Node | None:
        children = tree.named_children
        if not children:
            return None
        first = children[0]
        kind = first.type
        if kind == "assignment":
            return self._assignment(first)
        if kind == "augmented_assignment":
            return self._augmented(first)
        if kind in ("string", "ellipsis"):
            return None
        if len(children) > 1:
            operands = tuple(self.expr(child) for child in children if child.type != "comment")
            value: Node = (ir.COMMA, tree.start_byte, tree.end_byte, operands)
            return (ir.EXPR, tree.start_byte, tree.end_byte, value)
        return (ir.EXPR, tree.start_byte, tree.end_byte, self.expr(first))

    def _assignment(self, tree: Tree) -> Node:
        start, end = tree.start_byte, tree.end_byte
        lefts: list[Tree] = []
        annotation: Node | None = None
        value: Tree | None = tree
        while value is not None and value.type == "assignment":
            left = value.child_by_field_name("left")
            if left is not None:
                lefts.append(left)
            given = value.child_by_field_name("type")
            if given is not None:
                annotation = self.expr(given)
            value = value.child_by_field_name("right")
        lowered = self.optional(value)
        targets = tuple(self.target(left) for left in lefts)
        return (ir.ASSIGN, start, end, targets, lowered, annotation)

    def _augmented(self, tree: Tree) -> Node:
        children = [child for child in tree.children if child.type != "comment"]
        target = self.target(children[0])
        operator = children[1].type.removesuffix("=")
        value = self.expr(children[-1])
        return (ir.AUGMENT, tree.start_byte, tree.end_byte, target, operator, value)

    def _return(self, tree: Tree) -> Node:
        children = [child for child in tree.named_children if child.type != "comment"]
        value = self.expr(children[0]) if children else None
        return (ir.RETURN, tree.start_byte, tree.end_byte, value)

    def _if(self, tree: Tree) -> Node:
        clauses: list[tuple[Tree, Node, tuple[Node, ...]]] = [self._clause(tree)]
        otherwise: tuple[Node, ...] = ()
        for child in tree.children_by_field_name("alternative"):
            if child.type == "elif_clause":
                clauses.append(self._clause(child))
            else:
                otherwise = self._block(child)
        if len(clauses) > MAX_DEPTH // 2:
            self.lost(clauses[MAX_DEPTH // 2][0])
            kept = clauses[MAX_DEPTH // 2 :]
            clauses = clauses[: MAX_DEPTH // 2]
            otherwise = tuple(node for _, _, body in kept for node in body)
        for place, test, body in reversed(clauses[1:]):
            otherwise = ((ir.IF, place.start_byte, place.end_byte, test, body, otherwise),)
        _, test, body = clauses[0]
        return (ir.IF, tree.start_byte, tree.end_byte, test, body, otherwise)

    def _clause(self, tree: Tree) -> tuple[Tree, Node, tuple[Node, ...]]:
        test = self._field(tree, "condition")
        return tree, test, self.body(tree.child_by_field_name("consequence"))

    def _field(self, tree: Tree, name: str) -> Node:
        child = tree.child_by_field_name(name)
        if child is None:
            return (ir.OPAQUE, tree.start_byte, tree.start_byte, ())
        return self.expr(child)

    def _alternative(self, tree: Tree) -> tuple[Node, ...]:
        child = tree.child_by_field_name("alternative")
        return () if child is None else self._block(child)

    def _for(self, tree: Tree) -> Node:
        iterable = self._field(tree, "right")
        left = tree.child_by_field_name("left")
        target: Node = (
            (ir.OPAQUE, tree.start_byte, tree.start_byte, ()) if left is None else self.target(left)
        )
        body = self.body(tree.child_by_field_name("body"))
        otherwise = self._alternative(tree)
        fields = (target, iterable, body, otherwise, "items")
        return (ir.FOR, tree.start_byte, tree.end_byte, *fields)

    def _while(self, tree: Tree) -> Node:
        test = self._field(tree, "condition")
        body = self.body(tree.child_by_field_name("body"))
        fields = (test, body, self._alternative(tree), False)
        return (ir.WHILE, tree.start_byte, tree.end_byte, *fields)

    def _try(self, tree: Tree) -> Node:
        body = self.body(tree.child_by_field_name("body"))
        handlers: list[tuple[Node | None, str | None, tuple[Node, ...]]] = []
        otherwise: tuple[Node, ...] = ()
        final: tuple[Node, ...] = ()
        for child in tree.named_children:
            kind = child.type
            if kind in ("except_clause", "except_group_clause"):
                handlers.append(self._handler(child))
            elif kind == "else_clause":
                otherwise = self._block(child)
            elif kind == "finally_clause":
                final = self._block(child)
        fields = (body, tuple(handlers), otherwise, final)
        return (ir.TRY, tree.start_byte, tree.end_byte, *fields)

    def _handler(self, tree: Tree) -> tuple[Node | None, str | None, tuple[Node, ...]]:
        kind: Node | None = None
        name: str | None = None
        for child in tree.named_children:
            if child.type == "as_pattern":
                parts = child.named_children
                kind = self.expr(parts[0])
                name = self.text(parts[-1])
            elif child.type == "identifier" and kind is not None:
                name = self.text(child)
            elif child.type not in ("block", "comment"):
                kind = self.expr(child)
        if name is not None:
            self.scope.bound[name] = None
            self.mention(name)
        return kind, name, self._block(tree)

    def _with(self, tree: Tree) -> Node:
        items: list[tuple[Node, Node | None]] = []
        clause = next((c for c in tree.named_children if c.type == "with_clause"), None)
        for item in () if clause is None else clause.named_children:
            for value in item.named_children if item.type == "with_item" else ():
                self._context(value, items)
        body = self.body(tree.child_by_field_name("body"))
        return (ir.WITH, tree.start_byte, tree.end_byte, tuple(items), body)

    def _context(self, value: Tree, items: list[tuple[Node, Node | None]]) -> None:
        if value.type == "as_pattern":
            parts = value.named_children
            target = parts[-1].named_children[0] if parts[-1].named_children else parts[-1]
            items.append((self.expr(parts[0]), self.target(target)))
        elif value.type == "tuple" and any(c.type == "as_pattern" for c in value.named_children):
            for child in value.named_children:
                self._context(child, items)
        elif value.type != "comment":
            items.append((self.expr(value), None))

    def _decorated(self, tree: Tree) -> Node | None:
        decorators: list[Node] = []
        definition: Tree | None = None
        for child in tree.named_children:
            if child.type == "decorator":
                decorators.extend(
                    self.expr(one) for one in child.named_children if one.type != "comment"
                )
            elif child.type != "comment":
                definition = child
        if definition is None:
            return None
        if definition.type == "class_definition":
            return self._class(definition, tuple(decorators))
        if definition.type == "function_definition":
            return self._function(definition, tuple(decorators))
        return self._other(definition)

    def _function(self, tree: Tree, decorators: tuple[Node, ...] = ()) -> Node:
        name_tree = tree.child_by_field_name("name")
        name = self.text(name_tree) if name_tree is not None else ""
        self.scope.bound[name] = None
        self.mention(name)
        returns = self.optional(tree.child_by_field_name("return_type"))
        given = tree.child_by_field_name("parameters")
        outer, self.scope = self.scope, Scope()
        parameters = () if given is None else self.parameters(given)
        body = self.body(tree.child_by_field_name("body"))
        scope = self.leave(outer)
        flags = scope.flags | (ir.ASYNC if tree.children[0].type == "async" else 0)
        return (
            ir.FUNCTION, tree.start_byte, tree.end_byte, name, parameters, body, decorators,
            returns, flags, tuple(scope.bound), scope.size, frozenset(scope.mentions),
        )  # fmt: skip

    def _class(self, tree: Tree, decorators: tuple[Node, ...] = ()) -> Node:
        name_tree = tree.child_by_field_name("name")
        name = self.text(name_tree) if name_tree is not None else ""
        self.scope.bound[name] = None
        self.mention(name)
        bases: list[Node] = []
        keywords: list[tuple[str, Node]] = []
        given = tree.child_by_field_name("superclasses")
        for child in () if given is None else given.named_children:
            if child.type == "keyword_argument":
                parts = child.named_children
                keywords.append((self.text(parts[0]), self.expr(parts[-1])))
            elif child.type != "comment":
                bases.append(self.expr(child))
        outer, self.scope = self.scope, Scope()
        body = self.body(tree.child_by_field_name("body"))
        self.leave(outer)
        fields = (name, tuple(bases), tuple(keywords), decorators, body)
        return (ir.CLASS, tree.start_byte, tree.end_byte, *fields)

    def _global(self, tree: Tree) -> Node:
        names = tuple(self.text(c) for c in tree.named_children if c.type == "identifier")
        self.scope.outer.update(names)
        op = ir.GLOBAL if tree.type == "global_statement" else ir.NONLOCAL
        return (op, tree.start_byte, tree.end_byte, names)

    def _delete(self, tree: Tree) -> Node:
        targets = tuple(self.expr(child) for child in tree.named_children)
        if len(targets) == 1 and targets[0][0] == ir.SEQ:
            targets = targets[0][4]
        return (ir.DELETE, tree.start_byte, tree.end_byte, targets)

    def _raise(self, tree: Tree) -> Node:
        children = [child for child in tree.named_children if child.type != "comment"]
        value = self.expr(children[0]) if children else None
        return (ir.RAISE, tree.start_byte, tree.end_byte, value)

    def _assert(self, tree: Tree) -> Node:
        children = [child for child in tree.named_children if child.type != "comment"]
        return (ir.ASSERT, tree.start_byte, tree.end_byte, self.expr(children[0]))

    def _jump(self, tree: Tree) -> Node:
        op = ir.BREAK if tree.type == "break_statement" else ir.CONTINUE
        return (op, tree.start_byte, tree.end_byte)


def _first_error(root: Tree) -> tuple[int, int]:
    """Where the parser first had to guess."""
    tree = root
    while True:
        inner = next((c for c in tree.children if c.has_error or c.is_missing), None)
        if inner is None or inner.is_missing:
            place = tree if inner is None else inner
            return place.start_byte, place.end_byte
        tree = inner
