"""Findings of branches: the list with its filters and trend, one finding over its code, and the
record of every rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from headgate.model.errors import BadInput, HeadgateError, NotFound
from headgate.model.finding import Outcome, Severity, Span
from headgate.model.ids import Commit, ProjectId
from headgate.model.principal import Principal
from headgate.model.suppression import POLICY, Central
from headgate.model.tracked import (
    OPEN_FINDINGS,
    SILENT_FINDINGS,
    BranchScan,
    FindingAct,
    FindingState,
    RuleRecord,
    TrackedFinding,
)
from headgate.scan.rank import Facts, Record
from headgate.server.views import words
from headgate.server.views.abilities import may_read
from headgate.server.views.house import House
from headgate.server.views.text import View, shown_path, shown_text
from headgate.server.views.words import Names
from headgate.store.database import Transaction
from headgate.store.repositories.findings import Wanted

PAGE = 50
"""Findings per page."""
TREND = 60
"""Scans that the trend of a branch shows."""
AROUND = 3
"""Lines of code before and after each step of a trace."""
LARGEST = 4 << 20
"""Bytes of a file whose lines are shown."""


@dataclass(frozen=True, slots=True)
class Filters:
    """What the address of the list says."""

    project: str = ""
    branch: str = ""
    state: str = "open"
    """A word of FindingState, `open` for all that is to be done, `all` for everything."""
    rule: str = ""
    severity: str = ""
    """The least."""
    owner: str = ""
    q: str = ""
    """Text in the path."""
    page: int = 1

    def states(self) -> frozenset[FindingState] | None:
        """Raises BadInput for a word that is no state."""
        if self.state in ("", "open"):
            return OPEN_FINDINGS
        if self.state == "all":
            return None
        try:
            return frozenset({FindingState(self.state)})
        except ValueError:
            known = ", ".join(STATES)
            raise BadInput(
                f"state={self.state!r} is not a state of a finding.", f"Use one of: {known}."
            ) from None

    def least(self) -> int:
        """Raises BadInput for a word that is no severity."""
        if not self.severity:
            return 0
        try:
            return int(Severity[self.severity.upper()])
        except KeyError:
            known = ", ".join(severity.word for severity in Severity)
            raise BadInput(
                f"severity={self.severity!r} is no severity.", f"Use one of: {known}."
            ) from None


STATES = ("open", "all", *(state.value for state in FindingState if state.value != "open"))


def findings_view(house: House, viewer: Principal, filters: Filters) -> View:
    """One page of findings by rank. Raises BadInput for a filter that cannot be used."""
    states, least = filters.states(), filters.least()
    page = max(1, filters.page)
    with house.db.read() as tx:
        projects = [p for p in tx.projects.all() if may_read(house, viewer, p.name)]
        chosen = [p for p in projects if filters.project in ("", p.name)]
        wanted = Wanted(
            projects=[p.id for p in chosen],
            branch=filters.branch,
            states=states,
            rule=filters.rule,
            severity=least,
            owner=filters.owner,
            text=filters.q,
            limit=PAGE,
            offset=(page - 1) * PAGE,
        )
        found, total = tx.tracked.select(wanted)
        names = {p.id: p.name for p in projects}
        sources = _Sources(house, tx, names)
        branches = sorted({b for p in chosen for b in tx.branch_scans.branches(p.id)})
        one = chosen[0] if len(chosen) == 1 else None
        branch = filters.branch or (one.default_branch if one else "")
        scans = tx.branch_scans.latest(one.id, branch, TREND) if one else []
        rules = tx.tracked.rules([p.id for p in projects])
        sourced = [(one, sources.of(one)) for one in found]
    return {
        "findings": [line(one, names) | told for one, told in sourced],
        "total": total,
        "page": page,
        "pages": max(1, -(-total // PAGE)),
        "filters": {
            "project": filters.project,
            "branch": filters.branch,
            "state": filters.state or "open",
            "rule": filters.rule,
            "severity": filters.severity,
            "owner": filters.owner,
            "q": filters.q,
        },
        "projects": [p.name for p in projects],
        "branches": [shown_path(b) for b in branches],
        "rules": rules,
        "states": list(STATES),
        "severities": [severity.word for severity in reversed(Severity)],
        "trend": _trend(branch, scans),
    }


def line(one: TrackedFinding, names: dict[ProjectId, str]) -> View:
    """A finding as one line of a list."""
    return words.finding(one.finding) | {
        "project": names.get(one.project, ""),
        "branch": shown_path(one.branch),
        "state": one.state.value,
        "reason": shown_text(one.reason),
        "rank": one.rank,
        "owner": shown_text(one.owner.name),
        "owner_source": one.owner.source,
        "first_seen": one.first_seen,
        "last_seen": one.last_seen,
        "fixed": one.fixed,
    }


class _Sources:
    """Says where the silence of findings comes from."""

    def __init__(self, house: House, tx: Transaction, names: dict[ProjectId, str]) -> None:
        self._policy = house.policy()
        self._now = house.clock()
        self._tx = tx
        self._names = names
        self._people = Names(tx)
        self._acts: dict[ProjectId, Mapping[str, FindingAct]] = {}

    def of(self, one: TrackedFinding) -> View:
        """`silenced_by`: `comment`, the place in the policy, or who said it; empty when nothing
        does. `lapsed`: the place of a suppression in the policy that has ended."""
        central = Central(self._policy.suppressions, self._names.get(one.project, ""), self._now)
        lapsed = central.lapsed(one.finding) if one.state in OPEN_FINDINGS else None
        told = f"{lapsed.place} ({lapsed.owner})" if lapsed is not None else ""
        return {"silenced_by": self._silence(one), "lapsed": shown_text(told)}

    def _silence(self, one: TrackedFinding) -> str:
        if one.state not in SILENT_FINDINGS:
            return ""
        if one.project not in self._acts:
            self._acts[one.project] = self._tx.acts.silencing(one.project, self._now)
        act = self._acts[one.project].get(one.finding.identity)
        if act is not None:
            return self._people.principal(act.by).name
        if one.reason.startswith(POLICY):
            return ":".join(one.reason.split(":")[:2])
        return "comment"


def _trend(branch: str, scans: Sequence[BranchScan]) -> View | None:
    """The open findings of a branch over its scans, oldest first, as numbers and as a line."""
    if not scans:
        return None
    ordered = list(reversed(scans))
    most = max(1, *(scan.counts.open for scan in ordered))
    width = 300.0 / max(1, len(ordered) - 1)
    points = [
        f"{index * width:.1f},{44 - 40 * scan.counts.open / most:.1f}"
        for index, scan in enumerate(ordered)
    ]
    if len(points) == 1:
        points.append(f"300.0,{points[0].partition(',')[2]}")
    return {
        "branch": shown_path(branch),
        "line": " ".join(points),
        "most": most,
        "scans": [_scan(scan) for scan in ordered],
        "last": _scan(ordered[-1]),
    }


def _scan(scan: BranchScan) -> View:
    counts = scan.counts
    return {
        "commit": scan.commit,
        "time": scan.created,
        "outcome": scan.outcome.value,
        "reason": shown_text(scan.reason),
        "open": counts.open,
        "new": counts.new,
        "fixed": counts.fixed,
        "reopened": counts.reopened,
        "silent": counts.silent,
        "not_examined": counts.missed,
    }


async def finding_view(house: House, identity: str, viewer: Principal) -> View:
    """One finding on every branch, its trace over the code, and what was said of it.

    Raises NotFound, BadInput when a short identity means several.
    """
    with house.db.read() as tx:
        found = [
            one
            for one in tx.tracked.of_identity(identity.lower())
            if may_read(house, viewer, tx.projects.get(one.project).name)
        ]
        if not found:
            raise NotFound(
                f"There is no finding {identity}.",
                "See /findings; one of a change stands on the page of the change.",
            )
        known = {(one.project, one.finding.identity) for one in found}
        if len(known) > 1:
            raise BadInput(
                f"{identity} is the beginning of {len(known)} findings.", "Give more digits."
            )
        main = next((one for one in found if one.state in OPEN_FINDINGS), found[0])
        project = tx.projects.get(main.project)
        names = {project.id: project.name}
        record = tx.tracked.records().get(main.finding.rule, RuleRecord(main.finding.rule))
        acts = _acts(tx, main, house.clock())
        told = _Sources(house, tx, names).of(main)
    facts = Facts(
        record=Record(record.confirmed, record.disputed), new=main.state is FindingState.NEW
    )
    return {
        "finding": line(main, names)
        | told
        | {
            "assumed": [shown_text(one) for one in main.finding.assumed],
            "engines": list(main.finding.engines),
            "first_commit": main.first_commit,
            "last_commit": main.last_commit,
        },
        "rank": words.rank_of(main.finding, facts),
        "branches": [
            {
                "branch": shown_path(one.branch),
                "state": one.state.value,
                "path": shown_path(one.finding.span.path),
                "line": one.finding.span.line,
            }
            for one in found
        ],
        "steps": await _steps(house, project.name, main),
        "acts": acts,
        "record": record_line(record),
    }


def _acts(tx: Transaction, one: TrackedFinding, now: float) -> list[View]:
    names = Names(tx)
    return [_act(act, names, now) for act in tx.acts.of(one.project, one.finding.identity)]


def _act(act: FindingAct, names: Names, now: float) -> View:
    return {
        "kind": act.kind.value,
        "by": names.person(act.by),
        "reason": shown_text(act.reason),
        "silences": act.silences,
        "holds": act.holds(now),
        "created": act.created,
        "expires": act.expires,
        "ended": act.ended,
    }


async def _steps(house: House, project: str, one: TrackedFinding) -> list[View]:
    """Every step of the trace, or the one place, with the code around it.

    A file that has, or ever had, a secret is not read again, nor is any while it is not known what
    is secret: then only the excerpts are shown, which were masked when they were taken.
    """
    finding = one.finding
    spans = [(step.role.value, step.text, step.span, step.excerpt) for step in finding.trace] or [
        ("sink", finding.message, finding.span, finding.excerpt)
    ]
    with house.db.read() as tx:
        everything = tx.tracked.of_branch(one.project, one.branch)
        last = tx.branch_scans.latest(one.project, one.branch)
    secret = {f.finding.span.path for f in everything if f.finding.check == "secrets"}
    known = bool(last) and last[0].outcome is not Outcome.NOT_RUN
    texts: dict[str, list[str]] = {}
    for path in {span.path for _, _, span, _ in spans}:
        if known and path not in secret:
            texts[path] = await _lines(house, project, one.last_commit, path)
    return [
        {
            "role": role,
            "text": shown_text(text),
            "path": shown_path(span.path),
            "line": span.line,
            "code": _code(span, excerpt, texts.get(span.path, [])),
        }
        for role, text, span, excerpt in spans
    ]


async def _lines(house: House, project: str, commit: str, path: str) -> list[str]:
    try:
        data = await house.repository(project).file(Commit(commit), path)
    except HeadgateError:
        return []
    if data is None or len(data) > LARGEST or b"\0" in data:
        return []
    return data.decode("utf-8", "replace").replace("\r\n", "\n").split("\n")


def _code(span: Span, excerpt: str, lines: Sequence[str]) -> list[View]:
    last = max(span.line, span.end_line)
    if not lines or span.line > len(lines):
        return [{"number": span.line, "text": shown_text(excerpt), "marked": True}]
    first, stop = max(1, span.line - AROUND), min(len(lines), last + AROUND)
    return [
        {
            "number": number,
            "text": shown_text(lines[number - 1][:400]),
            "marked": span.line <= number <= last,
        }
        for number in range(first, stop + 1)
    ]


def rules_view(house: House, viewer: Principal) -> View:
    """What became of every rule's findings in the projects that the viewer may read."""
    with house.db.read() as tx:
        projects = [p.id for p in tx.projects.all() if may_read(house, viewer, p.name)]
        records = tx.tracked.records(projects)
    ordered = sorted(records.values(), key=lambda r: (-r.open, -r.disputed, r.rule))
    return {"rules": [record_line(record) for record in ordered]}


def record_line(record: RuleRecord) -> View:
    """A rule's record as one line of a table."""
    precision = record.precision
    return {
        "rule": record.rule,
        "open": record.open,
        "fixed": record.fixed,
        "accepted": record.accepted,
        "suppressed": record.suppressed,
        "disputed": record.disputed,
        "precision": None if precision is None else round(precision, 3),
    }
