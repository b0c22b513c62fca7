"""Has changes reviewed by the model that the policy names, beside everything else.

No verdict waits for it. What it says, or why it did not run, is a check of its own that only
advises; what left the machine, where to and for how much is in the log before it leaves.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import structlog

from headgate.model.change import Change, ChangeState, Revision
from headgate.model.config import ProjectConfig
from headgate.model.errors import HeadgateError
from headgate.model.event import Json, NewEvent
from headgate.model.finding import CheckResult, Finding, Outcome
from headgate.model.ids import ChangeNumber
from headgate.model.principal import GATE
from headgate.model.project import POLICY_PROJECT
from headgate.model.reviewer import REVIEW, ReviewerPolicy
from headgate.scan.change import gather
from headgate.scan.engine import Request
from headgate.scan.reviewer.account import (
    answered_entry,
    day_of,
    sent_entry,
    summed,
    within,
)
from headgate.scan.reviewer.interface import Material, NotAnswered, Received, Sending, Spent
from headgate.scan.reviewer.placing import placing
from headgate.scan.reviewer.review import Reviewed, as_result, refusal, review, scope_of
from headgate.vcs.repository import Repository

if TYPE_CHECKING:
    from headgate.server.core import Core
    from headgate.store.database import Transaction

log = structlog.get_logger()

AT_ONCE = 2
"""Reviews under way."""
UNDER_WAY = "the review is under way"
STOPPED = "the server stopped while the review was under way; check the change again"
OVERTAKEN = "a newer revision, or the end of the change, came before its turn"
_SENT, _ANSWERED = "review.sent", "review.answered"


class Key(Protocol):
    """A stored secret."""

    @property
    def value(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Subject:
    """What is to be reviewed: one revision, and what is known of it."""

    change: Change
    revision: Revision
    project: str
    repository: Repository
    config: ProjectConfig
    """Of the branch, not of the change itself."""
    known: tuple[Finding, ...]
    """What the source check says of it."""

    @property
    def classes(self) -> Mapping[str, Sequence[str]]:
        return {one.name: one.patterns for one in self.config.classes}


class Reviews:
    """Reviews of revisions, a few at once; a newer revision of a change goes first."""

    def __init__(self, house: Core, secret: Callable[[str, str], Key | None]) -> None:
        """`secret`: the stored secret of a project; raises CouldNotRun when it cannot be opened."""
        self._house = house
        self._secret = secret
        self._limit = asyncio.Semaphore(AT_ONCE)
        self._tasks: dict[int, asyncio.Task[None]] = {}

    def soon(self, subject: Subject) -> None:
        """Review a revision when it is its turn, if the policy says so."""
        policy = self._house.policy().reviewer
        if policy is None or not policy.reviews(subject.project):
            return
        number = subject.change.number
        self._save(subject, CheckResult(REVIEW, Outcome.NOT_RUN, UNDER_WAY))
        before = self._tasks.get(number)
        task = asyncio.create_task(self._run(subject, before))
        self._tasks[number] = task

        def forget(done: asyncio.Task[None]) -> None:
            if self._tasks.get(number) is done:
                del self._tasks[number]

        task.add_done_callback(forget)

    async def idle(self) -> None:
        """Wait until nothing is under way."""
        while self._tasks:
            await asyncio.wait(list(self._tasks.values()))

    async def stop(self) -> None:
        """End what is under way; it is then told as not run."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def recover(self, numbers: Sequence[ChangeNumber]) -> None:
        """After a start: say of the reviews that a stop cut off that they did not run."""
        for number in numbers:
            with self._house.db.read() as tx:
                revision = tx.changes.current_revision(number)
                found = [one for one in tx.checks.of(revision.id) if one.check == REVIEW]
            if any(one.reason == UNDER_WAY for one in found):
                with self._house.db.write() as tx:
                    tx.checks.save(revision.id, CheckResult(REVIEW, Outcome.NOT_RUN, STOPPED))

    async def _run(self, subject: Subject, before: asyncio.Task[None] | None) -> None:
        begun = time.monotonic()
        try:
            if before is not None:
                await asyncio.wait([before])
            async with self._limit:
                if self._is_current(subject):
                    result = await self._reviewed(subject, begun)
                else:
                    result = CheckResult(REVIEW, Outcome.NOT_RUN, OVERTAKEN)
        except asyncio.CancelledError:
            self._save(subject, CheckResult(REVIEW, Outcome.NOT_RUN, STOPPED))
            raise
        except HeadgateError as error:
            result = CheckResult(REVIEW, Outcome.NOT_RUN, str(error))
        except Exception as error:
            log.exception("a review failed", change=subject.change.number)
            why = f"the review failed ({type(error).__name__}); the server's log says why"
            result = CheckResult(REVIEW, Outcome.NOT_RUN, why)
        self._save(subject, replace(result, seconds=time.monotonic() - begun))

    async def _reviewed(self, subject: Subject, begun: float) -> CheckResult:
        policy = self._house.policy().reviewer
        if policy is None or not policy.reviews(subject.project):
            return CheckResult(REVIEW, Outcome.NOT_RUN, "the policy has switched the review off")
        revision = subject.revision
        gathered = await gather(
            subject.repository, revision.base, revision.head, subject.config.exclude
        )
        if gathered.problem:
            return CheckResult(REVIEW, Outcome.NOT_RUN, gathered.problem)
        scope = scope_of(policy, subject.classes, subject.known)
        request = replace(gathered.request, scope=scope, history=(), messages=())
        material = await self._house.scan_runner.material(request)
        reviewed = await self._ask(subject, policy, material)
        placed: tuple[Finding, ...] = ()
        if reviewed.findings:
            placed = await self._placed(request, reviewed.findings)
        return as_result(reviewed, material, placed, time.monotonic() - begun)

    async def _ask(self, subject: Subject, policy: ReviewerPolicy, material: Material) -> Reviewed:
        if why := refusal(material):
            return Reviewed(Outcome.NOT_RUN, why)
        try:
            key = self._key(policy)
        except NotAnswered as error:
            return Reviewed(Outcome.NOT_RUN, error.reason)
        # Imported here: an HTTP client costs memory that a server without a reviewer never needs.
        from headgate.scan.reviewer.openai import OpenAIEndpoint

        account = LedgerAccount(self._house, subject)
        endpoint = OpenAIEndpoint(policy, key)
        return await review(material, subject.classes, policy, subject.project, endpoint, account)

    def _key(self, policy: ReviewerPolicy) -> str:
        # Neither name is repeated: who takes it for the key itself writes that in its place.
        if policy.key_secret:
            found = self._secret(POLICY_PROJECT, policy.key_secret)
            if found is None:
                raise NotAnswered(
                    "the project policy has no secret of the name that `key-secret` under "
                    "[reviewer] gives: store it with `headgate secret set policy NAME`"
                )
            return found.value.strip()
        if policy.key_env:
            key = os.environ.get(policy.key_env, "").strip()
            if not key:
                raise NotAnswered(
                    "the server has no variable of the name that `key-env` under [reviewer] gives: "
                    "start it with one"
                )
            return key
        return ""

    async def _placed(self, request: Request, found: Sequence[Finding]) -> tuple[Finding, ...]:
        """The findings with excerpts and identities."""
        results = await self._house.scan_runner.scan(placing(found, request))
        source = next(one for one in results if one.check == "source")
        # Better without their excerpts than not at all.
        return source.findings or tuple(found)

    def _is_current(self, subject: Subject) -> bool:
        with self._house.db.read() as tx:
            change = tx.changes.get(subject.change.number)
        over = (ChangeState.LANDED, ChangeState.ABANDONED)
        return change.revision == subject.revision.number and change.state not in over

    def _save(self, subject: Subject, result: CheckResult) -> None:
        # The database may be closed already when the server stops: recover tells it then.
        with contextlib.suppress(HeadgateError), self._house.db.write() as tx:
            tx.checks.save(subject.revision.id, result)
            if result.reason != UNDER_WAY:
                data: dict[str, Json] = {
                    "change": subject.change.number,
                    "revision": subject.revision.number,
                    "outcome": result.outcome.value,
                    "findings": len(result.findings),
                    "reason": result.reason,
                }
                about = f"change/{subject.change.number}"
                tx.events.append(NewEvent("review.ended", GATE, about, data))


