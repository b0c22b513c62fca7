"""The server is killed, started twice, given a damaged database, a taken port, a full disk."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from way_support import CHECK, CONFIG, POLICY, Stage

from headgate.demo.world import change_of
from headgate.model.errors import HeadgateError

pytestmark = [pytest.mark.sandbox, pytest.mark.long]


def up(data: Path, *options: str, **more: object) -> subprocess.CompletedProcess[str]:
    """`headgate up` that is expected to refuse."""
    command = [sys.executable, "-m", "headgate", "up", "--data", str(data), *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, **more)  # type: ignore[call-overload, no-any-return]


def test_two_servers_on_one_data_directory(compiled: Path) -> None:
    with Stage(compiled) as stage:
        second = up(stage.data, "--port", "0")
        assert second.returncode == 1
        assert "runs on" in second.stderr
        assert "Traceback" not in second.stderr


def test_a_port_in_use(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = up(tmp_path / "data", "--port", str(port))
    assert refused.returncode == 2
    assert f"Port {port}" in refused.stderr
    assert "--port" in refused.stderr


def test_a_damaged_database(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "headgate.db").write_bytes(b"this is no database at all" * 200)
    refused = up(data, "--port", "0")
    assert refused.returncode == 3
    assert "damaged" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert (data / "headgate.db").read_bytes().startswith(b"this is no")


def test_a_full_disk_refuses_the_push_and_loses_nothing(compiled: Path) -> None:
    with Stage(compiled) as stage:
        _people_and_project(stage)
        told = stage.propose("bea", stage.files(a="1\n"), "Before", "hold")
        # No process of the server may make a file larger than this: writes fail as on a full disk.
        _limit_files(stage, (stage.data / "headgate.db-wal").stat().st_size + 4096)
        place = stage.clone("bea", "app")
        stage.commit("bea", place, stage.files(b="1\n"), "During")
        pushed = stage.push("bea", place, "refs/for/main")
        assert not pushed.accepted
        _limit_files(stage, -1)
        assert change_of(stage.operator, told.change)["change"]["title"] == "Before"
        assert stage.operator.post("/api/audit/verify")["verified"]
        assert stage.push("bea", place, "refs/for/main").accepted


@pytest.mark.parametrize("seed", [1, 2])
def test_killed_at_any_moment_nothing_is_lost_and_nothing_lands_twice(
    seed: int, compiled: Path
) -> None:
    rng = random.Random(seed)
    with Stage(compiled) as stage:
        _people_and_project(stage)
        told = [
            stage.propose("bea", stage.files(**{f"f{n}": f"{n}\n"}), f"Add {n}", "hold")
            for n in range(6)
        ]
        for one in told:
            stage.as_("bea").post(f"/api/changes/{one.change}/enqueue")
        for _ in range(4):
            time.sleep(rng.uniform(0.0, 0.5))
            _kill_and_restart(stage)
        states = {one.change: stage.ended(one.change)["state"] for one in told}
        assert set(states.values()) == {"landed"}
        repository = stage.data / "repositories" / "app.git"
        listed = subprocess.run(
            ["git", "-C", str(repository), "rev-list", "--first-parent", "main"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        assert len(listed) == 1 + len(told)
        assert stage.operator.post("/api/audit/verify")["verified"]


def test_a_server_killed_during_pushes_leaves_no_git_behind(compiled: Path) -> None:
    with Stage(compiled) as stage:
        _people_and_project(stage)
        place = stage.clone("bea", "app")
        stage.commit("bea", place, stage.files(large=os.urandom(20_000_000)), "Large")
        pushing = threading.Thread(target=stage.push, args=("bea", place, "refs/for/main"))
        pushing.start()
        deadline = time.monotonic() + 20
        while not _gits(stage.data) and time.monotonic() < deadline:
            time.sleep(0.005)
        _kill_and_restart(stage)
        pushing.join()
        deadline = time.monotonic() + 10
        while left := _gits(stage.data):
            assert time.monotonic() < deadline, left
            time.sleep(0.1)


def _gits(data: Path) -> list[int]:
    """Processes of `git http-backend` for this data directory."""
    found: list[int] = []
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            named = (process / "comm").read_text().startswith("git-http-back")
            if named and str(data).encode() in (process / "environ").read_bytes():
                found.append(int(process.name))
        except OSError:
            continue  # It has ended meanwhile.
    return found


def _people_and_project(stage: Stage) -> None:
    stage.operator.post("/api/policy/import", {"files": {"policy.toml": POLICY}, "reason": "tests"})
    stage.introduce()
    stage.add_project("app", {"check.sh": CHECK, "headgate.toml": CONFIG})


def _limit_files(stage: Stage, size: int) -> None:
    import resource

    limit = resource.RLIM_INFINITY if size < 0 else size
    resource.prlimit(stage.server_pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))


def _kill_and_restart(stage: Stage) -> None:
    assert stage._server is not None
    os.kill(stage.server_pid, signal.SIGKILL)
    stage._server.wait()
    (stage.data / "run" / "server.json").unlink(missing_ok=True)
    stage._start()
    deadline = time.monotonic() + 20
    while True:
        try:
            stage.operator.get("/healthz")
            return
        except HeadgateError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
