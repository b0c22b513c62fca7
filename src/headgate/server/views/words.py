"""The small things that every page shows: people, origins, commits, states."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence

from headgate.model.change import Change, Signature
from headgate.model.finding import CheckResult, Finding
from headgate.model.ids import PrincipalId, ProjectId, RevisionId
from headgate.model.job import JobRun
from headgate.model.origin import Evidence, Origin, combine
from headgate.model.principal import Principal
from headgate.model.reviewer import ADVISORY
from headgate.scan.agreement import merged
from headgate.scan.rank import Facts, rank, shortlist
from headgate.server.views.text import View, shown_path, shown_text
from headgate.store.database import Transaction


class Names:
    """Principals and projects of one reading, each looked up once."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self._people: dict[PrincipalId, Principal] = {}
        self._projects: dict[ProjectId, str] = {}

    def principal(self, id: PrincipalId) -> Principal:
        if id not in self._people:
            self._people[id] = self._tx.principals.get(id)
        return self._people[id]

    def person(self, id: PrincipalId) -> View:
        principal = self.principal(id)
        sponsor = principal.sponsor
        return {
            "name": principal.name,
            "display": shown_text(principal.display) or principal.name,
            "kind": principal.kind.value,
            "sponsor": self.principal(sponsor).name if sponsor is not None else None,
        }

    def project(self, id: ProjectId) -> str:
        if id not in self._projects:
            self._projects[id] = self._tx.projects.get(id).name
        return self._projects[id]


def origin(value: Origin) -> View:
    return {
        "kind": value.kind.value,
        "grade": value.grade.value if value.grade else None,
        "tool": shown_text(value.tool),
        "model": shown_text(value.model),
        "session": shown_text(value.session),
        "prompter": shown_text(value.prompter),
        "evidence": [_evidence(e) for e in value.evidence],
    }


def _evidence(value: Evidence) -> View:
    return {
        "rule": value.rule,
        "signal": shown_text(value.signal),
        "kind": value.kind.value,
        "grade": value.grade.value,
        "tool": shown_text(value.tool),
        "model": shown_text(value.model),
        "session": shown_text(value.session),
    }


def origin_of(tx: Transaction, change: Change) -> Origin:
    """The origin of the current revision of a change."""
    return origin_of_revision(tx, tx.changes.current_revision(change.number).id)


def origin_of_revision(tx: Transaction, revision: RevisionId) -> Origin:
    """The origin of a revision, from those of its commits."""
    return combine(commit.origin for commit in tx.changes.commits(revision))


def signature(value: Signature) -> View:
    return {"name": shown_text(value.name), "email": shown_text(value.email), "time": value.time}


def finding(value: Finding) -> View:
    return {
        "rule": value.rule,
        "title": shown_text(value.title),
        "message": shown_text(value.message),
        "remedy": shown_text(value.remedy),
        "severity": value.severity.word,
        "confidence": value.confidence.word,
        "path": shown_path(value.span.path),
        "line": value.span.line,
        "column": value.span.column,
        "cwe": value.cwe,
        "check": value.check,
        "excerpt": shown_text(value.excerpt),
        "identity": value.identity,
        "url": value.url if value.url.startswith("https://") else "",
        "engines": list(value.engines),
        "allowed": shown_text(value.allowed),
        "trace": [
            {
                "role": step.role.value,
                "text": shown_text(step.text),
                "path": shown_path(step.span.path),
                "line": step.span.line,
                "excerpt": shown_text(step.excerpt),
            }
            for step in value.trace
        ],
    }


def check_results(results: Sequence[CheckResult], facts: Facts | None = None) -> list[View]:
    """The checks of one change; of all their findings the few with the highest ranks are `shown`,
    the rest is backlog. What a check that only advises says again is told once, by both."""
    results = merged(results, ADVISORY)
    everything = [finding for result in results for finding in result.findings]
    shown = {id(finding) for finding in shortlist(everything, facts)[0]}
    return [_check(result, facts, shown) for result in results]


def _check(result: CheckResult, facts: Facts | None, shown: Container[int]) -> View:
    ranked = sorted(
        result.findings, key=lambda f: (-f.severity, -f.confidence, f.span.path, f.span.line)
    )
    return {
        "check": result.check,
        "advisory": result.check in ADVISORY,
        "outcome": result.outcome.value,
        "reason": shown_text(result.reason),
        "seconds": round(result.seconds, 3),
        "skipped": [shown_path(path) for path in result.skipped],
        "findings": [
            finding(f) | {"shown": id(f) in shown, "rank": rank_of(f, facts)} for f in ranked
        ],
    }


def rank_of(value: Finding, facts: Facts | None = None) -> View:
    """A rank and the reasons for it."""
    found = rank(value, facts)
    factors = [{"name": o.name, "points": o.points, "why": o.words} for o in found.factors]
    return {"score": found.score, "words": found.words, "factors": factors}


def job(run: JobRun, now: float, expected: float | None = None) -> View:
    """`elapsed` and `expected` are in seconds; `expected` is what it took lately."""
    begun = run.started
    elapsed = None if begun is None else max(0.0, (run.finished or now) - begun)
    return {
        "id": run.id,
        "project": run.project,
        "job": run.job,
        "attempt": run.attempt,
        "state": run.state.value,
        "voting": run.voting,
        "reason": shown_text(run.reason),
        "exit_code": run.exit_code,
        "created": run.created,
        "started": run.started,
        "finished": run.finished,
        "elapsed": None if elapsed is None else round(elapsed, 3),
        "expected": None if expected is None else round(expected, 3),
    }


def latest_attempts(runs: Iterable[JobRun]) -> list[JobRun]:
    """Of each job only its newest attempt, in the order in which the jobs first appeared."""
    newest: dict[tuple[str, str], JobRun] = {}
    for run in sorted(runs, key=lambda r: r.id):
        newest[run.project, run.job] = run
    return list(newest.values())


def change_line(change: Change, names: Names) -> View:
    """A change as one line of a list."""
    return {
        "number": change.number,
        "title": shown_text(change.title),
        "project": names.project(change.project),
        "branch": shown_path(change.branch),
        "topic": shown_path(change.topic),
        "owner": names.person(change.owner),
        "state": change.state.value,
        "reason": shown_text(change.reason),
        "revision": change.revision,
        "entry": change.entry.value,
        "created": change.created,
        "updated": change.updated,
        "landed_commit": change.landed_commit,
    }
