"""Stacks: which of a proposal's commits are its own, and which belong to the changes below it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from headgate.model.change import (
    Change,
    ChangeState,
    CommitInfo,
    Dependency,
    DependencyKind,
    Revision,
)
from headgate.model.ids import ChangeNumber, Commit, ProjectId
from headgate.store.database import Database, Transaction
from headgate.vcs.repository import Repository


@dataclass(frozen=True, slots=True)
class Stand:
    """What a proposal stands on."""

    base: Commit
    """What its own commits begin from."""
    commits: tuple[CommitInfo, ...]
    """Its own, oldest first."""
    below: tuple[Dependency, ...] = ()
    """The changes right below it; empty when it stands on the branch."""


async def stand(
    db: Database,
    repository: Repository,
    project: ProjectId,
    branch: str,
    own: ChangeNumber | None,
    base: Commit,
    commits: Sequence[CommitInfo],
) -> Stand:
    """Find the changes that a proposal's commits contain.

    `base` is the merge base with the branch, `commits` what follows it up to the head, oldest
    first, and `own` the change that is revised. Where the commits contain several changes side by
    side, or the branch was merged in above a change, no single commit separates what is its own:
    then all of them count as its own, and nothing goes uninspected.
    """
    heads = {info.commit for info in commits[:-1]}
    with db.read() as tx:
        found = _owners(tx, tx.changes.with_heads(project, branch, heads), own)
    tops = topmost(commits, found)
    below = tuple(
        Dependency(f"#{change.number}", change.number, DependencyKind.STACK, revision.number)
        for change, revision in (found[top] for top in tops)
    )
    if len(tops) != 1 or not await repository.is_ancestor(base, tops[0]):
        return Stand(base, tuple(commits), below)
    others = {tops[0], *ancestors(commits, tops[0])}
    return Stand(tops[0], tuple(c for c in commits if c.commit not in others), below)


def topmost(commits: Sequence[CommitInfo], candidates: Collection[Commit]) -> list[Commit]:
    """Those of the candidates that no other candidate contains, newest first.

    `commits` are in topological order, oldest first.
    """
    tops: list[Commit] = []
    covered: set[Commit] = set()
    for info in reversed(commits):
        if info.commit in candidates and info.commit not in covered:
            tops.append(info.commit)
            covered |= ancestors(commits, info.commit)
    return tops


def ancestors(commits: Iterable[CommitInfo], start: Commit) -> set[Commit]:
    """What a commit contains of a range, without itself."""
    parents = {info.commit: info.parents for info in commits}
    found: set[Commit] = set()
    waiting = list(parents.get(start, ()))
    while waiting:
        commit = waiting.pop()
        if commit in parents and commit not in found:
            found.add(commit)
            waiting.extend(parents[commit])
    return found


def _owners(
    tx: Transaction, known: Iterable[tuple[Change, Revision]], own: ChangeNumber | None
) -> Mapping[Commit, tuple[Change, Revision]]:
    """By head, the change that it belongs to."""
    found: dict[Commit, tuple[Change, Revision]] = {}
    above: dict[ChangeNumber, bool] = {}
    for change, revision in known:
        if change.number == own or change.state is ChangeState.ABANDONED:
            continue
        # A change that took in what had stood on it owns those commits: it waits for nobody.
        if own is not None and _stands_on(tx, change.number, own, above):
            continue
        before = found.get(revision.head)
        if before is None or _rank(change, revision) > _rank(*before):
            found[revision.head] = (change, revision)
    return found


def _rank(change: Change, revision: Revision) -> tuple[bool, bool, int]:
    return (
        revision.number == change.revision,
        change.state is not ChangeState.LANDED,
        -change.number,
    )


def _stands_on(
    tx: Transaction, number: ChangeNumber, own: ChangeNumber, known: dict[ChangeNumber, bool]
) -> bool:
    """Whether a change stands on `own`, directly or over others.

    `known` keeps the answers for one `own`: so each change is read once, however tall the stack.
    """
    if number in known:
        return known[number]
    right_below: dict[ChangeNumber, list[ChangeNumber]] = {}
    waiting = [number]
    while waiting:
        at = waiting.pop()
        if at in known or at in right_below:
            continue
        revision = tx.changes.current_revision(at)
        below = [one.change for one in revision.stands_on if one.change is not None]
        right_below[at] = below
        waiting.extend(below)
    # Upwards from `own` and from what is known to stand on it.
    above: dict[ChangeNumber, list[ChangeNumber]] = {}
    for at, below in right_below.items():
        for one in below:
            above.setdefault(one, []).append(at)
    reached = [one for one in above if one == own or known.get(one, False)]
    known.update(dict.fromkeys(right_below, False))
    while reached:
        for at in above.get(reached.pop(), ()):
            if not known[at]:
                known[at] = True
                reached.append(at)
    return known[number]
