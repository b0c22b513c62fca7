"""Jobs in the gate: variants, matrix, what they read, secrets, labels, artifacts, semaphores."""

from __future__ import annotations

from dataclasses import replace

from harness import Begin, Gate, git, one_queue, propose

from headgate.gate.case import read_case
from headgate.gate.reader import QueueReader
from headgate.gate.selection import select
from headgate.jobs.results import result_key
from headgate.model.config import PROJECT_FILE, QueuePolicy
from headgate.model.ids import ChangeNumber, Tree
from headgate.model.queue import BranchKey, NodeState

SECRET = "s3cr3t-of-ada"


def project(toml: str, **files: str) -> dict[str, str]:
    return {PROJECT_FILE: toml, "README": "hello\n", **files}


def log(gate: Gate, number: int, job: str) -> str:
    run = [run for run in gate.runs(number) if run.job == job][-1]
    return gate.house.log_path(run.id).read_text()


async def test_a_change_passes_the_jobs_of_its_branch_and_every_combination(gates: Begin) -> None:
    toml = """\
[jobs.unit]
run = "echo on $MATRIX_PYTHON"
matrix = {python = ["3.11", "3.12"]}
[[jobs.unit.variants]]
branches = ["stable"]
matrix = {python = ["3.9"]}

[jobs.report]
run = "true"
needs = ["unit"]
[jobs.checked]
run = "exit 1"
pipelines = ["check"]
"""
    policy = replace(
        one_queue("app"), queues=(QueuePolicy("main", ("app",), ("main", "stable"), 4),)
    )
    gate = await gates({"app": project(toml)}, policy)
    repository = gate.house.repository("app").path
    git(repository, "update-ref", "refs/heads/stable", "main")
    main = await gate.push("app", {"a": "1"})
    stable = await gate.push("app", {"b": "1"}, branch="stable")
    await gate.run()
    gate.expect(landed=[main, stable])
    assert sorted(r.job for r in gate.runs(main)) == ["report", "unit (3.11)", "unit (3.12)"]
    assert sorted(r.job for r in gate.runs(stable)) == ["report", "unit (3.9)"]
    assert "\non 3.12\n" in log(gate, main, "unit (3.12)")


async def test_all_failures_are_told_when_a_build_goes_on(gates: Begin) -> None:
    toml = "fail-fast = false\n" + "".join(
        f'[jobs.{name}]\nrun = "test ! -e broken"\n' for name in ("a", "b", "c")
    )
    gate = await gates({"app": project(toml + '[jobs.d]\nrun = "true"\n')})
    number = await gate.push("app", {"broken": ""})
    await gate.run()
    gate.expect(ejected={number: "job app/"})
    states = {run.job: run.state.value for run in gate.runs(number)}
    assert states == {"a": "failed", "b": "failed", "c": "failed", "d": "passed"}
    told = gate.reason(number)
    assert all(f"app/{name}" in told for name in "abc")
    assert "Failed too: app/" in told


async def test_a_job_is_shown_only_what_it_reads(gates: Begin) -> None:
    toml = """\
[jobs.list]
run = "cd ..; find . -type f | sort"
required-projects = ["lib"]
reads = ["src/**", "lib:*.h"]
"""
    lib = {"a.h": "1", "a.c": "2"}
    gate = await gates({"app": project(toml, **{"src/a": "1"}), "lib": lib})
    number = await gate.push("app", {"src/b": "1", "docs/c": "1"})
    await gate.run()
    shown = [line for line in log(gate, number, "list").splitlines() if line.startswith("./")]
    assert shown == ["./app/src/a", "./app/src/b", "./lib/a.h"]
    assert f"# headgate: src/app at {gate.head('app')}, only src/**\n" in log(gate, number, "list")
    broken = await gate.push("app", {PROJECT_FILE: toml.replace("lib:", "other:")})
    await gate.run()
    gate.expect(ejected={broken: "job list reads `other:*.h`, and does not require the project"})


