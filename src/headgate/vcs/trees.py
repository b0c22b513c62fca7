"""The entries of a tree."""

from __future__ import annotations

from pathlib import Path

from headgate.model.record import record
from headgate.vcs.git import GitError, decode_path
from headgate.vcs.objects import SUBMODULE_MODE, SYMLINK_MODE


@record
class TreeEntry:
    """A file of a commit; `type` is `blob`, or `commit` for a submodule. Sizes are bytes."""

    path: str
    mode: int
    type: str
    object: str
    size: int

    @property
    def is_symlink(self) -> bool:
        return self.mode == SYMLINK_MODE

    @property
    def is_submodule(self) -> bool:
        return self.mode == SUBMODULE_MODE

    @property
    def is_file(self) -> bool:
        return self.type == "blob" and not self.is_symlink


def tree_entries(out: bytes, where: Path) -> list[TreeEntry]:
    """Read `git ls-tree -z`, with or without sizes."""
    entries: list[TreeEntry] = []
    for line in out.split(b"\0"):
        if not line:
            continue
        about, tab, name = line.partition(b"\t")
        fields = about.split()
        if not tab or len(fields) < 3:
            raise GitError(f"git ls-tree of {where.stem} was not understood.")
        size = int(fields[3]) if len(fields) > 3 and fields[3].isdigit() else 0
        entries.append(
            TreeEntry(
                decode_path(name),
                int(fields[0], 8),
                fields[1].decode("ascii"),
                fields[2].decode("ascii"),
                size,
            )
        )
    return entries
