"""What a commit holds below some patterns, as one digest: equal when the files are."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from headgate.model.ids import Commit, Tree
from headgate.model.patterns import Coverage, coverage, matches
from headgate.vcs.git import GitError, decode_path
from headgate.vcs.repository import Repository

_TREE_MODE = b"40000"
_ATTRIBUTES = b".gitattributes"

_TREES = 4096
"""Trees that are remembered as read."""

_DIGESTS = 8192


@dataclass(frozen=True, slots=True)
class _Entry:
    mode: bytes
    name: bytes
    object: str


class ReadDigests:
    """Digests of what patterns match in the commits of one repository.

    A directory that matches whole counts by its tree id and is not opened; trees and digests are
    remembered by id, so that the commits of a queue, which share most of their trees, cost little.
    """

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._trees: OrderedDict[str, tuple[_Entry, ...]] = OrderedDict()
        self._digests: OrderedDict[tuple[Tree, tuple[str, ...]], str] = OrderedDict()

    async def digest(self, commit: Commit, patterns: tuple[str, ...] = ()) -> str:
        """SHA-256 over path, mode and object of all that matches; without patterns, over the tree.

        Two commits have the same digest only when the matching paths hold the same. The
        `.gitattributes` on the way count too, as they decide what a checkout looks like. Raises
        NotFound for an unknown commit, GitError when a tree is missing.
        """
        tree = await self._repository.tree_of(commit)
        key = (tree, tuple(sorted(set(patterns))))
        found = self._digests.get(key)
        if found is None:
            found = self._digests[key] = await self._read(*key)
            if len(self._digests) > _DIGESTS:
                self._digests.popitem(last=False)
        else:
            self._digests.move_to_end(key)
        return found

    async def _read(self, root: Tree, patterns: tuple[str, ...]) -> str:
        digest = hashlib.sha256()

        def add(path: bytes, mode: bytes, object: str) -> None:
            digest.update(b"%d:%s %s %s\n" % (len(path), path, mode, object.encode("ascii")))

        if not patterns or coverage("", patterns) is Coverage.ALL:
            add(b"", _TREE_MODE, root)
            return digest.hexdigest()
        level: dict[bytes, str] = {b"": root}
        while level:
            trees = await self._open(level)
            below: dict[bytes, str] = {}
            for directory, id in level.items():
                for entry in trees[id]:
                    path = directory + b"/" + entry.name if directory else entry.name
                    shown = decode_path(path)
                    if entry.mode != _TREE_MODE:
                        if entry.name == _ATTRIBUTES or matches(shown, patterns):
                            add(path, entry.mode, entry.object)
                        continue
                    covered = coverage(shown, patterns)
                    if covered is Coverage.ALL:
                        add(path, entry.mode, entry.object)
                    elif covered is Coverage.SOME:
                        below[path] = entry.object
            level = below
        return digest.hexdigest()

    async def _open(self, level: Mapping[bytes, str]) -> dict[str, tuple[_Entry, ...]]:
        """The entries of the trees of one level, by id."""
        wanted = set(level.values())
        found = {id: self._trees[id] for id in wanted if id in self._trees}
        missing = wanted - found.keys()
        if missing:
            raw = await self._repository.trees(sorted(missing))
            for id in missing:
                if id not in raw:
                    raise GitError(
                        f"The tree {id[:10]} is missing in {self._repository.path.stem}."
                    )
                found[id] = _parse(raw[id])
        for id, entries in found.items():
            self._trees[id] = entries
            self._trees.move_to_end(id)
        while len(self._trees) > _TREES:
            self._trees.popitem(last=False)
        return found


def _parse(data: bytes) -> tuple[_Entry, ...]:
    entries: list[_Entry] = []
    at = 0
    while at < len(data):
        space = data.index(b" ", at)
        end = data.index(b"\0", space)
        id = data[end + 1 : end + 21]
        entries.append(_Entry(data[at:space], data[space + 1 : end], id.hex()))
        at = end + 21
    return tuple(entries)
