"""The policy a new house gets, and questions the policy answers by itself."""

from __future__ import annotations

from headgate.authority.permissions import Permissions
from headgate.authority.policy import default_policy_files, groups_of, queue_for
from headgate.model.config import Policy, QueuePolicy
from headgate.model.finding import Confidence, Severity
from headgate.model.toml.policy_file import parse_policy


def test_the_default_policy_can_be_used() -> None:
    policy = parse_policy(default_policy_files())
    Permissions(policy.cedar)
    assert (policy.deny_from, policy.deny_confidence) == (Severity.HIGH, Confidence.MEDIUM)
    assert {rule.name for rule in policy.approvals} >= {"critical-by-agent", "policy"}
    assert policy.dependencies.agents == "deny"
    assert queue_for(policy, "jinja", "main") is None  # Each branch has a queue of its own.


def test_a_queue_that_names_a_branch_comes_before_one_that_fits() -> None:
    anything = QueuePolicy("anything", ("*",), ("*",))
    named = QueuePolicy("named", ("jinja",), ("main",))
    policy = Policy("", queues=(anything, named))
    assert queue_for(policy, "jinja", "main") is named
    assert queue_for(policy, "jinja", "3.x") is anything
    assert queue_for(Policy(""), "jinja", "main") is None


def test_groups_are_those_that_name_a_principal() -> None:
    policy = Policy("", groups={"a": ("ada", "grace"), "b": ("ada",), "c": ()})
    assert groups_of(policy, "ada") == {"a", "b"}
    assert groups_of(policy, "nobody") == frozenset()
