"""Moves several refs of a repository at once, or none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from headgate.model.ids import Commit
from headgate.vcs.git import GitError, encode_path, run_git
from headgate.vcs.repository import Repository


@dataclass(frozen=True, slots=True)
class RefMove:
    """A compare-and-swap that is wanted."""

    ref: str
    """Full name of a ref that exists."""
    old: Commit
    new: Commit


async def update_refs(repository: Repository, moves: Sequence[RefMove]) -> bool:
    """Compare and swap all in one transaction; True when every ref was where it had to be.

    False when one was not, and then none was moved. Raises GitError when it could not be tried: a
    hook refused, an object is missing, the disk is full.
    """
    script = b"".join(
        b"update %s\0%s\0%s\0"
        % (encode_path(move.ref), move.new.encode("ascii"), move.old.encode("ascii"))
        for move in moves
    )
    try:
        await run_git(
            *("-c", "core.filesRefLockTimeout=10000"),
            *("update-ref", "--no-deref", "-z", "--stdin"),
            repository=repository.path,
            stdin=script,
            extra=repository.environment,
        )
    except GitError:
        for move in moves:
            if await repository.resolve(move.ref) != move.old:
                return False
        raise
    return True
