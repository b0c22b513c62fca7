"""Several refs move at once, or none does."""

from __future__ import annotations

from pathlib import Path

import pytest
from vcs_worktree import WorkTree

from headgate.model.ids import Commit
from headgate.vcs.git import GitError
from headgate.vcs.refs import RefMove, update_refs
from headgate.vcs.repository import Repository

UGLY = "refs/heads/ümlaut/\udcff"


async def opened(tree: WorkTree) -> tuple[Repository, Commit, Commit]:
    """A repository with two branches at the first of two commits."""
    one = tree.commit("One", {"a": "1"})
    two = tree.commit("Two", {"a": "2"})
    repository = await Repository.clone(tree.path.parent / "bare.git", str(tree.path))
    for ref in ("refs/heads/x", UGLY):
        assert await repository.update_ref(ref, Commit(one), None)
    return repository, Commit(one), Commit(two)


async def test_branches_move_together_whatever_their_names(tree: WorkTree) -> None:
    repository, one, two = await opened(tree)
    assert await update_refs(
        repository, [RefMove("refs/heads/x", one, two), RefMove(UGLY, one, two)]
    )
    assert await repository.resolve("refs/heads/x") == await repository.resolve(UGLY) == two


async def test_when_one_is_somewhere_else_none_moves(tree: WorkTree) -> None:
    repository, one, two = await opened(tree)
    moves = [RefMove("refs/heads/x", one, two), RefMove(UGLY, two, one)]
    assert not await update_refs(repository, moves)
    assert not await update_refs(repository, [*moves[:1], RefMove("refs/heads/gone", one, two)])
    assert await repository.resolve("refs/heads/x") == await repository.resolve(UGLY) == one


async def test_what_could_not_be_tried_is_an_error_and_moves_nothing(tree: WorkTree) -> None:
    repository, one, two = await opened(tree)
    missing = Commit("1" * 40)
    with pytest.raises(GitError):
        await update_refs(
            repository, [RefMove("refs/heads/x", one, two), RefMove(UGLY, one, missing)]
        )
    hook = Path(repository.path) / "hooks" / "reference-transaction"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(GitError):
        await update_refs(repository, [RefMove("refs/heads/x", one, two)])
    assert await repository.resolve("refs/heads/x") == one
