"""The demonstration, told without a network on the bundled projects."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from headgate.demo import bundled
from headgate.demo.run import PROVIDER_ROLES
from headgate.demo.script import ROLES, ScriptProblem, replace

DEMO = [sys.executable, "-m", "headgate", "demo"]


def offline(tmp_path: Path) -> Mapping[str, str]:
    """An environment in which nothing can be fetched, and where leavings would be found."""
    return {**os.environ, "UV_OFFLINE": "1", "UV_CACHE_DIR": str(tmp_path / "cache")}


@pytest.mark.sandbox
@pytest.mark.long
def test_without_a_network_the_story_is_told_on_bundled_projects(tmp_path: Path) -> None:
    done = subprocess.run(
        [*DEMO, "--headless", "--json"],
        env=offline(tmp_path),
        capture_output=True,
        text=True,
        timeout=170,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout)
    assert told["ok"] is True
    assert told["online"] is False
    assert all(step["outcome"] == step["expected"] for step in told["steps"])
    assert len({step["name"] for step in told["steps"]}) == len(told["steps"])
    assert told["landed"]
    assert all(entry["tested_tree"] == entry["landed_tree"] for entry in told["landed"])
    assert told["ledger"]["verified"] is True
    assert told["ledger"]["entries"] > 50
    assert "cannot be fetched" in done.stderr


@pytest.mark.sandbox
@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP], ids=lambda s: s.name)
def test_ctrl_c_or_a_closed_terminal_ends_the_story_and_cleans_up(
    tmp_path: Path, number: signal.Signals
) -> None:
    scratch = tmp_path / "t"
    scratch.mkdir()
    env = {**offline(tmp_path), "TMPDIR": str(scratch)}
    with subprocess.Popen(
        DEMO, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as demo:
        assert demo.stdout is not None
        for line in demo.stdout:
            if "innocent" in line:
                break
        time.sleep(1.0)
        demo.send_signal(number)
        time.sleep(0.1)
        demo.send_signal(number)  # Whoever is impatient gets everything cleaned up as well.
        _, complained = demo.communicate(timeout=30)
        assert demo.returncode == 128 + number
        assert complained.strip() == "headgate: stopped; everything was cleaned up."
    assert list(scratch.glob("headgate-*")) == []


def test_every_role_of_the_bundled_story_fits_its_projects(tmp_path: Path) -> None:
    script = bundled.script()
    assert set(script.edits) == set(ROLES)
    for role in ROLES:
        places = tmp_path / role / "provider", tmp_path / role / "consumer"
        for place in places:
            place.mkdir(parents=True)
        script.lay_out(*places)
        root = places[0] if role in PROVIDER_ROLES else places[1]
        if role == "critical-again":
            script.edits["critical"](root)
        script.edits[role](root)


def test_an_edit_that_no_longer_fits_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("one\n")
    with pytest.raises(ScriptProblem, match=r"a\.py no longer holds 'two'"):
        replace("a.py", "two", "three")(tmp_path)
