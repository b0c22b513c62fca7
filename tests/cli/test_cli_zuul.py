"""`headgate zuul import` on files: what is written, what is told, and when nothing is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from headgate.cli.main import run
from headgate.model.toml.project_file import parse_project

TENANTS = """\
- tenant:
    name: one
    max-job-timeout: 3600
    source:
      gerrit:
        config-projects: [acme/config]
        untrusted-projects:
          - include: [job]
            projects: [acme/lib]
          - acme/app:
              extra-config-paths: [ci/]
          - acme/far
- tenant: {name: two}
- global-semaphore: {name: cloud, max: 2}
"""
CONFIG = """\
- pipeline:
    name: gate
    manager: dependent
    trigger: {gerrit: [{event: patchset-created}]}
    success: {gerrit: {Verified: 2}}
- job: {name: base, parent: null}
"""
APP = (
    "- project: {gate: {jobs: [unit, more]}}\n- job: {name: unit, run: ci/unit, semaphores: cloud}"
)


@pytest.fixture
def tenant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "main.yaml").write_text(TENANTS)
    for name, text in (
        ("acme/config/zuul.d/all.yaml", CONFIG),
        ("acme/app/.zuul.yaml", APP),
        ("acme/app/ci/more.yaml", "- job: {name: more, run: ci/more.yaml}\n"),
        ("acme/app/ci/unit.yml", "- hosts: all\n"),
        ("acme/lib/zuul.yaml", "- project: {gate: {jobs: [unit]}}\n"),
        ("acme/lib/zuul.d/unread.yaml", "not: read"),
        ("bad/zuul.yaml", "- job: {name: [}"),
        ("latin/zuul.yaml", ""),
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "acme/app/ci/unit.yml").write_text("[]")
    (tmp_path / "latin/zuul.yaml").write_bytes(b"- job: {name: t\xe4}")
    return tmp_path


NETWORK = (
    "acme/app/.zuul.yaml:1: differs: project acme/app: network: jobs have no network, which nodes "
    "of Zuul have. Where one needs it, say network = true there and name it under [jobs] in "
    "policy.toml."
)
ALL = ["zuul", "import", "--tenant", "main.yaml", "--tenant-name", "one", "acme/config", "acme/app"]


def test_a_tenant_is_written_and_what_is_missing_told(
    tenant: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*ALL, "acme/lib"]) == 1
    out, _ = capsys.readouterr()
    assert out.splitlines() == [
        NETWORK,
        "main.yaml:3: not carried: tenant one: max-job-timeout: it is about how Zuul itself is "
        "run. See server.toml.",
        "Written to headgate-import: 2 jobs of 1 project, 2 files.",
        "  app/headgate.toml",
        "  policy.toml",
        "Not given: 1 project of the tenant.",
        "1 construct not carried, 1 with another meaning; listed in zuul-import.txt.",
    ]
    jobs = parse_project((tenant / "headgate-import/app/headgate.toml").read_text()).jobs
    assert jobs["unit"].playbooks == ("ci/unit.yml",)
    assert jobs["more"].playbooks == ("ci/more.yaml",)
    assert "cloud = 2" in (tenant / "headgate-import/policy.toml").read_text()
    report = (tenant / "headgate-import/zuul-import.txt").read_text()
    assert report.splitlines() == out.splitlines()[:2]


def test_everything_carried_is_clean_and_json_says_the_same(
    tenant: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = TENANTS.replace("    max-job-timeout: 3600\n", "")
    (tenant / "main.yaml").write_text(text)
    assert run([*ALL, "--into", "there", "--json"]) == 0
    out, err = capsys.readouterr()
    told = json.loads(out)
    assert [loss["kind"] for loss in told.pop("not_carried")] == ["differs"]
    assert told == {
        "into": "there",
        "files": ["app/headgate.toml", "policy.toml"],
        "jobs": {"app": 2},
        "projects": {"app": "acme/app"},
    }
    assert "0 constructs not carried, 1 with another meaning" in err


def test_a_loss_is_an_object_with_its_place(
    tenant: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*ALL, "--json"]) == 1
    loss = json.loads(capsys.readouterr().out)["not_carried"][1]
    assert loss == {
        "file": "main.yaml",
        "line": 3,
        "kind": "not carried",
        "construct": "tenant one: max-job-timeout",
        "reason": "it is about how Zuul itself is run.",
        "instead": "See server.toml.",
    }


def test_nothing_is_overwritten_unless_asked_for(
    tenant: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    into = tenant / "headgate-import"
    into.mkdir()
    (into / "policy.toml").write_text("mine")
    assert run(ALL) == 1
    assert "There is headgate-import/policy.toml already. Say --force" in capsys.readouterr().err
    assert [path.name for path in into.rglob("*")] == ["policy.toml"]
    assert run([*ALL, "--force"]) == 1
    assert (into / "policy.toml").read_text().startswith("# Written by `headgate zuul import`")


def test_nothing_is_half_written(tenant: Path, capsys: pytest.CaptureFixture[str]) -> None:
    into = tenant / "headgate-import"
    into.mkdir()
    (into / "app").write_text("in the way")
    assert run(ALL) == 3
    assert "headgate-import cannot be written" in capsys.readouterr().err
    assert [path.name for path in into.rglob("*")] == ["app"]


def test_projects_may_be_named(tenant: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["zuul", "import", "x/config=acme/config", "x/app=acme/app", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["projects"] == {"app": "x/app"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "nowhere: there is none of zuul.yaml, zuul.d, .zuul.yaml, .zuul.d."),
        (["bad"], "bad/zuul.yaml:1: this is not YAML"),
        (["latin"], "latin/zuul.yaml:1: this is not UTF-8."),
        (["a=acme/app", "a=acme/lib"], "acme/lib and acme/app are both the project a."),
        (["acme/app", "--tenant", "gone"], "gone cannot be read: No such file"),
        (["acme/app", "--tenant", "main.yaml"], "main.yaml:1: has 2 tenants. Say --tenant-name"),
        (
            ["acme/app", "--tenant", "main.yaml", "--tenant-name", "x"],
            "has no tenant x. Say --tenant-name with one of one, two.",
        ),
        (["acme/app", "--tenant-name", "x"], "--tenant-name names no file."),
        (["acme/config/zuul.d/none.yaml"], "none.yaml: there is none of"),
    ],
)
def test_bad_input(
    tenant: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert run(["zuul", "import", *arguments]) == 2
    assert message in capsys.readouterr().err
    assert not (tenant / "headgate-import").exists()


def test_a_configuration_of_nothing_is_bad_input(
    tenant: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tenant / "latin/zuul.yaml").write_text("[]")
    assert run(["zuul", "import", "latin"]) == 2
    assert "Nothing in latin is a job that some project runs" in capsys.readouterr().err
