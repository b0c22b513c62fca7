"""`kill -9` at random moments of a queue of lanes: nothing is lost, nothing lands twice."""

from __future__ import annotations

import random
import subprocess
import time
from pathlib import Path

import pytest
from harness import Gate, child, git, make_house, propose, sandboxed
from trials_world import heads, lanes, parts, red

from headgate.jobs.dispatch.local import LocalDispatcher
from headgate.model.config import PROJECT_FILE
from headgate.model.event import Event
from headgate.model.job import RunState
from headgate.model.trial import TrialState

PROJECTS = ("jinja", "markupsafe")
PARTS = ("one", "two", "three")
KILLS = 5
FROZEN = 3
"""So many of them before anything may land."""

Run = tuple[object, object, object]
"""Project, job, and the commit that it found."""


def newest(gate: Gate) -> int:
    with gate.db.read() as tx:
        last = tx.events.last()
    return last.id if last else 0


def steps(gate: Gate, process: subprocess.Popen[str], count: int) -> None:
    """Wait until the child has written some more events, has ended, or finds nothing to do."""
    goal, end = newest(gate) + count, time.monotonic() + 10
    while newest(gate) < goal and process.poll() is None and time.monotonic() < end:
        time.sleep(0.005)


def found(gate: Gate) -> dict[object, dict[str, object]]:
    """What the jobs of each build find: project → commit."""
    return {e.data["build"]: e.data["commits"] for e in story(gate) if e.kind == "build.started"}  # type: ignore[misc]


def story(gate: Gate) -> list[Event]:
    """All that any process has recorded."""
    with gate.db.read() as tx:
        return list(tx.events.iterate())


def passed(gate: Gate) -> set[Run]:
    """Runs of futures that have passed, and that still count."""
    commits = found(gate)
    with gate.db.read() as tx:
        live = [t for queue in tx.queues.all() for t in tx.trials.live(queue.id)]
        builds = [t.build for t in live if t.state is TrialState.PASSED and t.build is not None]
        runs = [run for build in builds for run in tx.builds.runs(build)]
    return {
        (run.project, run.job, commits[run.build][run.project])
        for run in runs
        if run.state is RunState.PASSED
    }


def begun(gate: Gate, since: int) -> set[Run]:
    """Runs that were begun after an event."""
    commits = found(gate)
    return {
        (e.data["project"], e.data["job"], commits[e.data["build"]][str(e.data["project"])])
        for e in story(gate)
        if e.kind == "job.started" and e.id > since and e.data["build"] in commits
    }


@pytest.mark.long
async def test_killing_a_queue_of_lanes_at_random_moments_loses_nothing(place: Path):
    rng = random.Random(3)
    data = place / "data"
    files = parts(*PARTS)
    # No result of this job may stand for another run of it: only its future says that it passed.
    files[PROJECT_FILE] += 'provides = ["three"]\n'
    projects: dict[str, dict[str, str]] = dict.fromkeys(PROJECTS, files)
    policy = lanes(*PROJECTS, slots=2, fuse=3)
    house = make_house(data, projects, policy, sandboxed(place / "asked", LocalDispatcher))
    gate = Gate(house)
    fate: dict[int, str] = {}
    for n in range(12):
        bad = n % 5 == 4
        name = {6: "left", 10: "right"}.get(n, f"v{n}")
        part = "three" if n in (2, 3) else PARTS[n // 2 % 2]
        number = propose(house, PROJECTS[n % 2], {f"{part}/{name}": "bad\n" if bad else "fine\n"})
        fate[number] = "ejected" if bad or n == 10 else "landed"
        await gate.enqueue(number)
    gate.freeze()  # So that something has passed, and waits, when it is killed.
    kills = 0
    known: list[tuple[int, set[Run]]] = []
    process = child("gate_child.py", str(data), "--lanes", *PROJECTS)
    try:
        while kills < KILLS and process.poll() is None:
            # Counted in steps, not in seconds: a fast machine is disturbed as often.
            steps(gate, process, rng.randint(1, 14))
            while kills == FROZEN - 1 and len(passed(gate)) < 2 and process.poll() is None:
                steps(gate, process, 1)
            if process.poll() is None:
                process.kill()
                process.wait()
                kills += 1
                known.append((newest(gate), passed(gate)))
                if kills == FROZEN:
                    gate.thaw()
                process = child("gate_child.py", str(data), "--lanes", *PROJECTS)
        assert process.wait(150) == 0
    finally:
        process.kill()
        process.wait()
    try:
        assert kills == KILLS, "the story ended before it could be disturbed"
        assert {number: gate.state(number) for number in fate} == fate, gate.story()
        gate.check_proofs()
        assert any(runs for _, runs in known), "nothing had passed at any kill"
        assert [runs & begun(gate, since) for since, runs in known] == [set[Run]()] * KILLS
        for project in PROJECTS:
            assert [red(gate, project, PARTS, head) for head in heads(gate, project)[-1:]] == [[]]
        left = git(house.repository("jinja").path, "for-each-ref", "refs/headgate/node/")
        assert left == ""
    finally:
        await gate.end()
