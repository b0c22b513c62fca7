"""JavaScript, TypeScript and JSX, lowered from their tree-sitter trees."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable

import tree_sitter_javascript
import tree_sitter_typescript
from tree_sitter import Language, Parser
from tree_sitter import Node as Tree
from tree_sitter import Tree as Parsed

from headgate.scan.front.javascript_modules import Modules
from headgate.scan.front.javascript_text import kept, named, nothing, required_name
from headgate.scan.front.javascript_tree import Scope
from headgate.scan.front.tree import MAX_DEPTH
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Module, Node

ENDINGS = (".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts", ".tsx")
_DIRECTIVES = frozenset({"use server"})
"""Texts that mean something where they stand alone."""
_TYPES = frozenset(
    {
        "interface_declaration", "type_alias_declaration", "function_signature", "comment",
        "ambient_declaration", "empty_statement", "debugger_statement", "hash_bang_line",
        "abstract_method_signature", "method_signature", "index_signature", "property_signature",
        "html_comment",
    }
)  # fmt: skip
"""What does nothing when the program runs."""


def lower(path: str, data: bytes) -> Module:
    """The module in a file of UTF-8 text without a byte order mark. The grammar is told by the
    path. Never raises for its content: what is not understood is in `Module.broken`."""
    return _Lowering(data).module(_parse(path, data))


def _parse(path: str, data: bytes) -> Parsed:
    ending = path.rpartition(".")[2].lower()
    if ending in ("ts", "mts", "cts"):
        return _parser("typescript").parse(data)
    if ending == "tsx":
        return _parser("tsx").parse(data)
    tree = _parser("javascript").parse(data)
    if tree.root_node.has_error:
        # Types in files that do not say so: Flow, and TypeScript in other formats.
        typed = _parser("tsx").parse(data)
        if not typed.root_node.has_error:
            return typed
    return tree


@functools.cache
def _parser(grammar: str) -> Parser:
    if grammar == "javascript":
        return Parser(Language(tree_sitter_javascript.language()))
    if grammar == "tsx":
        return Parser(Language(tree_sitter_typescript.language_tsx()))
    return Parser(Language(tree_sitter_typescript.language_typescript()))


class _Lowering(Modules):
    """Lowers statements."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self._statements: dict[str, Callable[[Tree], Node | None]] = {
            "expression_statement": self._expression,
            "lexical_declaration": self._declaration,
            "variable_declaration": self._declaration,
            "return_statement": self._return,
            "if_statement": self._if,
            "for_statement": self._for,
            "for_in_statement": self._for_in,
            "while_statement": self._while,
            "do_statement": self._do,
            "try_statement": self._try,
            "switch_statement": self._switch,
            "throw_statement": self._throw,
            "break_statement": self._jump,
            "continue_statement": self._jump,
            "labeled_statement": self._labeled,
            "statement_block": self._nested,
            "class_static_block": self._nested,
            "function_declaration": self.function,
            "generator_function_declaration": self.function,
            "class_declaration": self.class_,
            "abstract_class_declaration": self.class_,
            "import_statement": self.import_,
            "export_statement": self.export,
            "enum_declaration": self._enum,
            "internal_module": self._namespace,
            "module": self._namespace,
            "with_statement": self._nested,
            "ERROR": self._error,
        }

    def module(self, tree: Parsed) -> Module:
        root = tree.root_node
        body = self.all(root.children)
        if root.has_error and not self.broken:
            self.broken.append(_first_error(root))
        asked = tuple(
            (ir.IMPORT, start, end, ((name, "", required_name(name), 0),))
            for name, (start, end) in self.required.items()
        )
        for name in self.required:
            self.imports[name] = None
        if self.has_markup:
            # Since its new transform JSX needs no import.
            self.imports["react"] = None
        return Module(
            language="javascript",
            body=(*asked, *body),
            imports=tuple(self.imports),
            mentions=frozenset(self.scope.mentions),
            broken=tuple(self.broken),
        )

    def all(self, trees: Iterable[Tree]) -> tuple[Node, ...]:
        """Statements; functions and imports come first, as they do when the program runs."""
        self.depth += 1
        first: list[Node] = []
        found: list[Node] = []
        for tree in trees:
            kind = tree.type
            if kind in _TYPES or not tree.is_named:
                continue
            if self.depth > MAX_DEPTH:
                self.lost(tree)
                continue
            self.scope.size += 1
            lowering = self._statements.get(kind)
            node = self._other(tree) if lowering is None else lowering(tree)
            if node is None:
                continue
            exports = node[0] == ir.BLOCK and kind == "export_statement"
            op = node[3][0][0] if exports and node[3] else node[0]
            if op in (ir.FUNCTION, ir.IMPORT):
                first.append(node)
            else:
                found.append(node)
        self.depth -= 1
        return (*first, *found)

    def _body(self, tree: Tree | None) -> tuple[Node, ...]:
        """The statements of a block, or the one statement that stands for it."""
        if tree is None:
            return ()
        return self.all(tree.children if tree.type == "statement_block" else (tree,))

    def _other(self, tree: Tree) -> Node:
        return (ir.EXPR, tree.start_byte, tree.end_byte, self.expr(tree))

    def _error(self, tree: Tree) -> Node:
        self.lost(tree)
        # What a half-written statement holds is lowered as far as it goes.
        return (ir.BLOCK, tree.start_byte, tree.end_byte, self.all(tree.children))

    def _nested(self, tree: Tree) -> Node:
        children = tree.children
        body = tree.child_by_field_name("body")
        if body is not None:
            children = body.children
        return (ir.BLOCK, tree.start_byte, tree.end_byte, self.all(children))

    def _expression(self, tree: Tree) -> Node | None:
        children = list(kept(tree.named_children))
        if not children:
            return None
        first = children[0]
        start, end = tree.start_byte, tree.end_byte
        if first.type == "string" and self.text(first)[1:-1] not in _DIRECTIVES:
            return None
        if first.type == "internal_module":
            return self._namespace(first)
        if first.type == "assignment_expression":
            exported = self.exported(first)
            if exported is not None:
                return exported
        if first.type == "unary_expression" and first.children[0].type == "delete":
            return (ir.DELETE, start, end, (self.field(first, "argument"),))
        node = self.expr(first)
        if node[0] != ir.ASSIGNING:
            return (ir.EXPR, start, end, node)
        if node[4]:
            return (ir.AUGMENT, start, end, node[3], node[4], node[5])
        targets, value = [node[3]], node[5]
        while value[0] == ir.ASSIGNING and not value[4]:
            targets.append(value[3])
            value = value[5]
        return (ir.ASSIGN, start, end, tuple(targets), value, None)

    def _declaration(self, tree: Tree) -> Node | None:
        found = [
            self._declarator(child)
            for child in tree.named_children
            if child.type == "variable_declarator"
        ]
        if len(found) == 1:
            return found[0]
        return (ir.BLOCK, tree.start_byte, tree.end_byte, tuple(found)) if found else None

    def _declarator(self, tree: Tree) -> Node:
        start, end = tree.start_byte, tree.end_byte
        given = tree.child_by_field_name("value")
        name = tree.child_by_field_name("name")
        if given is not None and name is not None:
            imported = self.required_declaration(name, given)
            if imported is not None:
                return imported
        value = self.optional(given)
        known = set(self.scope.bound) if value is None else ()
        target = nothing(tree) if name is None else self.target(name, True)
        if value is not None and target[0] == ir.NAME:
            value = named(value, target[3])
        annotation = self.optional(tree.child_by_field_name("type"))
        if value is None and annotation is None and target[0] == ir.NAME and target[3] not in known:
            # What functions within assign later is assigned to this variable.
            value = (ir.OPAQUE, end, end, ())
        return (ir.ASSIGN, start, end, (target,), value, annotation)

    def _return(self, tree: Tree) -> Node:
        children = list(kept(tree.named_children))
        value = self.expr(children[0]) if children else None
        return (ir.RETURN, tree.start_byte, tree.end_byte, value)

    def _throw(self, tree: Tree) -> Node:
        children = list(kept(tree.named_children))
        value = self.expr(children[0]) if children else None
        return (ir.RAISE, tree.start_byte, tree.end_byte, value)

    def _if(self, tree: Tree) -> Node:
        clauses: list[tuple[Tree, Node, tuple[Node, ...]]] = []
        otherwise: tuple[Node, ...] = ()
        one: Tree | None = tree
        while one is not None:
            test = self.field(one, "condition")
            clauses.append((one, test, self._body(one.child_by_field_name("consequence"))))
            alternative = one.child_by_field_name("alternative")
            one = None
            inner = (
                None if alternative is None else next(iter(kept(alternative.named_children)), None)
            )
            if inner is not None and inner.type == "if_statement":
                one = inner
            elif inner is not None:
                otherwise = self._body(inner)
        if len(clauses) > MAX_DEPTH // 2:
            self.lost(clauses[MAX_DEPTH // 2][0])
            rest = clauses[MAX_DEPTH // 2 :]
            clauses = clauses[: MAX_DEPTH // 2]
            otherwise = tuple(node for _, _, body in rest for node in body)
        for place, test, body in reversed(clauses[1:]):
            otherwise = ((ir.IF, place.start_byte, place.end_byte, test, body, otherwise),)
        _, test, body = clauses[0]
        return (ir.IF, tree.start_byte, tree.end_byte, test, body, otherwise)

    def _for(self, tree: Tree) -> Node:
        start, end = tree.start_byte, tree.end_byte
        first: tuple[Node, ...] = ()
        given = tree.child_by_field_name("initializer")
        if given is not None:
            first = self.all((given,))
        condition = tree.child_by_field_name("condition")
        test: Node = (ir.CONST, start, start, True)
        if condition is not None and condition.type != "empty_statement":
            inner = list(kept(condition.named_children))
            whole = condition.type != "expression_statement" or not inner
            test = self.expr(condition if whole else inner[0])
        body = self._body(tree.child_by_field_name("body"))
        step = tree.child_by_field_name("increment")
        if step is not None:
            body = (*body, (ir.EXPR, step.start_byte, step.end_byte, self.expr(step)))
        loop: Node = (ir.WHILE, start, end, test, body, (), False)
        return (ir.BLOCK, start, end, (*first, loop))

    def _for_in(self, tree: Tree) -> Node:
        iterable = self.field(tree, "right")
        left = tree.child_by_field_name("left")
        declared = tree.child_by_field_name("kind") is not None
        target = nothing(tree) if left is None else self.target(left, declared)
        operator = tree.child_by_field_name("operator")
        over = "keys" if operator is not None and operator.type == "in" else "items"
        body = self._body(tree.child_by_field_name("body"))
        return (ir.FOR, tree.start_byte, tree.end_byte, target, iterable, body, (), over)

    def _while(self, tree: Tree) -> Node:
        test = self.field(tree, "condition")
        body = self._body(tree.child_by_field_name("body"))
        return (ir.WHILE, tree.start_byte, tree.end_byte, test, body, (), False)

    def _do(self, tree: Tree) -> Node:
        body = self._body(tree.child_by_field_name("body"))
        test = self.field(tree, "condition")
        return (ir.WHILE, tree.start_byte, tree.end_byte, test, body, (), True)

    def _try(self, tree: Tree) -> Node:
        body = self._body(tree.child_by_field_name("body"))
        handlers: list[tuple[Node | None, str | None, tuple[Node, ...]]] = []
        clause = tree.child_by_field_name("handler")
        if clause is not None:
            name: str | None = None
            given = clause.child_by_field_name("parameter")
            if given is not None:
                target = self.target(given, True)
                name = target[3] if target[0] == ir.NAME else None
            handlers.append((None, name, self._body(clause.child_by_field_name("body"))))
        last = tree.child_by_field_name("finalizer")
        final = () if last is None else self._body(last.child_by_field_name("body"))
        return (ir.TRY, tree.start_byte, tree.end_byte, body, tuple(handlers), (), final)

    def _switch(self, tree: Tree) -> Node:
        subject = self.field(tree, "value")
        cases: list[tuple[Node, Node | None, tuple[Node, ...]]] = []
        block = tree.child_by_field_name("body")
        for case in () if block is None else kept(block.named_children):
            start, end = case.start_byte, case.end_byte
            body = self.all(case.children_by_field_name("body"))
            if case.type == "switch_case":
                pattern: Node = (ir.P_VALUE, start, end, self.field(case, "value"))
            else:
                pattern = (ir.P_CAPTURE, start, end, None, None)
            cases.append((pattern, None, body))
        return (ir.MATCH, tree.start_byte, tree.end_byte, subject, tuple(cases), True)

    def _jump(self, tree: Tree) -> Node:
        op = ir.BREAK if tree.type == "break_statement" else ir.CONTINUE
        return (op, tree.start_byte, tree.end_byte)

    def _labeled(self, tree: Tree) -> Node:
        body = tree.child_by_field_name("body")
        return (ir.BLOCK, tree.start_byte, tree.end_byte, self._body(body))

    def _enum(self, tree: Tree) -> Node | None:
        name = tree.child_by_field_name("name")
        body = tree.child_by_field_name("body")
        if name is None or body is None:
            return None
        entries: list[tuple[Node, Node]] = []
        for index, child in enumerate(kept(body.named_children)):
            start, end = child.start_byte, child.end_byte
            if child.type == "enum_assignment":
                key = self.field(child, "name")
                entries.append((key, self.field(child, "value")))
            else:
                entries.append((self.expr(child), (ir.CONST, start, end, index)))
        start, end = tree.start_byte, tree.end_byte
        value: Node = (ir.MAP, start, end, tuple(entries))
        return (ir.ASSIGN, start, end, (self.target(name, True),), value, None)

    def _namespace(self, tree: Tree) -> Node:
        return (
            ir.BLOCK, tree.start_byte, tree.end_byte, self._body(tree.child_by_field_name("body")),
        )  # fmt: skip

    def leave(self, outer: Scope) -> tuple[Scope, tuple[Node, ...]]:
        """End the scope of a function; what it assigns further out is said at its start."""
        scope, self.scope = self.scope, outer
        functions = self.around[1:]
        self.around.pop()
        outer.mentions |= scope.mentions
        outer.size += scope.size
        inner: list[str] = []
        module: list[str] = []
        for name in scope.assigned:
            if name in scope.bound:
                continue
            if any(name in one.bound for one in functions):
                inner.append(name)
            else:
                module.append(name)
            if name not in outer.bound and self.around:
                outer.assigned[name] = None
        said: list[Node] = []
        if module:
            said.append((ir.GLOBAL, 0, 0, tuple(module)))
        if inner:
            said.append((ir.NONLOCAL, 0, 0, tuple(inner)))
        return scope, tuple(said)

    def enter(self) -> Scope:
        """Begin the scope of a function; the one around it."""
        outer, self.scope = self.scope, Scope()
        self.around.append(outer)
        return outer


def _first_error(root: Tree) -> tuple[int, int]:
    """Where the parser first had to guess."""
    tree = root
    while True:
        inner = next((c for c in tree.children if c.has_error or c.is_missing), None)
        if inner is None or inner.is_missing:
            place = tree if inner is None else inner
            return place.start_byte, place.end_byte
        tree = inner
