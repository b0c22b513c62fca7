"""A Python file that is to be changed: its tree, and edits that leave everything else alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import tree_sitter_python
from tree_sitter import Language, Node, Parser

_LANGUAGE = Language(tree_sitter_python.language())


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """Text that takes the place of some bytes; `start == end` inserts."""

    start: int
    end: int
    text: str


class Source:
    """The text of a file in UTF-8, and its tree."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.root = Parser(_LANGUAGE).parse(data).root_node

    def text(self, node: Node) -> str:
        return self.data[node.start_byte : node.end_byte].decode("utf-8", "replace")

    def at(self, start: int, end: int, kind: str) -> Node | None:
        """The innermost node of a kind that covers these bytes."""
        node = self.root.descendant_for_byte_range(start, max(start, end - 1))
        while node is not None and (node.type != kind or node.end_byte < end):
            node = node.parent
        return node

    def replaced(self, node: Node, text: str) -> Edit:
        return Edit(node.start_byte, node.end_byte, text)

    def imports(self, module: str) -> list[Edit]:
        """What makes `import module` hold: nothing when it does already."""
        place = None
        for node in self.root.named_children:
            if node.type in ("import_statement", "import_from_statement"):
                if self.text(node) == f"import {module}":
                    return []
                place = place or node
        if place is not None:
            return [Edit(place.start_byte, place.start_byte, f"import {module}\n")]
        after = 0
        for node in self.root.named_children:
            docstring = node.type == "expression_statement" and (
                node.named_children and node.named_children[0].type == "string"
            )
            if node.type not in ("comment", "future_import_statement") and not docstring:
                break
            after = node.end_byte
        return [Edit(after, after, f"\nimport {module}\n" if after else f"import {module}\n")]

    def mentions(self, *modules: str) -> list[str]:
        """Those of the modules that are imported anywhere in the file."""
        found: dict[str, None] = {}
        for node in walk(self.root):
            if node.type in ("import_statement", "import_from_statement"):
                words = self.text(node).replace(",", " ").split()
                for module in modules:
                    if any(one == module or one.startswith(module + ".") for one in words):
                        found[module] = None
        return list(found)


def walk(node: Node) -> Iterator[Node]:
    """The node and all below it, in the order of the text."""
    stack = [node]
    while stack:
        one = stack.pop()
        yield one
        stack.extend(reversed(one.children))


def arguments(call: Node) -> tuple[list[Node], dict[str, Node]]:
    """The positional arguments of a call, and those with names (the whole `name=value`). Raises
    LookupError for a call with `*` or `**`."""
    positional: list[Node] = []
    named: dict[str, Node] = {}
    given = call.child_by_field_name("arguments")
    if given is None or given.type != "argument_list":
        raise LookupError("no plain list of arguments")
    for node in given.named_children:
        if node.type == "keyword_argument":
            name = node.child_by_field_name("name")
            if name is not None and name.text is not None:
                named[name.text.decode()] = node
        elif node.type in ("list_splat", "dictionary_splat"):
            raise LookupError("spread arguments")
        elif node.type != "comment":
            positional.append(node)
    return positional, named


def added(source: Source, call: Node, text: str) -> Edit:
    """An argument at the end of a call."""
    given = call.child_by_field_name("arguments")
    if given is None:
        raise LookupError("no arguments")
    last = given.named_children[-1] if given.named_children else None
    if last is None:
        return Edit(given.start_byte + 1, given.start_byte + 1, text)
    comma = source.data[last.end_byte : given.end_byte].lstrip()[:1] == b","
    if comma and b"\n" in source.data[last.end_byte : given.end_byte]:
        # One argument a line, with a comma after the last: keep to that.
        line = source.data.rfind(b"\n", 0, last.start_byte) + 1
        space = source.data[line : last.start_byte]
        if not space.strip():
            at = source.data.index(b",", last.end_byte) + 1
            return Edit(at, at, "\n" + space.decode() + text + ",")
    return Edit(last.end_byte, last.end_byte, ", " + text)


def removed(source: Source, call: Node, argument: Node) -> Edit:
    """A call without one of its arguments."""
    given = call.child_by_field_name("arguments")
    if given is None:
        raise LookupError("no arguments")
    siblings = given.named_children
    index = next(i for i, one in enumerate(siblings) if one == argument)
    if index > 0:
        return Edit(siblings[index - 1].end_byte, argument.end_byte, "")
    if len(siblings) > 1:
        return Edit(argument.start_byte, siblings[1].start_byte, "")
    return Edit(argument.start_byte, argument.end_byte, "")


def applied(data: bytes, edits: Iterable[Edit]) -> bytes:
    """The text with the edits made. Raises ValueError when two of them overlap."""
    out: list[bytes] = []
    at = 0
    for edit in sorted(set(edits)):
        if edit.start < at:
            raise ValueError("edits overlap")
        out += [data[at : edit.start], edit.text.encode()]
        at = edit.end
    out.append(data[at:])
    return b"".join(out)
