"""The check of dependencies without a server or a network, for the command line."""

from __future__ import annotations

import time
from collections.abc import Mapping

from headgate.deps.compare import Added, Files, added, read_files
from headgate.deps.difference import Kind
from headgate.deps.evidence import Gathered
from headgate.deps.findings import CHECK, direct_source, hash_changed, other_index, unreadable
from headgate.deps.judge import weigh
from headgate.deps.lockfiles.interface import Relation
from headgate.deps.policy.standing import Place
from headgate.model.config import DependencyPolicy
from headgate.model.finding import CheckResult, Outcome, Severity


def check_tree(
    files: Mapping[str, bytes],
    base_files: Mapping[str, bytes],
    policy: DependencyPolicy | None = None,
    project: str = "",
) -> CheckResult:
    """What `files` declare and `base_files` did not; both map paths to contents.

    With a policy, unapproved packages are judged as an agent's. Without one they are only named
    in the reason; what comes from past the index, and what cannot be read, are findings always.
    """
    return check_files(read_files(files), read_files(base_files), policy)


def check_files(after: Files, before: Files, policy: DependencyPolicy | None = None) -> CheckResult:
    """The same over files that were read already."""
    new = added(before, after)
    if policy is not None:
        return weigh(new, policy, Place("", strict=True), Gathered({}), now=time.time()).result
    findings = [
        *(direct_source(one, Severity.MEDIUM) for one in new.declared if one.source),
        *(other_index(one, Severity.MEDIUM) for one in new.indexes),
        *(hash_changed(move) for move in new.difference.of(Kind.HASH)),
        *(unreadable(one) for one in new.problems),
    ]
    findings.sort(key=lambda f: (f.span.path, f.span.line, f.rule))
    outcome = Outcome.FAILED if findings else Outcome.PASSED
    return CheckResult(CHECK, outcome, _named(new), tuple(findings))


def _named(new: Added) -> str:
    names = sorted(
        {
            f"{one.name} ({one.ecosystem})"
            for one in new.declared
            if not one.source and one.relation is not Relation.TRANSITIVE
        }
    )
    if not names:
        return ""
    shown = ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
    return f"new here: {shown}; whether they are approved and exist is checked by the server"