async def test_a_label_that_no_machine_has_holds_the_change(gates: Begin) -> None:
    gate = await gates({"app": project('[jobs.train]\nrun = "true"\nlabel = "gpu"\n')})
    number = await gate.push("app", {"a": "1"})
    await gate.until(lambda: "item.held" in gate.kinds())
    assert gate.item(number).reason == (
        "held, not its fault: Job train of app needs a machine with the label gpu, and there is "
        "none (labels: none). Add gpu to the runner labels of server.toml, or change the job."
    )
    assert gate.runs(number) == []
    gate.house.labels = frozenset({"gpu"})
    await gate.restart()
    await gate.run()
    gate.expect(landed=[number])


WITH_SECRET = """\
[jobs.publish]
run = 'echo "token ${TOKEN:-none}"'
secrets = {TOKEN = "pypi"}
"""


async def test_a_secret_goes_only_to_a_job_as_it_has_landed_or_as_approved(gates: Begin) -> None:
    gate = await gates({"app": project(WITH_SECRET)})
    gate.house.secrets["app", "pypi"] = SECRET
    same = await gate.push("app", {"a": "1"})
    await gate.run()
    assert "\ntoken ***\n" in log(gate, same, "publish")
    altered = WITH_SECRET.replace("echo", "echo more;echo")
    other = await gate.push("app", {PROJECT_FILE: altered})
    await gate.run()
    told = log(gate, other, "publish")
    assert "\ntoken none\n" in told
    assert "# headgate: secrets are not given: the job is not as the landed branch has it" in told
    third = await gate.push("app", {PROJECT_FILE: WITH_SECRET}, queue=False)
    gate.freeze()
    await gate.enqueue(third)
    gate.house.approved.add(gate.item(third).id)
    gate.thaw()
    await gate.run()
    assert "\ntoken ***\n" in log(gate, third, "publish")
    for number in (same, other, third):
        assert SECRET not in log(gate, number, "publish")


async def test_what_is_ahead_must_be_approved_too_before_a_secret_is_given(gates: Begin) -> None:
    gate = await gates({"app": project(WITH_SECRET, slow="1")})
    gate.house.secrets["app", "pypi"] = SECRET
    evil = WITH_SECRET.replace("'echo", "'sleep 2; echo stolen $TOKEN | rev; echo")
    gate.freeze()
    first = await gate.push("app", {PROJECT_FILE: evil})
    second = await gate.push("app", {"a": "1"})
    gate.house.approved.add(gate.item(second).id)
    gate.thaw()
    await gate.run()
    for number in (first, second):
        assert SECRET[::-1] not in log(gate, number, "publish")
    assert gate.runs(second)[0].state.value == "passed"


async def test_a_secret_that_is_not_stored_holds_the_change(gates: Begin) -> None:
    gate = await gates({"app": project(WITH_SECRET)})
    number = await gate.push("app", {"a": "1"})
    await gate.until(lambda: "item.held" in gate.kinds())
    assert "Store it: headgate secret set app pypi" in gate.item(number).reason
    gate.house.secrets["app", "pypi"] = SECRET
    gate.tell("secret.set")
    await gate.run(20.0)  # Long before a held item is tried again by itself.
    gate.expect(landed=[number])


ARTIFACTS = """\
[jobs.wheel]
run = "sleep 1; cp version $HEADGATE_ARTIFACTS/"
provides = ["wheel"]
files = ["version"]
"""
USER = """\
[jobs.use]
run = "cat $HEADGATE_REQUIRED/wheel/version || echo nothing"
required-projects = ["lib"]
requires = ["wheel"]
[jobs.stranger]
run = "ls $HEADGATE_REQUIRED/wheel"
requires = ["wheel"]
"""


