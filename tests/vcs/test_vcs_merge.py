"""A merge by Headgate is the merge that git makes."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from merge_rival import MESSAGE, counted, merge
from vcs_worktree import WorkTree

from headgate.model.errors import NotFound
from headgate.model.ids import Commit
from headgate.model.queue import MergeMode
from headgate.vcs.merge import (
    MergeConflict,
    Merged,
    Merger,
    NothingToMerge,
    Ways,
)
from headgate.vcs.repository import Repository


def forked(tree: WorkTree) -> tuple[Commit, Commit]:
    """A branch and a change to it, which go together."""
    tree.commit("Base", {"a": "1\n", "b": "1\n"})
    tree.git("branch", "change")
    onto = tree.commit("Onto", {"a": "2\n"})
    tree.git("checkout", "-q", "change")
    return onto, tree.commit("Change", {"b": "2\n"})


@pytest.mark.parametrize("mode", list(MergeMode))
def test_the_same_inputs_make_the_same_commit_by_either_way(
    tree: WorkTree, mode: MergeMode
) -> None:
    onto, head = forked(tree)
    path = tree.path / ".git"
    first = merge(path, onto, head, mode)
    assert isinstance(first, Merged)
    assert merge(path, onto, head, mode) == first
    assert merge(path, onto, head, mode, ways=Ways.LONG_LIVED) == first
    assert merge(path, onto, head, mode, ways=Ways.PROCESSES) == first
    tree.git("fsck", "--strict")


def test_commits_say_who_wrote_and_who_merged(tree: WorkTree) -> None:
    onto, head = forked(tree)
    merged = merge(tree.path / ".git", onto, head, MergeMode.MERGE)
    rebased = merge(tree.path / ".git", onto, head, MergeMode.REBASE)
    assert isinstance(merged, Merged)
    assert isinstance(rebased, Merged)
    form = "--format=%an %at|%cn %ct|%B"
    told = tree.git("log", "-1", form, merged.commit).strip()
    assert told == "Ada 1700000900|Headgate 1700001000|Merge change 7"
    told = tree.git("log", "-1", form, rebased.commit).strip()
    own = tree.git("log", "-1", "--format=%at", head)
    assert told == f"Ada {own}|Headgate 1700001000|Change"


@pytest.mark.parametrize("mode", list(MergeMode))
def test_what_is_there_already_is_not_merged_again(tree: WorkTree, mode: MergeMode) -> None:
    one = tree.commit("One", {"a": "1"})
    two = tree.commit("Two", {"a": "2"})
    path = tree.path / ".git"
    found = merge(path, two, one, mode)
    assert isinstance(found, NothingToMerge)
    assert one[:10] in found.detail


def test_a_change_on_top_of_the_branch_keeps_its_commits_when_rebased(tree: WorkTree) -> None:
    one = tree.commit("One", {"a": "1"})
    tree.commit("Two", {"a": "2"})
    three = tree.commit("Three", {"a": "3"})
    found = merge(tree.path / ".git", one, three, MergeMode.REBASE)
    assert isinstance(found, Merged)
    assert found.commit == three


def test_a_rebase_conflict_names_the_commit(tree: WorkTree) -> None:
    tree.commit("Base", {"a": "1\n"})
    tree.git("branch", "change")
    onto = tree.commit("Onto", {"a": "2\n"})
    tree.git("checkout", "-q", "change")
    tree.commit("Harmless", {"b": "1\n"})
    head = tree.commit("Harmful", {"a": "3\n"})
    found = merge(tree.path / ".git", onto, head, MergeMode.REBASE)
    assert isinstance(found, MergeConflict)
    assert found.paths == ("a",)
    assert f"Replaying {head[:10]} (Harmful)" in found.detail


def subjects(tree: WorkTree, onto: Commit, head: Commit) -> list[str]:
    return tree.git("log", "--reverse", "--format=%s", f"{onto}..{head}").splitlines()


def test_a_patch_that_the_branch_took_and_took_back_is_not_replayed(tree: WorkTree) -> None:
    """Nothing of it is to be seen in the trees; git rebase knows by the patch."""
    base = tree.commit("Base", {"a": "1\n", "b": "1\n"})
    tree.commit("Same", {"a": "2\n"})
    onto = tree.commit("Back", {"a": "1\n"})
    tree.git("checkout", "-q", "--detach", base)
    tree.commit("Same, too", {"a": "2\n"})
    head = tree.commit("Other", {"b": "2\n"})
    found, counts = counted(tree.path / ".git", onto, head, MergeMode.REBASE)
    assert isinstance(found, Merged)
    assert subjects(tree, onto, found.commit) == ["Other"]
    assert counts.asked == 0
    tree.git("rebase", "-q", onto)
    assert subjects(tree, onto, tree.head()) == ["Other"]


async def test_a_patch_that_a_change_ahead_brought_is_not_replayed(tree: WorkTree) -> None:
    """The first state was made here, so what it touches is known without asking git."""
    onto = tree.commit("Base", {"a/x": "1\n", "b/x": "1\n", "c": "1\n"})
    heads: list[Commit] = []
    for steps in (
        {"Same": {"a/x": "2\n"}, "Back": {"a/x": "1\n"}},
        {"Same, too": {"a/x": "2\n"}, "Other": {"b/x": "2\n"}},
        {"Empty": {}, "Third": {"a/x": "3\n", "a/y": "1\n"}},
    ):
        tree.git("checkout", "-q", "--detach", onto)
        for word, files in steps.items():
            tree.commit(word, files)
        heads.append(tree.commit("More", {f"more{len(heads)}": "1\n"}))
    merger = Merger(Repository(tree.path / ".git"))
    tip = onto
    for head in heads:
        found = await merger.merge(tip, head, MergeMode.REBASE, MESSAGE)
        assert isinstance(found, Merged)
        tip = found.commit
    await merger.close()
    told = subjects(tree, onto, tip)
    assert told == ["Same", "Back", "More", "Other", "More", "Empty", "Third", "More"]
    tree.git("checkout", "-q", "--detach", heads[0])
    for head in heads[1:]:
        before = tree.head()
        tree.git("checkout", "-q", "--detach", head)
        tree.git("rebase", "-q", before)
    assert told == subjects(tree, onto, tree.head())
    assert tree.git("rev-parse", "HEAD^{tree}") == tree.git("rev-parse", f"{tip}^{{tree}}")


@pytest.mark.parametrize("mode", list(MergeMode))
def test_histories_with_nothing_in_common_are_a_conflict(tree: WorkTree, mode: MergeMode) -> None:
    one = tree.commit("One", {"a": "1"})
    tree.git("checkout", "-q", "--orphan", "other")
    other = tree.commit("Other", {"b": "1"})
    found = merge(tree.path / ".git", one, other, mode)
    assert isinstance(found, MergeConflict)
    assert "no history in common" in found.detail


def test_a_conflict_over_a_weird_name_tells_the_name(tree: WorkTree) -> None:
    name = "odd\n\udcff\t.txt"
    tree.write(name, "1\n")
    tree.commit("Base")
    tree.git("branch", "change")
    tree.write(name, "2\n")
    onto = tree.commit("Onto")
    tree.git("checkout", "-q", "change")
    tree.write(name, "3\n")
    found = merge(tree.path / ".git", onto, tree.commit("Change"), MergeMode.MERGE)
    assert isinstance(found, MergeConflict)
    assert found.paths == (name,)


def test_a_merge_driver_named_in_attributes_below_is_obeyed(tree: WorkTree) -> None:
    tree.commit("Base", {"docs/.gitattributes": "*.md merge=union\n", "docs/x/news.md": "0\n"})
    tree.git("branch", "change")
    onto = tree.commit("Onto", {"docs/x/news.md": "0\n1\n"})
    tree.git("checkout", "-q", "change")
    head = tree.commit("Change", {"docs/x/news.md": "0\n2\n"})
    found = merge(tree.path / ".git", onto, head, MergeMode.MERGE)
    assert isinstance(found, Merged)
    assert tree.git("show", f"{found.commit}:docs/x/news.md") == "0\n1\n2"


async def test_one_process_serves_states_with_and_without_attributes(tree: WorkTree) -> None:
    """The second change takes the union rule away; the third must then conflict."""
    tree.commit("Base", {".gitattributes": "n merge=union\n", "n": "0\n"})
    tree.git("branch", "base")
    heads: list[Commit] = []
    for word, files in (
        ("one", {"n": "0\none\n"}),
        ("two", {"n": "0\ntwo\n"}),
        ("plain", {".gitattributes": "# nothing\n"}),
        ("three", {"n": "0\nthree\n"}),
    ):
        tree.git("checkout", "-q", "--detach", "base")
        heads.append(tree.commit(word, files))
    merger = Merger(Repository(tree.path / ".git"))
    tip = heads[0]
    for head in heads[1:3]:
        found = await merger.merge(tip, head, MergeMode.MERGE, MESSAGE)
        assert isinstance(found, Merged)
        tip = found.commit
    assert tree.git("show", f"{tip}:n") == "0\none\ntwo"
    last = await merger.merge(tip, heads[3], MergeMode.MERGE, MESSAGE)
    assert isinstance(last, MergeConflict)
    await merger.close()


@pytest.mark.long
async def test_where_answers_are_held_back_every_merge_gets_a_process(
    tree: WorkTree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without stdbuf, git 2.39 keeps its answers; later versions do not."""
    onto, head = forked(tree)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "git").symlink_to(shutil.which("git") or "")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    merger = Merger(Repository(tree.path / ".git"))
    found = [
        await merger.merge(onto, head, mode, MESSAGE)
        for mode in (MergeMode.MERGE, MergeMode.SQUASH)
    ]
    assert all(isinstance(each, Merged) for each in found)
    await merger.close()
    assert children() == []


