"""Stories of changes that land and changes that do not, on real repositories with real jobs."""

from __future__ import annotations

from harness import CHECK, CHECKED, TOML, Begin


async def test_a_good_change_lands_as_it_was_tested(gates: Begin):
    gate = await gates({"jinja": CHECKED})
    number = await gate.push("jinja", {"values/a": "fine\n"}, title="Add a")
    await gate.run()
    gate.expect(landed=[number])
    assert gate.show("jinja", "values/a") == "fine"
    assert [r.state for r in gate.runs(number)] == ["passed"]
    assert gate.kinds() == [
        "item.queued",
        "node.merged",
        "build.started",
        "job.created",
        "job.started",
        "job.finished",
        "build.passed",
        "landing.intended",
        "branch.landed",
        "queue.window",
    ]


async def test_a_failing_change_is_ejected_with_the_job_that_failed(gates: Begin):
    gate = await gates({"jinja": CHECKED})
    number = await gate.push("jinja", {"values/a": "bad\n"})
    before = gate.head("jinja")
    await gate.run()
    run = gate.runs(number)[0].id
    why = f"job jinja/check failed (exit 1) on top of the branch as it is: see /jobs/{run}"
    gate.expect(ejected={number: why})
    assert gate.head("jinja") == before


async def test_a_preparation_that_fails_is_named_as_such(gates: Begin):
    prepared = CHECKED | {"headgate.toml": '[jobs.check]\npre = "exit 3"\nrun = "true"\n'}
    gate = await gates({"jinja": prepared})
    number = await gate.push("jinja", {"values/a": "fine\n"})
    await gate.run()
    run = gate.runs(number)[-1].id
    where = f"on top of the branch as it is: see /jobs/{run}"
    why = f"job jinja/check failed (exit 3) in 3 attempts {where}. pre failed: The script ended"
    gate.expect(ejected={number: why})


async def test_two_that_pass_alone_and_fail_together_cost_the_second(gates: Begin):
    gate = await gates({"jinja": CHECKED})
    left = await gate.push("jinja", {"values/left": "fine\n"})
    right = await gate.push("jinja", {"values/right": "fine\n"})
    other = await gate.push("jinja", {"values/other": "fine\n"})
    await gate.run()
    why = f"job jinja/check failed (exit 3) in the future with #{left} ahead"
    gate.expect(landed=[left, other], ejected={right: why})


async def test_a_merge_conflict_is_reported_without_running_anything(gates: Begin):
    gate = await gates({"jinja": CHECKED})
    base = gate.head("jinja")
    first = await gate.push("jinja", {"values/first": "mine\n"})
    await gate.run()
    second = await gate.push("jinja", {"values/first": "yours\n"}, base=base)
    await gate.run()
    why = "it does not merge onto main: conflict in values/first"
    gate.expect(landed=[first], ejected={second: why})
    assert gate.runs(second) == []
    assert "node.conflict" in gate.kinds()


async def test_a_conflict_with_a_change_ahead_names_it(gates: Begin):
    gate = await gates({"jinja": CHECKED})
    first = await gate.push("jinja", {"values/first": "mine\n"})
    second = await gate.push("jinja", {"values/first": "yours\n"})
    await gate.run()
    gate.expect(landed=[first], ejected={second: "it does not merge onto main"})


async def test_a_change_that_is_there_already_has_nothing_to_land(gates: Begin):
    gate = await gates({"jinja": CHECKED})
    first = await gate.push("jinja", {"values/a": "fine\n"}, queue=False)
    with gate.db.read() as tx:
        head = tx.changes.current_revision(first).head
    stacked = await gate.push("jinja", {"values/b": "fine\n"}, base=head)
    await gate.run()
    await gate.enqueue(first)
    await gate.run()
    gate.expect(landed=[stacked], ejected={first: "nothing is left to land"})


MARKUP = {"headgate.toml": TOML, "check.sh": CHECK, "values/first": "fine\n", "api": "old\n"}
USER = {
    "headgate.toml": """\
[jobs.with-markup]
run = ["sh", "-c", "cmp api ../markupsafe/api"]
required-projects = ["markupsafe"]
""",
    "api": "old\n",
}


async def test_a_change_that_breaks_another_project_is_stopped_by_its_job(gates: Begin):
    gate = await gates({"markupsafe": MARKUP, "jinja": USER})
    number = await gate.push("markupsafe", {"api": "new\n"})
    await gate.run()
    gate.expect(ejected={number: "job jinja/with-markup failed (exit 1)"})
    assert {(r.project, r.job) for r in gate.runs(number)} == {
        ("markupsafe", "check"),
        ("jinja", "with-markup"),
    }


async def test_a_pair_across_projects_lands_in_order(gates: Begin):
    user = {**USER, "headgate.toml": USER["headgate.toml"].replace("cmp", "grep -qFf")}
    gate = await gates({"markupsafe": MARKUP, "jinja": user})
    provider = await gate.push("markupsafe", {"api": "old\nnew\n"}, queue=False)
    consumer = await gate.push("jinja", {"api": "new\n"}, depends=[provider], queue=False)
    alone = await gate.push("jinja", {"api": "newer\n"})
    await gate.run()
    await gate.enqueue(provider)
    await gate.enqueue(consumer)
    await gate.run()
    gate.expect(landed=[provider, consumer], ejected={alone: "jinja/with-markup failed"})
    landed = [e.data["change"] for e in gate.events if e.kind == "branch.landed"]
    assert landed == [provider, consumer]


