"""The story: ten things that happen to two projects, each told and checked."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from headgate.demo.script import Script
from headgate.demo.teller import FINAL, Teller
from headgate.demo.world import CAST, Pushed, World, change_of
from headgate.model.errors import HeadgateError

_SETTLED = FINAL | {"waiting", "ready"}


@dataclass(frozen=True, slots=True)
class Proposed:
    """A change that was pushed for the story."""

    number: int
    who: str
    what: str
    begun: float


class Story:
    """Tells the steps one after the other on a running world."""

    def __init__(self, world: World, script: Script, teller: Teller) -> None:
        self._world = world
        self._script = script
        self._tell = teller
        self._watch = world.operator

    def steps(self) -> tuple[Callable[[], None], ...]:
        """Every step, in order."""
        return (
            self.innocent,
            self.independent,
            self.fail_together,
            self.breaks_consumer,
            self.pair,
            self.credential,
            self.injection,
            self.dependency,
            self.critical,
            self.straight_to_main,
        )

    def innocent(self) -> None:
        self._tell.heading("1. An innocent change by a human")
        change = self._propose("innocent", "bea", self._script.provider, "Say where to ask")
        self._end("innocent", change, "landed")

    def independent(self) -> None:
        self._tell.heading("2. Two independent changes, tested in parallel")
        changes = [
            self._propose(
                "independent-provider", "scribe", self._script.provider, "Test some corners", "hold"
            ),
            self._propose(
                "independent-consumer", "carl", self._script.consumer, "Test some more", "hold"
            ),
        ]
        self._release(*changes)
        self._end("independent-1", changes[0], "landed", along=changes)
        self._end("independent-2", changes[1], "landed")

    def fail_together(self) -> None:
        self._tell.heading("3. Two changes that pass alone and fail together, and one behind them")
        consumer = self._script.consumer
        changes = [
            self._propose("convention", "bea", consumer, "Keep names to one word", "hold"),
            self._propose("unconventional", "coder", consumer, "Add another form", "hold"),
            self._propose("bystander", "scribe", consumer, "Say how releases go", "hold"),
        ]
        self._release(*changes)
        self._end("together-first", changes[0], "landed", along=changes)
        self._end("together-second", changes[1], "ejected")
        self._end("together-behind", changes[2], "landed")

    def breaks_consumer(self) -> None:
        provider, consumer = self._script.provider, self._script.consumer
        self._tell.heading(
            f"4. A {provider} change that passes its own tests and breaks {consumer}"
        )
        change = self._propose("breaks-consumer", "coder", provider, "Make the formatter private")
        self._end("breaks-consumer", change, "ejected")

    def pair(self) -> None:
        self._tell.heading("5. A pair across both projects that only works together")
        provider = self._propose(
            "pair-provider", "scribe", self._script.provider, "Treat many values at once", "hold"
        )
        footer = f"Depends-On: #{provider.number}"
        consumer = self._propose(
            "pair-consumer", "scribe", self._script.consumer, f"Use it for lists\n\n{footer}"
        )
        self._tell.follow(self._watch, [consumer.number], _SETTLED)
        self._release(provider)
        self._end("pair-first", provider, "landed", along=[provider, consumer])
        self._end("pair-second", consumer, "landed")

    def credential(self) -> None:
        self._tell.heading("6. A hard-coded credential")
        change = self._propose(
            "credential", "coder", self._script.consumer, "Upload the documentation"
        )
        self._end("credential", change, "denied")

    def injection(self) -> None:
        self._tell.heading("7. A shell and an SQL injection")
        change = self._propose("injection", "coder", self._script.consumer, "Show the history")
        self._end("injection", change, "denied")

    def dependency(self) -> None:
        self._tell.heading("8. A dependency that nobody approved and that does not exist")
        change = self._propose("dependency", "coder", self._script.consumer, "Escape faster")
        self._end("dependency", change, "denied")

    def critical(self) -> None:
        self._tell.heading("9. An agent's change to a critical path")
        begun, what = time.monotonic(), "Tune a limit"
        world, consumer = self._world, self._script.consumer
        place = world.clone("coder", consumer)
        world.commit("coder", place, self._script.edits["critical"], what)
        pushed = world.push("coder", place, "refs/for/main/limit", "hold")
        change = self._number(pushed, "coder", what, begun)
        self._end("critical-waits", change, "waiting", until=_SETTLED)
        refused = self._approve(change, "carl")
        self._tell.record(
            "critical-sponsor", "carl", "The agent's sponsor approves", "refused",
            "refused" if refused else "approved", refused, begun,
        )  # fmt: skip
        self._approve(change, "dora")
        self._end("critical-approved", change, "ready", until=_SETTLED)
        world.commit("coder", place, self._script.edits["critical-again"], "Tune it differently")
        pushed = world.push("coder", place, "refs/for/main/limit", "hold")
        self._number(pushed, "coder", "Tune it differently", begun)
        self._end("critical-revised", change, "waiting", until=_SETTLED)
        approvals = change_of(self._watch, change.number)["approvals"]
        dead = [a["void"] for a in approvals if not a["valid"]]
        self._tell.record(
            "approval-dies", "dora", "The approval of the old revision", "void",
            "void" if dead else "valid", "; ".join(dead), begun,
        )  # fmt: skip
        self._approve(change, "dora")
        self._release(change)
        self._end("critical-lands", change, "landed")

    def straight_to_main(self) -> None:
        self._tell.heading("10. An agent that pushes straight to main")
        begun, consumer = time.monotonic(), self._script.consumer
        place = self._world.clone("coder", consumer)
        self._world.commit("coder", place, self._script.edits["bystander"], "Skip the queue")
        pushed = self._world.push("coder", place, "refs/heads/main")
        self._tell.quote(pushed.said)
        self._tell.record(
            "straight-to-main", "coder", "Push straight to main", "refused",
            "landed" if pushed.accepted else "refused", pushed.said, begun,
        )  # fmt: skip

    # -- telling -----------------------------------------------------------------------------

    def _propose(self, role: str, who: str, project: str, what: str, *options: str) -> Proposed:
        begun = time.monotonic()
        place = self._world.clone(who, project)
        self._world.commit(who, place, self._script.edits[role], what)
        pushed = self._world.push(who, place, "refs/for/main", *options)
        return self._number(pushed, who, what, begun)

    def _number(self, pushed: Pushed, who: str, what: str, begun: float) -> Proposed:
        person = next(p for p in CAST if p.name == who)
        subject = what.split("\n", 1)[0]
        self._tell.say(f"  {who} ({person.kind}) pushes “{subject}”")
        self._tell.quote(pushed.said)
        if pushed.change is None:
            raise HeadgateError(f"The push of {subject!r} made no change: {pushed.said}")
        return Proposed(pushed.change, who, subject, begun)

    def _release(self, *changes: Proposed) -> None:
        """Let changes that were held back enter their queue, in order."""
        for change in changes:
            self._world.as_("bea" if change.who == "bea" else "carl").post(
                f"/api/changes/{change.number}/enqueue"
            )

    def _approve(self, change: Proposed, who: str) -> str:
        """Approve as somebody; why it was refused, or nothing."""
        try:
            self._world.as_(who).post(f"/api/changes/{change.number}/approve", {"comment": "read"})
        except HeadgateError as error:
            self._tell.say(f"  {who} tries to approve #{change.number}: {error.message}")
            return error.message
        self._tell.say(f"  {who} approves #{change.number}")
        return ""

    def _end(
        self,
        name: str,
        change: Proposed,
        expected: str,
        along: list[Proposed] | None = None,
        until: frozenset[str] = FINAL,
    ) -> None:
        numbers = [c.number for c in along or [change]]
        ended = self._tell.follow(self._watch, numbers, until)[change.number]
        self._tell.record(
            name,
            change.who,
            f"#{change.number} {change.what}",
            expected,
            ended["state"],
            ended["reason"],
            change.begun,
        )
