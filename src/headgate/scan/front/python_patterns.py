"""Python's `match`, lowered."""

from __future__ import annotations

from tree_sitter import Node as Tree

from headgate.scan.front.python_imports import Imports
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Node


class Patterns(Imports):
    """Lowers `match` and its patterns."""

    # What the statements provide.

    def body(self, tree: Tree | None) -> tuple[Node, ...]:
        """The statements of a block."""
        raise NotImplementedError

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
            cases.append((pattern, guard, self.body(case.child_by_field_name("consequence"))))
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
