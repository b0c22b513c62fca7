"""Stories of pipelines, on real repositories with real jobs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path

import pytest
from harness import CHECK, CHECKED, git
from pipeline_world import Yard, make_yard

from headgate.model.change import ChangeState
from headgate.model.pipeline import PipelineRun
from headgate.model.report import StatusState

Yards = Callable[..., Awaitable[Yard]]

HOST_NETWORK = str(Path("/proc/self/ns/net").readlink())
"""What a job that shares the network of the host finds there, too."""

CHECK_ON_PUSH = """
[pipelines.check]
manager = "independent"
on = ["push", "comment:^(re)?check$"]
projects = ["*"]
jobs = ["check"]
"""
SHOW = """\
[jobs.check]
run = ["sh", "check.sh"]
[jobs.show]
run = "env | grep ^HEADGATE_ | sort; ls values"
pipelines = ["post", "release", "nightly"]
"""
SHOWN: Mapping[str, str] = {**CHECKED, "headgate.toml": SHOW}


def pipeline(name: str, manager: str, *on: str, more: str = "") -> str:
    listed = ", ".join(f'"{one}"' for one in on)
    return (
        f'\n[pipelines.{name}]\nmanager = "{manager}"\non = [{listed}]\nprojects = ["*"]\n{more}\n'
    )


@pytest.fixture
async def yards(place: Path) -> AsyncIterator[Yards]:
    begun: list[Yard] = []

    async def make(projects: Mapping[str, Mapping[str, str]], text: str) -> Yard:
        begun.append(make_yard(place / f"data-{len(begun)}", projects, text))
        await begun[-1].begin()
        return begun[-1]

    yield make
    for yard in begun:
        await yard.end()


async def test_a_pushed_change_is_checked_alone_on_its_branch(yards: Yards) -> None:
    yard = await yards({"jinja": CHECKED}, CHECK_ON_PUSH)
    good = await yard.proposed({"values/a": "fine"})
    bad = await yard.proposed({"values/b": "bad"})
    await yard.settled(2)
    first, second = yard.all_runs("check")
    assert (first.change, first.phase, first.reason) == (good, "passed", "")
    assert (second.change, second.phase) == (bad, "failed")
    assert second.reason.startswith("job jinja/check failed (exit 1)")
    assert first.base == second.base == yard.head("jinja")  # Neither saw the other.
    assert [e.kind for e in yard.events if e.data.get("run") == first.id and "pipe" in e.kind] == [
        "pipeline.triggered",
        "pipeline.started",
        "pipeline.passed",
    ]
    said = [m.split(". See")[0] for m in yard.messages()]
    assert said[0].startswith("check: ")
    assert any(m == "check: passed" for m in said)
    assert any(m.startswith("check: failed: job jinja/check failed") for m in said)
    final = {s.commit: s for _, s in yard.house.statuses if s.state is not StatusState.PENDING}
    states = sorted(s.state.value for s in final.values())
    assert states == ["failure", "success"]
    await yard.becomes(lambda: not git(yard.house.repository("jinja").path, "for-each-ref",
        "refs/headgate/pipeline"))  # fmt: skip


async def test_a_new_revision_cancels_the_check_of_the_old_one(yards: Yards) -> None:
    yard = await yards({"jinja": CHECKED}, CHECK_ON_PUSH)
    number = await yard.proposed({"values/a": "fine", "wait": "60"})
    await yard.becomes(lambda: yard.phases() == ["building"])
    yard.revise(number, {"values/a": "fine"})
    await yard.settled(2)
    old, new = yard.all_runs()
    assert (old.phase, old.reason) == ("cancelled", "a new revision was pushed")
    assert new.phase == "passed"
    assert [m.split(".")[0] for m in yard.messages()] == ["check: passed"]


async def test_a_change_is_checked_together_with_what_it_depends_on(yards: Yards) -> None:
    yard = await yards({"jinja": CHECKED, "markupsafe": CHECKED}, CHECK_ON_PUSH)
    base = await yard.proposed({"values/left": "fine"})
    top = await yard.proposed({"values/right": "fine"}, depends=(base,))
    await yard.settled(2)
    runs = {run.change: run for run in yard.all_runs()}
    assert runs[base].phase == "passed"
    assert runs[top].phase == "failed"  # left and right do not go together
    assert "exit 3" in runs[top].reason
    yard.set_state(base, ChangeState.ABANDONED)
    yard.announce(top, "change.rechecked", revision=1)
    await yard.settled(3)
    assert yard.all_runs()[-1].reason == f"it depends on #{base}, which is abandoned"


async def test_what_does_not_merge_fails_with_the_conflict(yards: Yards) -> None:
    yard = await yards({"jinja": CHECKED}, CHECK_ON_PUSH)
    start = yard.head("jinja")
    first = await yard.push("jinja", {"values/first": "one\n"})
    await yard.run()
    yard.expect(landed=[first])
    number = await yard.push("jinja", {"values/first": "two\n"}, base=start, queue=False)
    yard.announce(number, "revision.pushed", revision=1)
    await yard.settled(1)
    (run,) = yard.all_runs()
    assert (run.phase, run.build) == ("failed", None)
    assert run.reason == "it does not merge onto main: conflict in values/first"


async def test_nothing_runs_before_the_inspection_nor_for_what_is_denied(yards: Yards) -> None:
    yard = await yards({"jinja": CHECKED}, CHECK_ON_PUSH)
    number = await yard.push("jinja", {"values/a": "fine"}, queue=False)
    yard.set_state(number, ChangeState.CHECKING, "being inspected")
    yard.announce(number, "revision.pushed", revision=1)
    await yard.becomes(lambda: bool(yard.all_runs() and yard.all_runs()[0].reason))
    assert yard.all_runs()[0].reason == f"waits until #{number} is inspected"
    yard.set_state(number, ChangeState.DENIED, "a secret")
    await yard.becomes(lambda: "denied" in yard.all_runs()[0].reason)
    assert yard.phases() == ["waiting"]
    yard.set_state(number, ChangeState.CHECKING)
    yard.set_state(number, ChangeState.READY)
    await yard.settled(1)
    assert yard.phases() == ["passed"]


async def test_a_comment_asks_for_a_check_when_its_author_may(yards: Yards) -> None:
    yard = await yards({"jinja": CHECKED}, pipeline("check", "independent", "comment:^check$",
        more='jobs = ["check"]'))  # fmt: skip
    number = await yard.push("jinja", {"values/a": "fine"}, queue=False)
    yard.say(number, "check", permitted=False)
    yard.say(number, "please check this")
    yard.say(number, "Thank you.\n  check  ")
    await yard.settled(1)
    (run,) = yard.all_runs()
    assert (run.trigger, run.phase, run.actor) == ("comment", "passed", "ada")


async def test_a_landing_a_tag_and_the_clock_run_what_they_should(yards: Yards) -> None:
    text = (
        pipeline("post", "supercedent", "landed")
        + pipeline("release", "serial", "tag")
        + pipeline("nightly", "independent", "cron:0 3 * * *")
    )
    yard = await yards({"jinja": SHOWN}, text)
    number = await yard.push("jinja", {"values/a": "fine"})
    await yard.settled(1, "post")
    (post,) = yard.all_runs("post")
    assert (post.change, post.commit, post.phase) == (number, yard.head("jinja"), "passed")
    wrote = yard.log(post, "show")
    assert "HEADGATE_PIPELINE=post" in wrote
    assert f"HEADGATE_CHANGE={number}" in wrote
    assert "HEADGATE_TRIGGER=landed" in wrote
    assert yard.messages()[0].startswith("post: passed after the landing. See http://headgate/")
    yard.tag("v1.0")
    await yard.settled(1, "release")
    (release,) = yard.all_runs("release")
    wrote = yard.log(release, "show")
    assert (release.tag, release.branch, release.phase) == ("v1.0", "", "passed")
    assert "HEADGATE_TAG=v1.0" in wrote
    assert "HEADGATE_CHANGE=\n" in wrote
    assert f"HEADGATE_COMMIT={yard.head('jinja')}" in wrote
    assert not yard.all_runs("nightly")
    yard.put_ahead(2 * 86400)
    await yard.settled(1, "nightly")
    (night,) = yard.all_runs("nightly")  # Two nights went by, and once is enough.
    assert (night.trigger, night.branch, night.phase) == ("cron", "main", "passed")
    yard.put_ahead(86400)
    await yard.settled(2, "nightly")


async def test_only_the_newest_landing_waits_in_a_supercedent_pipeline(yards: Yards) -> None:
    slow = {**CHECKED, "headgate.toml": SHOW.replace("ls values", "ls values; sleep 4")}
    yard = await yards({"jinja": slow}, pipeline("post", "supercedent", "landed"))
    for n in range(3):
        number = await yard.push("jinja", {f"values/{n}": "fine"})
        await yard.becomes(lambda n=number: yard.state(n) == "landed")
    await yard.settled(3, "post")
    first, second, third = yard.all_runs("post")
    assert [first.phase, second.phase, third.phase] == ["passed", "cancelled", "passed"]
    assert second.reason == f"run {third.id}, which is newer, takes its place"


async def test_runs_of_a_serial_pipeline_take_turns(yards: Yards) -> None:
    slow = {**CHECKED, "headgate.toml": SHOW.replace("ls values", "ls values; sleep 1")}
    yard = await yards({"jinja": slow}, pipeline("release", "serial", "tag"))
    yard.tag("v1")
    yard.tag("v2")
    await yard.becomes(lambda: any("waits for run" in r.reason for r in yard.all_runs()))
    await yard.settled(2)
    first, second = yard.all_runs()
    assert first.finished is not None
    assert second.started is not None
    assert second.started >= first.finished


async def test_a_landing_runs_what_depends_on_it_elsewhere(yards: Yards) -> None:
    needs = SHOW.replace(
        'run = ["sh", "check.sh"]', 'run = ["sh", "check.sh"]\nrequired-projects = ["markupsafe"]'
    )
    queues = "".join(
        f'[queues.{name}]\nprojects = ["{name}"]\nbranches = ["main"]\n'
        for name in ("jinja", "markupsafe")
    )
    text = queues + pipeline("canary", "independent", "landed-elsewhere", more='jobs = ["check"]')
    yard = await yards({"jinja": {**CHECKED, "headgate.toml": needs}, "markupsafe": CHECKED}, text)
    number = await yard.push("markupsafe", {"values/a": "fine"})
    await yard.settled(1)
    (run,) = yard.all_runs()
    assert (run.pipeline, run.trigger, run.phase) == ("canary", "landed-elsewhere", "passed")
    assert run.commit == yard.head("jinja")
    assert [e.data["change"] for e in yard.house.landings] == [number]


async def test_a_pipeline_waits_for_what_it_requires_and_says_so(yards: Yards) -> None:
    text = CHECK_ON_PUSH + pipeline("full", "independent", "push", more="""\
