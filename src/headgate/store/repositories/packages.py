"""Packages that have landed, what is minded about them, and requests for new ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, insert, select, update

from headgate.model.errors import NotFound
from headgate.model.finding import Severity
from headgate.model.ids import ChangeNumber, Commit, PrincipalId, ProjectId
from headgate.model.package import (
    LandedPackage,
    LandedTree,
    MatchRun,
    PackageFinding,
    PackageRequest,
    RequestState,
)
from headgate.store.tables.packages import (
    landed_packages,
    landed_trees,
    match_runs,
    package_findings,
    package_requests,
)
from headgate.store.text import decode, decode_all, encode, encode_all
from headgate.store.types import Clock, new_id


class Packages:
    """What landed branches declare and lock, and the findings that are open about it."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._c = connection
        self._clock = clock

    def replace(
        self,
        project: ProjectId,
        branch: str,
        commit: Commit,
        packages: Sequence[LandedPackage],
        problems: Sequence[str],
    ) -> None:
        """What a branch holds now, in place of what it held before."""
        for table in (landed_packages, landed_trees):
            self._c.execute(
                delete(table).where(table.c.project_id == project, table.c.branch == encode(branch))
            )
        self._c.execute(
            insert(landed_trees).values(
                project_id=project,
                branch=encode(branch),
                commit=commit,
                read=self._clock(),
                problems=encode_all(list(problems)),
            )
        )
        if packages:
            rows = [_row(project, branch, one) for one in packages]
            self._c.execute(insert(landed_packages), rows)

    def trees(self) -> list[LandedTree]:
        """Every branch whose packages are known."""
        query = select(landed_trees).order_by(landed_trees.c.project_id, landed_trees.c.branch)
        return [_tree(r) for r in self._c.execute(query).mappings()]

    def tree(self, project: ProjectId, branch: str) -> LandedTree | None:
        query = select(landed_trees).where(
            landed_trees.c.project_id == project, landed_trees.c.branch == encode(branch)
        )
        row = self._c.execute(query).mappings().first()
        return _tree(row) if row else None

    def of(self, project: ProjectId, branch: str) -> list[LandedPackage]:
        """By ecosystem and name."""
        t = landed_packages.c
        query = (
            select(landed_packages)
            .where(t.project_id == project, t.branch == encode(branch))
            .order_by(t.ecosystem, t.name, t.version)
        )
        return [_package(r) for r in self._c.execute(query).mappings()]

    def users(self, ecosystem: str, name: str) -> list[tuple[ProjectId, str, LandedPackage]]:
        """Who uses a package: project, branch, and the package as it is used there."""
        t = landed_packages.c
        query = (
            select(landed_packages)
            .where(t.name == encode(name), *([t.ecosystem == ecosystem] if ecosystem else []))
            .order_by(t.project_id, t.branch, t.version)
        )
        return [
            (ProjectId(r["project_id"]), decode(r["branch"]), _package(r))
            for r in self._c.execute(query).mappings()
        ]

    def open_findings(
        self, project: ProjectId | None = None, branch: str = ""
    ) -> list[PackageFinding]:
        """The worst first."""
        t = package_findings.c
        query = (
            select(package_findings)
            .where(t.closed.is_(None))
            .order_by(t.severity.desc(), t.due, t.name)
        )
        if project is not None:
            query = query.where(t.project_id == project)
        if branch:
            query = query.where(t.branch == encode(branch))
        return [_finding(r) for r in self._c.execute(query).mappings()]

    def settle_findings(
        self, project: ProjectId, branch: str, found: Sequence[PackageFinding]
    ) -> tuple[list[PackageFinding], list[PackageFinding]]:
        """Open what is new, close what is gone, keep when the others were opened.

        Gives back what was opened and what was closed.
        """
        now = self._clock()
        known = {one.identity: one for one in self.open_findings(project, branch)}
        wanted = {one.identity: one for one in found}
        opened = [replace(o, opened=now) for key, o in wanted.items() if key not in known]
        closed = [one for key, one in known.items() if key not in wanted]
        t = package_findings.c
        mine = (t.project_id == project, t.branch == encode(branch), t.closed.is_(None))
        for one in closed:
            self._c.execute(
                update(package_findings).where(*mine, t.identity == one.identity).values(closed=now)
            )
        for key, one in wanted.items():
            if key in known:
                values = _finding_row(one)
                for fixed in ("opened", "due", "project_id", "branch", "identity"):
                    values.pop(fixed)
                self._c.execute(
                    update(package_findings).where(*mine, t.identity == key).values(**values)
                )
        if opened:
            self._c.execute(insert(package_findings), [_finding_row(one) for one in opened])
        return opened, closed

    def add_run(self, run: MatchRun) -> None:
        self._c.execute(
            insert(match_runs).values(
                begun=run.begun,
                ended=run.ended,
                packages=run.packages,
                opened=run.opened,
                closed=run.closed,
                unknown=run.unknown,
                data_as_of=run.data_as_of,
                problem=encode(run.problem),
                unused=encode_all(list(run.unused)),
            )
        )

    def last_run(self) -> MatchRun | None:
        query = select(match_runs).order_by(match_runs.c.id.desc()).limit(1)
        r = self._c.execute(query).mappings().first()
        if r is None:
            return None
        return MatchRun(
            r["begun"],
            r["ended"],
            r["packages"],
            r["opened"],
            r["closed"],
            r["unknown"],
            r["data_as_of"],
            decode(r["problem"]),
            tuple(decode_all(r["unused"])),
        )


