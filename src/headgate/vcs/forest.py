"""Trees kept in memory, so that neighbouring states of a branch share what they have in common."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterable, Mapping

from headgate.model.ids import Tree
from headgate.vcs.batch import ObjectReader
from headgate.vcs.objects import EMPTY_TREE
from headgate.vcs.writing import ObjectWriter

_ENTRY = re.compile(rb"(100644|100755|120000|160000|40000) ([^\0/]+)\0(.{20})", re.DOTALL)
_AROUND = 22
"""Bytes of an entry that are neither its mode nor its name."""

_HELD = 200_000
"""Entries kept in all; each takes about 150 bytes."""

_EMPTY = bytes.fromhex(EMPTY_TREE)

Entries = Mapping[bytes, bytes]
"""Name → mode followed by the twenty bytes of the object's id, in git's order."""


class OddTree(Exception):
    """A tree that git itself would write otherwise; only git should say what becomes of it."""


def parse_tree(data: bytes) -> Entries:
    """The entries of a tree object. Raises OddTree when it is not just as git writes them."""
    entries: dict[bytes, bytes] = {}
    read = 0
    before = b""
    found: list[tuple[bytes, bytes, bytes]] = _ENTRY.findall(data)
    for mode, name, object_ in found:
        value = mode + object_
        at = _sort_key(name, value)
        if at <= before or object_ == _EMPTY:
            raise OddTree
        before = at
        read += len(mode) + len(name) + _AROUND
        entries[name] = value
    # A file and a directory of one name sort apart, so that they pass for two names.
    if read != len(data) or len(entries) != len(found):
        raise OddTree
    return entries


def is_tree(value: bytes) -> bool:
    """Whether an entry is a directory."""
    return value.startswith(b"4")


def subtree(value: bytes) -> Tree:
    """The id of an entry that is a directory."""
    return Tree(value[-20:].hex())


def kind(value: bytes) -> bytes:
    """File, symlink, submodule or directory; the exec bit makes no difference."""
    return value[:3]


def _sort_key(name: bytes, value: bytes) -> bytes:
    return name + b"/" if value.startswith(b"4") else name


class Forest:
    """The trees of one repository. What was used last stays longest."""

    def __init__(self, reader: ObjectReader, writer: ObjectWriter) -> None:
        self._writer = writer
        self._reader = reader
        self._trees: OrderedDict[Tree, Entries | None] = OrderedDict()
        self._held = 0

    async def load(self, wanted: Iterable[Tree]) -> None:
        """See that these trees are in memory. Raises NotFound when one is missing."""
        missing: list[Tree] = []
        for tree in dict.fromkeys(wanted):
            if tree in self._trees:
                self._trees.move_to_end(tree)
            else:
                missing.append(tree)
        if not missing:
            return
        self._writer.settle(missing)
        for tree, found in zip(missing, await self._reader.read(missing), strict=True):
            try:
                self._keep(tree, parse_tree(found.data) if found.type == "tree" else None)
            except OddTree:
                self._keep(tree, None)

    def entries(self, tree: Tree) -> Entries:
        """The entries of a tree that was loaded. Raises OddTree."""
        found = self._trees[tree]
        if found is None:
            raise OddTree
        return found

    def write(self, entries: Mapping[bytes, bytes], *, sort: bool) -> Tree:
        """Add a tree to what is written; `sort` when names were added."""
        items = list(entries.items())
        if sort:
            items.sort(key=lambda item: _sort_key(*item))
            entries = dict(items)
        data = b"".join([b"%b %b\0%b" % (v[:-20], name, v[-20:]) for name, v in items])
        tree = Tree(self._writer.add("tree", data))
        if tree not in self._trees:
            self._keep(tree, entries)
        return tree

    def trim(self) -> None:
        """Forget what was not used for longest; not while a tree that was loaded is needed."""
        while self._held > _HELD and self._trees:
            _, entries = self._trees.popitem(last=False)
            self._held -= len(entries or ()) + 1

    def clear(self) -> None:
        """Forget everything."""
        self._trees.clear()
        self._held = 0

    def _keep(self, tree: Tree, entries: Entries | None) -> None:
        self._trees[tree] = entries
        self._held += len(entries or ()) + 1
