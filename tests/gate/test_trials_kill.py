"""`kill -9` at random moments of a queue of lanes: nothing is lost, nothing lands twice."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from harness import Gate, git, make_house, propose, sandboxed
from trials_world import heads, lanes, parts, red

from headgate.jobs.dispatch.local import LocalDispatcher

PROJECTS = ("jinja", "markupsafe")
PARTS = ("one", "two")
KILLS = 5


def child(place: Path) -> subprocess.Popen[str]:
    script = Path(__file__).with_name("gate_child.py")
    return subprocess.Popen(
        [sys.executable, str(script), str(place), "--lanes", *PROJECTS],
        stdout=subprocess.PIPE,
        text=True,
        cwd=script.parent,
    )


def newest(gate: Gate) -> int:
    with gate.db.read() as tx:
        last = tx.events.last()
    return last.id if last else 0


def steps(gate: Gate, process: subprocess.Popen[str], count: int) -> None:
    """Wait until the child has written some more events, or has ended."""
    goal = newest(gate) + count
    while newest(gate) < goal and process.poll() is None:
        time.sleep(0.005)


@pytest.mark.long
async def test_killing_a_queue_of_lanes_at_random_moments_loses_nothing(place: Path):
    rng = random.Random(3)
    data = place / "data"
    projects = dict.fromkeys(PROJECTS, parts(*PARTS))
    policy = lanes(*PROJECTS, slots=2, fuse=3)
    house = make_house(data, projects, policy, sandboxed(place / "asked", LocalDispatcher))
    gate = Gate(house)
    fate: dict[int, str] = {}
    for n in range(12):
        bad = n % 5 == 4
        name = {6: "left", 10: "right"}.get(n, f"v{n}")
        part = PARTS[n // 2 % 2]
        number = propose(house, PROJECTS[n % 2], {f"{part}/{name}": "bad\n" if bad else "fine\n"})
        fate[number] = "ejected" if bad or n == 10 else "landed"
        await gate.enqueue(number)
    kills = 0
    process = child(data)
    try:
        while kills < KILLS and process.poll() is None:
            # Counted in steps, not in seconds: a fast machine is disturbed as often.
            steps(gate, process, rng.randint(1, 14))
            if process.poll() is None:
                process.kill()
                process.wait()
                kills += 1
                process = child(data)
        assert process.wait(150) == 0
    finally:
        process.kill()
        process.wait()
    try:
        assert kills == KILLS, "the story ended before it could be disturbed"
        assert {number: gate.state(number) for number in fate} == fate, gate.story()
        gate.check_proofs()
        for project in PROJECTS:
            assert [red(gate, project, PARTS, head) for head in heads(gate, project)[-1:]] == [[]]
        left = git(house.repository("jinja").path, "for-each-ref", "refs/headgate/node/")
        assert left == ""
    finally:
        await gate.end()
