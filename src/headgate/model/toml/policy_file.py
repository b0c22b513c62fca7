"""policy.toml, dependencies.toml and permissions.cedar: the policy in force, as written."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

from headgate.model.config import ApprovalRule, DependencyPolicy, Policy
from headgate.model.errors import BadInput
from headgate.model.finding import Confidence, Severity
from headgate.model.job import EnvironmentDefinition
from headgate.model.origin import OriginKind
from headgate.model.purl import normalised as normalised
from headgate.model.toml.dependency_policy import DEPENDENCIES_FILE, read_dependencies
from headgate.model.toml.environments import read_environments
from headgate.model.toml.names import check_name
from headgate.model.toml.pipelines import read_pipelines
from headgate.model.toml.queues import read_queues
from headgate.model.toml.reader import Table, nearest, read
from headgate.model.toml.reviewer import read_reviewer
from headgate.model.toml.suppressions import read_suppressions
from headgate.model.verdict import RiskTier

POLICY_FILE = "policy.toml"
PERMISSIONS_FILE = "permissions.cedar"


def parse_policy(files: Mapping[str, bytes]) -> Policy:
    """The policy that its files hold; other files are left alone.

    Raises BadInput with file, line and key. The Cedar text is taken as it is: whoever evaluates
    it validates it.
    """
    if POLICY_FILE not in files:
        raise BadInput(
            f"The policy has no {POLICY_FILE}.", f"Put a {POLICY_FILE} at the root of the project."
        )
    root = read(_text(files, POLICY_FILE), POLICY_FILE)
    groups = _groups(root)
    queues = read_queues(root)
    deny_from, deny_confidence = _findings(root)
    pipelines = read_pipelines(root)
    approvals = _approvals(root, groups)
    dependencies = _dependencies(root, files, groups)
    network: tuple[str, ...] = ()
    if jobs := root.table("jobs"):
        network = jobs.texts("network")
        for index, name in enumerate(network):
            if name.count("/") != 1:
                jobs.fail("network", f"`{name}` is not PROJECT/JOB.", 'E.g. "jinja/docs".', index)
        jobs.done()
    large_change = 400
    if risk := root.table("risk"):
        large_change = risk.integer("large-change", large_change, 1, 1_000_000)
        risk.done()
    setups, environments = _environments(root)
    semaphores = _semaphores(root)
    reviewer = read_reviewer(root)
    suppressions = read_suppressions(root)
    root.done()
    return Policy(
        digest=digest_of(files),
        deny_from=deny_from,
        deny_confidence=deny_confidence,
        groups=groups,
        queues=queues,
        pipelines=pipelines,
        approvals=approvals,
        dependencies=dependencies,
        network_jobs=network,
        approved_setups=setups,
        environments=environments,
        semaphores=semaphores,
        cedar=_text(files, PERMISSIONS_FILE) if PERMISSIONS_FILE in files else "",
        large_change=large_change,
        suppressions=suppressions,
        reviewer=reviewer,
    )


def digest_of(files: Mapping[str, bytes]) -> str:
    """SHA-256 over names and contents of the policy's files."""
    digest = hashlib.sha256()
    for name in (POLICY_FILE, PERMISSIONS_FILE, DEPENDENCIES_FILE):
        if name in files:
            digest.update(f"{name}\0{len(files[name])}\0".encode())
            digest.update(files[name])
    return digest.hexdigest()


def _text(files: Mapping[str, bytes], name: str) -> str:
    try:
        return files[name].decode("utf-8")
    except UnicodeDecodeError as error:
        line = files[name][: error.start].count(b"\n") + 1
        raise BadInput(f"{name}:{line}: this is not UTF-8.", "Save the file as UTF-8.") from None


def _groups(root: Table) -> Mapping[str, tuple[str, ...]]:
    table = root.table("groups")
    if table is None:
        return {}
    for name in table.names():
        check_name(table, name, "group")
    return {name: tuple(dict.fromkeys(table.texts(name))) for name in table.names()}


def _semaphores(root: Table) -> Mapping[str, int]:
    table = root.table("semaphores")
    if table is None:
        return {}
    for name in table.names():
        check_name(table, name, "semaphore")
    return {name: table.integer(name, 1, 1, 10_000) for name in table.names()}


def _findings(root: Table) -> tuple[Severity, Confidence]:
    severity, confidence = "high", "medium"
    if table := root.table("findings"):
        severity = table.choice("deny-from", [s.word for s in Severity], severity)
        confidence = table.choice("deny-confidence", [c.word for c in Confidence], confidence)
        table.done()
    return Severity[severity.upper()], Confidence[confidence.upper()]


def _approvals(root: Table, groups: Mapping[str, tuple[str, ...]]) -> tuple[ApprovalRule, ...]:
    found: dict[str, ApprovalRule] = {}
    for table in root.tables("approvals"):
        name = table.text("name")
        if not name:
            table.fail("", "has no `name`.", "Give it one: verdicts and approvals name the rule.")
        if name in found:
            table.fail("name", f"there is already an approval rule `{name}`.", "Rename one.")
        rule = ApprovalRule(
            name=name,
            count=table.integer("count", 1, 1, 20),
            groups=table.texts("groups"),
            classes=table.texts("classes"),
            origins=table.texts("origins"),
            tier=table.choice("tier", [t.word for t in RiskTier], "low")
            if table.has("tier")
            else "",
            projects=table.texts("projects"),
            dependencies=table.flag("dependencies", False),
        )
        table.done()
        for index, group in enumerate(rule.groups):
            if group not in groups:
                table.fail(
                    "groups",
                    f"there is no group `{group}`.",
                    nearest(group, groups) or f'Add {group} = ["…"] under [groups].',
                    index,
                )
        for index, kind in enumerate(rule.origins):
            if kind not in tuple(OriginKind):
                table.fail(
                    "origins",
                    f"`{kind}` is none of {', '.join(OriginKind)}.",
                    nearest(kind, tuple(OriginKind)),
                    index,
                )
        found[name] = rule
    return tuple(found.values())


def _dependencies(
    root: Table, files: Mapping[str, bytes], groups: Mapping[str, tuple[str, ...]]
) -> DependencyPolicy:
    if DEPENDENCIES_FILE in files:
        if root.has("dependencies"):
            root.fail(
                "dependencies",
                f"there is a {DEPENDENCIES_FILE}, too.",
                "Keep what is said about packages in one of them.",
            )
        own = read(_text(files, DEPENDENCIES_FILE), DEPENDENCIES_FILE)
        return read_dependencies(own, groups)
    table = root.table("dependencies")
    return DependencyPolicy() if table is None else read_dependencies(table, groups)


def _environments(
    root: Table,
) -> tuple[tuple[str, ...], Mapping[str, EnvironmentDefinition]]:
    table = root.table("environments")
    if table is None:
        return (), {}
    setups = table.texts("approved-setups")
    for index, digest in enumerate(setups):
        if not re.fullmatch(r"sha256:[0-9a-f]{64}", digest):
            table.fail(
                "approved-setups",
                f"`{digest}` is not sha256: and 64 hexadecimal digits.",
                "Copy the digest from the message that asks for the approval.",
                index,
            )
    names = [key for key in table.names() if key != "approved-setups"]
    return setups, read_environments(table, names)
