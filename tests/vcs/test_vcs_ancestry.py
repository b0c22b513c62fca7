"""Where a change begins is where git says that it begins, however tangled the history."""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from merge_dag import Node, tangles, weave
from merge_rival import MESSAGE
from vcs_worktree import WorkTree, new_tree

from headgate.model.ids import Commit
from headgate.model.queue import MergeMode
from headgate.vcs.ancestry import Ancestry
from headgate.vcs.batch import ObjectReader
from headgate.vcs.commits import Commits
from headgate.vcs.merge import Merged, Merger, MergeResult, Ways
from headgate.vcs.repository import Repository
from headgate.vcs.writing import ObjectWriter


def test_a_meeting_is_the_only_merge_base() -> None:
    found: Counter[bool] = Counter()

    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(tangles(), st.randoms(use_true_random=False))
    def any_two_commits(nodes: list[Node], chosen: random.Random) -> None:
        with tempfile.TemporaryDirectory() as place:
            tree = new_tree(Path(place) / "tree")
            commits = weave(nodes, tree.path)
            pairs = [(chosen.choice(commits), chosen.choice(commits)) for _ in range(6)]
            found.update(asyncio.run(check_meetings(tree, pairs)))

    any_two_commits()
    assert found[True] > 0
    assert found[False] > 0


async def check_meetings(tree: WorkTree, pairs: list[tuple[Commit, Commit]]) -> list[bool]:
    reader = ObjectReader(tree.path / ".git")
    ancestry = Ancestry(Commits(reader, ObjectWriter(tree.path / ".git")).read)
    found: list[bool] = []
    try:
        for onto, head in pairs:
            meeting = await ancestry.meeting(onto, head)
            found.append(meeting is not None)
            new = tree.git("rev-list", "--topo-order", "--parents", f"{onto}..{head}").splitlines()
            bases = tree.git("merge-base", "--all", onto, head, check=False).split()
            if meeting is not None:
                assert bases == [meeting.base]
                assert [line.split()[0] for line in new] == list(meeting.new)
                if meeting.ahead is not None:
                    lacks = set(tree.git("rev-list", f"{head}..{onto}").split())
                    assert lacks <= set().union(*meeting.ahead)
            else:
                # It is given up only over a reason.
                merges = [line for line in new if len(line.split()) != 2]
                assert len(bases) != 1 or not new or merges
    finally:
        await reader.close()
    return found


def test_a_chain_of_states_is_the_same_by_every_way() -> None:
    """States on states, of changes that begin anywhere: at old commits, at one another, at the
    states themselves."""
    ways: Counter[str] = Counter()

    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(tangles(), st.randoms(use_true_random=False), st.sampled_from(list(MergeMode)))
    def any_chain(nodes: list[Node], chosen: random.Random, mode: MergeMode) -> None:
        with tempfile.TemporaryDirectory() as place:
            tree = new_tree(Path(place) / "tree")
            commits = weave(nodes, tree.path)
            heads = [chosen.choice(commits) for _ in range(6)]
            git_dir = tree.path / ".git"
            fast, counts = asyncio.run(chain(git_dir, commits[0], heads, mode, Ways.SPLICE))
            slow, _ = asyncio.run(chain(git_dir, commits[0], heads, mode, Ways.LONG_LIVED))
            assert fast == slow
            ways.update(counts)

    any_chain()
    assert ways["spliced"] > 0
    assert ways["asked"] > 0


async def chain(
    path: Path, tip: Commit, heads: list[Commit], mode: MergeMode, ways: Ways
) -> tuple[list[MergeResult], dict[str, int]]:
    merger = Merger(Repository(path), ways=ways)
    results: list[MergeResult] = []
    try:
        for head in heads:
            results.append(await merger.merge(tip, head, mode, MESSAGE))
            if isinstance(last := results[-1], Merged):
                tip = last.commit
        counts = merger.counts
    finally:
        await merger.close()
    return results, {"spliced": counts.spliced, "asked": counts.asked}


async def test_a_state_is_followed_to_where_its_own_changes_begin(tree: WorkTree) -> None:
    """A change on top of one that was merged into the state begins there, not at the branch."""
    tree.commit("Base", {"a": "1"})
    tree.git("checkout", "-q", "-b", "first")
    first = tree.commit("First", {"b": "1"})
    second = tree.commit("Second", {"c": "1"})
    tree.git("checkout", "-q", "main")
    onto = tree.commit("Onto", {"a": "2"})
    reader = ObjectReader(tree.path / ".git")
    ancestry = Ancestry(Commits(reader, ObjectWriter(tree.path / ".git")).read)
    tree.git("merge", "-q", "--no-ff", "-m", "State", first)
    ancestry.grow(onto, [first, state := tree.head()])
    meeting = await ancestry.meeting(state, second)
    assert meeting is not None
    assert (meeting.base, meeting.new, meeting.ahead) == (first, (second,), None)
    assert await ancestry.meeting(state, first) is None
    await reader.close()


async def test_a_history_that_ends_early_is_left_to_git(tree: WorkTree) -> None:
    first = tree.commit("First", {"a": "1"})
    tree.git("checkout", "-q", "-b", "change")
    head = tree.commit("Change", {"b": "1"})
    tree.git("checkout", "-q", "main")
    onto = tree.commit("Onto", {"a": "2"})
    (tree.path / ".git" / "objects" / first[:2] / first[2:]).unlink()
    reader = ObjectReader(tree.path / ".git")
    ancestry = Ancestry(Commits(reader, ObjectWriter(tree.path / ".git")).read)
    assert await ancestry.meeting(onto, head) is None
    await reader.close()
