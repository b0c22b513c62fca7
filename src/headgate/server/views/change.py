"""Everything about one change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from headgate.gate.entry import cycle_of, outdated
from headgate.gate.pipelines.reader import gate_gaps
from headgate.model.change import (
    OPEN_STATES,
    Change,
    ChangeState,
    Dependency,
    DependencyKind,
    Entry,
    Revision,
    RevisionCommit,
)
from headgate.model.finding import CheckResult, Outcome
from headgate.model.ids import ChangeNumber
from headgate.model.origin import OriginKind, combine
from headgate.model.principal import Principal
from headgate.model.queue import Landing
from headgate.model.reviewer import ADVISORY
from headgate.model.verdict import Approval, Requirement, Verdict, VerdictKind
from headgate.scan.rank import Facts
from headgate.server.views import words
from headgate.server.views.abilities import may_read, readable_change, refusals
from headgate.server.views.builds import builds_view
from headgate.server.views.diff import EMBEDDED_LINES, diff_of
from headgate.server.views.house import House
from headgate.server.views.ledger import event_line
from headgate.server.views.pipelines import change_pipelines, conversation
from headgate.server.views.standing import standing_view
from headgate.server.views.text import View, shown_path, shown_text
from headgate.server.views.words import Names
from headgate.store.database import Transaction

HISTORY = 40
"""Events of the change that its page shows."""


async def change_view(house: House, number: int, viewer: Principal, now: float) -> View:
    """A change with all that is known of it, its diff included. Raises NotFound."""
    view = change_facts(house, number, viewer, now)
    with house.db.read() as tx:
        change = tx.changes.get(ChangeNumber(number))
        revision = tx.changes.current_revision(change.number)
        checks = tx.checks.of(revision.id)
        project = tx.projects.get(change.project).name
    view["diff"] = await diff_of(
        house.repository(project), revision.base, revision.head, checks, EMBEDDED_LINES
    )
    return view


def change_facts(house: House, number: int, viewer: Principal, now: float) -> View:
    """What the database knows of a change. Raises NotFound."""
    with house.db.read() as tx:
        names = Names(tx)
        change = readable_change(house, tx, number, viewer, names)
        revision = tx.changes.current_revision(change.number)
        commits = tx.changes.commits(revision.id)
        checks = tx.checks.of(revision.id)
        verdict = tx.verdicts.latest(revision.id)
        dependencies = [
            (d, tx.changes.get(d.change)) for d in revision.depends_on if d.change is not None
        ]
        cycle = cycle_of(tx, change.number)
        external = _external(tx, change, revision, names)
        landing = tx.landings.of_change(change.number)
        view: View = {
            "change": words.change_line(change, names),
            "revision": _revision(revision, names, revision.number)
            | {"message": shown_text(revision.message)},
            "origin": words.origin(combine(c.origin for c in commits)),
            "commits": [_commit(c) for c in commits],
            "verdict": _verdict(verdict, names) if verdict else None,
            "missing": [
                *missing(
                    change,
                    verdict,
                    checks,
                    dependencies,
                    cycle,
                    gate_gaps(tx, house.policy(), change.number, now).words,
                ),
                *_missing_outside(change, external),
            ],
            "approvals": _approvals(tx, change, names),
            "checks": words.check_results(checks, _facts(tx, change, commits)),
            "builds": builds_view(tx, change, now),
            "lanes": standing_view(
                tx, change, house.standing, lambda name: may_read(house, viewer, name)
            ),
            "pipelines": change_pipelines(house, tx, viewer, change.number, now),
            "said": conversation(tx, change.number),
            "landing": _landing(tx, landing),
            "depends_on": [
                words.change_line(c, names)
                | {"text": shown_text(d.text), "kind": d.kind.value, "note": _note(d, c, cycle)}
                for d, c in dependencies
            ],
            "external": external,
            "dependents": [
                words.change_line(c, names)
                for c in tx.changes.dependents(change.number)
                if may_read(house, viewer, names.project(c.project))
            ],
            "revisions": [
                _revision(r, names, change.revision)
                for r in reversed(list(tx.changes.revisions(change.number)))
            ],
            "history": [
                event_line(e) for e in tx.events.latest(HISTORY, subject=f"change/{change.number}")
            ],
            "now": now,
        }
    view["actions"] = actions(change, refusals(house, viewer, change))
    return view


def _facts(tx: Transaction, change: Change, commits: Sequence[RevisionCommit]) -> Facts:
    """What the rank of a change's findings knows of the change."""
    kind = combine(c.origin for c in commits).kind
    approved = any(not a.void for a in tx.approvals.of_change(change.number))
    written = kind in (OriginKind.AI, OriginKind.MIXED)
    return Facts(written_by_ai=written, reviewed=approved)