jobs = ["check"]
require = {approvals = 1, checks = ["check"], age = "1h"}""")  # fmt: skip
    yard = await yards({"jinja": CHECKED}, text)
    number = await yard.proposed({"values/a": "fine"})
    await yard.settled(1, "check")
    await yard.becomes(lambda: "too young" in yard.all_runs("full")[0].reason)
    await yard.becomes(lambda: "check" not in yard.all_runs("full")[0].reason)
    assert f"#{number} needs 1 more approval, and is too young until " in (
        yard.all_runs("full")[0].reason
    )
    yard.put_ahead(3601)
    await yard.becomes(
        lambda: yard.all_runs("full")[0].reason == f"#{number} needs 1 more approval"
    )


async def test_a_restart_in_the_middle_runs_it_again_and_once(yards: Yards) -> None:
    yard = await yards({"jinja": CHECKED}, CHECK_ON_PUSH)
    number = await yard.proposed({"values/a": "fine", "wait": "3"})
    await yard.becomes(lambda: yard.phases() == ["building"])
    await yard.again()
    await yard.settled(1)
    (run,) = yard.all_runs()
    assert (run.phase, run.change) == ("passed", number)
    kinds = [e.kind for e in yard.events if e.data.get("run") == run.id and "pipe" in e.kind]
    assert kinds == [
        "pipeline.triggered",
        "pipeline.started",
        "pipeline.lost",
        "pipeline.started",
        "pipeline.passed",
    ]


async def test_a_forge_that_does_not_answer_is_told_later(yards: Yards) -> None:
    yard = await yards({"jinja": CHECKED}, CHECK_ON_PUSH)
    yard.house.deaf = True
    await yard.proposed({"values/a": "fine"})
    await yard.becomes(lambda: yard.phases() == ["passed"])
    assert not yard.messages()
    yard.house.deaf = False
    await yard.again()
    await yard.settled(1)
    assert [s.state.value for _, s in yard.house.statuses] == ["success"]
    assert len(yard.messages()) == 1


async def test_a_broken_configuration_fails_and_is_not_retried(yards: Yards) -> None:
    yard = await yards({"jinja": CHECKED}, CHECK_ON_PUSH)
    await yard.proposed({"headgate.toml": "[jobs.check]\nrnu = 1\n"})
    await yard.settled(1)
    (run,) = yard.all_runs()
    assert run.phase == "failed"
    assert "headgate.toml of jinja cannot be used" in run.reason


async def test_what_no_pipeline_takes_any_more_is_cancelled(yards: Yards) -> None:
    yard = await yards({"jinja": CHECKED}, CHECK_ON_PUSH + 'require = {age = "1h"}\n')
    await yard.proposed({"values/a": "fine"})
    await yard.becomes(lambda: yard.phases() == ["waiting"])
    yard.govern("")
    await yard.settled(1)
    assert yard.all_runs()[0].reason == "the policy has no pipeline check for it any more"


async def test_what_happened_before_a_pipeline_existed_causes_nothing(yards: Yards) -> None:
    yard = await yards({"jinja": CHECKED}, "")
    await yard.proposed({"values/a": "fine"})
    await asyncio.sleep(0.5)  # Nothing tells that nothing came of it.
    yard.govern(CHECK_ON_PUSH)
    later = await yard.proposed({"values/b": "fine"})
    await yard.settled(1)
    await yard.again()
    assert [run.change for run in yard.all_runs()] == [later]


async def test_a_change_without_jobs_passes_at_once(yards: Yards) -> None:
    text = CHECK_ON_PUSH.replace('jobs = ["check"]', 'jobs = ["none"]')
    yard = await yards({"jinja": {"a": CHECK}}, text)
    await yard.proposed({"values/a": "fine"})
    await yard.settled(1)
    (run,) = yard.all_runs()
    assert (run.phase, run.reason) == ("passed", "no job applies")


async def test_what_was_told_once_is_not_told_again_after_a_restart(yards: Yards) -> None:
    yard = await yards({"jinja": SHOWN}, pipeline("post", "supercedent", "landed"))
    number = await yard.push("jinja", {"values/a": "fine"})
    await yard.settled(1, "post")
    await yard.again()
    await yard.proposed({"values/b": "fine"})
    later = await yard.push("jinja", {"values/c": "fine"})
    await yard.settled(2, "post")
    assert [e.data["change"] for e in yard.house.outcomes] == [number, later]
    assert [run.change for run in yard.all_runs("post")] == [number, later]


async def test_what_is_not_allowed_yet_gets_no_network(yards: Yards) -> None:
    toml = '[jobs.check]\nrun = "readlink /proc/self/ns/net"\nnetwork = true\n'
    text = CHECK_ON_PUSH + '[jobs]\nnetwork = ["jinja/*"]\n'
    yard = await yards({"jinja": {**CHECKED, "headgate.toml": toml}}, text)
    allowed = await yard.proposed({"values/a": "fine\n"})
    denied = await yard.push("jinja", {"values/b": "fine\n"}, queue=False)
    yard.house.untrusted.add(denied)
    yard.announce(denied, "revision.pushed", revision=1)
    # What an allowed one depends on runs along with it.
    above = await yard.proposed({"values/c": "fine\n"}, depends=(denied,))
    await yard.settled(3)
    shared = {run.change: HOST_NETWORK in log(yard, run) for run in yard.all_runs()}
    assert shared == {allowed: True, denied: False, above: False}


def log(yard: Yard, run: PipelineRun) -> str:
    """What the one job of a run printed."""
    assert run.build is not None
    with yard.db.read() as tx:
        (job,) = tx.builds.runs(run.build)
    return yard.house.log_path(job.id).read_text()
