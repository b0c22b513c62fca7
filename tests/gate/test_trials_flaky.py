"""Jobs that fail and pass on the same content, and what a queue of lanes makes of that."""

from __future__ import annotations

import time

import pytest
from harness import Gate
from trials_world import Begin, lanes, parts, trials

from headgate.gate.trials.flakes import FLAKY_FOR
from headgate.model.config import PROJECT_FILE
from headgate.model.job import RunState
from headgate.store.repositories.flakes import FlakyJob

MOODY = """\
set -eu
if grep -q bad "$1"/*; then exit 1; fi
if grep -q odd "$1"/* && [ "$HEADGATE_ATTEMPT" = 1 ]; then exit 5; fi
if [ -e "$1/late$HEADGATE_ATTEMPT" ]; then
  left=$(($(cat "$1/late$HEADGATE_ATTEMPT") - $(date +%s)))
  if [ "$left" -gt 0 ]; then sleep "$left"; exit 7; fi
fi
"""
"""Fails at first with `odd` in it, and with `late1` and `late2` until the time that they say."""

FILES = parts("one", "two") | {"check.sh": MOODY}
TWICE = FILES | {
    PROJECT_FILE: FILES[PROJECT_FILE].replace("[jobs.one]", "[jobs.one]\nattempts = 2")
}


def flaky(gate: Gate) -> list[FlakyJob]:
    with gate.db.read() as tx:
        return tx.failures.flaky(time.time() - FLAKY_FOR)


def why(gate: Gate) -> list[str]:
    """Why futures were dropped."""
    return [str(e.data["reason"]) for e in gate.events if e.kind == "node.dropped"]


async def begin_flaky(gates: Begin) -> tuple[Gate, str]:
    """A gate that has seen the job `one` contradict itself; what it says of that."""
    gate = await gates({"jinja": TWICE}, lanes("jinja"))
    number = await gate.push("jinja", {"one/mood": "odd\n"})
    await gate.run()
    gate.expect(landed=[number])
    red, green = gate.runs(number)
    assert (red.state, green.state) == (RunState.FAILED, RunState.PASSED)
    (one,) = flaky(gate)
    assert (one.project, one.job, one.count) == ("jinja", "one", 1)
    assert (one.failed, one.passed) == (red.id, green.id)
    # It passes at once from now on, so that only what the test adds decides.
    mended = await gate.push("jinja", {"one/mood": "fine\n"})
    await gate.run()
    gate.expect(landed=[mended])
    seen = f"(1 failure on what it passed on, the last /jobs/{red.id} against /jobs/{green.id})"
    return gate, f"job jinja/one is known to be flaky {seen}: it is asked again"


async def test_a_second_failure_of_a_flaky_job_counts(gates: Begin):
    gate, words = await begin_flaky(gates)
    bad = await gate.push("jinja", {"one/a": "bad\n"})
    await gate.run()
    gate.expect(ejected={bad: "It had failed before, and was asked again for that"})
    assert [run.state for run in gate.runs(bad)] == [RunState.FAILED] * 4
    assert words in why(gate)
    assert [one.count for one in flaky(gate)] == [1], "nothing passed on what is bad"


async def test_a_failure_counts_at_once_when_a_job_failed_too_that_is_not_flaky(gates: Begin):
    gate, _ = await begin_flaky(gates)
    bad = await gate.push("jinja", {"one/a": "bad\n", "two/a": "bad\n"})
    await gate.run()
    assert "asked again" not in gate.reason(bad)
    gate.expect(ejected={bad: "failed"})


async def test_each_of_a_fused_build_that_flaky_jobs_failed_is_asked_again(gates: Begin):
    gate = await gates({"jinja": FILES}, lanes("jinja", slots=1, fuse=8))
    await gate.service.stop()
    numbers = [await gate.push("jinja", {f"{part}/a": "bad\n"}) for part in ("one", "two")]
    with gate.db.write() as tx:
        build = tx.builds.add()
        for key, part in (("1" * 64, "one"), ("2" * 64, "two")):
            green, red = [tx.builds.add_run(build, "jinja", part, n, True) for n in (1, 2)]
            tx.results.keep(key, green.id)
            tx.failures.add(key, red.id)
    await gate.restart()
    await gate.run()
    again = "It had failed before, and was asked again for that"
    gate.expect(ejected=dict.fromkeys(numbers, "exit 1"))
    both = {gate.item(number).id for number in numbers}
    built = [set(t.members) for t in trials(gate) if t.build is not None]
    assert built[0] == both
    assert both <= set().union(*built[1:]), "one of them was ejected on what was given up"
    assert again in gate.reason(numbers[0])


@pytest.mark.long
async def test_what_a_flaky_job_failed_lands_when_it_passes_the_second_time(gates: Begin):
    gate, words = await begin_flaky(gates)
    now = int(time.time())
    late = {"one/late1": f"{now + 5}\n", "one/late2": f"{now + 7}\n"}
    number = await gate.push("jinja", late)
    await gate.run()
    gate.expect(landed=[number])
    last = gate.runs(number)
    assert [run.state for run in last] == [RunState.FAILED] * 2 + [RunState.PASSED]
    assert words in why(gate)
    (one,) = flaky(gate)
    assert (one.count, one.passed) == (3, last[-1].id)


async def test_a_result_that_a_later_run_contradicts_stands_for_nothing(gates: Begin):
    gate = await gates({"jinja": FILES}, lanes("jinja"))
    number = await gate.push("jinja", {"one/a": "fine\n"})
    await gate.run()
    (green,) = gate.runs(number)
    with gate.db.write() as tx:
        tx.results.keep("k" * 64, green.id)
        assert tx.results.find(["k" * 64]) == {"k" * 64: green.id}
        build = tx.builds.add()
        red, again = [tx.builds.add_run(build, "jinja", "one", n, True) for n in (1, 2)]
        tx.failures.add("k" * 64, red.id)
        assert tx.results.find(["k" * 64]) == {}
        assert [one.count for one in tx.failures.flaky(0.0)] == [1]
        assert tx.failures.flaky(time.time() + 60) == []
        assert [one.job for one in tx.failures.of([("jinja", "one"), ("jinja", "two")], 0.0)] == [
            "one"
        ]
        tx.results.keep("k" * 64, again.id)
        assert tx.results.find(["k" * 64]) == {"k" * 64: again.id}
