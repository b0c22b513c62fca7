"""Which commits of a range belong to which change."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from headgate.model.change import CommitInfo, Signature
from headgate.model.ids import Commit
from headgate.server.flow.stacks import ancestors, topmost

WHO = Signature("Ada", "ada@example.org", 0)


@st.composite
def ranges(draw: st.DrawFn) -> tuple[list[CommitInfo], set[Commit]]:
    """Commits in topological order, oldest first, and some that are heads of changes."""
    size = draw(st.integers(1, 9))
    commits: list[CommitInfo] = []
    for index in range(size):
        below = [c.commit for c in commits] or [Commit("base")]
        parents = draw(st.lists(st.sampled_from(below), min_size=1, max_size=3, unique=True))
        commits.append(CommitInfo(Commit(str(index)), tuple(parents), WHO, WHO, "x"))
    heads = draw(st.sets(st.sampled_from([c.commit for c in commits])))
    return commits, heads


@given(ranges())
def test_the_topmost_are_those_that_no_other_contains_and_cover_all(
    range_: tuple[list[CommitInfo], set[Commit]],
) -> None:
    commits, heads = range_
    tops = topmost(commits, heads)
    contained = {commit: ancestors(commits, commit) for commit in heads}
    assert set(tops) == {h for h in heads if not any(h in contained[o] for o in heads)}
    covered = set(tops).union(*(contained[top] for top in tops))
    assert heads <= covered


@given(ranges())
def test_what_contains_a_commit_comes_after_it(
    range_: tuple[list[CommitInfo], set[Commit]],
) -> None:
    commits, _ = range_
    order = [c.commit for c in commits]
    for commit in order:
        assert all(order.index(a) < order.index(commit) for a in ancestors(commits, commit))
