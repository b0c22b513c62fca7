"""Python's imports, lowered."""

from __future__ import annotations

from tree_sitter import Node as Tree

from headgate.scan.front.python_expressions import Expressions
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Node


class Imports(Expressions):
    """Lowers imports."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self._imports: dict[str, None] = {}

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
