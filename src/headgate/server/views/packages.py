"""Packages over all projects: how fresh the data is, what is open, who uses what, exceptions."""

from __future__ import annotations

from headgate.deps.policy.exceptions import Term, term
from headgate.deps.policy.vers import Inside, inside
from headgate.deps.vex import as_object
from headgate.model.errors import BadInput
from headgate.model.package import PackageFinding, PackageRequest
from headgate.model.principal import Principal
from headgate.model.purl import Package, normalised, parse_purl
from headgate.server.views.abilities import administers, readable_projects
from headgate.server.views.house import House
from headgate.server.views.text import View, shown_path, shown_text
from headgate.server.views.words import Names
from headgate.store.database import Transaction

MOST_FINDINGS = 200
"""Findings on one page; the rest is counted."""
MOST_USERS = 500


def packages_view(house: House, viewer: Principal) -> View:
    """The state of the data, and every open finding that the viewer may see, the worst first."""
    readable = readable_projects(house, viewer)
    now = house.clock()
    as_of, problem = house.advice().as_of()
    exceptions = house.policy().dependencies.exceptions
    with house.db.read() as tx:
        names = {project.id: project.name for project in tx.projects.all()}
        shown = [f for f in tx.packages.open_findings() if names[f.project] in readable]
        last = tx.packages.last_run()
        waiting = len(tx.package_requests.open())
        trees = [tree for tree in tx.packages.trees() if names[tree.project] in readable]
    return {
        "data": {"as_of": as_of, "problem": shown_text(problem)},
        "run": None
        if last is None
        else {
            "ended": last.ended,
            "packages": last.packages,
            "opened": last.opened,
            "closed": last.closed,
            "unknown": last.unknown,
            "problem": shown_text(last.problem),
        },
        "findings": [
            finding_line(one, now) | {"project": names[one.project]}
            for one in shown[:MOST_FINDINGS]
        ],
        "more": max(0, len(shown) - MOST_FINDINGS),
        "projects": [
            {
                "project": names[tree.project],
                "branch": shown_path(tree.branch),
                "read": tree.read,
                "open": sum(f.project == tree.project for f in shown),
            }
            for tree in trees
        ],
        "requests": waiting,
        "ending": sum(term(one, now) in (Term.ENDING, Term.EXPIRED) for one in exceptions),
        "exceptions": len(exceptions),
        "may_rematch": administers(house, viewer),
        "now": now,
    }


def finding_line(one: PackageFinding, now: float) -> View:
    """An open finding as a line of a page."""
    return {
        "identity": one.identity,
        "rule": one.rule,
        "severity": one.severity.word,
        "package": Package(one.ecosystem, one.name, one.version).purl,
        "ecosystem": one.ecosystem,
        "name": shown_text(one.name),
        "version": shown_text(one.version),
        "message": shown_text(one.message),
        "remedy": shown_text(one.remedy),
        "path": shown_path(one.path),
        "line": one.line,
        "advisories": list(one.advisories),
        "opened": one.opened,
        "due": one.due,
        "overdue": one.due is not None and one.due < now,
    }


def users_view(house: House, viewer: Principal, package: str, below: str) -> View:
    """Which projects use a package, or a version of it below another one.

    `package` is a package URL, or a name of any ecosystem. Raises BadInput for a purl that is none.
    """
    package, below = package.strip(), below.strip()
    view: View = {"package": package, "below": below, "users": [], "more": 0}
    if not package:
        return view
    wanted = parse_purl(package) if package.startswith("pkg:") else None
    readable = readable_projects(house, viewer)
    found: list[View] = []
    with house.db.read() as tx:
        names = {project.id: project.name for project in tx.projects.all()}
        if wanted is not None:
            rows = tx.packages.users(wanted.ecosystem, wanted.name)
        else:
            spellings = dict.fromkeys((package, normalised("pypi", package)))
            rows = [row for spelling in spellings for row in tx.packages.users("", spelling)]
    for project, branch, one in rows:
        if names[project] not in readable:
            continue
        inner = Inside.YES
        if below:
            inner = inside(f"vers:{one.ecosystem}/<{_checked(below)}", one.version)
        if inner is Inside.NO:
            continue
        found.append(
            {
                "project": names[project],
                "branch": shown_path(branch),
                "package": Package(one.ecosystem, one.name, one.version).purl,
                "version": shown_text(one.version),
                "certain": inner is Inside.YES,
                "direct": one.direct,
                "development": one.development,
                "path": shown_path(one.path),
                "line": one.line,
            }
        )
    return view | {"users": found[:MOST_USERS], "more": max(0, len(found) - MOST_USERS)}


def _checked(version: str) -> str:
    if any(c in "|<>=!, " for c in version) or len(version) > 100:
        raise BadInput(f"`{version[:60]}` is not a version.", "Give one like 3.1.4.")
    return version


def requests_view(house: House, viewer: Principal) -> View:
    """What was asked for, and what approvers said. Of projects that the viewer may not know, only
    the package is shown."""
    readable = readable_projects(house, viewer)
    why_not = house.may_decide_packages(viewer)
    with house.db.read() as tx:
        waiting = [_request(tx, one, readable) for one in tx.package_requests.open()]
        decided = [_request(tx, one, readable) for one in tx.package_requests.decided()]
    return {"open": waiting, "decided": decided, "may_decide": not why_not, "why_not": why_not}


def _request(tx: Transaction, one: PackageRequest, readable: frozenset[str]) -> View:
    names = Names(tx)
    project = tx.projects.get(one.project).name if one.project is not None else ""
    known = not project or project in readable
    return {
        "id": one.id,
        "package": Package(one.ecosystem, one.name).purl,
        "ecosystem": one.ecosystem,
        "name": shown_text(one.name),
        "project": project if known else "",
        "change": one.change if known else None,
        "requested_by": names.person(one.requested_by),
        "reason": shown_text(one.reason) if known else "",
        "created": one.created,
        "state": one.state.value,
        "decided_by": names.person(one.decided_by) if one.decided_by is not None else None,
        "comment": shown_text(one.comment),
        "decided": one.decided,
    }


_ORDER = (Term.EXPIRED, Term.ENDING, Term.RUNNING, Term.COMING)


def exceptions_view(house: House, viewer: Principal) -> View:
    """The policy's exceptions: over, ending soon, running; and those that nothing needs."""
    now = house.clock()
    with house.db.read() as tx:
        last = tx.packages.last_run()
    unused = frozenset(last.unused) if last is not None else frozenset[str]()
    ordered = sorted(
        house.policy().dependencies.exceptions,
        key=lambda one: (_ORDER.index(term(one, now)), one.expires),
    )
    return {
        "exceptions": [
            as_object(one, now) | {"ends": one.expires, "unused": str(one.place) in unused}
            for one in ordered
        ],
        "compared": last.ended if last is not None else None,
        "now": now,
    }
