"""Commands that work while no server runs: verifying the log, examining the machine."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

import pytest
from cli_support import Say

from headgate.ledger.chain import seal
from headgate.model.event import NewEvent
from headgate.store.database import Database


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data directory with a log of five entries."""
    directory = tmp_path / "data"
    directory.mkdir(mode=0o700)
    db = Database.open(directory / "headgate.db", seal=seal, clock=time.time)
    for number in range(5):
        with db.write() as tx:
            tx.events.append(NewEvent("test.counted", "ada", "test", {"number": number}))
    db.close()
    monkeypatch.setenv("HEADGATE_DATA", str(directory))
    return directory


def test_a_whole_log(say: Say, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADGATE_DATA", str(data))
    before = (data / "headgate.db").read_bytes()
    found = say("audit", "verify", "--json").object
    assert (found["verified"], found["entries"], found["problem"]) == (True, 5, "")
    assert (data / "headgate.db").read_bytes() == before


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE events SET actor = 'eve' WHERE id = 3",
        """UPDATE events SET data = '{"number":9}' WHERE id = 3""",
        "DELETE FROM events WHERE id = 3",
        "UPDATE events SET id = 9 WHERE id = 5",
    ],
)
def test_a_log_that_was_changed(
    say: Say, data: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    monkeypatch.setenv("HEADGATE_DATA", str(data))
    connection = sqlite3.connect(data / "headgate.db")
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
        connection.execute(f"DROP TRIGGER {name}")
    connection.execute(change)
    connection.commit()
    connection.close()
    said = say("audit", "verify", code=1)
    assert said.out.startswith("The log is NOT whole: ")
    assert say("audit", "verify", "--json", code=1).object["verified"] is False


def test_no_database(say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADGATE_DATA", str(tmp_path))
    assert "There is no Headgate database" in say("audit", "verify", code=3).err


def test_a_database_that_is_none(say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "headgate.db").write_bytes(b"not a database at all, but long enough" * 100)
    monkeypatch.setenv("HEADGATE_DATA", str(tmp_path))
    assert "cannot be read" in say("audit", "verify", code=3).err


@pytest.mark.sandbox
def test_this_machine_can_run_headgate(
    say: Say, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADGATE_DATA", str(data))
    (data / "server.toml").write_text("port = 0\n")
    found = say("doctor", "--json").object
    assert found["ok"] is True, found
    names = [check["name"] for check in found["checks"]]
    assert {"git", "sandbox", "python", "disk space", "port", "database"} <= set(names)
    assert "This machine can run Headgate." in say("doctor").out


@pytest.mark.sandbox
def test_what_is_missing_is_told_with_its_remedy(
    say: Say, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADGATE_DATA", str(data))
    (data / "headgate.db").write_bytes(b"not a database at all, but long enough" * 100)
    (data / "server.toml").write_text("prot = 1\n")
    data.chmod(0o777)
    said = say("doctor", code=3)
    assert "NOT  database" in said.out
    assert "Restore the database" in said.out
    assert "NOT  settings" in said.out
    assert "Did you mean port?" in said.out
    assert f"chmod go-rw {data}" in said.out
    assert "Traceback" not in said.err


@pytest.mark.sandbox
def test_without_git(say: Say, data: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    found = say("doctor", "--json", code=3).object
    git = next(check for check in found["checks"] if check["name"] == "git")
    assert git["ok"] is False
    assert "apt-get install git" in git["remedy"]