async def test_a_killed_process_is_replaced(tree: WorkTree) -> None:
    onto, head = forked(tree)
    merger = Merger(Repository(tree.path / ".git"))
    first = await merger.merge(onto, head, MergeMode.MERGE, MESSAGE)
    for pid in children():
        os.kill(pid, signal.SIGKILL)
    again = await merger.merge(onto, head, MergeMode.SQUASH, MESSAGE)
    assert isinstance(first, Merged)
    assert isinstance(again, Merged)
    assert again.tree == first.tree
    await merger.close()
    assert merger.long_lived
    assert children() == []


async def test_simultaneous_questions_get_their_own_answers(tree: WorkTree) -> None:
    tree.commit("Base", {"a": "0\n"})
    tree.git("branch", "base")
    heads: list[Commit] = []
    for n in range(8):
        tree.git("checkout", "-q", "--detach", "base")
        heads.append(tree.commit(f"Change {n}", {f"f{n}": f"{n}\n"}))
    onto = Commit(tree.git("rev-parse", "base"))
    merger = Merger(Repository(tree.path / ".git"))
    tasks = [
        asyncio.create_task(merger.merge(onto, head, MergeMode.SQUASH, MESSAGE)) for head in heads
    ]
    await asyncio.sleep(0.01)
    tasks[3].cancel()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    for n, result in enumerate(found):
        if isinstance(result, Merged):
            assert tree.git("show", f"{result.commit}:f{n}") == str(n)
        else:
            assert n == 3
    await merger.close()


