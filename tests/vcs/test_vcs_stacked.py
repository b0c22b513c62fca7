"""Merging a change of a stack does what git does with the same commits."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from vcs_worktree import WorkTree, new_tree

from headgate.model.change import Signature
from headgate.model.ids import Commit
from headgate.model.queue import MergeMode
from headgate.vcs.merge import MergeConflict, Merged, MergeMessage, Merger, MergeResult
from headgate.vcs.repository import Repository
from headgate.vcs.stacked import merge_since

ADA = Signature("Ada", "ada@example.org", 1_700_000_900)
MESSAGE = MergeMessage("Merge change 7", ADA, ADA)
TEXT = "".join(f"line {n}\n" for n in range(12))


def merge(tree: WorkTree, onto: str, head: str, since: str, mode: MergeMode) -> MergeResult:
    async def once() -> MergeResult:
        repository = Repository(tree.path / ".git")
        merger = Merger(repository)
        try:
            commits = Commit(onto), Commit(head), Commit(since)
            return await merge_since(repository, merger, *commits, mode, MESSAGE)
        finally:
            await merger.close()

    return asyncio.run(once())


def commit(tree: WorkTree, text: str, message: str) -> str:
    tree.write("text", text)
    tree.git("add", "-A")
    tree.git("commit", "-q", "--allow-empty", "-m", message)
    return tree.git("rev-parse", "HEAD")


def edited(text: str, edits: list[tuple[int, str]]) -> str:
    lines = text.splitlines()
    for line, words in edits:
        lines[line] = words
    return "\n".join(lines) + "\n"


edits = st.lists(st.tuples(st.integers(0, 11), st.sampled_from(["x", "y", "z"])), max_size=3)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(edits, st.lists(edits, min_size=1, max_size=3), edits)
def test_what_lands_is_what_git_rebases_onto_a_squashed_stack(
    below: list[tuple[int, str]],
    own: list[list[tuple[int, str]]],
    outside: list[tuple[int, str]],
) -> None:
    place = Path(tempfile.mkdtemp())
    try:
        tree = new_tree(place / "tree")
        base = commit(tree, TEXT, "Begin")
        text = edited(TEXT, below)
        since = commit(tree, text, "Below")
        for index, part in enumerate(own):
            text = edited(text, [*part, (index, f"own {index}")])
            head = commit(tree, text, f"Own {index}")
        tree.git("checkout", "-q", "--detach", base)
        squashed = commit(tree, edited(TEXT, below), "Below, squashed")
        onto = commit(tree, edited(tree.git("show", f"{squashed}:text"), outside), "Outside")
        tree.git("checkout", "-q", "--detach", head)
        tree.git("rebase", "-q", "--onto", onto, since, check=False)
        clean = not (tree.path / ".git" / "rebase-merge").exists()
        found = merge(tree, onto, head, since, MergeMode.REBASE)
        if not clean:
            assert isinstance(found, MergeConflict)
            return
        assert isinstance(found, Merged)
        assert found.tree == tree.git("rev-parse", "HEAD^{tree}")
        told = "--format=%T %an %at %s"
        assert tree.git("log", told, f"{onto}..{found.commit}") == tree.git(
            "log", told, f"{onto}..HEAD"
        )
        assert merge(tree, onto, head, since, MergeMode.REBASE) == found
    finally:
        shutil.rmtree(place)


@pytest.fixture
def tree(tmp_path: Path) -> WorkTree:
    return new_tree(tmp_path / "work")


def on_a_squashed_one(tree: WorkTree) -> tuple[str, str, str]:
    """A branch on which what is below was squashed, a change on it, and where that begins."""
    base = commit(tree, TEXT, "Begin")
    since = commit(tree, edited(TEXT, [(3, "below")]), "Below")
    head = commit(tree, edited(TEXT, [(3, "own")]), "Own")
    tree.git("checkout", "-q", "--detach", base)
    onto = commit(tree, edited(TEXT, [(3, "below"), (9, "outside")]), "Squashed")
    return onto, head, since


@pytest.mark.parametrize("mode", list(MergeMode))
def test_the_line_that_the_change_below_wrote_may_be_changed(
    tree: WorkTree, mode: MergeMode
) -> None:
    onto, head, since = on_a_squashed_one(tree)
    found = merge(tree, onto, head, since, mode)
    assert isinstance(found, Merged)
    want = edited(TEXT, [(3, "own"), (9, "outside")])
    assert tree.git("show", f"{found.commit}:text") + "\n" == want
    parents = tree.git("log", "-1", "--format=%P", found.commit).split()
    assert parents == ([onto, head] if mode is MergeMode.MERGE else [onto])


def test_a_conflict_stays_one(tree: WorkTree) -> None:
    onto, head, since = on_a_squashed_one(tree)
    tree.git("checkout", "-q", "--detach", onto)
    onto = commit(tree, edited(TEXT, [(3, "other"), (9, "outside")]), "Other")
    found = merge(tree, onto, head, since, MergeMode.SQUASH)
    assert isinstance(found, MergeConflict)
    assert found.paths == ("text",)


def test_where_the_one_below_landed_as_it_is_it_is_a_merge_like_any_other(tree: WorkTree) -> None:
    _, head, since = on_a_squashed_one(tree)
    found = merge(tree, since, head, since, MergeMode.REBASE)
    assert isinstance(found, Merged)
    assert found.commit == head
