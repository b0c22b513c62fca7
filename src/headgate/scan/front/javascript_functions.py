"""JavaScript's functions and classes, lowered."""

from __future__ import annotations

from collections.abc import Iterable

from tree_sitter import Node as Tree

from headgate.scan.front.javascript_expressions import Expressions
from headgate.scan.front.javascript_text import kept, nothing
from headgate.scan.front.javascript_tree import Scope
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Node


class Functions(Expressions):
    """Lowers functions, methods and classes."""

    # What the statements provide.

    def all(self, trees: Iterable[Tree]) -> tuple[Node, ...]:
        raise NotImplementedError

    def enter(self) -> Scope:
        raise NotImplementedError

    def leave(self, outer: Scope) -> tuple[Scope, tuple[Node, ...]]:
        raise NotImplementedError

    def function(self, tree: Tree) -> Node:
        """A function declaration; its name is bound around it."""
        name = tree.child_by_field_name("name")
        text = self.text(name) if name is not None else ""
        self.scope.bound[text] = None
        self.mention(text)
        return self._lowered(tree, text, ())

    def function_value(self, tree: Tree) -> Node:
        name = tree.child_by_field_name("name")
        text = self.text(name) if name is not None else ""
        return (ir.LAMBDA, tree.start_byte, tree.end_byte, self._lowered(tree, text, ()))

    def _lowered(self, tree: Tree, name: str, decorators: tuple[Node, ...]) -> Node:
        flags = 0
        for child in tree.children:
            kind = child.type
            if kind == "async":
                flags |= ir.ASYNC
            elif kind == "*":
                flags |= ir.GENERATOR
            elif kind == "static":
                flags |= ir.STATIC
            elif kind == "get":
                flags |= ir.GETTER
            elif kind == "set":
                flags |= ir.SETTER
            elif kind in ("formal_parameters", "statement_block"):
                break
        if tree.type == "arrow_function":
            flags |= ir.ARROW
        outer = self.enter()
        if not flags & ir.ARROW:
            # Always its own, never that of the function around it.
            self.scope.bound["this"] = None
            self.scope.bound["arguments"] = None
        parameters, fields = self._parameters(tree)
        body = self._function_body(tree.child_by_field_name("body"))
        scope, said = self.leave(outer)
        returns = self.optional(tree.child_by_field_name("return_type"))
        return (
            ir.FUNCTION, tree.start_byte, tree.end_byte, name, parameters,
            (*said, *fields, *body), decorators, returns, flags | scope.flags,
            tuple(scope.bound), scope.size, frozenset(scope.mentions),
        )  # fmt: skip

    def _function_body(self, tree: Tree | None) -> tuple[Node, ...]:
        if tree is None:
            return ()
        if tree.type == "statement_block":
            return self.all(tree.children)
        self.scope.size += 1
        return ((ir.RETURN, tree.start_byte, tree.end_byte, self.expr(tree)),)

    def _parameters(self, tree: Tree) -> tuple[tuple[Node, ...], list[Node]]:
        """The parameters, and the fields that some of them set (TypeScript's `private x`)."""
        single = tree.child_by_field_name("parameter")
        if single is not None:
            start, end = single.start_byte, single.end_byte
            target = self.target(single, True)
            return ((ir.PARAMETER, start, end, target, None, None, ir.PLAIN),), []
        given = tree.child_by_field_name("parameters")
        found: list[Node] = []
        fields: list[Node] = []
        for child in () if given is None else kept(given.named_children):
            if child.type == "ERROR":
                self.lost(child)
                continue
            if child.type == "this":
                continue
            node = self._parameter(child)
            if node[3][0] == ir.NAME and node[3][3] == "this":
                continue
            found.append(node)
            if node[3][0] == ir.NAME and _is_field(child):
                fields.append(_own(node[3]))
        return tuple(found), fields

    def _parameter(self, tree: Tree) -> Node:
        start, end = tree.start_byte, tree.end_byte
        kind = ir.PLAIN
        pattern = tree
        default: Node | None = None
        annotation: Node | None = None
        if tree.type in ("required_parameter", "optional_parameter"):
            pattern = tree.child_by_field_name("pattern") or tree
            default = self.optional(tree.child_by_field_name("value"))
            annotation = self.optional(tree.child_by_field_name("type"))
            decorator = next((one for one in tree.children if one.type == "decorator"), None)
            if decorator is not None:
                # It says where the value comes from, as a default does elsewhere.
                default = self.expr(decorator)
        elif tree.type == "assignment_pattern":
            pattern = tree.child_by_field_name("left") or tree
            default = self.optional(tree.child_by_field_name("right"))
        if pattern.type == "rest_pattern":
            kind = ir.REST
            pattern = next(iter(kept(pattern.named_children)), pattern)
        return (ir.PARAMETER, start, end, self.target(pattern, True), default, annotation, kind)

    def method(self, tree: Tree) -> tuple[Node, Node]:
        key = tree.child_by_field_name("name")
        name = self.text(key) if key is not None else ""
        lowered = nothing(tree) if key is None else self.expr(key)
        function = self._lowered(tree, name, ())
        return lowered, (ir.LAMBDA, tree.start_byte, tree.end_byte, function)

    def class_value(self, tree: Tree) -> Node:
        return (ir.CLASS_EXPR, tree.start_byte, tree.end_byte, self.class_(tree))

    def class_(self, tree: Tree, decorators: tuple[Node, ...] = ()) -> Node:
        """A class; its name is bound around it when it is a declaration."""
        name = tree.child_by_field_name("name")
        text = self.text(name) if name is not None else ""
        if text:
            self.mention(text)
            if tree.type != "class":
                self.scope.bound[text] = None
        bases: list[Node] = []
        given: list[Node] = list(decorators)
        for child in tree.named_children:
            if child.type == "class_heritage":
                bases += self._bases(child)
            elif child.type == "decorator":
                given.append(self.expr(child))
        outer = self.enter()
        body = self._members(tree.child_by_field_name("body"))
        self.leave(outer)
        return (
            ir.CLASS, tree.start_byte, tree.end_byte, text, tuple(bases), (), tuple(given), body,
        )  # fmt: skip

    def _bases(self, tree: Tree) -> Iterable[Node]:
        for child in kept(tree.named_children):
            if child.type == "extends_clause":
                value = child.child_by_field_name("value")
                if value is not None:
                    yield self.expr(value)
            elif child.type != "implements_clause":
                yield self.expr(child)

    def _members(self, tree: Tree | None) -> tuple[Node, ...]:
        found: list[Node] = []
        waiting: list[Node] = []
        for child in () if tree is None else kept(tree.named_children):
            start, end = child.start_byte, child.end_byte
            if child.type == "decorator":
                waiting.append(self.expr(child))
                continue
            decorators = tuple(waiting)
            waiting = []
            if child.type == "method_definition":
                key = child.child_by_field_name("name")
                name = self.text(key).lstrip("#") if key is not None else ""
                self.mention(name)
                inner = tuple(self.expr(one) for one in child.children if one.type == "decorator")
                found.append(self._lowered(child, name, (*decorators, *inner)))
            elif child.type in ("field_definition", "public_field_definition"):
                key = child.child_by_field_name("property") or child.child_by_field_name("name")
                if key is None:
                    continue
                name = self.text(key).lstrip("#")
                self.mention(name)
                value = self.optional(child.child_by_field_name("value"))
                annotation = self.optional(child.child_by_field_name("type"))
                said = tuple(self.expr(one) for one in child.children if one.type == "decorator")
                if said:
                    # What decorators demand of a field, as `Annotated` says it elsewhere.
                    kind = annotation or nothing(child)
                    demands = (ir.SEQ, kind[1], kind[2], "tuple", (kind, *decorators, *said))
                    annotation = (ir.INDEX, kind[1], kind[2], kind, demands)
                target = (ir.NAME, key.start_byte, key.end_byte, name)
                found.append((ir.ASSIGN, start, end, (target,), value, annotation))
            elif child.type == "class_static_block":
                found.extend(self.all((child,)))
            elif child.type == "ERROR":
                self.lost(child)
        return tuple(found)


def _is_field(tree: Tree) -> bool:
    return any(child.type in ("accessibility_modifier", "readonly") for child in tree.children)


def _own(name: Node) -> Node:
    """`this.x = x`"""
    start, end = name[1], name[2]
    target: Node = (ir.ATTR, start, end, (ir.NAME, start, end, "this"), name[3])
    return (ir.ASSIGN, start, end, (target,), name, None)
