"""The packages of one project: what is known of each, and what changed between two landings."""

from __future__ import annotations

import asyncio
import re

from headgate.deps.change import read_commit
from headgate.deps.compare import everything
from headgate.deps.difference import Move, compare
from headgate.deps.policy.assess import Assessment, Evidence, assess
from headgate.deps.policy.danger import Arrival, Known, Matched
from headgate.deps.policy.standing import Place
from headgate.deps.policy.tighten import tightened
from headgate.model.errors import BadInput, NotFound
from headgate.model.ids import Commit
from headgate.model.package import LandedPackage
from headgate.model.principal import Principal
from headgate.model.project import Project
from headgate.model.purl import Package
from headgate.server.views.abilities import may_read
from headgate.server.views.house import House
from headgate.server.views.packages import finding_line
from headgate.server.views.text import View, shown_path, shown_text

MOST_PACKAGES = 3000
MOST_LANDINGS = 40
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_ORDER = ("malicious", "vulnerable", "denied", "licence", "unknown", "clean")


async def project_packages_view(
    house: House, name: str, viewer: Principal, before: str = "", after: str = ""
) -> View:
    """The packages of the default branch, the worst first, and what two commits differ by.

    Raises NotFound for a project or commit that is not there, BadInput for what is no commit.
    """
    if not may_read(house, viewer, name):
        raise NotFound(f"There is no project {name}.", "See /projects for those there are.")
    now = house.clock()
    with house.db.read() as tx:
        project = tx.projects.by_name(name)
        tree = tx.packages.tree(project.id, project.default_branch)
        packages = tx.packages.of(project.id, project.default_branch)
        findings = tx.packages.open_findings(project.id, project.default_branch)
        landings = [
            landing
            for landing in tx.landings.all()
            if (landing.project, landing.branch) == (name, project.default_branch)
        ][-MOST_LANDINGS:]
    rows = await _rows(house, project, tree.commit if tree else None, packages)
    as_of, problem = house.advice().as_of()
    counts = {state: sum(row["state"] == state for row in rows) for state in _ORDER}
    return {
        "project": {"name": name, "default_branch": shown_path(project.default_branch)},
        "tree": None
        if tree is None
        else {
            "commit": tree.commit,
            "read": tree.read,
            "problems": [shown_text(p) for p in tree.problems],
        },
        "data": {"as_of": as_of, "problem": shown_text(problem)},
        "counts": {state: count for state, count in counts.items() if count},
        "packages": rows[:MOST_PACKAGES],
        "more": max(0, len(rows) - MOST_PACKAGES),
        "findings": [finding_line(one, now) for one in findings],
        "landings": [
            {"change": one.change, "commit": one.commit, "before": one.before, "time": one.time}
            for one in reversed(landings)
        ],
        "difference": await _difference(house, name, before, after) if before and after else None,
        "now": now,
    }


async def _rows(
    house: House, project: Project, commit: Commit | None, packages: list[LandedPackage]
) -> list[View]:
    policy = house.policy().dependencies
    if commit is not None:
        own = await house.project_config_or_default(project.name, commit)
        policy = tightened(policy, [own.dependencies])
    named = [Package(one.ecosystem, one.name, one.version) for one in packages]
    matched = await asyncio.to_thread(house.advice().match, named)
    granted, now = house.granted(), house.clock()
    rows: list[View] = []
    for one, package in zip(packages, named, strict=True):
        known = matched.get(package)
        found = assess(
            package,
            policy,
            Place(project.name, strict=False),
            Evidence(None, known, one.licence),
            granted=granted,
            now=now,
            arrival=Arrival.EXISTING,
        )
        rows.append(_row(one, package, known, found))
    return sorted(rows, key=lambda row: (_ORDER.index(str(row["state"])), str(row["package"])))


def _row(one: LandedPackage, package: Package, known: Matched | None, found: Assessment) -> View:
    rules = {concern.rule for concern in found.concerns}
    # States are called as the rules that make them.
    state = next((word for word in _ORDER if word in rules), "clean")
    if state == "clean" and (known is None or known.known is Known.UNKNOWN):
        state = "unknown"
    return {
        "package": package.purl,
        "ecosystem": one.ecosystem,
        "name": shown_text(one.name),
        "version": shown_text(one.version),
        "state": state,
        "standing": found.standing.value,
        "words": [shown_text(c.message) for c in found.concerns if c.rule != "unknown"],
        "why_unknown": shown_text(known.reason) if known is not None else "",
        "advisories": list(dict.fromkeys(n for c in found.concerns for n in c.advisories)),
        "fixed": next((c.fixed for c in found.concerns if c.fixed), ""),
        "excepted": [str(exception.place) for _, exception in found.settled.excepted],
        "direct": one.direct,
        "development": one.development,
        "licence": shown_text(one.licence),
        "source": shown_text(one.source),
        "path": shown_path(one.path),
        "line": one.line,
    }


async def _difference(house: House, name: str, before: str, after: str) -> View:
    for text in (before, after):
        if not _COMMIT.fullmatch(text):
            raise BadInput(f"`{text[:70]}` is not a commit.", "Give all digits of one.")
    config = await house.project_config_or_default(name, Commit(after))
    repository = house.repository(name)
    former = await read_commit(repository, Commit(before), config.exclude)
    latter = await read_commit(repository, Commit(after), config.exclude)
    found = compare(everything(former), everything(latter))
    return {
        "before": before,
        "after": after,
        "moves": [_move(move) for move in found.moves],
    }


def _move(move: Move) -> View:
    one = move.one
    return {
        "kind": move.kind.value,
        "ecosystem": one.ecosystem,
        "name": shown_text(one.name),
        "before": shown_text(move.before.version or move.before.requirement) if move.before else "",
        "after": shown_text(move.after.version or move.after.requirement) if move.after else "",
        "path": shown_path(one.span.path),
        "line": one.span.line,
    }
