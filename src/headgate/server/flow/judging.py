"""Gathers the facts about a revision, and about what would really land, and has them judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from headgate.authority.permissions import Action, Resource
from headgate.deps.change import examine_dependencies
from headgate.model.change import Change, Revision, RevisionCommit
from headgate.model.config import PROJECT_FILE, ProjectConfig
from headgate.model.errors import BadInput, HeadgateError
from headgate.model.finding import CheckResult, Confidence, Finding, Outcome, Severity, Span
from headgate.model.ids import ChangeNumber, Commit, ItemId, PrincipalId
from headgate.model.origin import Origin, combine
from headgate.model.principal import Principal, PrincipalKind
from headgate.model.project import POLICY_PROJECT, Context
from headgate.model.queue import Node, NodeState
from headgate.model.resolve import for_branch
from headgate.model.suppression import Central
from headgate.model.verdict import ApprovalBinding, Verdict, VerdictKind
from headgate.scan.change import scan_change
from headgate.server.core import Core
from headgate.server.flow.configuration import broken, policy_file, rules_of, tools_of
from headgate.server.flow.decide import Facts, judge
from headgate.server.flow.policy import read_policy
from headgate.server.flow.silencing import without_silenced


@dataclass(frozen=True, slots=True)
class People:
    """Who had a hand in a change, and so cannot approve it."""

    authors: frozenset[PrincipalId]
    emails: frozenset[str]
    sponsors: frozenset[PrincipalId]


@dataclass(frozen=True, slots=True)
class _Case:
    """What the store knows of the current revision of a change."""

    change: Change
    revision: Revision
    project: str
    commits: tuple[RevisionCommit, ...]
    checks: tuple[CheckResult, ...]
    owner: Principal
    approvers: frozenset[PrincipalId]
    """Whose approvals are not void and bound to what would be approved now."""
    node: Node | None
    """The newest future of this revision that merged: what was, or is to be, landed."""

    @property
    def origin(self) -> Origin:
        return combine(c.origin for c in self.commits)

    @property
    def agent(self) -> bool:
        return self.owner.kind is PrincipalKind.AGENT


def judged(nodes: Sequence[Node]) -> Node | None:
    """Of the futures of an item, oldest first, the one that stands for what is going to land.

    In a queue of lanes that need not be the newest: the others have been dropped by then. Of an
    item without any, the last that it had.
    """
    merged = [node for node in nodes if node.commit is not None]
    there = [node for node in merged if node.state is not NodeState.DROPPED]
    return (there or merged or [None])[-1]


class Judging(Core):
    """Verdicts. They cover the revision as pushed, and the landing once a future is known."""

    async def verdict(self, number: ChangeNumber) -> Verdict:
        """The verdict on the current revision, under the policy in force, as of now.

        What lands is not always what was pushed: the branch may have moved, files may have been
        renamed on it, merges have several bases. So a future that was merged is judged as well,
        by its difference from the branch and with the configuration of the branch.
        """
        case = self._case(number)
        repository = self.repository(case.project)
        tip = await repository.resolve(f"refs/heads/{case.change.branch}")
        bases = [case.revision.base, *([tip] if tip else [])]
        lines = dict(await repository.numstat(case.revision.base, case.revision.head))
        checks = [*case.checks, *_disabled(case)]
        checks += await self._requirements(case)
        if case.node is not None and case.node.commit is not None:
            bases.append(case.node.base)
            for path, count in (await repository.numstat(case.node.base, case.node.commit)).items():
                lines.setdefault(path, count)
            checks += await self._landing_checks(case, case.node, case.node.commit)
        with self.db.read() as tx:
            acts = tx.acts.silencing(case.change.project, self.clock())
        central = Central(self.policy().suppressions, case.project, self.clock())
        checks = without_silenced(checks, acts, central)
        configs = [await self._config_or_none(case.project, base) for base in dict.fromkeys(bases)]
        with self.db.read() as tx:
            approvers = {id: tx.principals.get(id) for id in case.approvers}
        return judge(
            Facts(
                policy=self.policy(),
                project=case.project,
                base_config=strictest([c for c in configs if c is not None]),
                head_config=await self._config_or_none(case.project, case.revision.head),
                touched=tuple(lines),
                added=sum(added for added, _ in lines.values()),
                deleted=sum(deleted for _, deleted in lines.values()),
                origin=case.origin,
                agent=case.agent,
                checks=checks,
                approvers={
                    id: self.groups(who) for id, who in approvers.items() if not who.disabled
                },
            )
        )

    async def permits(self, number: ChangeNumber) -> str:
        """Why the change may not land after all; empty while it may. Asked before landing."""
        verdict = await self.verdict(number)
        return "" if verdict.kind is VerdictKind.ALLOWED else verdict.reasons[0]

    def vouched(self, items: Sequence[ItemId]) -> bool:
        """Whether a human has approved the change of every one of these items, as it is."""
        for id in items:
            if not id:
                return False  # Of a pipeline beside the gate: there is no item to approve.
            with self.db.read() as tx:
                item = tx.items.get(id)
            case = self._case(item.change)
            with self.db.read() as tx:
                approvers = [tx.principals.get(one) for one in case.approvers]
            humans = [who for who in approvers if who.kind is PrincipalKind.HUMAN]
            if item.revision != case.revision.id or all(who.disabled for who in humans):
                return False
        return True

    def binding(self, number: ChangeNumber) -> ApprovalBinding:
        """What an approval of the current revision would be bound to."""
        with self.db.read() as tx:
            change = tx.changes.get(number)
            revision = tx.changes.current_revision(number)
            project = tx.projects.get(change.project).name
        return ApprovalBinding(
            project, number, change.branch, revision.base, revision.head, self.policy().digest
        )

    def people(self, number: ChangeNumber) -> People:
        """Who had a hand in the current revision."""
        with self.db.read() as tx:
            change = tx.changes.get(number)
            revision = tx.changes.current_revision(number)
            commits = tx.changes.commits(revision.id)
            everyone = tx.principals.all()
            # Commits that were pushed before keep their first pushers, whoever pushes them again.
            hands = tx.changes.pushers_of({c.commit.commit for c in commits})
        emails = {
            email.lower()
            for c in commits
            for email in (c.commit.author.email, c.commit.committer.email)
            if email
        } | {e for c in commits for e in co_authors(c.commit.message)}
        hands |= {change.owner, revision.pusher}
        hands |= {p.id for p in everyone if p.email and p.email.lower() in emails}
        # Whoever prompted an agent had a part in the change, like its sponsor (often the same).
        prompters = {c.origin.prompter for c in commits if c.origin.prompter}
        sponsors = {p.sponsor for p in everyone if p.id in hands and p.sponsor is not None}
        hands |= {p.id for p in everyone if p.name in prompters and p.id not in sponsors}
        return People(frozenset(hands), frozenset(emails), frozenset(sponsors))

    def _case(self, number: ChangeNumber) -> _Case:
        binding = self.binding(number)
        with self.db.read() as tx:
            change = tx.changes.get(number)
            revision = tx.changes.current_revision(number)
            item = tx.items.latest_of(number)
            node = None
            if item is not None and item.revision == revision.id:
                node = judged(tx.nodes.of_item(item.id))
            return _Case(
                change=change,
                revision=revision,
                project=tx.projects.get(change.project).name,
                commits=tx.changes.commits(revision.id),
                checks=tx.checks.of(revision.id),
                owner=tx.principals.get(change.owner),
                approvers=frozenset(
                    a.approver
                    for a in tx.approvals.of(revision.id)
                    if not a.void and a.binding == binding
                ),
                node=node,
            )

    async def _landing_checks(
        self, case: _Case, node: Node, commit: Commit
    ) -> tuple[CheckResult, ...]:
        """The checks on what would land, where that differs from what was inspected."""
        granted = self.granted()
        key = (commit, self.policy().digest, granted)
        known = self._landings_checked.get(key)
        if known is not None:
            return known
        repository = self.repository(case.project)
        pushed = await repository.changed(case.revision.base, case.revision.head)
        lands = await repository.changed(node.base, commit)
        results: list[CheckResult] = []
        if {(f.path, f.new_object) for f in pushed} != {(f.path, f.new_object) for f in lands}:
            config = await self._config_or_none(case.project, node.base) or ProjectConfig()
            results += await scan_change(
                repository,
                node.base,
                commit,
                exclude=config.exclude,
                runner=self.scan_runner,
                tools=await tools_of(repository, node.base, config),
                rules=await rules_of(repository, node.base, config),
            )
            judged = await examine_dependencies(
                repository,
                node.base,
                commit,
                policy=self.policy().dependencies,
                origin=case.origin,
                agent=case.agent,
                index=self.indexes(),
                project=case.project,
                own=[
                    (await self.project_config_or_default(case.project, one)).dependencies
                    for one in (node.base, commit)
                ],
                registries=self.registries(),
                advisories=self.advice(),
                granted=self.granted(),
                now=self.clock(),
            )
            results.append(judged.result)
        if case.project == POLICY_PROJECT:
            results.append(await self._policy_check(commit))
        found = tuple(replace(r, check=f"{r.check} of the landing") for r in results)
        if len(self._landings_checked) > 1000:
            self._landings_checked.clear()
        self._landings_checked[key] = found
        return found

    async def _policy_check(self, commit: Commit) -> CheckResult:
        """Whether the policy that would take force can be used."""
        try:
            self.validate_policy(await read_policy(self.repository(POLICY_PROJECT), commit))
        except BadInput as error:
            finding = broken(policy_file(error), error)
            return CheckResult("policy", Outcome.FAILED, findings=(finding,))
        return CheckResult("policy", Outcome.PASSED)

    async def _requirements(self, case: _Case) -> Sequence[CheckResult]:
        """Projects that the change's jobs want to see, and its owner may not."""
        config = await self._config_or_none(case.project, case.revision.head)
        if config is None:
            return ()
        try:
            jobs = for_branch(config, case.change.branch).jobs
        except BadInput:
            return ()  # Told by the check of the configuration.
        wanted = {other for job in jobs.values() for other in job.required_projects}
        permissions, groups = self.permissions(), self.groups(case.owner)
        hidden = [
            name
            for name in sorted(wanted - {case.project})
            if not permissions.decide(
                case.owner, groups, Action.READ, Resource(project=name)
            ).allowed
        ]
        findings = tuple(
            Finding(
                rule="configuration/unreadable-project",
                title="A job wants a project that its owner may not read",
                message=f"A job requires the project {name}, which {case.owner.name} may not read.",
                remedy="Take it out of required-projects, or ask for the permission to read it.",
                severity=Severity.HIGH,
                confidence=Confidence.HIGH,
                span=Span(PROJECT_FILE, 1),
                check="permissions",
            )
            for name in hidden
        )
        return (CheckResult("permissions", Outcome.FAILED, findings=findings),) if hidden else ()

    async def _config_or_none(self, project: str, commit: Commit) -> ProjectConfig | None:
        try:
            return await self.project_config(project, commit)
        except HeadgateError:
            return None  # Reported by the configuration check, which then denies.


def _disabled(case: _Case) -> Sequence[CheckResult]:
    if not case.owner.disabled:
        return ()
    why = f"{case.owner.name}, whose change it is, is disabled"
    return (CheckResult("owner", Outcome.FAILED, why),)


def strictest(configs: Sequence[ProjectConfig]) -> ProjectConfig:
    """One configuration with the classes of all; experimental only when every one is."""
    if not configs:
        return ProjectConfig()
    classes = tuple(dict.fromkeys(one for config in configs for one in config.classes))
    experimental = all(config.context is Context.EXPERIMENTAL for config in configs)
    context = Context.EXPERIMENTAL if experimental else Context.PRODUCTION
    return replace(configs[-1], classes=classes, context=context)


def co_authors(message: str) -> set[str]:
    """Addresses named by `Co-authored-by:` trailers, in lower case."""
    found: set[str] = set()
    for line in message.splitlines():
        key, colon, value = line.partition(":")
        if colon and key.strip().lower() == "co-authored-by" and "<" in value:
            found.add(value.rsplit("<", 1)[1].split(">", 1)[0].strip().lower())
    return found
