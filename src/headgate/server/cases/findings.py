"""Findings: silencing them with a reason, disputing them, and scanning a branch anew."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from headgate.authority.approval import may_approve
from headgate.authority.permissions import Action, Resource
from headgate.model.change import OPEN_STATES, ChangeState
from headgate.model.errors import BadInput, Conflict, Denied, NotFound
from headgate.model.event import NewEvent
from headgate.model.finding import Finding
from headgate.model.ids import ChangeNumber, ProjectId
from headgate.model.principal import Principal
from headgate.model.project import POLICY_PROJECT
from headgate.model.suppression import Central
from headgate.model.tracked import OPEN_FINDINGS, ActKind, FindingAct, FindingState, TrackedFinding
from headgate.scan.hub.sarif_in import read_sarif
from headgate.server.flow.flow import Flow
from headgate.server.flow.recording import next_state

LONGEST_REASON = 2000
LONGEST_SILENCE = 366
"""Days that a finding may be silenced for at once."""


@dataclass(frozen=True, slots=True)
class _Subject:
    """One finding, wherever it is."""

    project: ProjectId
    name: str
    identity: str
    finding: Finding
    tracked: tuple[TrackedFinding, ...]
    changes: tuple[ChangeNumber, ...]
    """Open changes that bring it."""


class FindingCases(Flow):
    """What people say of findings."""

    async def suppress_finding(
        self, actor: Principal, identity: str, reason: str, until: str = "", *, accept: bool = False
    ) -> FindingAct:
        """Silence a finding on every branch of its project, or accept its risk, for a time.

        `until`: the last day, as 2027-01-31; empty: for a year. It counts for changes that bring
        the finding, too, and so is nothing that their authors may do. Raises NotFound, BadInput,
        Denied.
        """
        subject = self._subject(identity)
        reason = _reason(reason)
        expires = _expiry(until, self.clock())
        self.require(actor, Action.APPROVE, Resource(project=subject.name))
        self._independent(actor, subject)
        kind = ActKind.ACCEPT if accept else ActKind.SUPPRESS
        return await self._act(actor, subject, kind, reason, expires, silences=True)

    async def dispute_finding(self, actor: Principal, identity: str, reason: str) -> FindingAct:
        """Say that a finding is false; the record of its rule counts it.

        From a human who may approve, it silences the finding for good; from anybody else it is
        only kept for whoever decides. Raises NotFound, BadInput, Denied.
        """
        subject = self._subject(identity)
        reason = _reason(reason)
        resource = Resource(project=subject.name)
        self.require(actor, Action.COMMENT, resource)
        groups = self.groups(actor)
        may = self.permissions().decide(actor, groups, Action.APPROVE, resource).allowed
        silences = may and not self._part(actor, subject)
        return await self._act(actor, subject, ActKind.DISPUTE, reason, None, silences=silences)

    async def reopen_finding(self, actor: Principal, identity: str, reason: str) -> Finding:
        """End everything that silences a finding. Raises NotFound, Conflict, Denied."""
        subject = self._subject(identity)
        reason = _reason(reason)
        self.require(actor, Action.COMMENT, Resource(project=subject.name))
        central = self._central(subject.name)
        with self.db.write() as tx:
            if not tx.acts.end(subject.project, subject.identity):
                raise Conflict("Nobody has silenced or disputed this finding.")
            for one in subject.tracked:
                if one.state is not FindingState.FIXED:
                    state, why = next_state(one.finding, one.state, None, central)
                    tx.tracked.set_state(one.id, state, why)
            tx.events.append(_event("finding.reopened", actor, subject, {"reason": reason}))
        await self._again_judged(subject)
        return subject.finding

    async def scan_branch(self, actor: Principal, project: str, branch: str = "") -> str:
        """Scan the whole tree of a branch soon; its name. Raises NotFound, Denied."""
        self.require(actor, Action.COMMENT, Resource(project=project))
        with self.db.read() as tx:
            branch = branch or tx.projects.by_name(project).default_branch
        if project == POLICY_PROJECT:
            raise BadInput("The policy project is not scanned.", "Name another project.")
        if await self.repository(project).resolve(f"refs/heads/{branch}") is None:
            raise NotFound(f"{project} has no branch {branch}.", "See `headgate project show`.")
        self.branches.soon(project, branch, whole=True)
        return branch

    async def import_findings(
        self, actor: Principal, project: str, branch: str, sarif: str
    ) -> Mapping[str, object]:
        """Record what another tool says of the tip of a branch; what became of it, per tool.

        Raises BadInput for what is no SARIF 2.1.0, NotFound, Denied.
        """
        self.require(actor, Action.APPROVE, Resource(project=project))
        with self.db.read() as tx:
            branch = branch or tx.projects.by_name(project).default_branch
        runs = await asyncio.to_thread(read_sarif, sarif.encode(), "The log")
        told = [await self.branches.take(project, branch, run) for run in runs]
        return {"project": project, "branch": branch, "tools": told}

    # -- parts -------------------------------------------------------------------------------

    def _subject(self, identity: str) -> _Subject:
        """Raises NotFound, or BadInput when a short identity means several."""
        identity = identity.strip().lower()
        with self.db.read() as tx:
            tracked = tx.tracked.of_identity(identity)
            brought = [
                (number, finding)
                for number, finding in tx.checks.with_identity(identity)
                if tx.changes.get(number).state in OPEN_STATES
            ]
            found = {(one.project, one.finding.identity): one.finding for one in tracked}
            for number, finding in brought:
                found.setdefault((tx.changes.get(number).project, finding.identity), finding)
            if not found:
                raise NotFound(
                    f"There is no finding {identity!r}.",
                    "Give its identity, or at least 8 digits of it; see `headgate findings list`.",
                )
            if len(found) > 1:
                raise BadInput(
                    f"{identity!r} is the beginning of {len(found)} findings.",
                    "Give more digits of the identity.",
                )
            ((project, whole), finding) = next(iter(found.items()))
            return _Subject(
                project,
                tx.projects.get(project).name,
                whole,
                finding,
                tuple(tracked),
                tuple(dict.fromkeys(number for number, _ in brought)),
            )

    def _part(self, actor: Principal, subject: _Subject) -> str:
        """Why the actor had a part in a change that brings the finding; empty when in none."""
        for number in subject.changes:
            people = self.people(number)
            why = may_approve(
                approver=actor,
                authors=people.authors,
                author_emails=people.emails,
                sponsors=people.sponsors,
            )
            if why:
                return f"change #{number} brings it along. {why}"
        return ""

    def _independent(self, actor: Principal, subject: _Subject) -> None:
        if why := self._part(actor, subject):
            raise Denied(f"{actor.name} may not silence this finding: {why}")

    async def _act(
        self,
        actor: Principal,
        subject: _Subject,
        kind: ActKind,
        reason: str,
        expires: float | None,
        *,
        silences: bool,
    ) -> FindingAct:
        central = self._central(subject.name)
        with self.db.write() as tx:
            act = tx.acts.add(
                subject.project, subject.identity, subject.finding.rule, kind, actor.id,
                silences=silences, reason=reason, expires=expires,
            )  # fmt: skip
            if silences:
                for one in subject.tracked:
                    if one.state in OPEN_FINDINGS or one.state is not FindingState.FIXED:
                        state, why = next_state(one.finding, one.state, act, central)
                        tx.tracked.set_state(one.id, state, why)
            until = datetime.fromtimestamp(expires, UTC).date().isoformat() if expires else None
            data = {"kind": kind.value, "reason": reason, "expires": until, "silences": silences}
            tx.events.append(_event(f"finding.{_DONE[kind]}", actor, subject, data))
        if silences:
            await self._again_judged(subject)
        return act

    def _central(self, project: str) -> Central:
        return Central(self.policy().suppressions, project, self.clock())

    async def _again_judged(self, subject: _Subject) -> None:
        for number in subject.changes:
            async with self.lock(number):
                with self.db.read() as tx:
                    denied = tx.changes.get(number).state is ChangeState.DENIED
                    revision = tx.changes.current_revision(number).id
                if denied:
                    # From being denied a way leads into a queue only through the verdict.
                    why = f"what was said of {subject.finding.rule} is judged"
                    self.set_state(number, ChangeState.CHECKING, why)
                    await self.decide(number, inspected=revision)
                    continue
                await self.decide(number)


_DONE = {
    ActKind.SUPPRESS: "suppressed",
    ActKind.ACCEPT: "accepted",
    ActKind.DISPUTE: "disputed",
}


def _event(
    kind: str, actor: Principal, subject: _Subject, data: dict[str, str | bool | None]
) -> NewEvent:
    about = {
        "project": subject.name,
        "finding": subject.identity,
        "rule": subject.finding.rule,
        "path": subject.finding.span.path,
    }
    return NewEvent(kind, actor.name, f"project/{subject.name}", {**about, **data})


def _reason(reason: str) -> str:
    reason = reason.strip()
    if not reason:
        raise BadInput("A reason is missing.", "Say why, for everybody to read: --because TEXT.")
    if len(reason) > LONGEST_REASON:
        raise BadInput(f"The reason is longer than {LONGEST_REASON} characters.", "Shorten it.")
    return reason


def _expiry(until: str, now: float) -> float:
    """The end of the last day (UTC), at most a year away."""
    today = datetime.fromtimestamp(now, UTC).date()
    latest = today + timedelta(days=LONGEST_SILENCE)
    if not until:
        last = latest
    else:
        try:
            last = date.fromisoformat(until)
        except ValueError:
            raise BadInput(
                f"{until!r} is no date.", f"Give the last day like {latest.isoformat()}."
            ) from None
        if last < today:
            raise BadInput(f"{until} is past.", "Give a day to come.")
        if last > latest:
            raise BadInput(
                f"{until} is more than a year away.",
                f"Give at most {latest.isoformat()}, and look at the finding again then.",
            )
    return datetime.combine(last + timedelta(days=1), time(), UTC).timestamp()
