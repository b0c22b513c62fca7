"""`kill -9` at random moments: nothing is lost, nothing lands twice, main stays green."""

from __future__ import annotations

import random
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from harness import CHECKED, Gate, child, git, make_house, propose, sandboxed

from headgate.jobs.dispatch.local import LocalDispatcher

PROJECTS = ("jinja", "markupsafe")
KILLS = 6


def steps(gate: Gate, process: subprocess.Popen[str], count: int) -> None:
    """Wait until the child has written some more events, or has ended."""
    before = newest(gate)
    while newest(gate) < before + count and process.poll() is None:
        time.sleep(0.005)


def newest(gate: Gate) -> int:
    with gate.db.read() as tx:
        last = tx.events.last()
    return last.id if last else 0


def is_green(gate: Gate, project: str, commit: str) -> bool:
    """The job's own question, asked of a commit without running it."""
    repository = gate.house.repository(project).path
    names = git(repository, "ls-tree", "--name-only", commit, "values/").split()
    texts = [git(repository, "show", f"{commit}:{name}") for name in names]
    return "bad" not in texts and not {"values/left", "values/right"} <= set(names)


def landings(gate: Gate, project: str) -> Sequence[str]:
    repository = gate.house.repository(project).path
    return git(repository, "rev-list", "--first-parent", "main").split()


@pytest.mark.long
@pytest.mark.parametrize("seed", [1, 2])
async def test_killing_the_server_at_random_moments_loses_nothing(place: Path, seed: int):
    rng = random.Random(seed)
    data = place / "data"
    projects = dict.fromkeys(PROJECTS, CHECKED)
    house = make_house(data, projects, None, sandboxed(place / "asked", LocalDispatcher))
    gate = Gate(house)
    fate: dict[int, str] = {}
    for n in range(14):
        text = "bad\n" if n % 5 == 4 else "fine\n"
        name = {6: "left", 8: "right"}.get(n, f"v{n}")
        number = propose(house, PROJECTS[n % 2], {f"values/{name}": text})
        fate[number] = "ejected" if text == "bad\n" or n == 8 else "landed"
        await gate.enqueue(number)

    kills = 0
    process = child("gate_child.py", str(data), *PROJECTS)
    try:
        while kills < KILLS:
            # Counted in steps, not in seconds: a fast machine is disturbed as often as a slow one.
            steps(gate, process, rng.randint(1, 12))
            if process.poll() is not None:
                break
            process.kill()
            process.wait()
            kills += 1
            process = child("gate_child.py", str(data), *PROJECTS)
        assert process.wait(120) == 0
    finally:
        process.kill()
        process.wait()

    try:
        assert kills == KILLS, "the story ended before it could be disturbed"
        assert {number: gate.state(number) for number in fate} == fate, gate.story()
        gate.check_proofs()
        for project in PROJECTS:
            commits = landings(gate, project)
            assert all(is_green(gate, project, commit) for commit in commits)
            landed = [n for n, end in fate.items() if end == "landed"]
            with gate.db.read() as tx:
                proofs = [la.commit for la in tx.landings.all() if la.project == project]
            assert sorted(commits[:-1]) == sorted(proofs), "moved without a proof"
            assert len(proofs) <= len(landed)
        refs = git(house.repository("jinja").path, "for-each-ref", "refs/headgate/node/")
        assert refs == ""
    finally:
        await gate.end()
