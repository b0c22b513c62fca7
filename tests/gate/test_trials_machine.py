"""Random stories of a queue of lanes, audited from outside after each."""

from __future__ import annotations

import asyncio
import contextlib
import random
from dataclasses import dataclass, field

import pytest
from harness import Gate, git, make_commit
from trials_world import Begin, building, heads, lanes, live, parts, red

from headgate.gate import records
from headgate.model.errors import Conflict
from headgate.model.queue import ItemState

PARTS = ("one", "two", "three")
STEPS = 16


@dataclass
class Teller:
    """Makes things happen to a gate, and notes what must come of them."""

    gate: Gate
    rng: random.Random
    slots: int
    numbers: list[int] = field(default_factory=list)
    most: int = 0
    pushes: int = 0

    def __post_init__(self) -> None:
        self.gate.db.subscribe(self.watch)

    def watch(self, _: object) -> None:
        """In flight is bounded, whatever happens: looked at after every event."""
        self.most = max(self.most, building(self.gate))

    async def step(self) -> None:
        ways = [self.push] * 6 + [
            self.withdraw,
            self.hold,
            self.promote,
            self.restart,
            self.outside,
        ]
        await self.rng.choice(ways)()
        seen = len(self.gate.events) + self.rng.randint(0, 12)
        if self.gate.waiting():
            with contextlib.suppress(AssertionError):  # Nothing more may happen for now.
                await self.gate.until(lambda: len(self.gate.events) >= seen, 0.7)

    async def push(self) -> None:
        self.pushes += 1
        part = self.rng.choice(PARTS)
        name, text = self.rng.choice(
            [("left", "fine\n"), ("right", "fine\n"), (f"v{self.pushes}", "bad\n")]
            + [(f"v{self.pushes}", "fine\n")] * 5
        )
        waits = [i.change for i in self.gate.waiting()]
        depends = [self.rng.choice(waits)] if waits and self.rng.random() < 0.15 else []
        files = {f"{part}/{name}": text}
        if self.rng.random() < 0.2:
            files[f"{self.rng.choice(PARTS)}/w{self.pushes}"] = "fine\n"
        number = await self.gate.push("jinja", files, queue=False, depends=depends)
        try:
            await self.gate.enqueue(number)
        except Conflict:
            return  # What it depends on has just left.
        self.numbers.append(number)

    async def withdraw(self) -> None:
        if waits := self.gate.waiting():
            number = self.rng.choice(waits).change
            with contextlib.suppress(Conflict):  # It may have landed just now.
                await self.gate.service.withdraw(number, "taken back", "ada")

    async def hold(self) -> None:
        for item in self.gate.waiting():
            if self.rng.random() < 0.3 and item.state is ItemState.WAITING:
                with self.gate.db.write() as tx:
                    if item.held:
                        records.resume(tx, item, "ada")
                    elif tx.items.get(item.id).state is ItemState.WAITING:
                        records.pause(tx, item, "held by ada", "ada")
        self.gate.service.wake("main")

    async def promote(self) -> None:
        if waits := self.gate.waiting():
            with self.gate.db.write() as tx:
                records.promote(tx, self.rng.choice(waits), self.rng.randint(-1, 2), "ada")
            self.gate.service.wake("main")

    async def restart(self) -> None:
        await self.gate.restart()

    async def outside(self) -> None:
        """Somebody moves the branch behind the gate's back."""
        repository = self.gate.house.repository("jinja").path
        before = git(repository, "rev-parse", "main")
        commit = make_commit(repository, before, {f"out/{self.pushes}": "fine\n"}, "Outside")
        try:
            git(repository, "update-ref", "refs/heads/main", commit, before)
        except Exception:
            return
        self.gate.service.wake("main")

    async def end(self) -> None:
        with self.gate.db.write() as tx:
            for item in self.gate.waiting():
                if item.held:
                    records.resume(tx, item, "ada")
        self.gate.service.wake("main")
        await self.gate.run(90)


def verdicts(gate: Gate) -> dict[int, list[str]]:
    """Every verdict that was told, by item."""
    kinds = ("branch.landed", "item.ejected", "item.withdrawn")
    found: dict[int, list[str]] = {}
    for event in gate.events:
        if event.kind in kinds:
            found.setdefault(int(str(event.data["item"])), []).append(event.kind)
    return found


def seen(gate: Gate, commit: str, part: str) -> str:
    """What the job of a part finds in a commit."""
    repository = gate.house.repository("jinja").path
    return git(repository, "ls-tree", commit, f"{part}", "check.sh")


def untested(gate: Gate) -> list[str]:
    """Landed heads of which a job had not passed on exactly what it finds there."""
    commits = {
        e.data["build"]: e.data["commits"]["jinja"]  # type: ignore[index,call-overload]
        for e in gate.events
        if e.kind == "build.started"
    }
    passed = {
        (e.data["job"], seen(gate, commits[e.data["build"]], str(e.data["job"])))
        for e in gate.events
        if e.kind == "job.finished" and e.data["state"] == "passed" and e.data["build"] in commits
    }
    found: list[str] = []
    with gate.db.read() as tx:
        landings = tx.landings.all()
    last = {(la.time, la.unit): la for la in landings}
    for landing in landings:
        repository = gate.house.repository("jinja").path
        touched = git(repository, "diff", "--name-only", landing.before, landing.commit).split()
        head = last[landing.time, landing.unit].commit if landing.unit else landing.commit
        for part in {path.split("/")[0] for path in touched}:
            if (part, seen(gate, head, part)) not in passed:
                found.append(f"#{landing.change} landed {part} untested")
    return found


@pytest.mark.long
@pytest.mark.parametrize(("seed", "slots", "fuse"), [(1, 2, 1), (2, 3, 4), (3, 1, 8)])
async def test_whatever_happens_only_what_was_tested_lands_and_each_has_one_verdict(
    gates: Begin, seed: int, slots: int, fuse: int
):
    gate = await gates({"jinja": parts(*PARTS)}, lanes("jinja", slots=slots, fuse=fuse))
    teller = Teller(gate, random.Random(seed), slots)
    for _ in range(STEPS):
        await teller.step()
    await teller.end()
    assert teller.most <= slots
    told = verdicts(gate)
    assert {gate.item(n).id for n in teller.numbers} <= told.keys()
    assert all(len(each) == 1 for each in told.values()), told
    gate.check_proofs()
    assert untested(gate) == []
    for head in heads(gate, "jinja")[1:]:
        assert red(gate, "jinja", PARTS, head) == [], gate.story()
    for _ in range(200):  # What is tested for nobody any more is given up without an event.
        await asyncio.sleep(0.05 if live(gate) else 0.0)
    assert live(gate) == 0
