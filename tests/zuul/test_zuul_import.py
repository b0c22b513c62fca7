"""A tenant of Zuul comes over: what its jobs, projects and pipelines are in Headgate."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from typing import Any

import pytest
from zuul_world import APP, CONFIG, JOBS, acme, imported, said, source

from headgate.model.errors import BadInput
from headgate.model.job import JobDefinition, Step
from headgate.model.resolve import for_branch
from headgate.model.toml.project_file import parse_project


def jobs(text: str, branch: str = "main") -> Mapping[str, JobDefinition]:
    return for_branch(parse_project(text), branch).jobs


def told(job: JobDefinition) -> Any:
    return json.loads(job.env["ZUUL_JOB"])


def test_jobs_have_what_they_inherit() -> None:
    app = jobs(acme().files["app/headgate.toml"])
    unit = app["unit"]
    assert unit.argv == ("ansible-playbook", "../jobs/playbooks/tox/run.yaml")
    assert unit.pre == Step(argv=("ansible-playbook", "../jobs/playbooks/tox/pre.yaml"))
    assert unit.post == Step(argv=("ansible-playbook", "../jobs/playbooks/tox/post.yaml"))
    assert set(unit.required_projects) == {"lib", "jobs"}
    assert unit.irrelevant_files == ("/docs/",)
    assert unit.semaphores == ("database",)
    assert (unit.label, unit.nodes) == ("debian-12", {"controller": "debian-12"})
    assert (unit.timeout, unit.compat, unit.attempts) == (1800.0, "zuul", 1)
    assert told(unit) == {
        "vars": {"builder": "html", "tox": {"envlist": "py311", "quiet": True}},
        "groups": {"tests": ["controller"]},
    }


def test_variables_of_a_project_stand_below_those_of_its_jobs() -> None:
    docs = jobs(acme().files["lib/headgate.toml"])["build-docs"]
    assert told(docs)["vars"] == {"builder": "html", "tox": {"envlist": "docs", "quiet": True}}
    assert docs.files == ("/docs/", "*.rst")
    assert docs.pipelines == ("check", "gate")


def test_a_branch_has_its_variant() -> None:
    text = acme().files["app/headgate.toml"]
    stable = jobs(text, "stable/1")["unit"]
    assert told(stable)["vars"]["tox"] == {"envlist": "py39", "quiet": True}
    assert stable.timeout == 3600.0
    assert jobs(text, "stable")["unit"].timeout == 1800.0


def test_a_job_runs_only_where_its_project_says() -> None:
    text = acme().files["app/headgate.toml"]
    deploy = jobs(text, "main")["deploy"]
    assert deploy.playbooks == ("playbooks/build.yaml", "playbooks/deploy.yaml")
    assert (deploy.pipelines, deploy.provides) == (("post",), ("site",))
    assert deploy.fail_on_output == ("^FATAL",)
    assert deploy.after == ()  # `unit` does not run in post.
    assert "deploy" not in jobs(text, "mainly")


def test_a_job_that_differs_between_pipelines_is_two_jobs() -> None:
    app = jobs(acme().files["app/headgate.toml"])
    assert (app["lint"].pipelines, app["lint"].voting) == (("gate",), True)
    assert (app["lint-check"].pipelines, app["lint-check"].voting) == (("check",), False)
    assert app["unit"].pipelines == ("check", "gate", "nightly")


def test_pipelines_queues_and_semaphores_go_into_the_policy() -> None:
    policy = tomllib.loads(acme().files["policy.toml"])
    assert policy["pipelines"]["check"] == {
        "manager": "independent",
        "on": ["push", r"comment:(?i)^\s*recheck\s*$"],
        "projects": ["app", "lib"],
    }
    assert policy["pipelines"]["gate"] == {
        "manager": "dependent",
        "on": ["push"],
        "projects": ["app", "lib"],
        "require": {"approvals": 1, "checks": ["check"]},
    }
    assert policy["pipelines"]["post"] == {
        "manager": "supercedent",
        "on": ["landed"],
        "projects": ["app"],
        "precedence": "high",
        "report": [],
    }
    # Zuul's Sunday is 6.
    assert policy["pipelines"]["nightly"]["on"] == ["cron:15 3 * * sun"]
    assert policy["pipelines"]["nightly"]["manager"] == "serial"
    assert policy["queues"] == {
        "integrated": {
            "projects": ["app", "lib"],
            "branches": ["*"],
            "mode": "chain",
            "window": 8,
            "window-floor": 3,
            "window-ceiling": 1000,
        }
    }
    assert policy["semaphores"] == {"database": 3}


def test_what_is_carried_whole_leaves_little_to_tell() -> None:
    assert said(acme()) == [
        "27 differs: project acme/app: network",
        "27 differs: project acme/app: required-projects",
        "75 not carried: base job: playbooks/base/pre.yaml",
        "80 differs: project acme/lib: network",
        "80 differs: project acme/lib: required-projects",
    ]


def test_names_are_kept_for_the_variables_of_jobs() -> None:
    app = jobs(acme("review.example.org").files["app/headgate.toml"])
    names = json.loads(app["unit"].env["ZUUL_NAMES"])
    assert names["app"] == "review.example.org/acme/app"
    assert names["jobs"] == "review.example.org/acme/jobs"
    assert acme().names == {"app": "acme/app", "lib": "acme/lib"}


def test_a_project_alone_keeps_its_jobs_though_its_pipelines_are_elsewhere() -> None:
    text = "- job: {name: t, parent: null, run: t.yaml}\n- project: {check: {jobs: [t]}}\n"
    found = imported(source("acme/app", text))
    assert jobs(found.files["app/headgate.toml"])["t"].pipelines == ("check",)
    assert "policy.toml" not in found.files
    assert "2 not carried: project acme/app: check" in said(found)


def test_secrets_are_named_but_never_carried() -> None:
    text = """\