class LedgerAccount:
    """Counts in the log of events, where everybody who may read it sees what left."""

    def __init__(self, house: Core, subject: Subject) -> None:
        self._house = house
        self._subject = subject

    def begin(self, sending: Sending, most: Spent) -> tuple[int, Spent]:
        """See `Account`. The number is that of the event."""
        with self._house.db.write() as tx:
            before = self._today(tx)
            if not within(before, sending, most):
                return 0, before
            return tx.events.append(self._event(_SENT, sent_entry(sending))).id, before

    def end(self, number: int, received: Received) -> Spent:
        """See `Account`."""
        with self._house.db.write() as tx:
            tx.events.append(self._event(_ANSWERED, {"sent": number} | answered_entry(received)))
            return self._today(tx)

    def _today(self, tx: Transaction) -> Spent:
        since = int(day_of(self._house.clock()) * 1_000_000)
        sent = [(one.id, one.data) for one in tx.events.since(_SENT, since)]
        answered = [(int(str(o.data["sent"])), o.data) for o in tx.events.since(_ANSWERED, since)]
        return summed(
            (number, int(str(data["tokens"])), int(str(data["cost_micros"])))
            for number, data in (*sent, *answered)
        )

    def _event(self, kind: str, data: Mapping[str, Json]) -> NewEvent:
        about: dict[str, Json] = {
            "change": self._subject.change.number,
            "revision": self._subject.revision.number,
        }
        return NewEvent(kind, GATE, f"change/{self._subject.change.number}", about | dict(data))
