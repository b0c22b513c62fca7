"""Keeps the findings of branches: after every landing what moved is scanned, and recorded."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from headgate.model.config import ProjectConfig
from headgate.model.errors import Conflict, HeadgateError, NotFound
from headgate.model.event import NewEvent
from headgate.model.ids import Commit, ProjectId
from headgate.model.principal import GATE
from headgate.model.project import POLICY_PROJECT, Context
from headgate.model.suppression import DAY, Central
from headgate.model.tracked import (
    OPEN_FINDINGS,
    SILENT_FINDINGS,
    FindingState,
    ScanCounts,
)
from headgate.scan.change import REGULAR, files_of
from headgate.scan.engine import CHECKS, Request
from headgate.scan.findings.follow import follow
from headgate.scan.findings.owners import CodeOwners
from headgate.scan.hub.sarif_in import ForeignRun
from headgate.scan.hub.taking import taken as taken_as_check
from headgate.scan.text import LARGEST, Text, decode
from headgate.server.flow.configuration import rules_of, tools_of
from headgate.server.flow.looking import Scanned, examine, read_texts
from headgate.server.flow.owning import owners_of, whose
from headgate.server.flow.recording import (
    Writer,
    inherited,
    missed,
    next_state,
    verdict,
)
from headgate.vcs.git import GitError
from headgate.vcs.repository import Repository

if TYPE_CHECKING:
    from headgate.server.core import Core

log = structlog.get_logger()

_LOOK = 600
"""Seconds between looks at what has ended."""


class BranchScanner:
    """Scans one branch at a time; asked again meanwhile, it goes on with the newest state."""

    def __init__(self, house: Core) -> None:
        self._house = house
        self._wanted: dict[tuple[str, str], bool] = {}
        """(project, branch) → whether the whole tree is to be scanned."""
        self._task: asyncio.Task[None] | None = None

    def soon(self, project: str, branch: str, *, whole: bool = False) -> None:
        """Scan a branch when it is its turn: what changed, or the `whole` tree."""
        if project == POLICY_PROJECT:
            return
        key = (project, branch)
        self._wanted[key] = whole or self._wanted.get(key, False)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())

    async def idle(self) -> None:
        """Wait until nothing is left to scan."""
        while self._task is not None and not self._task.done():
            await asyncio.wait([self._task])

    async def stop(self) -> None:
        """End the scan under way; the next landing, or the next start, takes it up."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def catch_up(self) -> None:
        """After a start: scan the branches that moved while nobody looked."""
        with self._house.db.read() as tx:
            known = [(p, b) for p in tx.projects.all() for b in tx.branch_scans.branches(p.id)]
            last = {
                (p.name, b): scans[0].commit
                for p, b in known
                if (scans := tx.branch_scans.latest(p.id, b))
            }
        for (project, branch), commit in last.items():
            try:
                tip = await self._house.repository(project).resolve(f"refs/heads/{branch}")
            except GitError:
                continue
            if tip is not None and tip != commit:
                self.soon(project, branch)

    def apply_policy(self) -> None:
        """Silence and reopen findings as the policy, and the time, say."""
        house = self._house
        now = house.clock()
        with house.db.write() as tx:
            for project in tx.projects.all():
                central = Central(house.policy().suppressions, project.name, now)
                acts = tx.acts.silencing(project.id, now)
                changed: Counter[str] = Counter()
                for branch in tx.branch_scans.branches(project.id):
                    for one in tx.tracked.of_branch(project.id, branch):
                        if one.state is FindingState.FIXED:
                            continue
                        act = acts.get(one.finding.identity)
                        state, reason = next_state(one.finding, one.state, act, central)
                        quiet = one.state in SILENT_FINDINGS
                        if quiet is (state in SILENT_FINDINGS) and reason == one.reason:
                            continue
                        tx.tracked.set_state(one.id, state, reason)
                        changed["reopened" if quiet else "silenced"] += one.state is not state
                if changed.total():
                    data = {"project": project.name, **changed}
                    about = f"project/{project.name}"
                    tx.events.append(NewEvent("findings.suppressions", GATE, about, data))

    async def end_expired(self) -> None:
        """Reopen what was silenced until yesterday, for as long as the server runs."""
        last = 0.0
        while True:
            now = self._house.clock()
            ends = [one.until + DAY for one in self._house.policy().suppressions]
            if not last or any(last < end <= now for end in ends):
                try:
                    self.apply_policy()
                except HeadgateError as error:
                    # Tried again at the next look; a full disk must not end this for good.
                    log.warning("findings cannot be reopened", why=str(error))
                else:
                    last = now
            else:
                last = now
            await asyncio.sleep(_LOOK)

    async def _run(self) -> None:
        while self._wanted:
            project, branch = key = next(iter(self._wanted))
            whole = self._wanted.pop(key)
            try:
                await self.scan(project, branch, whole=whole)
            except HeadgateError as error:
                log.warning("a branch was not scanned", project=project, why=str(error))
            except Exception:
                log.exception("a scan of a branch failed", project=project, branch=branch)

    async def scan(self, project: str, branch: str, *, whole: bool = False) -> None:
        """Scan a branch now, and record what it has. Raises NotFound, GitError."""
        house = self._house
        repository = house.repository(project)
        tip = await _tip(repository, project, branch)
        with house.db.read() as tx:
            id = tx.projects.by_name(project).id
            scans = tx.branch_scans.latest(id, branch, complete=True)
        before = await repository.resolve(scans[0].commit) if scans else None
        if before == tip and not whole:
            return
        config = await self._config(repository, project, tip)
        changed = await repository.changed(before, tip)
        scanned = Scanned(tip, before, changed, whole or before is None)
        files = await repository.changed(None, tip) if scanned.whole and before else changed
        tools = await tools_of(repository, tip, config)
        rules = await rules_of(repository, tip, config)
        scanned.results = await examine(
            house.scan_runner, repository, files, config.exclude, tools, rules
        )
        await read_texts(repository, scanned)
        owners = await owners_of(repository, tip)
        await self._record(repository, id, project, branch, scanned, owners, config)

    async def take(self, project: str, branch: str, run: ForeignRun) -> dict[str, object]:
        """Record what another tool found in the tip of a branch. Raises NotFound, GitError."""
        house = self._house
        repository = house.repository(project)
        tip = await _tip(repository, project, branch)
        with house.db.read() as tx:
            id = tx.projects.by_name(project).id
        there = {f.path: f for f in await repository.files(tip) if f.mode in REGULAR}
        wanted = {one.span.path for one in run.findings} & there.keys()
        small = {there[path].object for path in wanted if there[path].size <= LARGEST}
        data = await repository.blobs(small)
        files = files_of(
            [(path, there[path].mode, there[path].object) for path in sorted(wanted)], data, REGULAR
        )
        known = {file.path for file in files}
        foreign = tuple(one for one in run.findings if one.span.path in known)
        results = await house.scan_runner.scan(Request(head=files, foreign=foreign))
        source = next(result for result in results if result.check == "source")
        taken = taken_as_check(run, source, {one.span.path for one in run.findings} - known)
        scanned = Scanned(tip, None, (), True, (taken,))
        owners = await owners_of(repository, tip)
        config = await self._config(repository, project, tip)
        counts = await self._record(repository, id, project, branch, scanned, owners, config)
        return {
            "tool": run.tool,
            "outcome": taken.outcome.value,
            "reason": taken.reason,
            "findings": len(taken.findings),
            "new": counts.new,
            "fixed": counts.fixed,
        }

    async def _config(self, repository: Repository, project: str, tip: Commit) -> ProjectConfig:
        try:
            return await self._house.project_config(project, tip)
        except HeadgateError:
            return ProjectConfig()

    # -- recording ---------------------------------------------------------------------------

    async def _record(
        self,
        repository: Repository,
        project: ProjectId,
        name: str,
        branch: str,
        scanned: Scanned,
        owners: CodeOwners,
        config: ProjectConfig,
    ) -> ScanCounts:
        checks = {result.check for result in scanned.results}
        with self._house.db.read() as tx:
            everything = tx.tracked.of_branch(project, branch)
            known = [one for one in everything if one.finding.check in checks]
            if not everything:
                # A branch that begins takes the identities of the one that it began from.
                default = tx.projects.get(project).default_branch
                elsewhere = tx.tracked.of_branch(project, default) if default != branch else []
            else:
                elsewhere = []
        touched = {file.old_path for file in scanned.changed}

        def examined(path: str) -> bool:
            return scanned.whole or path in touched

        followed = await asyncio.to_thread(
            follow,
            known,
            scanned.results,
            examined,
            scanned.renamed,
            _reader(scanned.texts),
            _reader(scanned.old_texts),
        )
        new = inherited(followed.new, elsewhere)
        with self._house.db.read() as tx:
            people = {p.email.lower(): p.name for p in tx.principals.all() if p.email}
        theirs = await whose(repository, scanned.commit, new, owners, people)
        with self._house.db.write() as tx:
            if tx.tracked.of_branch(project, branch) != everything:
                raise Conflict("The findings changed while the branch was scanned.", "Scan again.")
            now = self._house.clock()
            writer = Writer(
                tx, project, branch, scanned.commit, tx.acts.silencing(project, now),
                tx.tracked.records(), config.context is Context.PRODUCTION,
                Central(self._house.policy().suppressions, name, now),
            )  # fmt: skip
            counts = writer.write(followed, new, theirs, missed(scanned.results))
            outcome, reason = verdict(scanned.results)
            others = [one for one in everything if one.finding.check not in checks]
            counts = replace(
                counts,
                open=counts.open + sum(one.state in OPEN_FINDINGS for one in others),
                silent=counts.silent + sum(one.state in SILENT_FINDINGS for one in others),
            )
            if checks >= set(CHECKS):
                tx.branch_scans.add(project, branch, scanned.commit, outcome, reason, counts)
            tx.events.append(
                NewEvent(
                    "findings.recorded",
                    GATE,
                    f"project/{name}",
                    {
                        "project": name,
                        "branch": branch,
                        "commit": scanned.commit,
                        "outcome": outcome.value,
                        "open": counts.open,
                        "new": counts.new,
                        "fixed": counts.fixed,
                        "reopened": counts.reopened,
                        "not_examined": counts.missed,
                        "checks": sorted(checks),
                    },
                )
            )
        return counts


async def _tip(repository: Repository, project: str, branch: str) -> Commit:
    """The commit of a branch. Raises NotFound, GitError."""
    tip = await repository.resolve(f"refs/heads/{branch}")
    if tip is None:
        raise NotFound(f"{project} has no branch {branch}.", "See `headgate project show`.")
    return tip


def _reader(data: Mapping[str, bytes]) -> Callable[[str], Text | None]:
    texts: dict[str, Text | None] = {}

    def read(path: str) -> Text | None:
        if path not in texts:
            texts[path] = Text(decode(data[path])) if path in data else None
        return texts[path]

    return read