- secret:
    name: pypi
    data:
      user: acme
      token: !encrypted/pkcs1-oaep
        - AbCd
- job:
    name: publish
    parent: null
- job:
    name: upload
    parent: publish
    run: up.yaml
    secrets:
      - name: login
        secret: pypi
- project:
    post: {jobs: [upload]}
"""
    found = imported(source("acme/app", text))
    upload = jobs(found.files["app/headgate.toml"])["upload"]
    assert upload.secrets == {"ZUUL_LOGIN_TOKEN": "pypi.token"}
    assert told(upload)["vars"]["login"] == {
        "user": "acme",
        "token": "{{ lookup('ansible.builtin.env', 'ZUUL_LOGIN_TOKEN') }}",
    }
    assert "AbCd" not in "".join(found.files.values())
    loss = next(one for one in found.losses if "secret" in one.construct)
    assert (loss.place.line, loss.construct) == (2, "secret pypi: token (for app)")
    assert loss.instead == "Run `headgate secret set app pypi.token`."


def test_playbooks_one_after_the_other_and_all_at_the_end() -> None:
    text = """\
- job: {name: a, parent: null, pre-run: [], run: a.yaml}
- job: {name: b, parent: a, pre-run: [p.yaml, q.yaml], post-run: x.yaml, cleanup-run: z.yaml}
- job: {name: c, parent: b, pre-run: "r s.yaml", post-run: w.yaml}
- project: {gate: {jobs: [c]}}
"""
    job = jobs(imported(source("app", text)).files["app/headgate.toml"])["c"]
    assert job.pre == Step(
        script="ansible-playbook p.yaml\nansible-playbook q.yaml\nansible-playbook 'r s.yaml'\n"
    )
    assert job.post is not None
    assert job.post.script.splitlines() == [
        "failed=0",
        "ansible-playbook w.yaml || failed=1",
        "ansible-playbook x.yaml || failed=1",
        "ansible-playbook z.yaml || failed=1",
        "exit $failed",
    ]


def test_inherited_lists_can_be_told_to_end() -> None:
    text = """\
