"""JavaScript's and TypeScript's expressions, lowered."""

from __future__ import annotations

from collections.abc import Callable

from tree_sitter import Node as Tree

from headgate.scan.front.javascript_operators import Operators
from headgate.scan.front.javascript_text import (
    kept,
    module_name,
    named,
    nothing,
    number,
    required_name,
    unescaped,
)
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Node
from headgate.scan.late import late

_SHORT = 40
"""Characters of a constant text that counts as a mention."""

_IDENTIFIER = late(r"[A-Za-z_$][\w$]*")


class Expressions(Operators):
    """Lowers expressions and targets."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)

        """Modules that a `require` within an expression asks for, and where first."""
        self._lowerings: dict[str, Callable[[Tree], Node]] = {
            "identifier": self._name,
            "import": self._name,
            "this": self._name,
            "super": self._name,
            "shorthand_property_identifier": self._name,
            "shorthand_property_identifier_pattern": self._name,
            "type_identifier": self._name,
            "undefined": self._none,
            "null": self._none,
            "true": self._true,
            "false": self._false,
            "number": self._number,
            "string": self._string,
            "template_string": self._template,
            "regex": self._regex,
            "member_expression": self._member,
            "nested_type_identifier": self._member,
            "nested_identifier": self._member,
            "subscript_expression": self._subscript,
            "call_expression": self._call,
            "new_expression": self._new,
            "array": self._array,
            "array_pattern": self._array,
            "object": self._object,
            "object_pattern": self._object,
            "parenthesized_expression": self._inner,
            "binary_expression": self._binary,
            "unary_expression": self._unary,
            "update_expression": self._update,
            "ternary_expression": self._ternary,
            "assignment_expression": self._assigning,
            "augmented_assignment_expression": self._augmenting,
            "assignment_pattern": self._default,
            "object_assignment_pattern": self._default,
            "await_expression": self._await,
            "yield_expression": self._yield,
            "sequence_expression": self._comma,
            "spread_element": self._spread,
            "rest_pattern": self._spread,
            "arrow_function": self.function_value,
            "function_expression": self.function_value,
            "function": self.function_value,
            "generator_function": self.function_value,
            "class": self.class_value,
            "jsx_element": self._markup,
            "jsx_self_closing_element": self._markup,
            "jsx_fragment": self._markup,
            "jsx_expression": self._inner,
            "jsx_text": self._jsx_text,
            "as_expression": self._first,
            "satisfies_expression": self._first,
            "non_null_expression": self._first,
            "instantiation_expression": self._first,
            "type_assertion": self._inner_last,
            "type_annotation": self._inner,
            "generic_type": self._first,
            "decorator": self._inner,
            "computed_property_name": self._inner,
            "property_identifier": self._key,
            "private_property_identifier": self._key,
        }

    # What the statements provide.

    def function_value(self, tree: Tree) -> Node:
        raise NotImplementedError

    def class_value(self, tree: Tree) -> Node:
        raise NotImplementedError

    def method(self, tree: Tree) -> tuple[Node, Node]:
        """Key and function of a method of an object."""
        raise NotImplementedError

    # Helpers

    # Names and constants

    def _name(self, tree: Tree) -> Node:
        start, end = tree.start_byte, tree.end_byte
        name = self.text(tree)
        self.scope.mentions.add(name)
        if name == "undefined":
            return (ir.CONST, start, end, None)
        return (ir.NAME, start, end, name)

    def _key(self, tree: Tree) -> Node:
        name = self.text(tree)
        self.scope.mentions.add(name)
        return (ir.CONST, tree.start_byte, tree.end_byte, name)

    def _none(self, tree: Tree) -> Node:
        return (ir.CONST, tree.start_byte, tree.end_byte, None)

    def _true(self, tree: Tree) -> Node:
        return (ir.CONST, tree.start_byte, tree.end_byte, True)

    def _false(self, tree: Tree) -> Node:
        return (ir.CONST, tree.start_byte, tree.end_byte, False)

    def _number(self, tree: Tree) -> Node:
        return (ir.CONST, tree.start_byte, tree.end_byte, number(self.text(tree)))

    def _string(self, tree: Tree) -> Node:
        text = self.text(tree)[1:-1]
        if "\\" in text:
            text = unescaped(text)
        elif len(text) <= _SHORT:
            self.scope.mentions.add(text)
        return (ir.CONST, tree.start_byte, tree.end_byte, text)

    def _template(self, tree: Tree) -> Node:
        parts: list[Node] = []
        at = tree.start_byte + 1

        def constant(end: int) -> None:
            if end > at:
                text = unescaped(self.data[at:end].decode("utf-8", "replace"))
                parts.append((ir.CONST, at, end, text))

        for child in tree.named_children:
            if child.type == "template_substitution":
                constant(child.start_byte)
                parts.append(self._inner(child))
                at = child.end_byte
        constant(max(at, tree.end_byte - 1))
        start, end = tree.start_byte, tree.end_byte
        if not parts:
            return (ir.CONST, start, end, "")
        if len(parts) == 1 and parts[0][0] == ir.CONST and isinstance(parts[0][3], str):
            return (ir.CONST, start, end, parts[0][3])
        return (ir.BUILD, start, end, tuple(parts))

    def _regex(self, tree: Tree) -> Node:
        pattern, flags = (tree.child_by_field_name(name) for name in ("pattern", "flags"))
        fields = ("" if one is None else self.text(one) for one in (pattern, flags))
        return (ir.REGEX, tree.start_byte, tree.end_byte, *fields)

    # Access and calls

    def _member(self, tree: Tree) -> Node:
        children = list(kept(tree.named_children))
        if len(children) < 2:
            return self._opaque(tree)
        last = children[-1]
        name = self.text(last).lstrip("#")
        self.scope.mentions.add(name)
        return (ir.ATTR, tree.start_byte, tree.end_byte, self.expr(children[0]), name)

    def _subscript(self, tree: Tree) -> Node:
        value, index = self.field(tree, "object"), self.field(tree, "index")
        start, end = tree.start_byte, tree.end_byte
        if index[0] == ir.CONST and isinstance(index[3], str) and _IDENTIFIER.fullmatch(index[3]):
            # The same thing in JavaScript.
            return (ir.ATTR, start, end, value, index[3])
        return (ir.INDEX, start, end, value, index)

    def _call(self, tree: Tree) -> Node:
        function = tree.child_by_field_name("function")
        given = tree.child_by_field_name("arguments")
        start, end = tree.start_byte, tree.end_byte
        if function is None or given is None:
            return self._opaque(tree)
        module = self.required_module(tree)
        if module:
            self.required.setdefault(module, (start, end))
            return (ir.NAME, start, end, required_name(module))
        if given.type == "template_string":
            arguments: tuple[Node, ...] = (self.expr(given),)
        else:
            arguments = tuple(self.expr(child) for child in kept(given.named_children))
        return (ir.CALL, start, end, self.expr(function), arguments, (), False)

    def required_module(self, tree: Tree) -> str:
        """The module that `require("x")` or `import("x")` asks for; empty for anything else."""
        if tree.type == "await_expression":
            inner = list(kept(tree.named_children))
            return self.required_module(inner[0]) if inner else ""
        if tree.type != "call_expression":
            return ""
        function = tree.child_by_field_name("function")
        given = tree.child_by_field_name("arguments")
        if function is None or given is None or given.type != "arguments":
            return ""
        if function.type != "import" and self.text(function) != "require":
            return ""
        words = list(kept(given.named_children))
        if not words or words[0].type != "string":
            return ""
        return module_name(self.text(words[0])[1:-1])

    def _new(self, tree: Tree) -> Node:
        given = tree.child_by_field_name("arguments")
        children = () if given is None else tuple(kept(given.named_children))
        arguments = tuple(self.expr(child) for child in children)
        function = self.field(tree, "constructor")
        return (ir.CALL, tree.start_byte, tree.end_byte, function, arguments, (), True)

    # Collections and targets

    def _array(self, tree: Tree) -> Node:
        items: list[Node] = []
        given = False
        for child in tree.children:
            if child.type == ",":
                if not given:
                    items.append((ir.OPAQUE, child.start_byte, child.start_byte, ()))
                given = False
            elif child.is_named and child.type != "comment":
                items.append(self.expr(child))
                given = True
        return (ir.SEQ, tree.start_byte, tree.end_byte, "list", tuple(items))

    def _object(self, tree: Tree) -> Node:
        entries: list[tuple[Node | None, Node]] = []
        for child in tree.named_children:
            kind = child.type
            start, end = child.start_byte, child.end_byte
            if kind in ("pair", "pair_pattern"):
                key = child.child_by_field_name("key")
                value = self.field(child, "value")
                lowered = nothing(child) if key is None else self.expr(key)
                if lowered[0] == ir.CONST:
                    value = named(value, str(lowered[3]))
                entries.append((lowered, value))
            elif kind in (
                "shorthand_property_identifier", "shorthand_property_identifier_pattern",
            ):  # fmt: skip
                entries.append(((ir.CONST, start, end, self.text(child)), self.expr(child)))
            elif kind == "object_assignment_pattern":
                node = self.expr(child)
                name = node[3][3] if node[3][0] == ir.NAME else ""
                entries.append(((ir.CONST, start, end, name), node))
            elif kind in ("spread_element", "rest_pattern"):
                entries.append((None, self._inner(child)))
            elif kind == "method_definition":
                entries.append(self.method(child))
            elif kind == "ERROR":
                self.lost(child)
        return (ir.MAP, tree.start_byte, tree.end_byte, tuple(entries))

    def _default(self, tree: Tree) -> Node:
        left, right = self.field(tree, "left"), self.field(tree, "right")
        return (ir.DEFAULT, tree.start_byte, tree.end_byte, left, right)

    def _spread(self, tree: Tree) -> Node:
        return (ir.STAR, tree.start_byte, tree.end_byte, self._inner(tree))

    # Markup

    def _markup(self, tree: Tree) -> Node:
        self.has_markup = True
        opening = tree.child_by_field_name("open_tag") or tree
        name = opening.child_by_field_name("name")
        tag: str | Node = ""
        if name is not None:
            text = self.text(name)
            self.mention(text)
            tag = self.expr(name) if text[:1].isupper() or "." in text else text
        attributes: list[tuple[str | None, Node]] = []
        for child in opening.children_by_field_name("attribute"):
            if child.type == "jsx_attribute":
                parts = list(kept(child.named_children))
                key = self.text(parts[0]) if parts else ""
                self.mention(key)
                value: Node = (ir.CONST, child.start_byte, child.end_byte, True)
                if len(parts) > 1:
                    value = self.expr(parts[1])
                attributes.append((key, value))
            else:
                inner = self._inner(child)
                attributes.append((None, inner[3] if inner[0] == ir.STAR else inner))
        inside = tree.named_children if tree.type != "jsx_self_closing_element" else []
        children = tuple(
            self.expr(child)
            for child in kept(inside)
            if child.type not in ("jsx_opening_element", "jsx_closing_element", "jsx_text")
        )
        return (ir.MARKUP, tree.start_byte, tree.end_byte, tag, tuple(attributes), children)

    def _jsx_text(self, tree: Tree) -> Node:
        return (ir.CONST, tree.start_byte, tree.end_byte, self.text(tree))
