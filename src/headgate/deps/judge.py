"""The check of dependencies over what a change adds, whoever read the files."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from headgate.deps.compare import Added
from headgate.deps.difference import Kind
from headgate.deps.findings import (
    CHECK,
    INDEX_NAMES,
    direct_source,
    does_not_exist,
    hash_changed,
    other_index,
    severity_of,
    unapproved,
    unreadable,
)
from headgate.deps.index.interface import Answer, Existence, PackageIndex
from headgate.deps.lockfiles.interface import Declared, Relation
from headgate.model.config import DependencyPolicy
from headgate.model.finding import CheckResult, Finding, Outcome
from headgate.model.toml.policy_file import normalised


async def judge(
    new: Added, policy: DependencyPolicy, strict: bool, index: Mapping[str, PackageIndex]
) -> CheckResult:
    """The findings about what is new; indexes are asked about what is not approved."""
    wanted = [
        one
        for one in new.declared
        if not one.source and one.relation is not Relation.TRANSITIVE and not _approved(one, policy)
    ]
    answers = await _look_up(wanted, index)
    return weigh(new, policy, strict, answers, {name: i.address for name, i in index.items()})


def weigh(
    new: Added,
    policy: DependencyPolicy,
    strict: bool,
    answers: Mapping[Declared, Answer],
    addresses: Mapping[str, str],
) -> CheckResult:
    """The findings about what is new, given what the indexes at `addresses` answered.

    `strict` judges as agents are judged. A name whose existence no index could tell makes the
    outcome unknown.
    """
    severity = severity_of(policy, strict)
    findings: list[Finding] = []
    doubts: list[str] = []
    for one in new.declared:
        if one.source:
            findings.append(direct_source(one, severity))
            continue
        if one.relation is Relation.TRANSITIVE or _approved(one, policy):
            continue  # What a package brings along is for the rules about versions.
        answer = answers.get(one)  # None where no index is configured.
        place = addresses.get(one.ecosystem, "")
        if answer is not None and answer.existence is Existence.MISSING:
            findings.append(does_not_exist(one, policy, place, answer.detail))
            continue
        if answer is not None and answer.existence is Existence.UNKNOWN:
            doubts.append(f"`{one.name}`: {place} {answer.detail}")
        findings.append(unapproved(one, policy, severity))
    findings += [other_index(one, severity) for one in new.indexes]
    findings += [hash_changed(move) for move in new.difference.of(Kind.HASH)]
    findings += [unreadable(one) for one in new.problems]
    findings.sort(key=lambda f: (f.span.path, f.span.line, f.rule))
    if doubts:
        reason = "whether these packages exist could not be told: " + "; ".join(doubts)
        return CheckResult(CHECK, Outcome.UNKNOWN, reason, tuple(findings))
    outcome = Outcome.FAILED if findings else Outcome.PASSED
    return CheckResult(CHECK, outcome, "", tuple(findings))


def _approved(one: Declared, policy: DependencyPolicy) -> bool:
    if one.ecosystem not in INDEX_NAMES:
        return True  # This policy has no words for it.
    names = policy.approved.get(one.ecosystem, ())
    return normalised(one.ecosystem, one.name) in names


async def _look_up(
    wanted: Sequence[Declared], index: Mapping[str, PackageIndex]
) -> Mapping[Declared, Answer]:
    asked = [ecosystem for ecosystem in index if any(o.ecosystem == ecosystem for o in wanted)]
    pages = await asyncio.gather(
        *(
            index[ecosystem].look_up({o.name for o in wanted if o.ecosystem == ecosystem})
            for ecosystem in asked
        )
    )
    found = dict(zip(asked, pages, strict=True))
    return {one: found[one.ecosystem][one.name] for one in wanted if one.ecosystem in found}
