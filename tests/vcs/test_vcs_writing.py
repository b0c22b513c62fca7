"""Packs written without git are those that git reads; few of them, however much is written."""

from __future__ import annotations

import asyncio
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from merge_rival import MESSAGE
from vcs_worktree import ENVIRONMENT, WorkTree

from headgate.model.queue import MergeMode
from headgate.vcs.git import GitError
from headgate.vcs.merge import Merged, Merger
from headgate.vcs.objects import EMPTY_TREE, RawCommit, format_commit
from headgate.vcs.repository import Repository
from headgate.vcs.writing import ObjectWriter

WHO = b"Ada <ada@example.org> 1700000000 +0000"


def commit(text: bytes) -> bytes:
    return format_commit(RawCommit(EMPTY_TREE, (), WHO, WHO, b"", text))


def git(path: Path, *arguments: str) -> bytes:
    return subprocess.run(
        ["git", *arguments], cwd=path, env=ENVIRONMENT, capture_output=True, check=True
    ).stdout


@settings(max_examples=15, deadline=None)
@given(st.lists(st.binary(max_size=5000).map(lambda data: data.replace(b"\0", b"")), max_size=12))
def test_git_reads_what_was_packed(texts: list[bytes]) -> None:
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "r.git"
        asyncio.run(Repository.create(path))
        writer = ObjectWriter(path)
        writer.add("tree", b"")
        made = {writer.add("commit", commit(text)): commit(text) for text in texts}
        writer.flush()
        git(path, "fsck", "--full", "--no-dangling")
        for pack in (path / "objects" / "pack").glob("*.idx"):
            git(path, "verify-pack", str(pack))
        for name, data in made.items():
            assert git(path, "cat-file", "commit", name) == data


def packs(path: Path) -> list[Path]:
    return sorted((path / "objects" / "pack").glob("*.pack"))


async def test_packs_are_joined_and_those_that_were_stay_for_a_while(tmp_path: Path) -> None:
    path = tmp_path / "r.git"
    await Repository.create(path)
    writer = ObjectWriter(path)
    writer.add("tree", b"")
    writer.flush()
    names: list[str] = []
    most = joins = 0
    seen: list[set[Path]] = []
    for turn in range(300):
        if turn == 150:
            writer = ObjectWriter(path)  # Another one, or a new start: nothing is forgotten.
        names += [writer.add("commit", commit(b"%d %d\n" % (turn, n))) for n in range(3)]
        writer.flush()
        seen.append(set(packs(path)))
        most = max(most, len(seen[-1]))
        if turn and (gone := seen[-2] - seen[-1]):
            joins += 1
            assert gone <= seen[-6]  # What a process may just have opened stays for a while.
    assert joins > 10
    assert most <= 40
    assert len(git(path, "rev-list", "--no-walk", *names).split()) == 900
    git(path, "fsck", "--full", "--no-dangling")


async def test_packs_that_others_made_or_took_away_are_no_trouble(tree: WorkTree) -> None:
    path = tree.path / ".git"
    tree.commit("One", {"a": "1"})
    tree.git("repack", "-q", "-a", "-d")
    (foreign,) = packs(path)
    writer = ObjectWriter(path)
    names: list[str] = []
    for turn in range(40):
        names += [writer.add("commit", commit(b"%d %d\n" % (turn, n))) for n in range(3)]
        writer.flush()
        if turn == 10:
            tree.git("update-ref", "refs/heads/kept", names[0])
            tree.git("repack", "-q", "-A", "-d")
    assert not foreign.exists()
    listed = tree.git("cat-file", "--batch-check", text="".join(f"{n}\n" for n in names))
    assert listed.count(" commit ") == 120


async def test_a_pack_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "objects").mkdir()
    (tmp_path / "objects" / "pack").write_text("no directory")
    writer = ObjectWriter(tmp_path)
    for n in range(3):
        writer.add("commit", commit(b"%d\n" % n))
    with pytest.raises(GitError, match="pack could not be written"):
        writer.flush()


async def test_what_could_not_be_written_is_made_again(tree: WorkTree) -> None:
    """A full disk costs one merge, not those after it."""
    tree.commit("Base", {"d/e/a": "1\n", "d/e/b": "1\n"})
    tree.git("branch", "change")
    onto = tree.commit("Onto", {"d/e/a": "2\n"})
    tree.git("checkout", "-q", "change")
    head = tree.commit("Change", {"d/e/b": "2\n"})
    folder = tree.path / ".git" / "objects" / "pack"
    folder.rmdir()
    folder.write_text("no room")
    merger = Merger(Repository(tree.path / ".git"))
    with pytest.raises(GitError, match="pack could not be written"):
        await merger.merge(onto, head, MergeMode.MERGE, MESSAGE)
    folder.unlink()
    found = await merger.merge(onto, head, MergeMode.MERGE, MESSAGE)
    assert isinstance(found, Merged)
    assert tree.git("show", f"{found.commit}:d/e/a") == "2"
    assert merger.counts.spliced == 2
    await merger.close()
    tree.git("fsck", "--full", "--no-dangling")
