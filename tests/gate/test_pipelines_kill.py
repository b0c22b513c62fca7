"""`kill -9` while pipelines run: every cause has its one run, and every run its one end."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest
from harness import CHECKED, child, propose
from pipeline_world import Yard, make_yard, same_yard
from test_pipelines_stories import CHECK_ON_PUSH, pipeline

TEXT = CHECK_ON_PUSH + pipeline("post", "serial", "landed", more='jobs = ["check"]')
KILLS = 5
CHANGES = 6


def newest(yard: Yard) -> int:
    with yard.db.read() as tx:
        last = tx.events.last()
    return last.id if last else 0


@pytest.mark.long
@pytest.mark.parametrize("seed", [1, 2])
async def test_killing_the_server_loses_no_run_and_doubles_none(place: Path, seed: int) -> None:
    rng = random.Random(seed)
    data = place / "data"
    yard = make_yard(data, {"jinja": CHECKED}, TEXT)
    yard.pipelines._follower.begin()  # type: ignore[reportPrivateUsage]
    expected: dict[int, str] = {}
    for n in range(CHANGES):
        text = "bad" if n % 3 == 2 else "fine"
        number = propose(yard.house, "jinja", {f"values/{n}": text, "wait": "1"})
        yard.announce(number, "revision.pushed", revision=1)
        expected[number] = "failed" if text == "bad" else "passed"
    for _ in range(KILLS):
        process = child("pipeline_child.py", str(data), TEXT, "jinja")
        before = newest(yard)
        end = time.monotonic() + 30
        steps = rng.randint(1, 8)
        while newest(yard) < before + steps and time.monotonic() < end:
            assert process.poll() is None
            time.sleep(0.01)  # noqa: ASYNC251 - nothing else goes on in this process
        process.kill()
        process.wait()
    await yard.house.close()
    again = same_yard(data, TEXT, "jinja")
    await again.begin()
    try:
        await again.settled(CHANGES, "check", 120)
        runs = again.all_runs("check")
        assert {run.change: run.phase.value for run in runs} == expected
        assert len(runs) == CHANGES
        with again.db.read() as tx:
            events = [e for e in tx.events.iterate() if e.kind.startswith("pipeline.")]
            messages = [e.data["run"] for e in tx.events.iterate() if e.kind == "change.message"]
        for run in runs:
            kinds = [e.kind for e in events if e.data["run"] == run.id]
            assert kinds[0] == "pipeline.triggered"
            assert kinds.count("pipeline.triggered") == 1
            ends = [k for k in kinds if k in ("pipeline.passed", "pipeline.failed")]
            assert len(ends) == 1
            assert kinds.count("pipeline.started") == kinds.count("pipeline.lost") + 1
        assert sorted(messages) == sorted(run.id for run in runs)
        again.check_proofs()
    finally:
        await again.end()
