"""Reviews that are cut off, overtaken or too many: what is told of them, and what they count."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "scan"))
sys.path.insert(0, str(Path(__file__).parents[1] / "store"))
from review_endpoint import Answer, ScriptedEndpoint
from scan_work import Work
from store_world import World

from headgate.ledger.chain import seal
from headgate.model.config import Policy, ProjectConfig
from headgate.model.finding import CheckResult, Outcome
from headgate.model.ids import Commit
from headgate.model.reviewer import REVIEW, ReviewerPolicy
from headgate.scan.runner import ScanRunner
from headgate.server.flow.reviewing import OVERTAKEN, STOPPED, UNDER_WAY, Reviews, Subject
from headgate.store.database import Database
from warm import lay_database, lay_rules

POLICY = ReviewerPolicy("", "scripted-1", ("jinja",), ("**",))
DAY = 86_400.0


class Clock:
    """A time that stands still."""

    now = 20_000 * DAY

    def __call__(self) -> float:
        return self.now


class Place:
    """Reviews over a real database, repository and worker."""

    def __init__(self, db: Database, clock: Clock, runner: ScanRunner, work: Work) -> None:
        self.db, self.clock, self.work = db, clock, work
        self.world = World(db)
        self.base = work.commit({"a.py": "x = 1\n"})
        self.head = work.commit({"a.py": "x = 2\n"})
        self.policy: ReviewerPolicy | None = POLICY
        house = SimpleNamespace(
            db=db,
            clock=clock,
            policy=lambda: Policy("0", reviewer=self.policy),
            scan_runner=runner,
        )
        self.reviews = Reviews(cast("Any", house), lambda project, name: None)

    def subject(self, topic: str = "mend") -> Subject:
        change = self.world.proposed(topic)
        with self.db.read() as tx:
            revision = tx.changes.current_revision(change.number)
        revision = replace(revision, base=Commit(self.base), head=Commit(self.head))
        repository = self.work.repository
        return Subject(change, revision, "jinja", repository, ProjectConfig(), ())

    def told(self, subject: Subject) -> tuple[Outcome, str]:
        with self.db.read() as tx:
            (check,) = tx.checks.of(subject.revision.id)
        return check.outcome, check.reason

    def tokens(self, kind: str) -> list[int]:
        with self.db.read() as tx:
            return [int(str(one.data["tokens"])) for one in tx.events.since(kind, 0)]


@pytest.fixture
async def place(tmp_path: Path, compiled: Path) -> AsyncIterator[Place]:
    clock = Clock()
    lay_rules(compiled, tmp_path / "rules")
    runner = ScanRunner(cache=tmp_path / "rules")
    db = Database.open(lay_database(tmp_path / "headgate.db"), seal=seal, clock=clock)
    found = Place(db, clock, runner, Work(tmp_path / "work"))
    yield found
    await found.reviews.stop()
    await runner.close()
    db.close()


@pytest.fixture
def hanging() -> Iterator[ScriptedEndpoint]:
    with ScriptedEndpoint([Answer(wait=60)]) as found:
        yield found


async def test_a_review_that_is_cut_off_is_not_run_and_counts_as_spent(
    place: Place, hanging: ScriptedEndpoint
) -> None:
    place.policy = replace(POLICY, endpoint=hanging.url)
    subject = place.subject()
    place.reviews.soon(subject)
    assert place.told(subject) == (Outcome.NOT_RUN, UNDER_WAY)
    while not hanging.asked:  # noqa: ASYNC110 - the server is in a thread
        await asyncio.sleep(0.02)
    # It was in the log before it left.
    assert place.tokens("review.sent") == [30_000]
    await place.reviews.stop()
    assert place.told(subject) == (Outcome.NOT_RUN, STOPPED)
    assert place.tokens("review.answered") == [30_000]
    # After a kill nobody could say so; the next start does.
    with place.db.write() as tx:
        tx.checks.save(subject.revision.id, CheckResult(REVIEW, Outcome.NOT_RUN, UNDER_WAY))
    place.reviews.recover([subject.change.number])
    assert place.told(subject) == (Outcome.NOT_RUN, STOPPED)


async def test_a_newer_revision_and_a_new_policy_come_before_what_waits(place: Place) -> None:
    with ScriptedEndpoint([Answer()]) as endpoint:
        place.policy = replace(POLICY, endpoint=endpoint.url)
        subject = place.subject()
        with place.db.write() as tx:
            place.world.revise(tx, subject.change.number)
        place.reviews.soon(subject)
        await place.reviews.idle()
        assert place.told(subject) == (Outcome.NOT_RUN, OVERTAKEN)
        other = place.subject("other")
        place.reviews.soon(other)
        place.policy = None
        await place.reviews.idle()
        assert place.told(other) == (Outcome.NOT_RUN, "the policy has switched the review off")
        assert endpoint.asked == []


async def test_the_log_counts_the_day(place: Place) -> None:
    with ScriptedEndpoint([Answer(sent=20_000, received=0)]) as endpoint:
        place.policy = replace(POLICY, endpoint=endpoint.url, tokens_per_day=55_000)
        done: list[tuple[Outcome, str]] = []
        for number in range(4):
            place.clock.now += DAY * (number == 3)
            subject = place.subject(f"topic-{number}")
            place.reviews.soon(subject)
            await place.reviews.idle()
            done.append(place.told(subject))
    assert [outcome for outcome, _ in done] == [
        Outcome.PASSED, Outcome.PASSED, Outcome.NOT_RUN, Outcome.PASSED,
    ]  # fmt: skip
    assert "15,000 of 55,000 tokens left today" in done[1][1]
    assert "a review may take 30,000 tokens, and 15,000 of 55,000 are left" in done[2][1]
    assert len(endpoint.asked) == 3
    assert "35,000 of 55,000 tokens left today" in done[3][1]
