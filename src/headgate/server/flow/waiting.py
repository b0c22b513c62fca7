"""What keeps a change from its queue although its verdict allows it, in words."""

from __future__ import annotations

from collections.abc import Sequence

from headgate.gate.entry import REBASE, apart, cycle_of, outdated
from headgate.model.change import Change, ChangeState, Dependency, DependencyKind, Entry
from headgate.model.config import Policy
from headgate.model.ids import ChangeNumber
from headgate.model.verdict import VerdictKind
from headgate.store.database import Transaction


def blocked(tx: Transaction, number: ChangeNumber) -> str:
    """Which dependency keeps a change from its queue; empty when none does.

    Those that land together with it are not asked here: see `partners`.
    """
    together = cycle_of(tx, number)
    satisfied = tx.changes.satisfied(number)
    for dependency in tx.changes.current_revision(number).depends_on:
        if dependency.change is None:
            if dependency.text not in satisfied:
                return (
                    f"waits for {dependency.text}, which is not on this server. Once that has "
                    f"landed: headgate change satisfy {number} {dependency.text}"
                )
            continue
        other = tx.changes.get(dependency.change)
        if stale := outdated(dependency, other):
            return f"{stale}. {REBASE}"
        if other.number in together:
            continue
        if other.state not in (ChangeState.LANDED, ChangeState.QUEUED):
            where = f"waits for #{other.number}, which is {other.state.value}"
            return where + _way_out(dependency, other)
    return ""


def _way_out(dependency: Dependency, other: Change) -> str:
    if other.state is not ChangeState.ABANDONED:
        return ""
    if dependency.kind is DependencyKind.STACK:
        return ": rebase onto the branch without it, or push again to make its commits your own"
    return ": take the footer out, or name the change that replaced it"


def partners(
    tx: Transaction, cycle: Sequence[ChangeNumber], number: ChangeNumber, policy: Policy
) -> str:
    """Why the others that land together with a change cannot enter now; empty when they can."""
    if wrong := apart(tx, cycle, policy):
        return " ".join(wrong)
    for other in cycle:
        if other != number and (why := _not_ready(tx, tx.changes.get(other))):
            return f"lands together with #{other}, which {why}"
    return ""


def _not_ready(tx: Transaction, change: Change) -> str:
    if change.state is ChangeState.QUEUED:
        return ""
    if change.state is ChangeState.EJECTED:
        return f"is ejected: headgate change enqueue {change.number} tries it again"
    if change.state not in (ChangeState.WAITING, ChangeState.READY):
        return f"is {change.state.value}"
    verdict = tx.verdicts.latest(tx.changes.current_revision(change.number).id)
    if verdict is None or verdict.kind is not VerdictKind.ALLOWED:
        return f"is {change.state.value}: {change.reason}"
    if why := blocked(tx, change.number):
        return why
    return "is held back by its owner" if change.entry is Entry.HELD else ""


def companions(cycle: Sequence[ChangeNumber], number: ChangeNumber) -> str:
    """`#2 and #3`: the others of a cycle."""
    names = [f"#{other}" for other in cycle if other != number]
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