async def test_what_depends_on_an_ejected_change_goes_with_it(gates: Begin):
    gate = await gates({"markupsafe": MARKUP, "jinja": CHECKED})
    provider = await gate.push("markupsafe", {"values/a": "bad\n"})
    consumer = await gate.push("jinja", {"values/a": "fine\n"}, depends=[provider])
    await gate.run()
    gate.expect(
        ejected={
            provider: "job markupsafe/check failed",
            consumer: f"it depends on #{provider}, which is not going to land: job markupsafe",
        }
    )


async def test_a_change_no_job_applies_to_lands_with_its_tree_recorded(gates: Begin):
    toml = TOML + 'files = ["values/**"]\n'
    gate = await gates({"jinja": {**CHECKED, "headgate.toml": toml}})
    number = await gate.push("jinja", {"README": "words\n"})
    await gate.run()
    gate.expect(landed=[number])
    node = gate.node(number)
    assert node is not None
    assert (node.reason, node.build) == ("no job applies", None)
    assert node.tree is not None


async def test_a_change_to_the_configuration_runs_its_own_jobs(gates: Begin):
    gate = await gates({"jinja": CHECKED})
    toml = TOML + '[jobs.strict]\nrun = ["sh", "-c", "test -e missing"]\n'
    number = await gate.push("jinja", {"headgate.toml": toml})
    await gate.run()
    gate.expect(ejected={number: "job jinja/strict failed (exit 1)"})


async def test_a_broken_configuration_is_refused_with_its_line(gates: Begin):
    gate = await gates({"jinja": CHECKED})
    number = await gate.push("jinja", {"headgate.toml": TOML + "tmeout = 3\n"})
    await gate.run()
    gate.expect(ejected={number: "headgate.toml of jinja cannot be used: headgate.toml:4"})
    assert gate.runs(number) == []


async def test_a_missing_executable_is_named(gates: Begin):
    toml = '[jobs.check]\nrun = ["no-such-program"]\n'
    gate = await gates({"jinja": {**CHECKED, "headgate.toml": toml}})
    number = await gate.push("jinja", {"values/a": "fine\n"})
    await gate.run()
    gate.expect(ejected={number: "'no-such-program' does not exist in the sandbox"})


async def test_a_squashing_branch_gets_one_commit_with_the_authors_name(gates: Begin):
    gate = await gates({"jinja": {**CHECKED, "headgate.toml": 'merge = "squash"\n' + TOML}})
    base = gate.head("jinja")
    number = await gate.push("jinja", {"values/a": "fine\n"}, title="Add a")
    await gate.run()
    gate.expect(landed=[number])
    info = await gate.house.repository("jinja").info(gate.head("jinja"))
    assert info.parents == (base,)
    assert info.author.name == "Ada"
    assert info.committer.name == "Headgate"
    assert info.message == f"Add a\n\nHeadgate-Change: {number}\n"


async def test_a_rebasing_branch_stays_straight(gates: Begin):
    gate = await gates({"jinja": {**CHECKED, "headgate.toml": 'merge = "rebase"\n' + TOML}})
    numbers = [await gate.push("jinja", {f"values/{n}": "fine\n"}) for n in "abc"]
    await gate.run()
    gate.expect(landed=numbers)
    history = await gate.house.repository("jinja").commits(None, gate.head("jinja"))
    assert [len(info.parents) for info in history] == [0, 1, 1, 1]


async def test_a_picking_branch_says_where_its_commits_come_from(gates: Begin):
    gate = await gates({"jinja": {**CHECKED, "headgate.toml": 'merge = "cherry-pick"\n' + TOML}})
    numbers = [await gate.push("jinja", {f"values/{n}": "fine\n"}) for n in "abc"]
    await gate.run()
    gate.expect(landed=numbers)
    history = await gate.house.repository("jinja").commits(None, gate.head("jinja"))
    assert [len(info.parents) for info in history] == [0, 1, 1, 1]
    for info in history[1:]:
        assert info.author.name == "Ada"
        assert "\n\n(cherry picked from commit " in info.message


async def test_a_branch_in_no_declared_queue_has_one_of_its_own(gates: Begin):
    from headgate.model.config import Policy

    gate = await gates({"jinja": CHECKED}, Policy("policy"))
    number = await gate.push("jinja", {"values/a": "fine\n"})
    await gate.run()
    gate.expect(landed=[number])
    with gate.db.read() as tx:
        assert [queue.name for queue in tx.queues.all()] == ["jinja:main"]


async def test_a_pattern_of_the_policy_brings_projects_into_one_queue(gates: Begin):
    from headgate.model.config import Policy, QueuePolicy

    queues = (
        QueuePolicy("main", ("*",), ("main", "rel-*")),
        QueuePolicy("own", ("lib",), ("main",)),
    )
    gate = await gates(
        {"app": CHECKED, "jinja": CHECKED, "lib": CHECKED}, Policy("p", queues=queues)
    )
    numbers = [await gate.push(name, {"values/a": "fine\n"}) for name in ("app", "jinja", "lib")]
    await gate.run()
    gate.expect(landed=numbers)
    with gate.db.read() as tx:
        names = {queue.id: queue.name for queue in tx.queues.all()}
        found = [names[tx.items.latest_of(number).queue] for number in numbers]
    assert found == ["main", "main", "own"]
