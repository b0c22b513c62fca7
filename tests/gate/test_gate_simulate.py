"""Worlds, traces and policies side by side."""

from __future__ import annotations

from pathlib import Path

import pytest

from headgate.gate.lanes.view import Settings
from headgate.gate.simulate.compare import POLICIES, Question, compare, lanes, synthetic
from headgate.gate.simulate.oracle import oracle, truth
from headgate.gate.simulate.page import page
from headgate.gate.simulate.replay import replay
from headgate.gate.simulate.result import percentile
from headgate.gate.simulate.trace import COLUMNS, lines, read_trace
from headgate.gate.simulate.world import Arrival, Mix, World, generate
from headgate.model.errors import BadInput
from headgate.model.event import Event, Json


def arrival(number: int, time: float, duration: float, *targets: int, sound: bool = True):
    return Arrival(number, time, duration, duration, frozenset(targets), sound, signal=True)


def test_the_oracle_builds_each_once_and_waits_only_for_what_lands_before():
    world = World(
        (
            arrival(1, 0, 100, 1),
            arrival(2, 0, 10, 1),
            arrival(3, 0, 10, 2),
            arrival(4, 0, 50, 1, sound=False),
        )
    )
    assert truth(world) == {1: True, 2: True, 3: True, 4: False}
    assert oracle(world, 4).decided == {1: 100, 2: 100, 3: 10, 4: 100}
    assert oracle(world, 1).decided == {1: 100, 2: 110, 3: 120, 4: 170}


def test_a_clash_fails_the_later_one():
    world = World((arrival(1, 0, 10, 1), arrival(2, 1, 10, 1)), frozenset({(1, 2)}))
    assert truth(world) == {1: True, 2: False}


def test_the_synthetic_model_is_what_it_says():
    world = generate(Mix.HARD, rate=60, hours=20, seed=3)
    count = len(world.arrivals)
    assert 1000 < count < 1400
    durations = sorted(a.duration / 60 for a in world.arrivals)
    assert 24 < percentile(durations, 0.5) < 31
    pairs = sum(len(o) for o in world.overlaps.values()) / (count * (count - 1))
    assert 0.025 < pairs < 0.055
    large = sum(len(a.targets) == 200 for a in world.arrivals) / count
    assert 0.01 < large < 0.06
    assert world == generate(Mix.HARD, rate=60, hours=20, seed=3)


def test_every_policy_decides_every_change_and_lands_nothing_untested():
    question = synthetic(Mix.HARD, rate=60, slots=20, hours=1, seed=5)
    results = compare(question, list(POLICIES))
    assert list(results) == list(POLICIES)
    for result in results.values():
        assert len(result.decided) == len(question.world.arrivals)
        assert (result.untested, result.broken) == (0, 0)
    assert results["ours"].percentile(0.5) < results["chain"].percentile(0.5)
    again = compare(question, ["ours"])
    assert again["ours"].decided == results["ours"].decided


def test_nothing_lands_untested_where_nobody_is_trusted_and_much_lands_together():
    # Large items land in the same moment as others that they were never tested with.
    question = synthetic(Mix.EASY, rate=60, slots=15, hours=4.0, seed=202)
    cautious = Settings(slots=15, fuse=8, quarantine=0.95, least=0.3, pressed_least=0.5)
    result = lanes("cautious", question, cautious)
    assert (result.untested, result.broken) == (0, 0)


def test_a_trace_read_back_is_the_trace_that_was_written(tmp_path: Path):
    world = generate(Mix.EASY, rate=60, hours=1, seed=1)
    file = tmp_path / "trace.csv"
    file.write_text("\n".join(lines(world)) + "\n")
    back = read_trace(file)
    assert [a.sound for a in back.arrivals] == [a.sound for a in world.arrivals]
    assert [round(a.time, 3) for a in back.arrivals] == [round(a.time, 3) for a in world.arrivals]
    assert back.overlaps == world.overlaps


def test_a_change_without_targets_meets_every_other(tmp_path: Path):
    file = tmp_path / "trace.csv"
    file.write_text(",".join(COLUMNS) + "\n0,60,a,passed\n5,60,,failed\n9,60,b c,passed\n")
    world = read_trace(file)
    assert world.overlaps == {1: {2}, 2: {1, 3}, 3: {2}}
    results = compare(Question(world, 2, 1), ["ours", "chain"])
    assert results["ours"].landed == [1, 3]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the column arrival_s is missing"),
        ("arrival_s,duration_s,targets\n", "the column outcome is missing"),
        (",".join(COLUMNS) + "\n", "has no change in it"),
        (",".join(COLUMNS) + "\nx,1,a,passed\n", ":2: arrival_s is `x`"),
        (",".join(COLUMNS) + "\n1,-1,a,passed\n", ":2: duration_s is `-1`"),
        (",".join(COLUMNS) + "\n1,nan,a,passed\n", ":2: duration_s is `nan`"),
        (",".join(COLUMNS) + "\n1,2,a,perhaps\n", ":2: the outcome is `perhaps`"),
        (",".join(COLUMNS) + "\n1\n", ":2: duration_s is ``"),
    ],
)
def test_a_bad_trace_is_refused_with_its_line(tmp_path: Path, text: str, said: str):
    file = tmp_path / "trace.csv"
    file.write_text(text)
    with pytest.raises(BadInput, match=r"trace\.csv") as refused:
        read_trace(file)
    assert said in refused.value.message


def test_no_file_and_no_text(tmp_path: Path):
    with pytest.raises(BadInput, match="There is no file"):
        read_trace(tmp_path / "nothing.csv")
    (tmp_path / "bytes.csv").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(BadInput, match="cannot be read"):
        read_trace(tmp_path / "bytes.csv")


def event(second: float, kind: str, **data: Json) -> Event:
    return Event(1, int(second * 1_000_000), kind, "gate", "change/1", data, "", "")


def test_the_gate_s_own_log_becomes_a_trace():
    world = replay(
        [
            event(10, "item.queued", item=1, project="app", change=1),
            event(11, "build.started", item=1, build=1, commits={"app": "c", "lib": "d"}),
            event(14, "item.queued", item=2, project="lib", change=2),
            event(15, "build.started", item=2, build=2, commits={"lib": "d"}),
            event(31, "build.passed", item=1, build=1),
            event(32, "branch.landed", item=1),
            event(45, "build.failed", item=2, build=2),
            event(46, "item.ejected", item=2),
            event(50, "item.queued", item=3, project="app", change=3),
        ]
    )
    assert [(a.time, a.duration, a.sound) for a in world.arrivals] == [
        (0, 20, True),
        (4, 30, False),
    ]
    assert world.overlaps == {1: {2}, 2: {1}}


def test_a_log_without_verdicts_says_so():
    with pytest.raises(BadInput, match="no change that was built"):
        replay([event(1, "item.queued", item=1, project="app")])


def test_the_page_fetches_nothing_and_names_every_policy():
    question = synthetic(Mix.EASY, rate=30, slots=5, hours=1, seed=1)
    results = compare(question, list(POLICIES))
    count = len(question.world.arrivals)
    shown = {n: r.summary(results["oracle"], count) for n, r in results.items()}
    text = page({"mix": "<easy>"}, results, shown)
    assert all(name in text for name in POLICIES)
    assert "&lt;easy&gt;" in text
    assert "http" not in text
    assert "<script" not in text
