"""Jobs with `compat = "zuul"`: what they are told, what lies where, and how playbooks are run.

Ansible is no dependency, so it is never there in these tests; where a playbook is run, a program
of its name says what it was given.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jobs_bench import Bench

from headgate.jobs.compat.zuul_layout import inventory, lay_out, missing
from headgate.jobs.compat.zuul_variables import told, zuul_variables
from headgate.jobs.dispatch.interface import Retry, RunResult
from headgate.jobs.environments import digest_of_setup
from headgate.model.ids import Commit
from headgate.model.job import Checkout, EnvironmentDefinition, JobDefinition, RunState, Step
from headgate.model.toml.project_file import parse_project

NAMES = {"app": "review.example.org/acme/app", "lib": "review.example.org/acme/lib"}
SAYS = {
    "vars": {"colour": "red"},
    "extra-vars": {"shade": "dark"},
    "host-vars": {"controller": {"size": 2}},
    "group-vars": {"tests": {"deep": True}},
    "groups": {"tests": ["controller", "gone"]},
    "tags": ["fast"],
}
ENV = {"ZUUL_JOB": json.dumps(SAYS), "ZUUL_NAMES": json.dumps(NAMES)}
CHANGE = {
    "HEADGATE_BRANCH": "main",
    "HEADGATE_CHANGE": "7",
    "HEADGATE_CHANGE_PROJECT": "lib",
    "HEADGATE_COMMIT": "c0ffee",
    "HEADGATE_ATTEMPT": "2",
    "HEADGATE_PIPELINE": "check",
}
CHECKOUTS = (Checkout("app", "app.git", Commit("a")), Checkout("lib", "lib.git", Commit("b")))


def job(**changes: Any) -> JobDefinition:
    return JobDefinition("unit", **{"compat": "zuul", "env": ENV, **changes})


def variables(given: dict[str, str], **changes: Any) -> dict[str, Any]:
    one = job(**changes)
    return zuul_variables(one, "app", CHECKOUTS, given, told(one.env), 12)


def test_a_change_is_told_as_zuul_tells_it() -> None:
    zuul = variables(CHANGE, required_projects=("lib",), timeout=90.0, voting=False)
    assert zuul["project"] == {
        "name": "acme/lib",
        "short_name": "lib",
        "canonical_name": "review.example.org/acme/lib",
        "canonical_hostname": "review.example.org",
        "src_dir": "src/review.example.org/acme/lib",
    }
    assert (zuul["change"], zuul["branch"], zuul["patchset"]) == ("7", "main", "c0ffee")
    assert (zuul["pipeline"], zuul["attempts"], zuul["build"]) == ("check", 2, "12")
    assert (zuul["job"], zuul["jobtags"], zuul["voting"]) == ("unit", ["fast"], False)
    assert (zuul["ref"], zuul["timeout"]) == ("refs/heads/main", 90)
    assert zuul["items"] == [
        {
            "project": zuul["project"],
            "branch": "main",
            "change": "7",
            "change_url": "",
            "patchset": "c0ffee",
            "topic": "",
        }
    ]
    app = zuul["projects"]["review.example.org/acme/app"]
    lib = zuul["projects"]["review.example.org/acme/lib"]
    assert (app["required"], app["commit"], app["checkout"]) == (False, "a", "main")
    assert (lib["required"], lib["src_dir"]) == (True, "src/review.example.org/acme/lib")
    assert zuul["executor"]["work_root"] == "/work"
    assert zuul["executor"]["log_root"] == "/work/logs"


def test_a_tag_and_what_has_landed_have_no_change() -> None:
    tag = variables({"HEADGATE_TAG": "v1", "HEADGATE_COMMIT": "c0ffee"})
    assert (tag["tag"], tag["ref"], tag["newrev"]) == ("v1", "refs/tags/v1", "c0ffee")
    assert not {"change", "branch", "patchset"} & tag.keys()
    landed = variables({"HEADGATE_BRANCH": "main", "HEADGATE_COMMIT": "c0ffee"})
    assert (landed["branch"], landed["newrev"]) == ("main", "c0ffee")
    assert "change" not in landed


def test_a_project_without_a_name_in_zuul_has_its_own() -> None:
    zuul = variables({"HEADGATE_BRANCH": "main"}, env={"ZUUL_NAMES": '{"lib": "acme/lib"}'})
    assert zuul["project"]["canonical_name"] == "app"
    assert zuul["project"]["src_dir"] == "src/app"
    assert zuul["projects"]["acme/lib"]["canonical_hostname"] == ""


def test_the_inventory_has_hosts_groups_and_variables() -> None:
    one = job(nodes={"controller": "debian-12", "helper": ""}, label="any")
    found = inventory(one, told(one.env), {"change": "7"})["all"]
    controller = found["hosts"]["controller"]
    assert (controller["ansible_connection"], controller["size"]) == ("local", 2)
    assert controller["nodepool"] == {"label": "debian-12"}
    assert found["hosts"]["helper"]["nodepool"] == {"label": "any"}
    assert found["children"] == {"tests": {"hosts": {"controller": None}, "vars": {"deep": True}}}
    assert found["vars"] == {"colour": "red", "zuul": {"change": "7"}}


def test_without_nodes_there_is_the_host_itself() -> None:
    one = job()
    assert list(inventory(one, told({}), {})["all"]["hosts"]) == ["localhost"]


LOOK = """\
cat /work/zuul/inventory.json >/dev/null
grep executable "$ANSIBLE_CONFIG"
grep roles_path "$ANSIBLE_CONFIG"
cat /work/src/review.example.org/acme/app/README
cat ~/src/review.example.org/acme/lib/roles/greet/tasks.yaml
echo told >/work/logs/job.txt
/work/zuul/bin/task-shell -c pwd
"""


async def test_a_job_finds_src_logs_and_artifacts(bench: Bench) -> None:
    app = bench.git.project("app", {"README": "the app\n"})
    lib = bench.git.project("lib", {"roles/greet/tasks.yaml": "the role\n"})
    request = bench.request(
        job(script=LOOK, required_projects=("lib",)), checkouts=(app, lib), variables=CHANGE
    )
    result, log = await bench.run(request)
    assert result.state is RunState.PASSED, log
    shown = [line for line in log.splitlines() if line and not line.startswith("#")]
    assert shown == [
        "executable = /work/zuul/bin/task-shell",
        "roles_path = /work/src/lib/roles",
        "the app",
        "the role",
        "/work/home",
    ]
    assert result.artifacts == ("logs/job.txt",)
    assert (request.artifacts / "logs" / "job.txt").read_text() == "told\n"


async def test_playbooks_without_ansible_are_nobodys_fault(bench: Bench) -> None:
    result = await _refused(bench, job(argv=("ansible-playbook", "run.yaml")))
    assert result.reason == (
        "Headgate could not run the job: job unit runs playbooks, and ansible-playbook is not "
        "installed: install ansible-core on this machine, or give the job an environment whose "
        "set-up installs it."
    )


async def test_ansible_is_missed_in_scripts_before_and_after_too(bench: Bench) -> None:
    await _refused(bench, job(script="true", post=Step(script="x=0\nansible-playbook a.yaml\n")))
    await _refused(bench, job(script="true", pre=Step(argv=("ansible-playbook", "a.yaml"))))


async def _refused(bench: Bench, wanted: JobDefinition) -> RunResult:
    result, _ = await bench.run(bench.request(wanted))
    assert (result.state, result.retry) == (RunState.INFRASTRUCTURE, Retry.USELESS)
    assert "ansible-playbook is not installed" in result.reason
    return result


async def test_a_script_that_hides_its_playbook_is_told_by_the_job(bench: Bench) -> None:
    result, log = await bench.run(bench.request(job(script="env ansible-playbook run.yaml")))
    assert (result.state, result.exit_code) == (RunState.FAILED, 127)
    assert "ansible-playbook is not installed: install ansible-core on the machine" in log


SETUP = """\
mkdir -p $HEADGATE_ENV/bin
cat >$HEADGATE_ENV/bin/ansible-playbook <<'END'
#!/bin/sh
echo "in $PWD:" "$@"
END
chmod +x $HEADGATE_ENV/bin/ansible-playbook
"""


async def test_playbooks_are_run_from_home_with_all_that_they_are_told(bench: Bench) -> None:
    environment = EnvironmentDefinition("ansible", SETUP)
    bench.approved.add(digest_of_setup(SETUP))
    app = bench.git.project("app", {"plays/run.yaml": "[]", "plays/post it.yaml": "[]"})
    wanted = job(
        argv=("ansible-playbook", "-v", "plays/run.yaml", "-e", "a b"),
        post=Step(argv=("ansible-playbook", "plays/post it.yaml")),
        environment="ansible",
    )
    request = bench.request(wanted, checkouts=(app,), environment=environment)
    result, log = await bench.run(request)
    assert result.state is RunState.PASSED, log
    shown = [line for line in log.splitlines() if line.startswith("in ")]
    assert shown == [
        "in /work/home: -e @/work/zuul/extra.json -v /work/src/app/plays/run.yaml -e a b",
        "in /work/home: -e @/work/zuul/extra.json -e zuul_success=True -e zuul_will_retry=False "
        "/work/src/app/plays/post it.yaml",
    ]


async def test_what_runs_afterwards_knows_of_the_failure(bench: Bench) -> None:
    environment = EnvironmentDefinition("ansible", SETUP)
    bench.approved.add(digest_of_setup(SETUP))
    after = Step(argv=("ansible-playbook", "post.yaml"))
    wanted = job(argv=("false",), post=after, environment="ansible")
    result, log = await bench.run(bench.request(wanted, environment=environment))
    assert result.state is RunState.FAILED
    assert "-e zuul_success=False" in log


@pytest.mark.parametrize(
    ("env", "message"),
    [
        ({"ZUUL_JOB": "{"}, "$ZUUL_JOB is no JSON"),
        ({"ZUUL_JOB": "[]"}, "$ZUUL_JOB is no JSON object"),
        ({"ZUUL_JOB": '{"vars": 1}'}, "$ZUUL_JOB: vars is no object"),
        ({"ZUUL_JOB": '{"host-vars": {"a": 1}}'}, "$ZUUL_JOB: host-vars: a is no object"),
        ({"ZUUL_JOB": '{"tags": "x"}'}, "$ZUUL_JOB: tags is no list"),
        ({"ZUUL_NAMES": '{"tool": "a/b", "lib": "a/b/c"}'}, "lies below another project"),
        ({"ZUUL_NAMES": '{"tool": "lib"}'}, "lib is where another project is"),
    ],
)
async def test_variables_that_mean_nothing_fail_the_job(
    bench: Bench, env: dict[str, str], message: str
) -> None:
    tool = bench.git.project("tool", {"README": "x"})
    lib = bench.git.project("lib", {"README": "x"})
    request = bench.request(job(script="true", env=env), checkouts=(tool, lib))
    result, _ = await bench.run(request)
    assert (result.state, result.retry) == (RunState.FAILED, Retry.USELESS)
    assert message in result.reason
    await bench.idle()


def test_names_never_lead_out_of_the_work_directory(tmp_path: Path) -> None:
    for name in ("home", "artifacts", "src/app"):
        (tmp_path / name).mkdir(parents=True)
    one = job(env={"ZUUL_NAMES": '{"app": "../../../etc/app"}'})
    lay_out(tmp_path, one, "app", CHECKOUTS[:1], {}, 1)
    assert [path.name for path in (tmp_path / "src").iterdir()] == ["app"]


def test_a_job_without_playbooks_lacks_nothing(tmp_path: Path) -> None:
    assert missing(job(script="echo ansible-playbook"), [tmp_path]) == ""


def test_compat_takes_the_inventory_of_the_run() -> None:
    text = "[jobs.t]\nansible = 'run.yaml'\ncompat = 'zuul'\n"
    assert parse_project(text).jobs["t"].argv == ("ansible-playbook", "run.yaml")
