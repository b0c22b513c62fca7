"""One change from push to landing, seen through commands only."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path

import pytest
from cli_support import Say
from test_cli_server import DEFAULTS, repository, url_of

pytestmark = [pytest.mark.sandbox, pytest.mark.long]

ENVIRONMENT = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_TERMINAL_PROMPT": "0"}


def git(path: Path, *args: str, ok: bool = True) -> str:
    """Git as Ada; returns what it said."""
    name = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    done = subprocess.run(
        ["git", "-C", str(path), *name, *args],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert not ok or done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def until(say: Say, number: int, *states: str) -> dict[str, object]:
    """Wait for a change to be in one of these states."""
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        view = say("change", "show", number, "--json").object
        if view["change"]["state"] in states:
            return view
        time.sleep(0.2)
    pytest.fail(f"change {number} is {view['change']['state']}: {view['change']['reason']}")


def test_a_change_is_pushed_watched_and_lands(
    operator: Say, server: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The operator sets everything up.
    operator("project", "add", "story", "--from", repository(tmp_path / "source"))
    operator("human", "add", "ada", "--email", "ada@example.org")
    token = operator("token", "issue", "ada").out.strip()
    url = url_of(server)

    # Ada pushes a change, and holds it back with a push option.
    remote = f"{url}/git/story.git".replace("http://", f"http://ada:{token}@")
    copy = tmp_path / "copy"
    git(tmp_path, "clone", "-q", remote, str(copy))
    (copy / "hello.txt").write_text("hello\nhello again\n")
    git(copy, "commit", "-q", "-a", "-m", "Greet twice")
    said = git(copy, "push", remote, "HEAD:refs/for/main", "-o", "topic=greet")
    assert "remote: " in said

    # She follows it from the command line, as herself.
    monkeypatch.delenv("HEADGATE_DATA")
    monkeypatch.setenv("HEADGATE_URL", url)
    monkeypatch.setenv("HEADGATE_TOKEN", token)
    [change] = operator("change", "list", "--project", "story", "--json").object["changes"]
    number = change["number"]
    assert f"{url}/changes/{number}" in said
    listed = operator("change", "list", "--state", "landed").out + operator("change", "list").out
    assert "Greet twice" in listed
    shown = operator("change", "show", number).out
    for part in ("Greet twice", "story:main", "ada (human)", "verdict", "check secrets"):
        assert part in shown
    diff = operator("change", "diff", number).out
    assert "+hello again" in diff
    view = until(operator, number, "landed", "ejected", "denied")
    assert view["change"]["state"] == "landed", json.dumps(view["change"])
    assert "is the tested tree" in operator("change", "show", number).out

    # What its job wrote, and where it stood.
    [job] = operator("job", "list", "--change", number, "--json").object["jobs"]
    assert job["state"] == "passed"
    log = operator("job", "log", job["id"], "--follow")
    assert "hello again" in log.out
    assert f"run {job['id']} passed" in log.err
    assert operator("job", "log", job["id"], "--json").object["job"]["id"] == job["id"]
    assert "story/hello" in operator("job", "show", job["id"]).out
    why = operator("queue", "why", number)
    assert f"#{number} is landed" in why.out
    assert f"`headgate job log {job['id']}`" in why.out
    told = operator("queue", "why", number, "--json").object
    assert [run["run"] for run in told["evidence"]] == [job["id"]]
    assert told["futures"][0]["state"] == "passed"
    assert "There is no change #99" in operator("queue", "why", 99, code=2).err
    queue = operator("change", "show", number, "--json").object["builds"]["item"]["queue"]
    assert f"#{number} landed" in operator("queue", "show", queue).out

    # Only the operator freezes the queue.
    denied = operator("queue", "freeze", queue, "--reason", "mine", code=1)
    assert "may not administer" in denied.err
    monkeypatch.delenv("HEADGATE_URL")
    monkeypatch.setenv("HEADGATE_DATA", str(server))
    operator("queue", "freeze", queue, "--reason", "release day")
    assert "frozen: release day" in operator("queue").out
    operator("queue", "thaw", queue)
    shown = operator("queue", "show", queue, "--json").object["queues"][0]
    assert shown["state"] == "active"

    # What cannot be done any more is told.
    for command in ("approve", "enqueue", "abandon"):
        refused = operator("change", command, number, code=None)
        assert refused.code != 0, command
        assert refused.err.startswith("headgate: ")


def test_a_failing_change_is_ejected_and_its_log_is_followed(
    operator: Say, server: Path, tmp_path: Path
) -> None:
    operator("project", "add", "slow", "--from", _slow(tmp_path / "slow"))
    operator("human", "add", "bob", "--email", "bob@example.org")
    token = operator("token", "issue", "bob").out.strip()
    remote = f"{url_of(server)}/git/slow.git".replace("http://", f"http://bob:{token}@")
    copy = tmp_path / "copy"
    git(tmp_path, "clone", "-q", remote, str(copy))
    (copy / "result.txt").write_text("bad\n")
    git(copy, "commit", "-q", "-a", "-m", "Break it")
    git(copy, "push", remote, "HEAD:refs/for/main")
    [change] = operator("change", "list", "--project", "slow", "--json").object["changes"]
    number = change["number"]
    deadline = time.monotonic() + 60
    jobs: list[dict[str, object]] = []
    while not jobs and time.monotonic() < deadline:
        jobs = operator("job", "list", "--change", number, "--json").object["jobs"]
        time.sleep(0.1)
    followed = operator("job", "log", jobs[0]["id"], "--follow", code=1)
    lines = [line for line in followed.out.splitlines() if line.startswith("step")]
    assert lines == ["step 1", "step 2", "step 3"]
    assert "failed" in followed.err
    view = until(operator, number, "ejected")
    assert "slow/count" in str(view["change"]["reason"]) + json.dumps(view["builds"])
    why = operator("queue", "why", number)
    assert f"#{number} is ejected: job slow/count failed" in why.out
    assert f"Evidence: job run {jobs[0]['id']}" in why.out


def _slow(path: Path) -> Path:
    path = repository(path)
    (path / "result.txt").write_text("good\n")
    (path / "headgate.toml").write_text(
        "[jobs.count]\nrun = '''\nfor n in 1 2 3; do echo step $n; sleep 0.5; done\n"
        "grep good result.txt\n'''\n"
    )
    git(path, "add", ".")
    git(path, "commit", "-q", "-m", "Count slowly")
    return path


def test_an_agents_change_waits_for_the_right_human(
    operator: Say, server: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = tmp_path / "policy"
    policy.mkdir()
    for name, text in DEFAULTS.items():
        (policy / name).write_text(text.replace("\nsecurity = []", '\nsecurity = ["sue"]'))
    operator("policy", "import", policy, "--reason", "sue decides")
    source = repository(tmp_path / "source")
    (source / "headgate.toml").write_text('[classes]\ncritical.hello = ["hello.txt"]\n')
    git(source, "commit", "-q", "-a", "-m", "Guard it")
    operator("project", "add", "guarded", "--from", source)
    for name in ("sam", "sue"):
        operator("human", "add", name, "--email", f"{name}@example.org")
    operator("agent", "add", "robot", "--sponsor", "sam")
    tokens = {
        name: operator("token", "issue", name).out.strip() for name in ("sam", "sue", "robot")
    }
    url = url_of(server)
    remote = f"{url}/git/guarded.git".replace("http://", f"http://robot:{tokens['robot']}@")
    copy = tmp_path / "copy"
    git(tmp_path, "clone", "-q", remote, str(copy))
    (copy / "hello.txt").write_text("hello from a robot\n")
    git(copy, "commit", "-q", "-a", "-m", "Greet as a robot")
    git(copy, "push", remote, "HEAD:refs/for/main")
    [change] = operator("change", "list", "--project", "guarded", "--json").object["changes"]
    number = change["number"]
    until(operator, number, "waiting")
    assert "missing   1 approval by security" in operator("change", "show", number).out

    def as_(name: str) -> None:
        monkeypatch.setenv("HEADGATE_URL", url)
        monkeypatch.setenv("HEADGATE_TOKEN", tokens[name])

    assert operator("change", "approve", number, code=1).err.startswith("headgate: ")
    as_("robot")
    assert operator("change", "approve", number, code=1).err.startswith("headgate: ")
    as_("sam")
    assert "sponsor" in operator("change", "approve", number, code=1).err
    as_("sue")
    stale = operator("change", "approve", number, "--head", "0" * 40, code=1)
    assert "Look at the new revision first." in stale.err
    said = operator("change", "approve", number, "-m", "I looked at it").out
    assert f"Change {number} is approved." in said
    until(operator, number, "landed")
    assert "approved by sue" in operator("change", "show", number).out