async def test_artifacts_come_from_the_change_ahead_and_later_from_what_landed(
    gates: Begin,
) -> None:
    gate = await gates({"lib": project(ARTIFACTS, version="1\n"), "app": project(USER)})
    alone = await gate.push("app", {"a": "1"})
    await gate.run()
    assert "\nnothing\n" in log(gate, alone, "use")
    gate.freeze()
    lib = await gate.push("lib", {"version": "2\n"})
    app = await gate.push("app", {"a": "2"})
    gate.thaw()
    await gate.run()
    gate.expect(landed=[alone, lib, app])
    assert "\n2\n" in log(gate, app, "use"), "it waited for what is ahead"
    assert "nobody provides wheel" in log(gate, app, "stranger")
    later = await gate.push("app", {"a": "3"})
    await gate.run()
    assert "\n2\n" in log(gate, later, "use")


async def test_a_semaphore_is_counted_over_all_builds(gates: Begin) -> None:
    job = '[jobs.cloud]\nrun = "sleep 0.4"\nsemaphores = ["cloud"]\n'
    for count in (1, 2):
        policy = replace(one_queue("app", "lib"), semaphores={"cloud": count})
        gate = await gates({"app": project(job), "lib": project(job)}, policy)
        numbers = [await gate.push(name, {"a": "1"}) for name in ("app", "lib", "app")]
        await gate.run()
        spans = [
            (run.started, run.finished)
            for number in numbers
            for run in gate.runs(number)
            if run.started is not None and run.finished is not None
        ]
        together = max(sum(start <= at < end for start, end in spans) for at, _ in spans)
        assert together <= count


async def test_a_policy_that_counts_a_semaphore_higher_lets_more_in_at_once(gates: Begin) -> None:
    job = '[jobs.cloud]\nrun = "sleep 3"\nsemaphores = ["cloud"]\n'
    policy = one_queue("app", "lib")
    gate = await gates({"app": project(job), "lib": project(job)}, policy)
    numbers = [await gate.push(name, {"a": "1"}) for name in ("app", "lib")]
    await gate.until(lambda: "job.started" in gate.kinds())
    gate.house.in_force = replace(policy, semaphores={"cloud": 2})
    gate.tell("policy.loaded")
    await gate.until(lambda: gate.kinds().count("job.started") == 2, 20.0)
    assert "job.finished" not in gate.kinds()
    await gate.run()
    gate.expect(landed=numbers)


async def test_equal_runs_are_known_by_what_they_are_shown(gates: Begin) -> None:
    toml = """\
[jobs.unit]
run = "true"
reads = ["src/**"]
environment = "py"
secrets = {TOKEN = "pypi"}
[environments.py]
setup = "touch $HEADGATE_ENV/made"
inputs = ["requirements.txt"]
"""
    files = {"src/a": "1", "docs/a": "1", "requirements.txt": "x"}
    gate = await gates({"app": project(toml, **files)})
    gate.house.secrets["app", "pypi"] = SECRET
    main = BranchKey("app", "main")

    async def key(files: dict[str, str]) -> str:
        number = propose(gate.house, "app", files)
        with gate.db.write() as tx:
            revision = tx.changes.current_revision(ChangeNumber(number))
            queue, where = tx.queues.ensure("main", 4), tx.projects.by_name("app")
            item = tx.items.add(queue.id, ChangeNumber(number), revision.id, where.id, "main")
            head = revision.head
            tree = Tree(git(gate.house.repository("app").path, "rev-parse", f"{head}^{{tree}}"))
            future = {main: head}
            state = NodeState.MERGED
            node = tx.nodes.add(item.id, (), revision.base, head, tree, future, state, "")
        case = read_case(gate.db, QueueReader(), item.id)
        selected = await select(gate.house, case.proposal, node, {"app": "main"})
        (planned,) = selected.plan.jobs
        assert planned.visible is not None
        return result_key(planned.job, await planned.visible())

    same = {await key({"docs/a": "2"}), await key({"README": "x"}), await key({"docs/b": "1"})}
    assert len(same) == 1
    others = [{"src/a": "2"}, {"src/b": "1"}, {"requirements.txt": "y"}]
    keys = [await key(other) for other in others]
    gate.house.secrets["app", "pypi"] = "another-secret"
    keys.append(await key({"docs/a": "2"}))
    assert len({*keys, *same}) == 5
