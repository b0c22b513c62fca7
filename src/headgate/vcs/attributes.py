"""The .gitattributes that can change how a merge comes out.

`git merge` reads them from the work tree that it merges into. A bare repository has none, so
they are looked up in the tree that is merged onto, and laid out in a directory for git to read.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from headgate.model.ids import Tree
from headgate.vcs.batch import ObjectReader
from headgate.vcs.git import decode_path

_NAME = b".gitattributes"
_WORDS = (b"merge", b"binary", b"diff")
"""A file with none of these words cannot matter: `text`, `eol` and others play no part here."""

_MEMO = 200_000

Attributes = tuple[tuple[str, str], ...]
"""Paths of .gitattributes files that matter, and their blobs."""


class AttributeFinder:
    """Finds the attribute files of trees; remembers every subtree, so that neighbouring states
    of a branch cost only what differs between them."""

    def __init__(self, reader: ObjectReader) -> None:
        self._reader = reader
        self._inside: dict[str, Attributes] = {}
        self._matters: dict[str, bool] = {}

    async def of(self, tree: Tree) -> Attributes:
        """The attribute files of a tree that can matter to a merge."""
        if len(self._inside) > _MEMO:
            self._inside.clear()
        if tree in self._inside:
            return self._inside[tree]
        level: list[str] = [tree]
        seen: dict[str, tuple[Attributes, list[tuple[str, str]]]] = {}
        order: list[str] = []
        while level:
            objects = await self._reader.read(level)
            order += level
            below: dict[str, None] = {}
            for name, found in zip(level, objects, strict=True):
                own, subtrees = await self._entries(found.data)
                seen[name] = (own, subtrees)
                for _, subtree in subtrees:
                    if subtree not in self._inside and subtree not in seen:
                        below[subtree] = None
            level = list(below)
        # A tree that occurs at two depths is first met at the lesser: its parts may come earlier
        # in `order` than itself only if they were completed, hence by need rather than by order.
        for name in reversed(order):
            self._complete(name, seen)
        return self._inside[tree]

    def _complete(
        self, name: str, seen: Mapping[str, tuple[Attributes, list[tuple[str, str]]]]
    ) -> Attributes:
        if name in self._inside:
            return self._inside[name]
        own, subtrees = seen[name]
        found = list(own)
        for directory, subtree in subtrees:
            inner = self._complete(subtree, seen)
            found += [(f"{directory}/{path}", blob) for path, blob in inner]
        self._inside[name] = tuple(found)
        return self._inside[name]

    async def _entries(self, data: bytes) -> tuple[Attributes, list[tuple[str, str]]]:
        own: list[tuple[str, str]] = []
        subtrees: list[tuple[str, str]] = []
        at = 0
        while at < len(data):
            zero = data.index(b"\0", at)
            mode, _, name = data[at:zero].partition(b" ")
            blob = data[zero + 1 : zero + 21].hex()
            at = zero + 21
            if mode == b"40000":
                if b"/" not in name and name.lower() not in (b".", b"..", b".git"):
                    subtrees.append((decode_path(name), blob))
            elif name == _NAME and mode.startswith(b"100") and await self._may_matter(blob):
                own.append((decode_path(name), blob))
        return tuple(own), subtrees

    async def _may_matter(self, blob: str) -> bool:
        found = self._matters.get(blob)
        if found is None:
            (content,) = await self._reader.read([blob])
            found = self._matters[blob] = any(word in content.data for word in _WORDS)
        return found

    async def lay_out(self, attributes: Attributes, directory: Path) -> None:
        """Write attribute files where git will look for them."""
        blobs = [blob for _, blob in attributes]
        for (path, _), content in zip(attributes, await self._reader.read(blobs), strict=True):
            _write(directory / path, content.data)


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