async def test_a_missing_commit_is_an_error_not_a_conflict(tree: WorkTree) -> None:
    onto, head = forked(tree)
    merger = Merger(Repository(tree.path / ".git"))
    with pytest.raises(NotFound):
        await merger.merge(Commit("1" * 40), head, MergeMode.MERGE, MESSAGE)
    with pytest.raises(NotFound):
        await merger.merge(onto, Commit("1" * 40), MergeMode.MERGE, MESSAGE)
    assert isinstance(await merger.merge(onto, head, MergeMode.MERGE, MESSAGE), Merged)
    await merger.close()


def test_a_submodule_moved_on_one_side_merges(
    tree: WorkTree, another: Callable[[str], WorkTree]
) -> None:
    inner = another("inner")
    first, second = inner.commit("1", {"x": "1"}), inner.commit("2", {"x": "2"})
    tree.write("a", "1")
    tree.git("add", "a")
    tree.git("update-index", "--add", "--cacheinfo", f"160000,{first},sub")
    tree.git("commit", "-q", "-m", "Base")
    tree.git("branch", "change")
    tree.write("a", "2")
    tree.git("commit", "-q", "-m", "Onto", "--", "a")
    onto = tree.head()
    tree.git("checkout", "-q", "change")
    tree.git("update-index", "--cacheinfo", f"160000,{second},sub")
    tree.git("commit", "-q", "-m", "Move")
    found = merge(tree.path / ".git", onto, tree.head(), MergeMode.MERGE)
    assert isinstance(found, Merged)
    assert tree.git("rev-parse", f"{found.commit}:sub") == second


async def test_advice_on_submodules_does_not_spoil_the_next_answer(tree: WorkTree) -> None:
    tree.commit("Base", {"a": "1"})
    heads: list[Commit] = []
    for digit in "12":
        tree.git("checkout", "-q", "--detach", "main")
        tree.git("update-index", "--add", "--cacheinfo", f"160000,{digit * 40},sub")
        tree.git("commit", "-q", "-m", f"Sub {digit}")
        heads.append(tree.head())
    merger = Merger(Repository(tree.path / ".git"), ways=Ways.LONG_LIVED)
    found = await merger.merge(heads[0], heads[1], MergeMode.MERGE, MESSAGE)
    assert isinstance(found, MergeConflict)
    assert found.paths == ("sub",)
    again = await merger.merge(heads[0], heads[0], MergeMode.MERGE, MESSAGE)
    assert isinstance(again, NothingToMerge)
    assert merger.long_lived
    await merger.close()


def children() -> list[int]:
    """Processes begun by this one that still run."""
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == os.getpid() and fields[0] != "Z":
                found.append(int(entry.name))
    return found