class PackageRequests:
    """Wishes to use packages, and what approvers said."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._c = connection
        self._clock = clock

    def ask(
        self,
        ecosystem: str,
        name: str,
        requested_by: PrincipalId,
        reason: str,
        project: ProjectId | None = None,
        change: ChangeNumber | None = None,
    ) -> PackageRequest:
        """Ask for a package; one that is asked for already, for the same change, stays as it is."""
        t = package_requests.c
        query = select(package_requests).where(
            t.ecosystem == ecosystem,
            t.name == encode(name),
            t.state == RequestState.OPEN.value,
            t.change.is_(None) if change is None else t.change == change,
        )
        row = self._c.execute(query).mappings().first()
        if row is not None:
            return _request(row)
        created = self._clock()
        done = self._c.execute(
            insert(package_requests).values(
                ecosystem=ecosystem,
                name=encode(name),
                project_id=project,
                change=change,
                requested_by=requested_by,
                reason=encode(reason),
                created=created,
                state=RequestState.OPEN.value,
                comment="",
            )
        )
        return PackageRequest(
            new_id(done), ecosystem, name, project, change, requested_by, reason, created
        )

    def open(self) -> list[PackageRequest]:
        """Oldest first."""
        t = package_requests.c
        query = select(package_requests).where(t.state == RequestState.OPEN.value).order_by(t.id)
        return [_request(r) for r in self._c.execute(query).mappings()]

    def decided(self, limit: int = 50) -> list[PackageRequest]:
        """The newest first."""
        t = package_requests.c
        query = (
            select(package_requests)
            .where(t.state != RequestState.OPEN.value)
            .order_by(t.decided.desc(), t.id.desc())
            .limit(limit)
        )
        return [_request(r) for r in self._c.execute(query).mappings()]

    def of_package(self, ecosystem: str, name: str) -> list[PackageRequest]:
        """Every request for a package, oldest first."""
        t = package_requests.c
        query = (
            select(package_requests)
            .where(t.ecosystem == ecosystem, t.name == encode(name))
            .order_by(t.id)
        )
        return [_request(r) for r in self._c.execute(query).mappings()]

    def decide(
        self, ids: Sequence[int], state: RequestState, by: PrincipalId, comment: str
    ) -> None:
        """Say what becomes of requests that are open."""
        t = package_requests.c
        self._c.execute(
            update(package_requests)
            .where(t.id.in_(ids), t.state == RequestState.OPEN.value)
            .values(
                state=state.value, decided_by=by, comment=encode(comment), decided=self._clock()
            )
        )

    def revoke(self, ecosystem: str, name: str, by: PrincipalId, comment: str) -> int:
        """Take an approval back; gives how many requests it turned."""
        t = package_requests.c
        done = self._c.execute(
            update(package_requests)
            .where(
                t.ecosystem == ecosystem,
                t.name == encode(name),
                t.state == RequestState.APPROVED.value,
            )
            .values(
                state=RequestState.DECLINED.value,
                decided_by=by,
                comment=encode(comment),
                decided=self._clock(),
            )
        )
        return int(done.rowcount)

    def granted(self) -> frozenset[tuple[str, str]]:
        """Ecosystem and name of every package that was approved."""
        t = package_requests.c
        query = select(t.ecosystem, t.name).where(t.state == RequestState.APPROVED.value)
        return frozenset((r[0], decode(r[1])) for r in self._c.execute(query))

    def get(self, id: int) -> PackageRequest:
        """Raises NotFound."""
        query = select(package_requests).where(package_requests.c.id == id)
        row = self._c.execute(query).mappings().first()
        if row is None:
            raise NotFound(f"There is no request {id}.", "See `headgate deps requests`.")
        return _request(row)


def _row(project: ProjectId, branch: str, one: LandedPackage) -> dict[str, Any]:
    return {
        "project_id": project,
        "branch": encode(branch),
        "ecosystem": one.ecosystem,
        "name": encode(one.name),
        "version": encode(one.version),
        "direct": one.direct,
        "development": one.development,
        "path": encode(one.path),
        "line": one.line,
        "licence": encode(one.licence),
        "source": encode(one.source),
    }


def _package(r: RowMapping) -> LandedPackage:
    return LandedPackage(
        ecosystem=r["ecosystem"],
        name=decode(r["name"]),
        version=decode(r["version"]),
        direct=r["direct"],
        development=r["development"],
        path=decode(r["path"]),
        line=r["line"],
        licence=decode(r["licence"]),
        source=decode(r["source"]),
    )


def _tree(r: RowMapping) -> LandedTree:
    return LandedTree(
        ProjectId(r["project_id"]),
        decode(r["branch"]),
        Commit(r["commit"]),
        r["read"],
        tuple(decode_all(r["problems"])),
    )


def _finding_row(one: PackageFinding) -> dict[str, Any]:
    return {
        "project_id": one.project,
        "branch": encode(one.branch),
        "identity": one.identity,
        "rule": one.rule,
        "severity": int(one.severity),
        "ecosystem": one.ecosystem,
        "name": encode(one.name),
        "version": encode(one.version),
        "message": encode(one.message),
        "remedy": encode(one.remedy),
        "path": encode(one.path),
        "line": one.line,
        "advisories": encode_all(list(one.advisories)),
        "opened": one.opened,
        "due": one.due,
    }


def _finding(r: RowMapping) -> PackageFinding:
    return PackageFinding(
        project=ProjectId(r["project_id"]),
        branch=decode(r["branch"]),
        identity=r["identity"],
        rule=r["rule"],
        severity=Severity(r["severity"]),
        ecosystem=r["ecosystem"],
        name=decode(r["name"]),
        version=decode(r["version"]),
        message=decode(r["message"]),
        remedy=decode(r["remedy"]),
        path=decode(r["path"]),
        line=r["line"],
        advisories=tuple(decode_all(r["advisories"])),
        opened=r["opened"],
        due=r["due"],
        closed=r["closed"],
    )


def _request(r: RowMapping) -> PackageRequest:
    return PackageRequest(
        id=r["id"],
        ecosystem=r["ecosystem"],
        name=decode(r["name"]),
        project=None if r["project_id"] is None else ProjectId(r["project_id"]),
        change=None if r["change"] is None else ChangeNumber(r["change"]),
        requested_by=PrincipalId(r["requested_by"]),
        reason=decode(r["reason"]),
        created=r["created"],
        state=RequestState(r["state"]),
        decided_by=None if r["decided_by"] is None else PrincipalId(r["decided_by"]),
        comment=decode(r["comment"]),
        decided=r["decided"],
    )
