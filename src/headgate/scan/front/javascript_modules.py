"""What JavaScript's files take from each other: `import`, `require`, and what they export."""

from __future__ import annotations

from tree_sitter import Node as Tree

from headgate.scan.front.javascript_functions import Functions
from headgate.scan.front.javascript_text import kept, module_name, named, required_name
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Node

Entry = tuple[str, str, str, int]


class Modules(Functions):
    """Lowers imports and exports."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.imports: dict[str, None] = {}

    def _source(self, tree: Tree | None) -> str:
        if tree is None:
            return ""
        module = module_name(self.text(tree)[1:-1])
        self.imports[module] = None
        return module

    def _bound(self, name: str) -> None:
        self.scope.bound[name] = None
        self.mention(name)

    def import_(self, tree: Tree) -> Node | None:
        """`import a, {b as c} from "m"`, `import * as d from "m"`, `import e = require("m")`."""
        typed = any(child.type == "type" for child in tree.children)
        given = tree.child_by_field_name("source")
        if typed and (given is None or self.text(given)[1:2] in (".", "/")):
            return None
        # A library's types tell what parameters are.
        module = self._source(given)
        entries: list[Entry] = []
        for child in kept(tree.named_children):
            if child.type == "import_clause":
                self._clause(child, module, entries)
            elif child.type == "import_require_clause":
                module = self._source(child.child_by_field_name("source"))
                name = self.text(child.named_children[0])
                self._bound(name)
                entries.append((module, "", name, 0))
        if not entries and module:
            # For what it does when it is run.
            entries.append((module, "", required_name(module), 0))
        return (ir.IMPORT, tree.start_byte, tree.end_byte, tuple(entries)) if entries else None

    def _clause(self, tree: Tree, module: str, entries: list[Entry]) -> None:
        for child in kept(tree.named_children):
            if child.type == "identifier":
                name = self.text(child)
                self._bound(name)
                entries.append((module, "default", name, 0))
            elif child.type == "namespace_import":
                name = self.text(child.named_children[-1])
                self._bound(name)
                entries.append((module, "", name, 0))
            elif child.type == "named_imports":
                for one in kept(child.named_children):
                    name = one.child_by_field_name("name")
                    if name is None:
                        continue
                    given = self.text(name).strip("\"'")
                    alias = one.child_by_field_name("alias")
                    bound = given if alias is None else self.text(alias)
                    self._bound(bound)
                    self.mention(given)
                    entries.append((module, given, bound, 0))

    def required_declaration(self, name: Tree, value: Tree) -> Node | None:
        """`const x = require("m")`, `const {a, b: c} = require("m")`, and `… = require("m").y`."""
        member = ""
        asked = value
        if value.type == "member_expression":
            found = value.child_by_field_name("object")
            last = value.child_by_field_name("property")
            if found is None or last is None:
                return None
            asked, member = found, self.text(last)
        module = self.required_module(asked)
        if not module:
            return None
        entries: list[Entry] = []
        if name.type == "identifier":
            bound = self.text(name)
            self._bound(bound)
            entries.append((module, member, bound, 0))
        elif name.type == "object_pattern" and not member:
            for child in kept(name.named_children):
                pair = self._pair(child)
                if pair is None:
                    return None
                entries.append((module, pair[0], pair[1], 0))
            for _, given, bound, _ in entries:
                self._bound(bound)
                self.mention(given)
        else:
            return None
        self.imports[module] = None
        return (ir.IMPORT, name.start_byte, value.end_byte, tuple(entries))

    def _pair(self, tree: Tree) -> tuple[str, str] | None:
        if tree.type == "shorthand_property_identifier_pattern":
            name = self.text(tree)
            return name, name
        if tree.type == "pair_pattern":
            key, value = tree.child_by_field_name("key"), tree.child_by_field_name("value")
            if key is not None and value is not None and value.type == "identifier":
                return self.text(key).strip("\"'"), self.text(value)
        return None

    def export(self, tree: Tree) -> Node | None:
        """`export const a = 1`, `export default x`, `export {a as b} from "m"`, `export = x`."""
        start, end = tree.start_byte, tree.end_byte
        if any(child.type == "type" for child in tree.children):
            return None
        given = tree.child_by_field_name("source")
        if given is not None:
            return self._passed_on(tree, self._source(given))
        default = any(child.type in ("default", "=") for child in tree.children)
        decorators = tuple(self.expr(one) for one in tree.children if one.type == "decorator")
        declaration = tree.child_by_field_name("declaration")
        value = tree.child_by_field_name("value")
        if declaration is not None:
            if decorators and declaration.type.endswith("class_declaration"):
                statements: tuple[Node, ...] = (self.class_(declaration, decorators),)
            else:
                statements = self.all((declaration,))
            names = _declared(statements)
            if default and names:
                exported = (("default", (ir.NAME, start, end, names[0])),)
            else:
                exported = tuple((name, (ir.NAME, start, end, name)) for name in names)
            said: Node = (ir.EXPORT, start, end, exported)
            return (ir.BLOCK, start, end, (*statements, said))
        if value is None and default:
            value = next(
                (one for one in kept(tree.named_children) if one.type != "decorator"), None
            )
        if value is not None:
            return (ir.EXPORT, start, end, (("default", self.expr(value)),))
        entries: list[tuple[str, Node]] = []
        for child in kept(tree.named_children):
            for one in kept(child.named_children) if child.type == "export_clause" else ():
                name = one.child_by_field_name("name")
                if name is not None:
                    alias = one.child_by_field_name("alias") or name
                    entries.append((self.text(alias), self.expr(name)))
        return (ir.EXPORT, start, end, tuple(entries)) if entries else None

    def _passed_on(self, tree: Tree, module: str) -> Node:
        start, end = tree.start_byte, tree.end_byte
        entries: list[Entry] = []
        exported: list[tuple[str, Node]] = []
        for child in kept(tree.named_children):
            if child.type == "export_clause":
                for one in kept(child.named_children):
                    name = one.child_by_field_name("name")
                    if name is None:
                        continue
                    alias = self.text(one.child_by_field_name("alias") or name)
                    entries.append((module, self.text(name), f"export:{alias}", 0))
                    exported.append((alias, (ir.NAME, start, end, f"export:{alias}")))
            elif child.type == "namespace_export":
                alias = self.text(child.named_children[-1])
                entries.append((module, "", f"export:{alias}", 0))
                exported.append((alias, (ir.NAME, start, end, f"export:{alias}")))
        if not entries:
            return (ir.IMPORT, start, end, ((module, "*", "", 0),))
        imported: Node = (ir.IMPORT, start, end, tuple(entries))
        return (ir.BLOCK, start, end, (imported, (ir.EXPORT, start, end, tuple(exported))))

    def exported(self, tree: Tree) -> Node | None:
        """`module.exports = …` and `exports.x = …`, with whatever else they are assigned to."""
        left = tree.child_by_field_name("left")
        right = tree.child_by_field_name("right")
        if left is None or right is None or left.type != "member_expression":
            return None
        text = self.text(left)
        if text in ("module.exports", "exports"):
            name = "default"
        elif text.startswith(("module.exports.", "exports.")):
            name = text.rpartition("exports.")[2]
        else:
            return None
        if "." in name or "(" in name:
            return None
        start, end = tree.start_byte, tree.end_byte
        if right.type == "assignment_expression":
            further = self.exported(right)
            if further is not None:
                value = further[3][0][1]
                return (ir.EXPORT, start, end, (*further[3], (name, value)))
        value = self.expr(right)
        return (ir.EXPORT, start, end, ((name, named(value, "" if name == "default" else name)),))


def _declared(statements: tuple[Node, ...]) -> list[str]:
    """The names that declarations bind."""
    names: list[str] = []

    def visit(node: Node) -> None:
        op = node[0]
        if op in (ir.FUNCTION, ir.CLASS, ir.NAME):
            names.append(node[3])
        elif op == ir.ASSIGN:
            for target in node[3]:
                visit(target)
        elif op == ir.BLOCK:
            for one in node[3]:
                visit(one)
        elif op == ir.SEQ:
            for one in node[4]:
                visit(one)
        elif op == ir.MAP:
            for _, value in node[3]:
                visit(value)
        elif op in (ir.STAR, ir.DEFAULT):
            visit(node[3])

    for one in statements:
        visit(one)
    return names
