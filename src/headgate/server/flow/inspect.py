"""The checks on a change alone: source, secrets, dependencies, configuration."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import structlog

from headgate.deps.change import examine_dependencies
from headgate.model.change import Change, ChangeState, Revision
from headgate.model.config import PROJECT_FILE, ProjectConfig
from headgate.model.errors import BadInput, HeadgateError
from headgate.model.event import NewEvent
from headgate.model.finding import CheckResult, Finding, Outcome
from headgate.model.ids import ChangeNumber, Commit, RevisionId
from headgate.model.origin import combine
from headgate.model.principal import GATE, Principal, PrincipalKind
from headgate.model.project import POLICY_PROJECT
from headgate.model.purl import Package
from headgate.model.resolve import for_branch
from headgate.scan.analyzers.interface import SourceFile
from headgate.scan.change import scan_change
from headgate.server.flow.configuration import (
    broken,
    nowhere,
    policy_file,
    project_config,
    rules_of,
    tools_of,
)
from headgate.server.flow.policy import read_policy
from headgate.server.flow.reviewing import Subject
from headgate.vcs.repository import Repository

if TYPE_CHECKING:
    from headgate.server.core import Core

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Inspected:
    """What is looked at: one revision, with what is needed to look at it."""

    change: Change
    revision: Revision
    project: str
    repository: Repository


class Inspector:
    """Runs every check on a revision, and stores what they say."""

    def __init__(self, house: Core, review: Callable[[Subject], None]) -> None:
        """`review`: hears what may be reviewed, once it was inspected; returns at once."""
        self._house = house
        self._review = review

    async def inspect(self, number: ChangeNumber) -> RevisionId | None:
        """Inspect the current revision of a change that is being checked; gives which that was.

        A check that cannot run is recorded as *not run*; it never counts as passed.
        """
        house = self._house
        with house.db.read() as tx:
            change = tx.changes.get(number)
            if change.state is not ChangeState.CHECKING:
                return None
            revision = tx.changes.current_revision(number)
            project = tx.projects.get(change.project).name
        what = Inspected(change, revision, project, house.repository(project))
        configuration = await self._timed("configuration", self._configuration(what))
        config, where = await self._config_or_default(what)
        tools = await tools_of(what.repository, where, config)
        rules = await rules_of(what.repository, where, config)
        async with asyncio.TaskGroup() as group:
            scan = group.create_task(self._scan(what, config.exclude, tools, rules))
            dependencies = group.create_task(self._timed("dependencies", self._dependencies(what)))
        checks = (configuration, *scan.result(), dependencies.result())
        if self._store(what, checks):
            known = tuple(f for one in checks if one.check == "source" for f in one.findings)
            self._review(Subject(change, revision, project, what.repository, config, known))
        return revision.id

    async def _config_or_default(self, what: Inspected) -> tuple[ProjectConfig, Commit]:
        """The configuration that the checks go by, and the commit that it is of."""
        # What is left out of source checks is decided by the branch, not by the change itself,
        # nor by the changes that it stands on.
        tip = await what.repository.resolve(f"refs/heads/{what.change.branch}")
        where = what.revision.base
        try:
            base = await what.repository.merge_base(tip, what.revision.base) if tip else None
            where = base or where
            return await project_config(what.repository, where), where
        except HeadgateError:
            return ProjectConfig(), where

    async def _scan(
        self,
        what: Inspected,
        exclude: tuple[str, ...],
        tools: Mapping[str, str],
        rules: Sequence[SourceFile],
    ) -> tuple[CheckResult, ...]:
        begun = time.monotonic()
        try:
            async with asyncio.timeout(self._house.settings.check_timeout):
                return await scan_change(
                    what.repository,
                    what.revision.base,
                    what.revision.head,
                    exclude=exclude,
                    runner=self._house.scan_runner,
                    tools=tools,
                    rules=rules,
                )
        except TimeoutError:
            why = f"took longer than {self._house.settings.check_timeout:.0f} s"
        except HeadgateError as error:
            why = str(error)
        took = time.monotonic() - begun
        return tuple(
            CheckResult(name, Outcome.NOT_RUN, why, seconds=took) for name in ("source", "secrets")
        )

    async def _timed(self, name: str, check: Awaitable[CheckResult]) -> CheckResult:
        begun = time.monotonic()
        try:
            async with asyncio.timeout(self._house.settings.check_timeout):
                result = await check
        except TimeoutError:
            why = f"took longer than {self._house.settings.check_timeout:.0f} s"
            result = CheckResult(name, Outcome.NOT_RUN, why)
        except HeadgateError as error:
            result = CheckResult(name, Outcome.NOT_RUN, str(error))
        return replace(result, seconds=time.monotonic() - begun)

    async def _dependencies(self, what: Inspected) -> CheckResult:
        house = self._house
        with house.db.read() as tx:
            commits = tx.changes.commits(what.revision.id)
            pusher = tx.principals.get(what.revision.pusher)
        own = [
            (await house.project_config_or_default(what.project, commit)).dependencies
            for commit in (what.revision.base, what.revision.head)
        ]
        judged = await examine_dependencies(
            what.repository,
            what.revision.base,
            what.revision.head,
            policy=house.policy().dependencies,
            origin=combine(c.origin for c in commits),
            agent=pusher.kind is PrincipalKind.AGENT,
            index=house.indexes(),
            project=what.project,
            own=own,
            registries=house.registries(),
            advisories=house.advice(),
            granted=house.granted(),
            now=house.clock(),
        )
        self._ask_for(judged.unapproved, what.change, pusher)
        return judged.result

    def _ask_for(self, packages: Sequence[Package], change: Change, pusher: Principal) -> None:
        """Put the packages that keep a change out before the approvers."""
        if not packages:
            return
        with self._house.db.write() as tx:
            project = tx.projects.get(change.project)
            for one in packages:
                tx.package_requests.ask(
                    one.ecosystem,
                    one.name,
                    pusher.id,
                    f"wanted by change #{change.number}: {change.title}"[:500],
                    project.id,
                    change.number,
                )

    async def _configuration(self, what: Inspected) -> CheckResult:
        findings: list[Finding] = []
        try:
            config = await project_config(what.repository, what.revision.head)
            here = for_branch(config, what.change.branch)
            findings += nowhere(here, [one.name for one in self._house.policy().pipelines])
        except BadInput as error:
            findings.append(broken(PROJECT_FILE, error))
        if what.project == POLICY_PROJECT:
            try:
                policy = await read_policy(what.repository, what.revision.head)
                self._house.validate_policy(policy)
            except BadInput as error:
                findings.append(broken(policy_file(error), error))
        outcome = Outcome.FAILED if findings else Outcome.PASSED
        return CheckResult("configuration", outcome, findings=tuple(findings))

    def _store(self, what: Inspected, checks: tuple[CheckResult, ...]) -> bool:
        """False when a newer revision came meanwhile, which is inspected by itself."""
        with self._house.db.write() as tx:
            if tx.changes.get(what.change.number).revision != what.revision.number:
                return False
            for check in checks:
                tx.checks.save(what.revision.id, check)
            tx.events.append(
                NewEvent(
                    "revision.inspected",
                    GATE,
                    f"change/{what.change.number}",
                    {
                        "change": what.change.number,
                        "revision": what.revision.number,
                        "checks": {c.check: c.outcome.value for c in checks},
                        "findings": sum(len(c.findings) for c in checks),
                    },
                )
            )
        return True
