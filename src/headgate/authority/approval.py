"""Approvals: who may give one, which still count, and towards what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from headgate.model.config import ApprovalRule
from headgate.model.ids import PrincipalId
from headgate.model.principal import Principal, PrincipalKind
from headgate.model.verdict import Approval, ApprovalBinding


def may_approve(
    *,
    approver: Principal,
    authors: frozenset[PrincipalId],
    author_emails: frozenset[str],
    sponsors: frozenset[PrincipalId],
) -> str:
    """Why a principal may not approve a change; empty when it may.

    `authors` are those who pushed or own it, `author_emails` those whom its commits name as
    author, co-author, committer or prompter, `sponsors` the humans answerable for agents among
    them. Nobody who had a part in a change approves it.
    """
    if approver.disabled:
        return f"{approver.name} is disabled."
    if approver.kind is not PrincipalKind.HUMAN:
        return (
            f"Approvals are acts of humans, and {approver.name} is "
            f"{'an agent' if approver.kind is PrincipalKind.AGENT else 'a service'}."
        )
    if approver.id in authors:
        return "Nobody approves a change of their own: ask somebody else."
    if approver.id in sponsors:
        return (
            "An agent that you sponsor wrote it, which makes it your own work: ask somebody else."
        )
    emails = {email.strip().casefold() for email in author_emails}
    if approver.email and approver.email.strip().casefold() in emails:
        return f"Its commits name {approver.email} as an author: ask somebody else."
    return ""


def valid(approval: Approval, binding: ApprovalBinding) -> str:
    """Why an approval does not count for what `binding` says; empty when it does."""
    if approval.void:
        return approval.void
    given = approval.binding
    if (given.project, given.change, given.branch) != (
        binding.project,
        binding.change,
        binding.branch,
    ):
        return "it was given for another change"
    if given.head != binding.head:
        return f"it was given for {given.head[:10]}, and the head is {binding.head[:10]} now"
    if given.base != binding.base:
        return f"it was given on top of {given.base[:10]}, and the base is {binding.base[:10]} now"
    if given.policy != binding.policy:
        return "the policy has changed since it was given"
    return ""


def counting(
    rules: Iterable[ApprovalRule], approvers: Mapping[PrincipalId, frozenset[str]]
) -> Mapping[str, tuple[PrincipalId, ...]]:
    """Whose approvals count towards each rule.

    `approvers` are those who gave an approval that is valid and that they may give, with their
    groups. One person counts once towards a rule, and may count towards several rules.
    """
    return {rule.name: _of_groups(rule.groups, approvers) for rule in rules}


def _of_groups(
    groups: Sequence[str], approvers: Mapping[PrincipalId, frozenset[str]]
) -> tuple[PrincipalId, ...]:
    return tuple(
        sorted(who for who, theirs in approvers.items() if not groups or theirs & set(groups))
    )
