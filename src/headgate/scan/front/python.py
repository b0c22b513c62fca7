"""Python, lowered from its tree-sitter tree.

tree-sitter and not `ast`: it reads syntax newer than the Python that runs it, and half-written
files as far as they go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import tree_sitter_python
from tree_sitter import Language, Parser
from tree_sitter import Node as Tree

from headgate.scan.front.python_expressions import MAX_DEPTH, Expressions, Scope
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Module, Node

_LANGUAGE = Language(tree_sitter_python.language())
_NOTHING: tuple[Node, ...] = ()


def lower(data: bytes) -> Module:
    """The module in a file of UTF-8 text without a byte order mark. Never raises for its content:
    what is not understood is listed in `Module.broken`."""
    return _Lowering(data).module()


class _Lowering(Expressions):
    """Lowers statements."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self._imports: dict[str, None] = {}
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

    def _body(self, tree: Tree | None) -> tuple[Node, ...]:
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
        return tree, test, self._body(tree.child_by_field_name("consequence"))

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
        body = self._body(tree.child_by_field_name("body"))
        otherwise = self._alternative(tree)
        fields = (target, iterable, body, otherwise, "items")
        return (ir.FOR, tree.start_byte, tree.end_byte, *fields)

    def _while(self, tree: Tree) -> Node:
        test = self._field(tree, "condition")
        body = self._body(tree.child_by_field_name("body"))
        fields = (test, body, self._alternative(tree), False)
        return (ir.WHILE, tree.start_byte, tree.end_byte, *fields)

    def _try(self, tree: Tree) -> Node:
        body = self._body(tree.child_by_field_name("body"))
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
        body = self._body(tree.child_by_field_name("body"))
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
        body = self._body(tree.child_by_field_name("body"))
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
        body = self._body(tree.child_by_field_name("body"))
        self.leave(outer)
        fields = (name, tuple(bases), tuple(keywords), decorators, body)
        return (ir.CLASS, tree.start_byte, tree.end_byte, *fields)

    def _import(self, tree: Tree) -> Node:
        entries: list[tuple[str, str, str, int]] = []
        for child in tree.named_children:
            if child.type == "aliased_import":
                parts = child.named_children
                module, alias = self.text(parts[0]), self.text(parts[-1])
                entries.append((module, "", alias, 0))
            elif child.type == "dotted_name":
                module = self.text(child)
                alias = module.partition(".")[0]
                entries.append((module, "", alias, 0))
            else:
                continue
            self._imports[module] = None
            self._bound(alias)
        return (ir.IMPORT, tree.start_byte, tree.end_byte, tuple(entries))

    def _bound(self, name: str) -> None:
        self.scope.bound[name] = None
        self.mention(name)

    def _from(self, tree: Tree) -> Node:
        place = tree.child_by_field_name("module_name")
        written = self.text(place).replace(" ", "") if place is not None else ""
        level = len(written) - len(written.lstrip("."))
        module = written.lstrip(".")
        self._imports[written] = None
        entries: list[tuple[str, str, str, int]] = []
        for child in tree.children_by_field_name("name"):
            if child.type == "aliased_import":
                parts = child.named_children
                name, alias = self.text(parts[0]), self.text(parts[-1])
            else:
                name = alias = self.text(child)
            entries.append((module, name, alias, level))
            # It may be a module below the one that is named.
            self._imports[f"{written}{name}" if not module else f"{written}.{name}"] = None
            self._bound(alias)
            self.mention(name)
        if any(child.type == "wildcard_import" for child in tree.named_children):
            entries.append((module, "*", "", level))
        return (ir.IMPORT, tree.start_byte, tree.end_byte, tuple(entries))

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

    def _match(self, tree: Tree) -> Node:
        subjects = tuple(self.expr(one) for one in tree.children_by_field_name("subject"))
        start, end = tree.start_byte, tree.end_byte
        subject = subjects[0] if subjects else (ir.OPAQUE, start, start, ())
        if len(subjects) > 1:
            subject = (ir.SEQ, start, end, "tuple", subjects)
        cases: list[tuple[Node, Node | None, tuple[Node, ...]]] = []
        block = tree.child_by_field_name("body")
        for case in () if block is None else block.named_children:
            if case.type != "case_clause":
                continue
            patterns = [c for c in case.named_children if c.type == "case_pattern"]
            lowered = tuple(self._pattern(one) for one in patterns)
            pattern: Node = lowered[0] if lowered else (ir.P_CAPTURE, start, start, None, None)
            if len(lowered) > 1:
                pattern = (ir.P_SEQ, patterns[0].start_byte, patterns[-1].end_byte, lowered)
            guard_tree = case.child_by_field_name("guard")
            guard = self._last(guard_tree.named_children) if guard_tree is not None else None
            cases.append((pattern, guard, self._body(case.child_by_field_name("consequence"))))
        return (ir.MATCH, start, end, subject, tuple(cases), False)

    def _pattern(self, tree: Tree) -> Node:
        start, end = tree.start_byte, tree.end_byte
        children = [child for child in tree.named_children if child.type != "comment"]
        kind = tree.type
        if kind == "case_pattern":
            if not children:
                # `_`, and numbers with a sign.
                text = self.text(tree)
                if text == "_":
                    return (ir.P_CAPTURE, start, end, None, None)
                return (ir.P_VALUE, start, end, self._number(tree))
            return self._pattern(children[0])
        if kind == "dotted_name":
            text = self.text(tree)
            if "." not in text:
                self._bound(text)
                return (ir.P_CAPTURE, start, end, None, text)
            node: Node = (ir.NAME, start, end, text.partition(".")[0])
            for part in text.split(".")[1:]:
                self.mention(part)
                node = (ir.ATTR, start, end, node, part)
            return (ir.P_VALUE, start, end, node)
        if kind == "as_pattern":
            name = self.text(children[-1])
            self._bound(name)
            return (ir.P_CAPTURE, start, end, self._pattern(children[0]), name)
        if kind == "union_pattern":
            return (ir.P_OR, start, end, tuple(self._pattern(child) for child in children))
        if kind in ("list_pattern", "tuple_pattern"):
            if len(children) == 1 and kind == "tuple_pattern" and "," not in self.text(tree):
                return self._pattern(children[0])
            return (ir.P_SEQ, start, end, tuple(self._pattern(child) for child in children))
        if kind == "splat_pattern":
            name = self.text(children[0]) if children else None
            if name is not None and name != "_":
                self._bound(name)
            inner = (ir.P_CAPTURE, start, end, None, None if name == "_" else name)
            return (ir.STAR, start, end, inner)
        if kind == "dict_pattern":
            return self._map_pattern(tree)
        if kind == "class_pattern":
            positional: list[Node] = []
            named: list[tuple[str, Node]] = []
            for child in children[1:]:
                inner = child.named_children[0] if child.named_children else child
                if inner.type == "keyword_pattern":
                    parts = inner.named_children
                    named.append((self.text(parts[0]), self._pattern(parts[-1])))
                else:
                    positional.append(self._pattern(child))
            cls = self._dotted(children[0])
            return (ir.P_CLASS, start, end, cls, tuple(positional), tuple(named))
        return (ir.P_VALUE, start, end, self.expr(tree))

    def _dotted(self, tree: Tree) -> Node:
        start, end = tree.start_byte, tree.end_byte
        first, *rest = self.text(tree).split(".")
        self.mention(first)
        node: Node = (ir.NAME, start, end, first)
        for part in rest:
            node = (ir.ATTR, start, end, node, part)
        return node

    def _map_pattern(self, tree: Tree) -> Node:
        entries: list[tuple[Node, Node]] = []
        rest: str | None = None
        keys = tree.children_by_field_name("key")
        values = tree.children_by_field_name("value")
        for key, value in zip(keys, values, strict=False):
            lowered = self._pattern(key)
            if lowered[0] == ir.P_VALUE:
                entries.append((lowered[3], self._pattern(value)))
        for child in tree.named_children:
            if child.type == "splat_pattern" and child.named_children:
                rest = self.text(child.named_children[0])
                self._bound(rest)
        return (ir.P_MAP, tree.start_byte, tree.end_byte, tuple(entries), rest)


def _first_error(root: Tree) -> tuple[int, int]:
    """Where the parser first had to guess."""
    tree = root
    while True:
        inner = next((c for c in tree.children if c.has_error or c.is_missing), None)
        if inner is None or inner.is_missing:
            place = tree if inner is None else inner
            return place.start_byte, place.end_byte
        tree = inner
