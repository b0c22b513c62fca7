"""The queue service itself against a simulated world: `headgate simulate --policy service`."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from lanes_world import worlds

from headgate.cli.simulate import simulate
from headgate.gate.simulate.service.areas import Areas, areas, directory
from headgate.gate.simulate.service.drive import run
from headgate.gate.simulate.service.ground import Looker, make_ground
from headgate.gate.simulate.service.loop import SimulatedLoop, Stalled
from headgate.gate.simulate.service.machines import Machines
from headgate.gate.simulate.service.onlooker import Onlooker
from headgate.gate.simulate.world import Arrival, World
from headgate.model.errors import CouldNotRun
from headgate.model.event import Event
from headgate.vcs.git import run_git


def arrival(number: int, time: float, duration: float, *targets: int, sound: bool = True):
    return Arrival(number, time, duration, duration, frozenset(targets), sound, signal=True)


WORLD = World(
    (
        arrival(1, 0, 1000, 1, 2),
        arrival(2, 60, 500, 2, 3),
        arrival(3, 120, 500, 3, sound=False),
        arrival(4, 180, 800, 9),
        arrival(5, 240, 300, 9, 4),
        arrival(6, 300, 300, 1, 9),
    ),
    frozenset({(4, 5)}),
)
"""2 can affect 1 and 3; 3 fails by itself, 5 with 4; 6 meets the end of everything."""


# -- time ----------------------------------------------------------------------------------------


def test_waiting_costs_nothing_and_programs_take_no_time():
    loop = SimulatedLoop()

    async def story() -> list[float]:
        times = []
        await asyncio.sleep(86400.0)
        times.append(loop.time())
        waiting = asyncio.create_task(asyncio.sleep(5.0))
        sleeper = await asyncio.create_subprocess_exec(sys.executable, "-c", "pass")
        await sleeper.wait()
        await run_git("version")
        await asyncio.to_thread(lambda: None)
        times.append(loop.time())
        await waiting
        return [*times, loop.time()]

    try:
        assert loop.run_until_complete(story()) == [86400.0, 86400.0, 86405.0]
        assert not loop.busy
    finally:
        loop.close()


def test_who_waits_for_nothing_is_told_at_once():
    loop = SimulatedLoop()
    nothing = loop.create_future()
    with pytest.raises(Stalled):
        loop.run_until_complete(nothing)
    loop.close()


def test_a_program_that_is_not_there_does_not_hold_the_clock():
    loop = SimulatedLoop()

    async def story() -> None:
        with pytest.raises(FileNotFoundError):
            await asyncio.create_subprocess_exec("headgate-is-not-a-program")
        await asyncio.sleep(1.0)

    loop.run_until_complete(story())
    assert not loop.busy
    loop.close()


def test_a_program_whose_start_is_cut_off_does_not_hold_the_clock():
    loop = SimulatedLoop()

    async def story(turns: int) -> None:
        cut = asyncio.create_task(run_git("version"))
        for _ in range(turns):
            await asyncio.sleep(0)
        cut.cancel()
        await asyncio.gather(cut, return_exceptions=True)
        await asyncio.sleep(1.0)
        assert not loop.busy

    for turns in range(12):
        loop.run_until_complete(story(turns))
    loop.close()


# -- the world in git ----------------------------------------------------------------------------


@settings(deadline=None)
@given(worlds())
def test_changes_meet_in_an_area_exactly_when_they_meet_in_a_target(world: World):
    found = areas(world)
    for one in world.arrivals:
        assert found.of[one.number]
        met = {other for area in found.of[one.number] for other in found.members[area]}
        assert met - {one.number} == world.overlaps[one.number]


def test_a_repository_that_cannot_be_made_is_told(tmp_path: Path):
    (tmp_path / "simulated.git").write_text("in the way")
    with pytest.raises(CouldNotRun, match="git init failed"):
        make_ground(tmp_path / "simulated.git", 1, {})


def test_the_onlooker_finds_what_landed_untested_or_broken(tmp_path: Path):
    """Nobody but the tree of the branch, and what passed, is asked."""
    world = World((arrival(1, 0, 10, 1), arrival(2, 0, 10, 1, sound=False)))
    found = areas(world)
    assert found == Areas((frozenset({1, 2}),), {1: (0,), 2: (0,)})
    ground = make_ground(tmp_path / "simulated.git", 1, found.of)
    looker = Looker(ground.path)

    def seen(number: int, passed: bool) -> tuple[int, int]:
        machines = Machines(world, lambda: 0.0)
        looker_ = Onlooker(world, found, machines, looker, {7: number})
        asyncio.run(run_git("update-ref", "refs/heads/main", head(number), repository=ground.path))
        if passed:
            machines.passed.add((0, looker.names(f"refs/heads/main:{directory(0)}")[0]))
        looker_.watch([Event(1, 0, "branch.landed", "gate", "change/7", {"change": 7}, "", "")])
        assert looker_.landed == [number]
        return looker_.untested, looker_.broken

    def head(number: int) -> str:
        return ground.heads[number]

    try:
        assert seen(1, passed=True) == (0, 0)
        assert seen(1, passed=False) == (1, 0)
        assert seen(2, passed=True) == (0, 1)
        with pytest.raises(KeyError):
            looker.read("refs/heads/nothing")
    finally:
        looker.close()


# -- the service ---------------------------------------------------------------------------------


def test_the_service_decides_every_change_and_lands_only_what_was_tested():
    result = run(WORLD, (), slots=3, fuse=4)
    assert sorted(result.decided) == [1, 2, 3, 4, 5, 6]
    assert {1, 2, 6} <= set(result.landed)
    assert 3 not in result.landed
    assert len({4, 5} & set(result.landed)) == 1
    assert (result.untested, result.broken) == (0, 0)
    assert result.builds >= 6
    assert all(using <= 3 for _, using in result.usage)
    # Nobody can be decided before its own jobs have run, and the world is over in good time.
    assert result.decided[1] >= 1000
    assert max(result.decided.values()) < 10_000


def test_the_command_runs_it_only_when_it_is_named(tmp_path: Path):
    trace = tmp_path / "trace.csv"
    trace.write_text(
        "arrival_s,duration_s,targets,outcome\n0,600,api,passed\n30,300,api web,failed\n"
    )
    done = CliRunner().invoke(
        simulate, ["--trace", str(trace), "--slots", "2", "--policy", "service", "--json"]
    )
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)["policies"]
    assert list(told) == ["service"]
    assert told["service"]["decided"] == 2
    assert told["service"]["landed"] == 1
    assert told["service"]["untested_landings"] == 0
    assert told["service"]["p50_over_oracle"] >= 1.0
    default = CliRunner().invoke(simulate, ["--trace", str(trace), "--json"])
    assert "service" not in json.loads(default.stdout)["policies"]
