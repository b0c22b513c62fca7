"""What checks found, verdicts and approvals."""

from __future__ import annotations

from sqlalchemy import Connection, RowMapping, delete, insert, select, update

from headgate.model.errors import NotFound
from headgate.model.finding import CheckResult, Finding, Outcome
from headgate.model.ids import ApprovalId, ChangeNumber, PrincipalId, RevisionId
from headgate.model.verdict import Approval, ApprovalBinding, Verdict
from headgate.store import codec
from headgate.store.tables.changes import changes, revisions
from headgate.store.tables.checks import approvals, checks, findings, verdicts
from headgate.store.text import decode, decode_all, encode, encode_all
from headgate.store.types import Clock, new_id


class Checks:
    """Outcomes and findings of the checks on revisions."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._c = connection
        self._clock = clock

    def save(self, revision: RevisionId, result: CheckResult) -> None:
        """Replaces what this check said of the revision before."""
        mine = (findings.c.revision_id == revision, findings.c.check_name == result.check)
        self._c.execute(delete(findings).where(*mine))
        self._c.execute(
            delete(checks).where(checks.c.revision_id == revision, checks.c.name == result.check)
        )
        self._c.execute(
            insert(checks).values(
                revision_id=revision,
                name=result.check,
                outcome=result.outcome.value,
                reason=encode(result.reason),
                seconds=result.seconds,
                skipped=encode_all(list(result.skipped)),
                created=self._clock(),
            )
        )
        if result.findings:
            self._c.execute(
                insert(findings),
                [
                    {
                        "revision_id": revision,
                        "check_name": result.check,
                        "identity": f.identity,
                        "rule": f.rule,
                        "severity": int(f.severity),
                        "confidence": int(f.confidence),
                        "path": encode(f.span.path),
                        "line": f.span.line,
                        "body": codec.dump(f),
                    }
                    for f in result.findings
                ],
            )

    def with_identity(self, identity: str) -> list[tuple[ChangeNumber, Finding]]:
        """Findings of current revisions by identity, or the beginning of it (at least 8 digits)."""
        if len(identity) < 8:
            return []
        query = (
            select(changes.c.number, findings.c.body)
            .join(revisions, revisions.c.id == findings.c.revision_id)
            .join(changes, changes.c.number == revisions.c.change)
            .where(findings.c.identity.startswith(identity, autoescape=True))
            .where(revisions.c.number == changes.c.revision)
            .order_by(changes.c.number)
        )
        rows = self._c.execute(query)
        return [(ChangeNumber(number), codec.finding(body)) for number, body in rows]

    def of(self, revision: RevisionId) -> tuple[CheckResult, ...]:
        """In the order in which they were saved."""
        found: dict[str, list[RowMapping]] = {}
        query = select(findings).where(findings.c.revision_id == revision).order_by(findings.c.id)
        for r in self._c.execute(query).mappings():
            found.setdefault(r["check_name"], []).append(r)
        query = select(checks).where(checks.c.revision_id == revision).order_by(checks.c.id)
        return tuple(
            CheckResult(
                check=r["name"],
                outcome=Outcome(r["outcome"]),
                reason=decode(r["reason"]),
                findings=tuple(codec.finding(f["body"]) for f in found.get(r["name"], [])),
                seconds=r["seconds"],
                skipped=tuple(decode_all(r["skipped"])),
            )
            for r in self._c.execute(query).mappings()
        )


class Verdicts:
    """What the policy said of revisions; every verdict is kept."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._c = connection
        self._clock = clock

    def save(self, revision: RevisionId, verdict: Verdict) -> None:
        self._c.execute(
            insert(verdicts).values(
                revision_id=revision,
                kind=verdict.kind.value,
                tier=int(verdict.risk.tier),
                policy=verdict.policy,
                body=codec.dump(verdict),
                created=self._clock(),
            )
        )

    def latest(self, revision: RevisionId) -> Verdict | None:
        query = (
            select(verdicts.c.body)
            .where(verdicts.c.revision_id == revision)
            .order_by(verdicts.c.id.desc())
            .limit(1)
        )
        row = self._c.execute(query).mappings().first()
        return codec.verdict(row["body"]) if row else None


class Approvals:
    """Acts of approving; void ones are kept with the reason."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._c = connection
        self._clock = clock

    def add(
        self, revision: RevisionId, approver: PrincipalId, binding: ApprovalBinding, comment: str
    ) -> Approval:
        created = self._clock()
        done = self._c.execute(
            insert(approvals).values(
                revision_id=revision,
                approver_id=approver,
                binding=codec.dump(binding),
                comment=encode(comment),
                created=created,
                void="",
            )
        )
        return Approval(ApprovalId(new_id(done)), approver, binding, created, comment)

    def get(self, id: ApprovalId) -> Approval:
        """Raises NotFound."""
        row = self._c.execute(select(approvals).where(approvals.c.id == id)).mappings().first()
        if row is None:
            raise NotFound(f"There is no approval with the id {id}.")
        return _approval(row)

    def of(self, revision: RevisionId) -> list[Approval]:
        """Oldest first, void ones included."""
        query = (
            select(approvals).where(approvals.c.revision_id == revision).order_by(approvals.c.id)
        )
        return [_approval(r) for r in self._c.execute(query).mappings()]

    def of_change(self, number: ChangeNumber) -> list[Approval]:
        """Of every revision, oldest first, void ones included."""
        query = (
            select(approvals)
            .join(revisions, revisions.c.id == approvals.c.revision_id)
            .where(revisions.c.change == number)
            .order_by(approvals.c.id)
        )
        return [_approval(r) for r in self._c.execute(query).mappings()]

    def void(self, id: ApprovalId, why: str) -> None:
        """Once void, it stays so for the first reason."""
        self._c.execute(
            update(approvals)
            .where(approvals.c.id == id, approvals.c.void == "")
            .values(void=encode(why))
        )


def _approval(r: RowMapping) -> Approval:
    return Approval(
        id=ApprovalId(r["id"]),
        approver=PrincipalId(r["approver_id"]),
        binding=codec.binding(r["binding"]),
        created=r["created"],
        comment=decode(r["comment"]),
        void=decode(r["void"]),
    )
