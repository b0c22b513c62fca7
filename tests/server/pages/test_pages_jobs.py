"""What a job leaves behind: who may have it, and that it stays a file and nothing else."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from pages_full_story import full_story
from pages_repositories import commit, make_repository
from pages_serving import make_app, serving
from pages_story import Story
from pages_world import open_world
from starlette.testclient import TestClient

from headgate.model.ids import ChangeNumber, Commit, JobRunId
from headgate.model.job import RunState
from headgate.model.queue import BranchKey, NodeState

NAME = b"not-\xff-utf8.txt"


@pytest.fixture
def kept(story: Story) -> Path:
    """Run 4 left a report, a page that would like to act, odd names, and ways out."""
    place = story.world.artifacts_path(JobRunId(4))
    (place / "reports/deep").mkdir(parents=True)
    (place / "reports/deep/junit.xml").write_bytes(b"<testsuite/>\n")
    (place / "page.html").write_bytes(b"<script>alert(1)</script>")
    (place / os.fsdecode(NAME)).write_bytes(b"odd")
    (place / 'a "b" ü?#%.txt').write_bytes(b"quoted")
    (place / "empty").touch()
    (place.parent / "outside.txt").write_text("not for you")
    (place / "link.txt").symlink_to("../outside.txt")
    (place / "away").symlink_to("..")
    (place / "inner.html").symlink_to("page.html")
    os.mkfifo(place / "pipe")
    return place


def test_artifacts_are_listed_and_served_as_they_are(kept: Path, ada: TestClient) -> None:
    listed = ada.get("/jobs/4.json").json()["artifacts"]
    assert {a["name"]: a["size"] for a in listed} == {
        "reports/deep/junit.xml": 13,
        "page.html": 25,
        '"not-\\xff-utf8.txt"': 3,
        '"a \\"b\\" ü?#%.txt"': 6,
        "empty": 0,
    }
    page = ada.get("/jobs/4").text
    contents = {}
    for one in listed:
        assert f'href="{one["url"]}"' in page
        answer = ada.get(one["url"])
        assert answer.status_code == 200, one
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["content-disposition"].startswith("attachment; filename*=UTF-8''")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-length"] == str(one["size"])
        contents[one["name"]] = answer.content
    assert contents["reports/deep/junit.xml"] == b"<testsuite/>\n"
    assert contents['"not-\\xff-utf8.txt"'] == b"odd"
    assert contents['"a \\"b\\" ü?#%.txt"'] == b"quoted"
    name = ada.get("/jobs/4/artifacts/reports/deep/junit.xml").headers["content-disposition"]
    assert name == "attachment; filename*=UTF-8''junit.xml"
    head = ada.head("/jobs/4/artifacts/page.html")
    assert (head.headers["content-length"], head.content) == ("25", b"")


@pytest.mark.parametrize(
    "path",
    [
        "link.txt", "inner.html", "away/outside.txt", "away/4/page.html", "pipe", "reports",
        "reports/", "", "page.html/", "page.html/x", "nothing", "%2e%2e/outside.txt",
        "..%2foutside.txt", "reports/%2e%2e/page.html", "reports%2f..%2f..%2foutside.txt",
        "%2fetc%2fpasswd", "/etc/passwd", "page.html%00", "x" * 5000, "%2e",
    ],
)  # fmt: skip
def test_nothing_leads_out_of_the_artifacts_or_along_a_link(
    kept: Path, story: Story, path: str
) -> None:
    with serving(story.world, story.ada) as url, httpx.Client() as client:
        answer = client.get(f"{url}/jobs/4/artifacts/{path}")
    assert answer.status_code == 404
    assert "not for you" not in answer.text
    assert "root:" not in answer.text


def test_artifacts_that_were_replaced_by_a_link(kept: Path, ada: TestClient) -> None:
    kept.rename(kept.with_name("elsewhere"))
    kept.symlink_to("elsewhere")
    assert ada.get("/jobs/4/artifacts/page.html").status_code == 404


def test_a_run_without_artifacts(ada: TestClient) -> None:
    assert ada.get("/jobs/3.json").json()["artifacts"] == []
    assert "Artifacts" not in ada.get("/jobs/3").text
    assert ada.get("/jobs/3/artifacts/x").status_code == 404


def test_many_artifacts_are_counted(kept: Path, ada: TestClient) -> None:
    for number in range(600):
        (kept / f"{number:04d}.log").touch()
    data = ada.get("/jobs/4.json").json()
    assert (len(data["artifacts"]), data["artifacts_more"]) == (500, 105)
    assert "105 more" in ada.get("/jobs/4").text


# -- who may read --------------------------------------------------------------------------------

READS_NOT = (
    '@id("{project}") forbid (principal, action == Action::"read", resource) '
    'when {{ resource.project == "{project}" && principal.name == "ada" }};'
)
JOB = b'[jobs.tests]\nrun = "true"\n'
WIDE = b'[jobs.tests]\nrun = "true"\nrequired-projects = ["vault"]\n'


@contextmanager
def run_of(directory: Path, closed: str, config: bytes) -> Iterator[tuple[Story, str]]:
    """A change of markupsafe tested by jinja's job, which finds what `config` says."""
    world = open_world(directory, READS_NOT.format(project=closed))
    story = Story(world)
    with world.db.write() as tx:
        tx.projects.add("vault", "main", "")
    make_repository(world.path("vault"), {b"key": b"value\n"})
    story.heads["jinja"] = commit(world.path("jinja"), "main", {b"headgate.toml": config}, "Jobs")
    number, _ = story.propose("Change markupsafe")
    item = story.enqueue(number)
    with world.db.write() as tx:
        change = tx.changes.get(ChangeNumber(number))
        head = tx.changes.current_revision(change.number).head
        node = tx.nodes.add(
            item,
            (),
            Commit(story.heads["markupsafe"]),
            head,
            None,
            {
                BranchKey("markupsafe", "main"): head,
                BranchKey("jinja", "main"): Commit(story.heads["jinja"]),
            },
            NodeState.BUILDING,
            "",
        )
        build = tx.builds.add()
        tx.nodes.set_build(node.id, build)
        own = tx.builds.add_run(build, "markupsafe", "own", 1, True)
        run = tx.builds.add_run(build, "jinja", "tests", 1, True)
        tx.builds.set_run(run.id, RunState.PASSED, started=1.0, finished=2.0)
        tx.builds.set_run(own.id, RunState.PASSED, started=1.0, finished=2.0)
    world.log_path(run.id).write_text("what the job said\n")
    place = world.artifacts_path(run.id)
    place.mkdir(parents=True)
    (place / "out.txt").write_text("what the job kept")
    yield story, f"/jobs/{run.id}"
    world.db.close()


