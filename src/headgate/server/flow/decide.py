"""The judgement: facts about a revision and the policy in force, and nothing else, to a verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from headgate.authority.approval import counting
from headgate.authority.risk import assess
from headgate.authority.verdict import decide, rules_of
from headgate.model.config import Policy, ProjectConfig
from headgate.model.finding import CheckResult
from headgate.model.ids import PrincipalId
from headgate.model.origin import Origin
from headgate.model.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Facts:
    """All that a verdict depends on."""

    policy: Policy
    project: str
    base_config: ProjectConfig
    head_config: ProjectConfig | None
    """None when the change's own headgate.toml cannot be read."""
    touched: tuple[str, ...]
    added: int
    deleted: int
    origin: Origin
    agent: bool
    checks: tuple[CheckResult, ...]
    approvers: Mapping[PrincipalId, frozenset[str]]
    """Who gave an approval that is valid now, with their groups."""


def judge(facts: Facts) -> Verdict:
    """The verdict on a revision."""
    risk = assess(
        config=facts.base_config,
        proposed=facts.head_config,
        policy=facts.policy,
        touched=facts.touched,
        added=facts.added,
        deleted=facts.deleted,
        origin=facts.origin,
        agent=facts.agent,
        checks=facts.checks,
    )
    return decide(
        policy=facts.policy,
        project=facts.project,
        risk=risk,
        origin=facts.origin,
        checks=facts.checks,
        requirements_given=counting(rules_of(facts.policy), facts.approvers),
        agent=facts.agent,
    )
