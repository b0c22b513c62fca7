"""Promoting, holding and dequeuing what waits in a queue, over the API."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import httpx
import pytest
from server_support import Served

JOB = '[jobs.tests]\nrun = ["true"]\n'


def git(place: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org", *arguments],
        cwd=place,
        env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


class Author:
    """A human with a token and a clone."""

    def __init__(self, served: Served, place: Path, name: str) -> None:
        self.served = served
        self.token = served.human(name)
        self.api = served.client(self.token)
        self.clone = place / name
        self.remote = served.url.replace("://", f"://{name}:{self.token}@") + "/git/app.git"

    def begin(self, files: dict[str, str]) -> None:
        """The project, with these files."""
        source = self.clone.with_name("source")
        git(source.parent, "init", "-q", "-b", "main", str(source))
        for name, text in files.items():
            (source / name).write_text(text)
        git(source, "add", ".")
        assert git(source, "commit", "-q", "-m", "Begin").returncode == 0
        body = {"name": "app", "source": str(source)}
        assert self.served.operator.post("/api/projects", json=body).status_code == 200
        assert git(self.clone.parent, "clone", "-q", self.remote, str(self.clone)).returncode == 0

    def push(self, path: str, text: str, *options: str) -> tuple[int, str]:
        """A change that writes one file; its number, and what git said."""
        git(self.clone, "fetch", "-q")
        git(self.clone, "checkout", "-q", "--detach", "origin/main")
        (self.clone / path).write_text(text)
        git(self.clone, "add", ".")
        git(self.clone, "commit", "-q", "-m", f"Write {path}")
        given = [part for option in options for part in ("-o", option)]
        done = git(self.clone, "push", *given, "origin", "HEAD:refs/for/main")
        assert done.returncode == 0, done.stderr
        word = next(w for w in done.stderr.split() if w.startswith("#"))
        return int(word.strip("#:")), done.stderr


@pytest.fixture
def ada(served: Served, tmp_path: Path) -> Author:
    author = Author(served, tmp_path, "ada")
    author.begin({"headgate.toml": JOB, "first": "fine\n"})
    return author


def told(answer: httpx.Response, status: int = 200) -> str:
    assert answer.status_code == status, answer.text
    body = answer.json()
    return body["error"] if status != 200 else body["change"]["state"]


def order(served: Served) -> list[int]:
    queue = served.operator.get("/queues.json").json()["queues"][0]
    return [item["change"] for item in queue["items"]]


def frozen_with_two(ada: Author) -> tuple[int, int]:
    ada.push("a", "a\n")
    name = ada.served.operator.get("/queues.json").json()["queues"][0]["name"]
    told_ = ada.served.operator.post(f"/api/queues/{name}/freeze", json={"reason": "a test"})
    assert told_.status_code == 200
    # The first may have landed before the freeze: two more are sure to wait.
    second, _ = ada.push("b", "b\n")
    third, _ = ada.push("c", "c\n")
    return second, third


def test_a_maintainer_promotes_and_an_owner_does_not(ada: Author, served: Served) -> None:
    second, third = frozen_with_two(ada)
    assert "may not promote" in told(ada.api.post(f"/api/changes/{third}/promote"), 403)
    assert told(served.operator.post(f"/api/changes/{third}/promote")) == "queued"
    assert order(served).index(third) < order(served).index(second)
    with served.house.db.read() as tx:
        before = tx.events.last()
    assert told(served.operator.post(f"/api/changes/{third}/promote")) == "queued"
    with served.house.db.read() as tx:
        kinds = [e.kind for e in tx.events.after(before.id if before else 0, 100)]
    assert "item.promoted" not in kinds


def test_an_owner_holds_and_releases_a_place(ada: Author, served: Served) -> None:
    second, _ = frozen_with_two(ada)
    body = {"reason": "wait for the docs"}
    assert told(ada.api.post(f"/api/changes/{second}/pause", json=body)) == "queued"
    queue = served.operator.get("/queues.json").json()["queues"][0]
    shown = next(i for i in queue["items"] if i["change"] == second)
    assert shown["reason"] == "held in its place by ada: wait for the docs"
    assert "already" in told(ada.api.post(f"/api/changes/{second}/pause"), 409)
    long = {"reason": "x" * 501}
    assert "at most 500" in told(ada.api.post(f"/api/changes/{second}/pause", json=long), 400)
    assert told(ada.api.post(f"/api/changes/{second}/resume")) == "queued"
    assert "is not held" in told(ada.api.post(f"/api/changes/{second}/resume"), 409)


def test_what_is_dequeued_stays_out_until_it_is_enqueued(ada: Author, served: Served) -> None:
    second, third = frozen_with_two(ada)
    assert told(ada.api.post(f"/api/changes/{second}/dequeue")) == "ready"
    assert second not in order(served)
    assert third in order(served)
    assert "in no queue" in told(ada.api.post(f"/api/changes/{second}/dequeue"), 409)
    assert "in no queue" in told(ada.api.post(f"/api/changes/{second}/pause"), 409)
    assert "in no queue" in told(served.operator.post(f"/api/changes/{second}/promote"), 409)
    assert told(ada.api.post(f"/api/changes/{second}/enqueue")) == "queued"


def test_nobody_acts_on_what_is_not_there(served: Served) -> None:
    for action in ("promote", "dequeue", "pause", "resume"):
        assert "no change" in told(served.operator.post(f"/api/changes/7/{action}"), 404)
