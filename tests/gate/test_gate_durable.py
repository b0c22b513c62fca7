"""No branch is moved to what a power cut could take away."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from harness import CHECKED, Gate
from test_gate_cycles import enter

from conftest import Begin
from headgate.gate import landing, together
from headgate.model.ids import Commit
from headgate.vcs.durable import make_durable
from headgate.vcs.git import GitError


class Disk:
    """A disk that fails some times, and remembers where the branches were when it was asked."""

    def __init__(self, head: Callable[[str], Commit], failures: dict[str, int]) -> None:
        self.head = head
        self.failures = failures
        self.seen: list[tuple[str, Commit]] = []

    async def make_durable(self, repository: Path) -> None:
        project = repository.stem
        self.seen.append((project, self.head(project)))
        if self.failures.get(project, 0):
            self.failures[project] -= 1
            raise GitError(f"What was written to {project}.git could not be brought to the disk.")
        await make_durable(repository)


def failing(gate: Gate, monkeypatch: pytest.MonkeyPatch, **failures: int) -> Disk:
    disk = Disk(gate.head, failures)
    monkeypatch.setattr(landing, "make_durable", disk.make_durable)
    monkeypatch.setattr(together, "make_durable", disk.make_durable)
    return disk


async def test_a_branch_moves_only_when_its_commit_is_on_the_disk(
    gates: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = await gates({"jinja": CHECKED})
    before = gate.head("jinja")
    disk = failing(gate, monkeypatch, jinja=1)
    number = await gate.push("jinja", {"values/a": "fine\n"})
    await gate.until(lambda: gate.state(number) == "landed")
    assert disk.seen == [("jinja", before)] * 2  # Once in vain, and nothing was moved.
    assert gate.head("jinja") != before
    gate.check_proofs()


async def test_what_lands_together_moves_only_when_all_of_it_is_on_the_disk(
    gates: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = await gates({"jinja": CHECKED, "markupsafe": CHECKED})
    before = {name: gate.head(name) for name in ("jinja", "markupsafe")}
    disk = failing(gate, monkeypatch, markupsafe=1)
    parts = [(name, {"values/a": "fine\n"}) for name in before]
    numbers = await enter(gate, *parts)
    await gate.until(lambda: all(gate.state(number) == "landed" for number in numbers))
    assert disk.failures == {"markupsafe": 0}
    # Whatever the disk was asked for had not been moved yet, or had been moved back.
    assert len(disk.seen) >= 3
    assert all(head == before[name] for name, head in disk.seen)
    assert all(gate.head(name) != head for name, head in before.items())
    gate.check_proofs()
