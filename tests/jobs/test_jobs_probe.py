"""What a machine offers for containing jobs is found out by doing it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from headgate.jobs.sandbox import host
from headgate.jobs.sandbox.bubblewrap import Bubblewrap
from headgate.jobs.sandbox.interface import Owner, Strength
from headgate.jobs.sandbox.probe import probe
from headgate.model.errors import CouldNotRun

ROOT = os.geteuid() == 0


@pytest.mark.sandbox
def test_this_machine_holds_jobs(place: Path) -> None:
    report = probe(place / "data")
    assert (report.strength, report.name) == (Strength.STANDARD, "bubblewrap")
    assert report.at_least("degraded")
    assert report.at_least("standard")
    assert not report.at_least("strict")
    with pytest.raises(ValueError, match="degraded, standard, strict"):
        report.at_least("strong")


@pytest.mark.sandbox
def test_it_is_told_when_the_sandbox_lets_the_host_be_seen(place: Path) -> None:
    class Leaky(Bubblewrap):
        def __init__(self, state: Path) -> None:
            super().__init__(state)
            self._system += ["--ro-bind", str(place), str(place)]

    report = probe(place / "data", make=Leaky)
    assert report.sandbox is None
    assert not report.at_least("degraded")
    assert report.problems == ("the sandbox does not hold: it saw files of the host",)


@pytest.mark.sandbox
def test_it_is_told_when_the_sandbox_does_not_start(place: Path) -> None:
    class Broken(Bubblewrap):
        def __init__(self, state: Path) -> None:
            super().__init__(state)
            self._system += ["--ro-bind", "/no/such/place", "/x"]

    report = probe(place / "data", make=Broken)
    assert report.sandbox is None
    assert "bwrap: Can't find source path /no/such/place" in report.problems[0]


def test_a_missing_program_is_named_with_its_package(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host, "SYSTEM_PATH", ("/nowhere",))
    report = probe(place / "data")
    assert report.sandbox is None
    assert report.problems == ("Jobs cannot be contained: there is no bwrap on this machine",)
    assert report.remedy == "Install the package bubblewrap."
    with pytest.raises(CouldNotRun):
        Bubblewrap(place / "state")


def test_a_data_directory_that_cannot_be_made_is_told(place: Path) -> None:
    (place / "file").touch()
    report = probe(place / "file")
    assert report.sandbox is None
    assert "cannot be used" in report.problems[0]


@pytest.mark.skipif(not ROOT, reason="only root runs jobs as another account")
def test_a_data_directory_out_of_reach_puts_work_areas_elsewhere(place: Path) -> None:
    home = place / "home"
    home.mkdir(mode=0o700)
    other = Owner(64000, 64000)
    root = host.jobs_root(home / "data", other)
    try:
        assert root.is_relative_to("/var/lib/headgate-jobs")
        assert host.may_enter(root, other)
        assert host.jobs_root(home / "data", other) == root
        report = probe(home / "data")
        assert report.strength is Strength.STANDARD
        # Once the data directory is gone, the next one that starts there cleans up.
        shutil.rmtree(home / "data")
        next_root = host.jobs_root(home / "next", other)
        assert not root.exists()
        root = next_root
    finally:
        shutil.rmtree(root)
    reachable = place / "reachable"
    assert host.jobs_root(reachable, other) == reachable / "jobs"


def test_the_small_etc_has_no_account_of_the_host(place: Path) -> None:
    etc = host.build_etc(place)
    assert host.build_etc(place) == etc
    assert "root:x:0" in (etc / "passwd").read_text()
    assert len((etc / "passwd").read_text().splitlines()) == 3
    for name in ("shadow", "gshadow", "ssh", "ssl/private", "sudoers", "machine-id"):
        assert not (etc / name).exists()
    assert (etc / "ssl" / "certs").is_dir() == Path("/etc/ssl/certs").is_dir()


SERVER = """
import asyncio, sys, time
from pathlib import Path
from headgate.jobs.dispatch.interface import RunRequest
from headgate.jobs.dispatch.local import LocalDispatcher
from headgate.jobs.sandbox.probe import probe
from headgate.model.job import JobDefinition
place = Path(sys.argv[1])
async def main():
    dispatcher = LocalDispatcher(place, 1, probe(place).sandbox, lambda _: False, time.time)
    job = JobDefinition("s", script="setsid sleep 6789.1 & sleep 6789.1")
    request = RunRequest(1, job, "p", (), None, False, {}, place / "log", place / "artifacts")
    await dispatcher.run(request, lambda _: print("started", flush=True))
asyncio.run(main())
"""


def _sleeping() -> int:
    count = 0
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            count += path.read_bytes().startswith(b"sleep\x006789.1\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
    return count


@pytest.mark.sandbox
def test_jobs_die_with_a_server_that_is_killed(place: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SERVER, str(place)], stdout=subprocess.PIPE
    ) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == b"started\n"
        deadline = time.monotonic() + 10
        while _sleeping() < 2:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        server.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 5
    while _sleeping():
        assert time.monotonic() < deadline, "the job outlived its server"
        time.sleep(0.01)