- job: {name: a, parent: null, run: a.yaml, tags: [x], provides: [p], vars: {a: 1}}
- job: {name: b, parent: a, provides: !override [q], vars: !override {b: 2}, tags: [y]}
- project: {gate: {jobs: [b]}}
"""
    job = jobs(imported(source("app", text)).files["app/headgate.toml"])["b"]
    assert job.provides == ("q",)
    assert told(job) == {"vars": {"b": 2}, "tags": ["x", "y"]}


BRANCHES = """\
- job: {name: t, parent: null, run: t.yaml, timeout: 10}
- job: {name: t, branches: ^stable/, run: s.yaml, voting: false, post-run: p.yaml}
- job: {name: t, branches: ^stable/1$, timeout: 20}
- job: {name: u, parent: t, run: u.yaml}
- project:
    gate:
      jobs:
        - t
        - u:
            branches:
              - regex: ^stable/.*$
                negate: true
            dependencies: t
"""


@pytest.mark.parametrize(
    ("branch", "expected"),
    [
        ("main", {"t": ("t.yaml", 10, True), "u": ("u.yaml", 10, True)}),
        ("stable/2", {"t": ("s.yaml", 10, False)}),
        ("stable/1", {"t": ("s.yaml", 20, False)}),
        ("stable/11", {"t": ("s.yaml", 10, False)}),
    ],
)
def test_variants_of_branches_lie_over_each_other(
    branch: str, expected: dict[str, tuple[str, int, bool]]
) -> None:
    found = jobs(imported(source("app", BRANCHES)).files["app/headgate.toml"], branch)
    assert {n: (j.playbooks[0], j.timeout, j.voting) for n, j in found.items()} == expected
    if branch == "main":
        assert found["u"].needs == ("t",)


def test_implied_branches_of_a_file_are_those_of_its_jobs() -> None:
    text = """\
