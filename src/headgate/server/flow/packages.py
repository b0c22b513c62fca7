"""Packages of what has landed: read after each landing, compared with the advisories at night."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

import structlog

from headgate.deps.change import read_commit
from headgate.deps.compare import Files, everything, problems
from headgate.deps.lockfiles.interface import Declared, Relation, Scope, SourceKind
from headgate.deps.policy.assess import Evidence, assess
from headgate.deps.policy.concern import Concern
from headgate.deps.policy.danger import Arrival, Known, Matched
from headgate.deps.policy.exceptions import Term, term, unused
from headgate.deps.policy.standing import Place
from headgate.deps.policy.tighten import tightened
from headgate.model.dependency_policy import DependencyPolicy, PolicyException
from headgate.model.errors import HeadgateError
from headgate.model.event import NewEvent
from headgate.model.finding import Severity
from headgate.model.package import LandedPackage, LandedTree, MatchRun, PackageFinding
from headgate.model.principal import GATE
from headgate.model.project import POLICY_PROJECT, Project
from headgate.model.purl import Package

if TYPE_CHECKING:
    from headgate.server.core import Core

log = structlog.get_logger()

EVERY = 86_400.0
"""Seconds between comparisons of everything that has landed."""
_LOOK = 600.0
"""Seconds after which it is looked whether a comparison is due."""


class Landed:
    """Knows which packages every project has, and what is minded about them."""

    def __init__(self, house: Core) -> None:
        self._house = house
        self._busy = asyncio.Lock()

    async def read_all(self) -> None:
        """Read the default branch of every project that has moved since it was last read."""
        with self._house.db.read() as tx:
            projects = tx.projects.all()
        for project in projects:
            try:
                await self.read(project)
            except HeadgateError as error:
                log.error("packages could not be read", project=project.name, why=str(error))

    async def read(self, project: Project) -> None:
        """Read the default branch of a project. Raises GitError."""
        house = self._house
        repository = house.repository(project.name)
        branch = project.default_branch
        head = await repository.resolve(f"refs/heads/{branch}")
        if head is None:
            return
        with house.db.read() as tx:
            known = tx.packages.tree(project.id, branch)
        if known is not None and known.commit == head:
            return
        config = await house.project_config_or_default(project.name, head)
        files = await read_commit(repository, head, config.exclude)
        packages = landed_packages(files)
        troubles = [f"{p.span.path}:{p.span.line}: {p.message}" for p in problems(files)]
        with house.db.write() as tx:
            tx.packages.replace(project.id, branch, head, packages, troubles[:50])
        log.info("packages read", project=project.name, packages=len(packages))

    async def rematch(self) -> MatchRun:
        """Compare everything that has landed with the advisories, and open and close findings."""
        async with self._busy:
            return await self._rematch()

    async def nightly(self) -> None:
        """Compare once a day, for as long as the server runs."""
        while True:
            with self._house.db.read() as tx:
                last = tx.packages.last_run()
            if last is None or self._house.clock() - last.begun >= EVERY:
                try:
                    await self.rematch()
                except HeadgateError as error:
                    log.error("landed packages could not be matched", why=str(error))
            await asyncio.sleep(_LOOK)

    async def _rematch(self) -> MatchRun:
        house = self._house
        begun = house.clock()
        await self.read_all()
        policy = house.policy().dependencies
        advice = house.advice()
        as_of, problem = advice.as_of()
        with house.db.read() as tx:
            trees = tx.packages.trees()
            names = {project.id: project.name for project in tx.projects.all()}
            held = {(t.project, t.branch): tx.packages.of(t.project, t.branch) for t in trees}
        packages = {_named(one) for group in held.values() for one in group}
        matched = await asyncio.to_thread(advice.match, list(packages))
        used: set[PolicyException] = set()
        opened = closed = 0
        # The policy's own project is last: what its exceptions are worth is known by then.
        for tree in sorted(trees, key=lambda t: names[t.project] == POLICY_PROJECT):
            own = await house.project_config_or_default(names[tree.project], tree.commit)
            findings = judge_landed(
                tree,
                held[tree.project, tree.branch],
                matched,
                tightened(policy, [own.dependencies]),
                names[tree.project],
                begun,
                used,
            )
            if names[tree.project] == POLICY_PROJECT:
                findings += exception_findings(tree, policy.exceptions, used, begun)
            came, went = self._settle(tree, names[tree.project], findings)
            opened, closed = opened + came, closed + went
        run = MatchRun(
            begun,
            house.clock(),
            len(packages),
            opened,
            closed,
            sum(one.known is Known.UNKNOWN for one in matched.values()),
            as_of,
            problem,
            tuple(str(one.place) for one in unused(policy.exceptions, used, begun)),
        )
        with house.db.write() as tx:
            tx.packages.add_run(run)
        log.info("landed packages matched", opened=opened, closed=closed, packages=len(packages))
        return run

    def _settle(
        self, tree: LandedTree, project: str, findings: Sequence[PackageFinding]
    ) -> tuple[int, int]:
        with self._house.db.write() as tx:
            opened, closed = tx.packages.settle_findings(tree.project, tree.branch, findings)
            for kind, group in (("opened", opened), ("closed", closed)):
                for one in group:
                    tx.events.append(
                        NewEvent(
                            f"finding.{kind}",
                            GATE,
                            f"project/{project}",
                            {
                                "project": project,
                                "branch": tree.branch,
                                "commit": tree.commit,
                                "rule": one.rule,
                                "package": _purl(one),
                                "severity": one.severity.word,
                                "advisories": list(one.advisories),
                            },
                        )
                    )
        return len(opened), len(closed)


def landed_packages(files: Files) -> list[LandedPackage]:
    """The packages of one tree, each version once, at the line where it is asked for."""
    groups: dict[tuple[str, str], list[Declared]] = {}
    for one in everything(files):
        if one.kind is not SourceKind.PATH:
            groups.setdefault((one.ecosystem, one.name), []).append(one)
    found: list[LandedPackage] = []
    for (ecosystem, name), group in sorted(groups.items()):
        direct = next((o for o in group if o.relation is not Relation.TRANSITIVE), None)
        development = all(one.scope is Scope.DEVELOPMENT for one in group)
        # A range says nothing beside the version that a lockfile chose.
        versions = {one.version: one for one in reversed(group) if one.version}
        for version, own in (versions or {"": group[0]}).items():
            at = direct or own
            found.append(
                LandedPackage(
                    ecosystem,
                    name,
                    version,
                    direct is not None,
                    development,
                    at.span.path,
                    at.span.line,
                    own.licence,
                    own.source,
                )
            )
    return found


def judge_landed(
    tree: LandedTree,
    packages: Sequence[LandedPackage],
    matched: Mapping[Package, Matched],
    policy: DependencyPolicy,
    project: str,
    now: float,
    used: set[PolicyException],
) -> list[PackageFinding]:
    """What is minded about what has landed; `used` collects the exceptions that were needed."""
    found: dict[str, PackageFinding] = {}
    for one in packages:
        package = _named(one)
        evidence = Evidence(None, matched.get(package), one.licence)
        assessment = assess(
            package,
            policy,
            Place(project, strict=False),
            evidence,
            now=now,
            arrival=Arrival.EXISTING,
        )
        used.update(exception for _, exception in assessment.settled.excepted)
        for concern in assessment.concerns:
            if concern.rule == "unknown":
                continue  # Counted in the run; there may be thousands.
            finding = _finding(tree, one, concern, policy, now)
            found.setdefault(finding.identity, finding)
    return list(found.values())


def exception_findings(
    tree: LandedTree,
    exceptions: Sequence[PolicyException],
    used: Collection[PolicyException],
    now: float,
) -> list[PackageFinding]:
    """Exceptions whose time is over, and those that nothing needs, as findings on the policy."""
    idle = set(unused(exceptions, used, now))
    found: list[PackageFinding] = []
    for one in exceptions:
        about = ", ".join((*one.advisories, *one.rules))
        if term(one, now) is Term.EXPIRED:
            rule = "exception-expired"
            words = f"The exception for {one.package.purl} ({about}) has ended."
            remedy = f"Renew it or take it out; {one.owner} owns it."
        elif one in idle:
            rule = "exception-unused"
            words = f"Nothing that has landed needs the exception for {one.package.purl} ({about})."
            remedy = f"Take it out; {one.owner} owns it."
        else:
            continue
        place = f"{one.place}\0{one.package.purl}\0{about}\0{rule}"
        found.append(
            PackageFinding(
                tree.project,
                tree.branch,
                hashlib.sha256(place.encode("utf-8", "replace")).hexdigest()[:32],
                f"dependency/{rule}",
                Severity.LOW,
                one.package.ecosystem,
                one.package.name,
                "",
                words,
                remedy,
                one.place.file,
                one.place.line,
                one.advisories,
                now,
            )
        )
    return found


def _finding(
    tree: LandedTree, one: LandedPackage, concern: Concern, policy: DependencyPolicy, now: float
) -> PackageFinding:
    severity = concern.rated or concern.severity
    days = policy.vulnerabilities.service_levels.get(max(severity, Severity.LOW))
    # Aliases are added to advisories as time goes; the version and the first of them stay.
    what = concern.advisories[:1] if concern.rule == "vulnerable" else (concern.rule,)
    identity = hashlib.sha256(
        "\0".join((one.ecosystem, one.name, one.version, *what)).encode("utf-8", "replace")
    ).hexdigest()[:32]
    return PackageFinding(
        tree.project,
        tree.branch,
        identity,
        f"dependency/{concern.rule}",
        severity,
        one.ecosystem,
        one.name,
        one.version,
        concern.message,
        concern.remedy,
        one.path,
        one.line,
        concern.advisories,
        now,
        now + days * 86_400.0 if days is not None else None,
    )


def _named(one: LandedPackage) -> Package:
    return Package(one.ecosystem, one.name, one.version)


def _purl(one: PackageFinding) -> str:
    return Package(one.ecosystem, one.name, one.version).purl
