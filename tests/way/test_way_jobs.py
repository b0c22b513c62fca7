"""Secrets and kept work areas, from the request to the run and back."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from way_support import CONFIG, Stage

from headgate.demo.world import change_of
from headgate.model.errors import BadInput, Denied, NotFound

SECRET = "s3cr3t-t0ken-of-ada"
PUBLISH = CONFIG + '[jobs.publish]\nrun = "echo token ${TOKEN:-none}"\nsecrets = {TOKEN = "pypi"}\n'


def log_of(stage: Stage, number: int, job: str) -> str:
    nodes = change_of(stage.operator, number)["builds"]["nodes"]
    run = next(one for node in nodes for one in node["jobs"] if one["job"] == job)
    return (stage.data / "logs" / f"{run['id']}.log").read_text()


def config(stage: Stage, text: str) -> Any:
    return stage.files(**{"headgate.toml": text})


def test_a_secret_is_stored_sealed_and_given_only_when_it_may_be(stage: Stage) -> None:
    stage.operator.post("/api/projects/app/secrets/pypi", {"value": SECRET})
    listed = stage.operator.get("/api/projects/app/secrets")["secrets"]
    assert [(one["name"], one["set_by"]) for one in listed] == [("pypi", "operator")]
    key = stage.data / "secrets.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    for file in stage.data.glob("headgate.db*"):
        assert SECRET.encode() not in file.read_bytes()
    events = json.dumps(stage.operator.get("/events.json?kind=secret.set"))
    assert "pypi" in events
    assert SECRET not in events

    fresh = stage.propose("carl", config(stage, PUBLISH), "Publish")
    assert stage.ended(fresh.change)["state"] == "landed"
    assert "\ntoken none\n" in log_of(stage, fresh.change, "publish")
    same = stage.propose("carl", stage.files(other="1\n"), "Something else")
    assert stage.ended(same.change)["state"] == "landed"
    assert "\ntoken ***\n" in log_of(stage, same.change, "publish")

    altered = PUBLISH.replace("echo token", "echo my token")
    unseen = stage.propose("carl", config(stage, altered), "Alter it")
    assert stage.ended(unseen.change)["state"] == "landed"
    assert "\nmy token none\n" in log_of(stage, unseen.change, "publish")
    seen = stage.propose("coder", config(stage, PUBLISH), "Alter it back", "hold")
    stage.ended(seen.change, frozenset({"ready", "waiting"}))
    stage.as_("bea").post(f"/api/changes/{seen.change}/approve")
    stage.as_("carl").post(f"/api/changes/{seen.change}/enqueue")
    assert stage.ended(seen.change)["state"] == "landed"
    assert "\ntoken ***\n" in log_of(stage, seen.change, "publish")

    with pytest.raises(Denied):
        stage.as_("bea").post("/api/projects/app/secrets/pypi", {"value": SECRET})
    with pytest.raises(Denied):
        stage.as_("bea").get("/api/projects/app/secrets")
    with pytest.raises(BadInput, match="less than 8 characters"):
        stage.operator.post("/api/projects/app/secrets/pypi", {"value": "short"})
    with pytest.raises(BadInput, match="not usable as the name"):
        stage.operator.post("/api/projects/app/secrets/a%20b", {"value": SECRET})
    with pytest.raises(BadInput, match="characters that no text has"):
        stage.operator.post("/api/projects/app/secrets/a", {"value": SECRET + "\0"})
    stage.operator.post("/api/projects/app/secrets/pypi/remove")
    with pytest.raises(NotFound):
        stage.operator.post("/api/projects/app/secrets/pypi/remove")
    back = stage.propose("bea", config(stage, CONFIG), "Publish no more")
    assert stage.ended(back.change)["state"] == "landed"


def test_the_area_of_a_failed_run_is_kept_for_whoever_asked(stage: Stage) -> None:
    asked = {"job": "check", "seconds": 3600}
    hold = stage.operator.post("/api/projects/app/holds", asked)["hold"]
    assert (hold["run"], hold["place"]) == (None, "")
    told = stage.propose("coder", stage.files(broken="evidence\n"), "Break it")
    assert stage.ended(told.change)["state"] == "ejected"
    (kept,) = stage.operator.get("/api/holds")["holds"]
    place = Path(kept["place"])
    assert (place / "work/src/app/broken").read_text() == "evidence\n"
    assert f"the work area is kept at {place}" in log_of(stage, told.change, "check")
    again = stage.propose("coder", stage.files(broken="more\n"), "Break it again")
    assert stage.ended(again.change)["state"] == "ejected"
    assert [one["run"] for one in stage.operator.get("/api/holds")["holds"]] == [kept["run"]]
    with pytest.raises(Denied):
        stage.as_("bea").post(f"/api/holds/{kept['id']}/release")
    assert stage.as_("bea").get("/api/holds")["holds"] == []
    stage.operator.post(f"/api/holds/{kept['id']}/release")
    assert not place.exists()
    assert stage.operator.get("/api/holds")["holds"] == []
    with pytest.raises(NotFound):
        stage.operator.post(f"/api/holds/{kept['id']}/release")


def test_a_wish_that_nobody_can_meet_is_told(stage: Stage) -> None:
    with pytest.raises(NotFound, match="There is no job 'chekc' of app, and none ever ran"):
        stage.operator.post("/api/projects/app/holds", {"job": "chekc"})
    with pytest.raises(NotFound, match=r"one of a matrix is named `JOB \(VALUE\)`"):
        stage.operator.post("/api/projects/app/holds", {"job": "check (4)"})
    with pytest.raises(BadInput, match="at most 30 days"):
        stage.operator.post("/api/projects/app/holds", {"job": "check", "seconds": 10**7})
    with pytest.raises(Denied):
        stage.as_("bea").post("/api/projects/app/holds", {"job": "check"})
