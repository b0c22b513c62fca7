"""Configuration under test, and a policy that changes while its queue runs."""

from __future__ import annotations

from collections.abc import Mapping

from harness import CHECK, CHECKED, TOML, Begin, Gate

from headgate.model.config import Policy, QueuePolicy
from headgate.model.event import NewEvent
from headgate.model.principal import GATE

GUARD = '\n[jobs.guard]\nrun = ["sh", "-c", "test ! -e values/forbidden"]\n'
"""A job that a change adds: green unless one file is there."""

SLOW: Mapping[str, str] = {"headgate.toml": TOML, "check.sh": CHECK, "values/first": "fine\n"}


def jobs(gate: Gate, number: int) -> list[str]:
    return sorted({run.job for run in gate.runs(number)})


async def test_a_new_job_runs_for_the_change_that_brings_it_and_those_behind_it(gates: Begin):
    gate = await gates({"jinja": CHECKED})
    gate.freeze()
    before = await gate.push("jinja", {"values/before": "fine\n"})
    brings = await gate.push("jinja", {"headgate.toml": TOML + GUARD})
    behind = await gate.push("jinja", {"values/forbidden": "fine\n"})
    fine = await gate.push("jinja", {"values/fine": "fine\n"})
    gate.thaw()
    await gate.run()
    why = "job jinja/guard failed (exit 1) in the future with"
    gate.expect(landed=[before, brings, fine], ejected={behind: why})
    assert jobs(gate, before) == ["check"]
    assert jobs(gate, brings) == jobs(gate, behind) == jobs(gate, fine) == ["check", "guard"]


async def test_a_job_whose_change_is_ejected_judges_nobody(gates: Begin):
    gate = await gates({"jinja": CHECKED})
    gate.freeze()
    brings = await gate.push("jinja", {"headgate.toml": TOML + GUARD, "values/x": "bad\n"})
    behind = await gate.push("jinja", {"values/forbidden": "fine\n"})
    gate.thaw()
    await gate.run()
    gate.expect(landed=[behind], ejected={brings: "job jinja/check failed"})


async def test_a_job_that_is_taken_out_no_longer_runs_for_those_behind(gates: Begin):
    gate = await gates({"jinja": {**CHECKED, "headgate.toml": TOML + GUARD}})
    gate.freeze()
    takes = await gate.push("jinja", {"headgate.toml": TOML})
    behind = await gate.push("jinja", {"values/forbidden": "fine\n"})
    gate.thaw()
    await gate.run()
    gate.expect(landed=[takes, behind])
    assert jobs(gate, takes) == jobs(gate, behind) == ["check"]


async def test_two_configurations_that_only_fail_together_are_refused_with_the_line(
    gates: Begin,
):
    gate = await gates({"jinja": CHECKED})
    gate.freeze()
    one = await gate.push("jinja", {"headgate.toml": f"{GUARD}\n\n{TOML}"})
    two = await gate.push("jinja", {"headgate.toml": f"{TOML}\n\n{GUARD}"})
    gate.thaw()
    await gate.run()
    why = "headgate.toml of jinja cannot be used: headgate.toml:12: this is not TOML at column 12"
    gate.expect(landed=[one], ejected={two: why})


def loaded(gate: Gate, policy: Policy) -> None:
    """Another policy has landed and is in force."""
    gate.house.in_force = policy
    with gate.db.write() as tx:
        tx.events.append(NewEvent("policy.loaded", GATE, "project/policy", {"policy": "new"}))


def queue(name: str, *projects: str, window: int = 4) -> Policy:
    return Policy(f"policy-{name}", queues=(QueuePolicy(name, projects, ("main",), window),))


async def building(gate: Gate, *numbers: int) -> None:
    """Until every one of these has a job that runs."""

    def runs(number: int) -> bool:
        return any(run.state == "running" for run in gate.runs(number))

    await gate.until(lambda: all(runs(number) for number in numbers))


async def test_another_policy_leaves_what_is_being_tested_alone(gates: Begin):
    gate = await gates({"jinja": SLOW, "markupsafe": SLOW})
    numbers = [
        await gate.push("jinja", {"wait": "2\n"}),
        await gate.push("markupsafe", {"wait": "2\n"}),
    ]
    await building(gate, *numbers)
    loaded(gate, queue("main", "jinja", "markupsafe", window=8))
    await gate.run()
    gate.expect(landed=numbers)
    assert [len(gate.runs(n)) for n in numbers] == [1, 1]
    assert "node.dropped" not in gate.kinds()


async def test_a_queue_that_is_renamed_keeps_its_items_and_takes_no_new_ones(gates: Begin):
    gate = await gates({"jinja": SLOW})
    old = await gate.push("jinja", {"wait": "2\n"})
    await building(gate, old)
    loaded(gate, queue("trunk", "jinja"))
    new = await gate.push("jinja", {"values/new": "fine\n"})
    await gate.run()
    gate.expect(landed=[old, new])
    with gate.db.read() as tx:
        names = {n: tx.queues.get(gate.item(n).queue).name for n in (old, new)}
    assert names == {old: "main", new: "trunk"}
    assert gate.runs(old)[-1].state == "passed"


async def test_a_project_that_joins_a_queue_has_its_say_about_what_is_tested_already(
    gates: Begin,
):
    looks = """\
[jobs.looks]
run = ["sh", "-c", "test ! -e ../jinja/values/forbidden"]
required-projects = ["jinja"]
"""
    alone = queue("main", "jinja")
    gate = await gates({"jinja": SLOW, "user": {"headgate.toml": looks}}, alone)
    number = await gate.push("jinja", {"wait": "2\n", "values/forbidden": "fine\n"})
    await building(gate, number)
    loaded(gate, queue("main", "jinja", "user"))
    await gate.run()
    gate.expect(ejected={number: "job user/looks failed (exit 1)"})


async def test_a_project_that_leaves_a_queue_takes_nothing_of_the_others_along(gates: Begin):
    gate = await gates({"jinja": SLOW, "markupsafe": SLOW})
    stays = await gate.push("jinja", {"wait": "1\n"})
    leaves = await gate.push("markupsafe", {"wait": "1\n"})
    await building(gate, stays, leaves)
    loaded(gate, queue("main", "jinja"))
    await gate.run()
    gate.expect(landed=[stays, leaves])
    assert "item.withdrawn" not in gate.kinds()
