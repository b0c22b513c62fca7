"""Whatever the history, a merge by Headgate is the merge that git makes; by every way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from hypothesis import HealthCheck, given, settings
from merge_rival import Outcome, Rival, counted, merge, rival_of
from vcs_history import History, histories

from headgate.model.queue import MergeMode
from headgate.vcs.merge import MergeConflict, MergeCounts, Merged, MergeResult, NothingToMerge, Ways

REPLAYED = "%T %an <%ae> %at %B"


def for_any_history(examples: int, check: Callable[[History], MergeCounts | None]) -> Counter[str]:
    """Check many histories; how often trees were merged in process, and how often by git."""
    ways: Counter[str] = Counter()

    @settings(max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(histories())
    def all_(history: History) -> None:
        if counts := check(history):
            ways.update(spliced=counts.spliced, asked=counts.asked)

    all_()
    return ways


def test_merging_does_what_git_merge_does() -> None:
    def check(history: History) -> MergeCounts:
        with rival_of(history) as rival:
            clean, tree, unmerged = rival.merge()
            found, counts = counted(rival.git_dir, rival.ours, rival.theirs, MergeMode.MERGE)
            if clean:
                assert isinstance(found, Merged)
                assert found.tree == tree
                parents = rival.tree.git("log", "-1", "--format=%P", found.commit)
                assert parents == f"{rival.ours} {rival.theirs}"
            else:
                assert isinstance(found, MergeConflict)
                assert set(found.paths) == unmerged
                assert "CONFLICT" in found.detail
                assert counts.spliced == 0
            squashed = merge(rival.git_dir, rival.ours, rival.theirs, MergeMode.SQUASH)
            if isinstance(squashed, Merged):
                assert clean
                assert squashed.tree == tree
                parents = rival.tree.git("log", "-1", "--format=%P", squashed.commit)
                assert parents == rival.ours
            elif isinstance(squashed, NothingToMerge):
                assert clean
                assert tree == rival.tree.git("rev-parse", "ours^{tree}")
            slow = merge(
                rival.git_dir, rival.ours, rival.theirs, MergeMode.MERGE, ways=Ways.LONG_LIVED
            )
            assert slow == found
            return counts

    ways = for_any_history(60, check)
    assert ways["spliced"] > 0
    assert ways["asked"] > 0


def replaying(
    mode: MergeMode, by_git: Callable[[Rival], Outcome]
) -> Callable[[History], MergeCounts]:
    def check(history: History) -> MergeCounts:
        with rival_of(history) as rival:
            clean, tree, unmerged = by_git(rival)
            found, counts = counted(rival.git_dir, rival.ours, rival.theirs, mode)
            compare(rival, clean, tree, unmerged, found)
            assert found == merge(
                rival.git_dir, rival.ours, rival.theirs, mode, ways=Ways.LONG_LIVED
            )
            return counts

    return check


def compare(rival: Rival, clean: bool, tree: str, unmerged: set[str], found: MergeResult) -> None:
    if not clean:
        assert isinstance(found, MergeConflict)
        assert set(found.paths) == unmerged
    elif isinstance(found, NothingToMerge):
        assert rival.log() == []
    else:
        assert isinstance(found, Merged)
        assert found.tree == tree
        theirs = rival.log(REPLAYED)
        rival.tree.git("checkout", "-q", "--detach", found.commit)
        assert rival.log(REPLAYED) == theirs


def test_rebasing_does_what_git_rebase_does() -> None:
    ways = for_any_history(40, replaying(MergeMode.REBASE, Rival.rebase))
    assert ways["spliced"] > 0
    assert ways["asked"] > 0


def test_cherry_picking_does_what_git_cherry_pick_does() -> None:
    ways = for_any_history(40, replaying(MergeMode.CHERRY_PICK, Rival.cherry_pick))
    assert ways["spliced"] > 0
    assert ways["asked"] > 0