def missing(
    change: Change,
    verdict: Verdict | None,
    checks: Sequence[CheckResult],
    dependencies: Sequence[tuple[Dependency, Change]],
    cycle: Sequence[ChangeNumber] = (),
    entrance: Sequence[str] = (),
) -> list[str]:
    """Exactly what stands between the change and its landing, a sentence each."""
    if change.state not in OPEN_STATES:
        return []
    gaps: list[str] = []
    if verdict is None:
        gaps.append("The verdict: the current revision is still being inspected.")
    else:
        if verdict.kind is VerdictKind.DENIED:
            gaps.append("A new revision that mends what the verdict denies.")
        gaps.extend(requirement_gap(r) for r in verdict.requirements if r.missing)
    gaps.extend(
        f"The check {c.check} did not run to its end: {shown_text(c.reason) or c.outcome.value}"
        for c in checks
        if c.outcome in (Outcome.NOT_RUN, Outcome.UNKNOWN) and c.check not in ADVISORY
    )
    for dependency, other in dependencies:
        if stale := outdated(dependency, other):
            gaps.append(f"It {stale}: rebase onto that and push again.")
            continue
        if other.state in (ChangeState.LANDED, ChangeState.QUEUED) or other.number in cycle:
            continue
        gaps.append(
            f"Change #{other.number}, on which this depends, is {other.state.value}; "
            "it must be in a queue or landed."
        )
    gaps.extend(f"For its gate it {sentence}." for sentence in entrance)
    return gaps


def _note(dependency: Dependency, other: Change, cycle: Sequence[ChangeNumber]) -> str:
    """How a change stands to one that it depends on."""
    parts: list[str] = []
    if dependency.kind is DependencyKind.STACK:
        parts.append(outdated(dependency, other) or f"stands on revision {dependency.revision}")
    if other.number in cycle:
        parts.append("lands together with it")
    return ", ".join(parts)


def _external(tx: Transaction, change: Change, revision: Revision, names: Names) -> list[View]:
    """What it waits for outside of this server, and who said that it need not any more."""
    satisfied = tx.changes.satisfied(change.number)
    found: list[View] = []
    for address in revision.external:
        done = satisfied.get(address)
        found.append(
            {
                "address": shown_text(address),
                "satisfied": done is not None,
                "by": names.person(done.by) if done else None,
                "comment": shown_text(done.comment) if done else "",
                "time": done.created if done else None,
            }
        )
    return found


def _missing_outside(change: Change, external: Sequence[View]) -> list[str]:
    if change.state not in OPEN_STATES:
        return []
    return [
        f"{one['address']}, which is not on this server. Once that has landed: "
        f"headgate change satisfy {change.number} {one['address']}"
        for one in external
        if not one["satisfied"]
    ]


def requirement_gap(requirement: Requirement) -> str:
    """What an approval rule still asks for, as a sentence."""
    number = requirement.missing
    who = " or ".join(requirement.groups) if requirement.groups else "a human who may approve"
    noun = "approval" if number == 1 else "approvals"
    return f"{number} {noun} by {who} ({requirement.rule}): {shown_text(requirement.reason)}"