- pragma: {implied-branches: [^stable/.*$]}
- job: {name: t, parent: null, run: t.yaml}
- project: {gate: {jobs: [t]}}
"""
    text = imported(source("app", text)).files["app/headgate.toml"]
    assert "t" in jobs(text, "stable/1")
    assert "t" not in jobs(text, "main")


BASE = "- job: {name: base, parent: null}\n"
RUN = BASE + "- job: {name: t, run: t.yaml%s}\n- project: {gate: {jobs: [t]}%s}\n"


@pytest.mark.parametrize(
    ("job", "construct"),
    [
        ("final: true", "final"),
        ("protected: true", "protected"),
        ("success-message: Well done", "success-message"),
        ("hold-following-changes: true", "hold-following-changes"),
        ("match-on-config-updates: false", "match-on-config-updates"),
        ("attempts: 5", "attempts"),
        ("override-checkout: main", "override-checkout"),
        ("workspace-scheme: unique", "workspace-scheme"),
        ("deduplicate: false", "deduplicate"),
        ("ansible-version: 9", "ansible-version"),
        ("allowed-projects: [a]", "allowed-projects"),
        ("shiny: new", "shiny"),
        ("timeout: soon", "timeout"),
        ("roles: [{galaxy: geerlingguy.docker}]", "roles"),
        ("files: ['(?i)^x']", "files: (?i)^x"),
        ("irrelevant-files: [{regex: ^x, negate: true}]", "irrelevant-files: ^x"),
        ("failure-output: ['(?=x)']", "failure-output: (?=x)"),
        ("failure-output: ['(']", "failure-output: ("),
        ("nodeset: unheard-of", "nodeset unheard-of"),
        ("nodeset: {nodes: [{name: [a, b], label: x}]}", "nodeset"),
        ("secrets: [unheard-of]", "secret unheard-of"),
        ("dependencies: [gone]", "dependencies: gone"),
        (
            "required-projects: [{name: lib, override-checkout: x}]",
            "required-projects: lib: override-checkout",
        ),
        ("pre-run: ../../etc/x.yaml", "../../etc/x.yaml"),
    ],
)
def test_what_a_job_says_that_headgate_cannot(job: str, construct: str) -> None:
    found = imported(source("app", RUN % (f", {job}", "")), tenant="")
    lost = [one for one in found.losses if one.construct == f"job t: {construct}"]
    assert len(lost) == 1, said(found)
    assert lost[0].kind.value == "not carried"
    assert lost[0].place.file == "app/zuul.yaml"
    assert lost[0].place.line == 2
    assert lost[0].reason
    assert "t" in jobs(found.files["app/headgate.toml"])


def test_a_pattern_that_cannot_be_said_never_makes_a_job_run_less() -> None:
    both = "files: [^a/, '(?i)b'], irrelevant-files: [^c/, '(?i)d']"
    job = jobs(imported(source("app", RUN % (f", {both}", ""))).files["app/headgate.toml"])["t"]
    assert job.files == ()
    assert job.irrelevant_files == ("/c/",)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("- project: {gate: {jobs: [gone]}}", "1 not carried: job gone"),
        (
            "- job: {name: t, parent: gone, run: t.yaml}\n- project: {gate: {jobs: [t]}}",
            "1 not carried: job t",
        ),
        (
            "- job: {name: t, parent: u, run: t.yaml}\n- job: {name: u, parent: t}\n"
            "- project: {gate: {jobs: [t]}}",
            "2 not carried: job t",
        ),
        (BASE + "- job: {name: t}\n- project: {gate: {jobs: [t]}}", "2 not carried: job t"),
        (
            BASE + "- job: {name: t, abstract: true, run: x}\n- project: {gate: {jobs: [t]}}",
            "2 not carried: job t: abstract",
        ),
    ],
)
def test_a_job_that_cannot_be_made_is_told(text: str, expected: str) -> None:
    found = imported(source("app", text))
    assert expected in said(found)
    assert found.files == {}


@pytest.mark.parametrize(
    ("project", "construct"),
    [
        ("templates: [gone]", "project app: template gone"),
        ("default-branch: trunk", "project app: default-branch"),
        ("merge-mode: squash-merge-twice", "project app: merge-mode squash-merge-twice"),
        ("check: {jobs: [], fail-fast: true}", "project app: check: fail-fast"),
    ],
)
def test_what_a_project_says_that_headgate_cannot(project: str, construct: str) -> None:
    found = imported(source("app", RUN % ("", f", {project}")))
    assert construct in [loss.construct for loss in found.losses]


def test_a_project_lands_as_it_did() -> None:
    found = imported(source("app", RUN % ("", ", merge-mode: squash-merge")))
    assert parse_project(found.files["app/headgate.toml"]).merge_mode == "squash"


def test_alternatives_of_a_nodeset_and_cleanup_differ() -> None:
    nodes = "nodeset: {alternatives: [{nodes: [{name: n, label: big}]}, {nodes: []}]}"
    found = imported(source("app", RUN % (f", cleanup-run: c.yaml, {nodes}", "")))
    assert "2 differs: job t: cleanup-run" in said(found)
    assert "2 differs: job t: nodeset" in said(found)
    assert jobs(found.files["app/headgate.toml"])["t"].label == "big"


def test_branches_that_no_pattern_names() -> None:
    text = BASE + (
        "- job: {name: t, run: t.yaml}\n"
        "- job: {name: t, branches: '^[a-z]+$', run: never.yaml}\n"
        "- job: {name: t, branches: '^.*/x', run: x.yaml}\n"
        "- job: {name: t, branches: '^a.*', run: a.yaml}\n"
        "- project: {gate: {jobs: [t]}}\n"
    )
    found = imported(source("app", text))
    assert said(found)[:2] == [
        "3 not carried: branches: ^[a-z]+$",
        "5 differs: branches: ^a.*",
    ]
    assert "never.yaml" not in found.files["app/headgate.toml"]
    assert jobs(found.files["app/headgate.toml"], "abc")["t"].playbooks == ("a.yaml",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("job: x", "acme/app/zuul.yaml:1: is no list of objects"),
        ("- job\n", "acme/app/zuul.yaml:1: an entry is no mapping with one key"),
        ("- job: {name: a\n", "this is not YAML"),
        ("- job: {name: t, x: !shell y}\n", "acme/app/zuul.yaml:1: this is not YAML: could not"),
        ("- job: x", "acme/app/zuul.yaml:1: job: is no mapping"),
        ("- job: {run: x}", "acme/app/zuul.yaml:1: name: is missing or no text"),
        ("- project: {check: [x]}", "zuul.yaml:1: check: is no pipeline of this project"),
        ("- project: {check: {jobs: [[x]]}}", "jobs: has an entry that is no job"),
        ("- project: {check: {jobs: [x: y]}}", "zuul.yaml:1: x: is no mapping of the job's keys"),
        ("- project: {vars: [x]}", "vars: is no mapping"),
        ("- nodeset: {name: a, nodes: [b]}", "a node has no label"),
        ("- ? [a]\n  : b\n", "this is not YAML: a key that is no text"),
        (
            "- a: &a [x, x, x, x, x, x, x, x, x, x]\n- b: &b [*a, *a, *a, *a, *a, *a, *a, *a]\n"
            "- c: &c [*b, *b, *b, *b, *b, *b, *b, *b]\n- d: &d [*c, *c, *c, *c, *c, *c, *c, *c]\n"
            "- e: &e [*d, *d, *d, *d, *d, *d, *d, *d]\n- f: [*e, *e, *e, *e, *e, *e, *e, *e, *e]\n"
            "- g: &g [*e, *e, *e, *e, *e, *e, *e, *e, *e]\n",
            "zuul.yaml:7: this is not YAML: its aliases multiply",
        ),
        (
            "- job: &a {name: a}\n- job: &b\n    <<: [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]\n"
            + "".join(
                f"- job: &{key}\n    <<: [{', '.join([f'*{chr(ord(key) - 1)}'] * 10)}]\n"
                for key in "cdefghijkl"
            ),
            "zuul.yaml:12: this is not YAML: its aliases multiply",
        ),
        ("- &a [*a, *a, *a]\n", "zuul.yaml:1: this is not YAML: its aliases multiply"),
        (
            "- job:\n    name: !!timestamp x\n",
            "zuul.yaml:2: this is not YAML: a value that is no t",
        ),
        ("- job:\n    a: !!bool x\n", "zuul.yaml:2: this is not YAML: a value that is no bool"),
        ("- job:\n    a: !!int ''\n", "zuul.yaml:2: this is not YAML: a value that is no int"),
        ("- job:\n    a: 2001-99-99\n", "zuul.yaml:2: this is not YAML: a value that is no time"),
    ],
)
def test_files_that_are_not_zuuls_are_bad_input(text: str, message: str) -> None:
    with pytest.raises(BadInput) as caught:
        imported(source("acme/app", text))
    assert message in str(caught.value)
    assert caught.value.remedy


def test_jobs_that_wait_for_each_other_are_bad_input() -> None:
    text = BASE + (
        "- job: {name: a, run: a.yaml, dependencies: b}\n"
        "- job: {name: b, run: b.yaml, dependencies: a}\n- project: {gate: {jobs: [a, b]}}\n"
    )
    with pytest.raises(BadInput, match=r"What the configuration of app comes to .* in a circle"):
        imported(source("app", text))


def test_objects_about_zuul_itself_are_told() -> None:
    found = imported(source("app", "- provider: {name: x}\n- what: {name: y}\n"))
    assert said(found) == ["1 not carried: provider", "2 not carried: what"]
    about, misspelt = [one.instead for one in found.losses]
    assert "server.toml" in about
    assert "Mend its name" in misspelt


def test_the_files_of_this_world_are_what_they_say() -> None:
    """Guards the world against edits that would make other tests pass for no reason."""
    assert CONFIG.count("- pipeline:") == 4
    assert JOBS.count("- job:") == 2
    assert APP.count("- job:") == 4