@pytest.mark.parametrize(
    ("closed", "config", "status"),
    [
        ("nothing", WIDE, 200),
        ("vault", JOB, 200),
        ("vault", WIDE, 404),
        ("jinja", JOB, 404),
        ("markupsafe", JOB, 404),
        ("vault", b"[jobs", 404),  # what was checked out cannot be told: all must be readable
        ("vault", b"", 404),
        ("nothing", b"[jobs", 200),
    ],
)
def test_a_run_is_for_those_who_may_read_all_that_it_found(
    tmp_path: Path, closed: str, config: bytes, status: int
) -> None:
    with run_of(tmp_path / "data", closed, config) as (story, run):
        with TestClient(make_app(story.world, story.ada)) as ada:
            for address in ("", ".json", "/log", "/live", "/artifacts/out.txt"):
                assert ada.get(run + address).status_code == status, address
        with TestClient(make_app(story.world, story.bea)) as bea:
            assert bea.get(f"{run}/artifacts/out.txt").text == "what the job kept"


def test_jobs_and_heads_of_other_projects_are_not_named(tmp_path: Path) -> None:
    world = open_world(tmp_path / "data", READS_NOT.format(project="vault"))
    story = full_story(world)
    config = b'[jobs.tests]\nrun = "true"\n'
    story.heads["jinja"] = commit(world.path("jinja"), "main", {b"headgate.toml": config}, "Jobs")
    with world.db.write() as tx:
        tx.projects.add("vault", "main", "")
    number, _ = story.propose(
        "Change jinja", project="jinja", files={b"headgate.toml": config + b"\n"}
    )
    [run, _] = story.test(
        story.enqueue(number),
        jobs=(("jinja", "tests", RunState.PASSED, 1.0), ("vault", "audit", RunState.PASSED, 1.0)),
    )
    for viewer, known in ((story.ada, False), (story.bea, True)):
        with TestClient(make_app(world, viewer)) as client:
            data = client.get(f"/jobs/{run}.json")
            assert data.status_code == 200
            assert ("vault" in json.dumps(data.json())) is known
    world.db.close()


# -- signed out ----------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["/live", "/live?change=9", "/jobs/6/live"])
def test_open_streams_end_with_the_session(story: Story, address: str) -> None:
    with (
        serving(story.world, story.ada) as url,
        httpx.Client(timeout=10) as client,
        client.stream("GET", url + address) as stream,
    ):
        lines = stream.iter_lines()
        assert next(lines)
        with story.world.db.write() as tx:
            assert not tx.builds.run(JobRunId(6)).state.final
            tx.sessions.end_all(story.ada.id)
        story.world.event("token.revoked", "principal/ada")
        assert "event: done" not in "".join(lines), "it ends, though the job goes on"