_ACTIONS: tuple[tuple[str, str, frozenset[ChangeState]], ...] = (
    ("approve", "Approve", frozenset({ChangeState.WAITING, ChangeState.READY})),
    ("enqueue", "Enqueue", frozenset({ChangeState.READY, ChangeState.EJECTED})),
    (
        "hold",
        "Hold back",
        frozenset({ChangeState.QUEUED, ChangeState.WAITING, ChangeState.CHECKING}),
    ),
    ("recheck", "Check again", frozenset({ChangeState.DENIED, ChangeState.WAITING})),
    ("abandon", "Abandon", OPEN_STATES),
)


def actions(change: Change, refusals: Mapping[str, str]) -> list[View]:
    """What the state of the change allows, each with why the viewer may not, or nothing."""
    held = change.entry is Entry.HELD
    offered = {name for name, _, states in _ACTIONS if change.state in states}
    if held:
        offered.discard("hold")
        if change.state in (ChangeState.WAITING, ChangeState.CHECKING):
            offered.add("enqueue")
    return [
        {"action": name, "label": label, "why_not": refusals.get(name, "")}
        for name, label, _ in _ACTIONS
        if name in offered
    ]


def _commit(value: RevisionCommit) -> View:
    info = value.commit
    return {
        "commit": info.commit,
        "subject": shown_text(info.subject),
        "message": shown_text(info.message),
        "author": words.signature(info.author),
        "committer": words.signature(info.committer),
        "origin": words.origin(value.origin),
    }


def _revision(revision: Revision, names: Names, current: int) -> View:
    return {
        "id": revision.id,
        "number": revision.number,
        "head": revision.head,
        "base": revision.base,
        "pusher": names.person(revision.pusher),
        "options": [shown_text(option) for option in revision.options],
        "created": revision.created,
        "current": revision.number == current,
    }


def _verdict(verdict: Verdict, names: Names) -> View:
    return {
        "kind": verdict.kind.value,
        "reasons": [shown_text(reason) for reason in verdict.reasons],
        "tier": verdict.risk.tier.word,
        "factors": [shown_text(factor) for factor in verdict.risk.factors],
        "classes": list(verdict.risk.classes),
        "requirements": [
            {
                "rule": r.rule,
                "count": r.count,
                "missing": r.missing,
                "groups": list(r.groups),
                "reason": shown_text(r.reason),
                "given": [names.principal(id).name for id in r.given],
            }
            for r in verdict.requirements
        ],
        "policy": verdict.policy,
    }


def _approvals(tx: Transaction, change: Change, names: Names) -> list[View]:
    numbers = {r.head: r.number for r in tx.changes.revisions(change.number)}
    return [
        _approval(a, names, numbers.get(a.binding.head))
        for a in tx.approvals.of_change(change.number)
    ]


def _approval(approval: Approval, names: Names, revision: int | None) -> View:
    binding = approval.binding
    return {
        "id": approval.id,
        "approver": names.person(approval.approver),
        "created": approval.created,
        "comment": shown_text(approval.comment),
        "valid": not approval.void,
        "void": shown_text(approval.void),
        "revision": revision,
        "base": binding.base,
        "head": binding.head,
        "branch": shown_path(binding.branch),
        "policy": binding.policy,
    }


def _landing(tx: Transaction, landing: Landing | None) -> View | None:
    if landing is None:
        return None
    return {
        "project": landing.project,
        "branch": shown_path(landing.branch),
        "before": landing.before,
        "commit": landing.commit,
        "tested_tree": landing.tested_tree,
        "landed_tree": landing.landed_tree,
        "equal": landing.tested_tree == landing.landed_tree,
        "time": landing.time,
        "together": [
            number for id in landing.unit if (number := tx.items.get(id).change) != landing.change
        ],
    }
