"""Work areas that are kept go when their time is over."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

from server_support import Served

from headgate.jobs.dispatch.interface import RunRequest
from headgate.model.job import JobDefinition


def test_what_is_kept_goes_when_its_time_is_over(served: Served, tmp_path: Path) -> None:
    source = tmp_path / "source"
    git = ["git", "-C", str(source), "-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull}
    subprocess.run(["git", "init", "-q", "-b", "main", str(source)], check=True)
    (source / "headgate.toml").write_text('[jobs.tests]\nrun = "false"\n')
    subprocess.run([*git, "add", "."], check=True, env=environment)
    subprocess.run([*git, "commit", "-q", "-m", "Begin"], check=True, env=environment)
    operator, house = served.operator, served.house
    assert operator.post("/api/projects", json={"name": "app", "source": str(source)}).is_success
    for seconds in (3600, 86400):
        asked = {"job": "tests", "seconds": seconds}
        assert operator.post("/api/projects/app/holds", json=asked).is_success

    with house.db.write() as tx:
        run = tx.builds.add_run(tx.builds.add(), "app", "tests", 1, True)
    job = JobDefinition("tests", script="false", origin="tests")
    log = tmp_path / "log"
    request = RunRequest(run.id, job, "app", (), None, False, {}, log, tmp_path)
    place = house.dispatcher.held / f"run-{run.id}"
    assert house.keep_area(request, place)
    (place / "work").mkdir(parents=True)

    time.sleep(6)  # Longer than from one look at what has expired to the next.
    assert place.exists()
    served.clock.ahead = 7200
    deadline = time.monotonic() + 60
    while place.exists() or len(operator.get("/api/holds").json()["holds"]) > 1:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    (left,) = operator.get("/api/holds").json()["holds"]
    assert (left["run"], left["place"]) == (None, "")
    events = operator.get("/events.json?kind=hold.expired").json()["events"]
    assert [event["data"]["run"] for event in events] == [run.id]
