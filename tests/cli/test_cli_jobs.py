"""`headgate secret` and `headgate job hold` against a real server."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path

import pytest
from cli_support import HEADGATE, Say

SECRET = "s3cr3t-t0ken-of-ada"


@pytest.fixture
def project(operator: Say) -> str:
    if "shop" not in operator("project", "list").out:
        operator("project", "add", "shop")
    return "shop"


def test_a_secret_is_read_from_standard_input_and_never_printed(
    operator: Say, server: Path, project: str
) -> None:
    done = subprocess.run(
        [*HEADGATE, "secret", "set", project, "pypi"],
        input=SECRET + "\n",
        capture_output=True,
        text=True,
        env={"HEADGATE_DATA": str(server), "PATH": "/usr/bin:/bin"},
        check=True,
    )
    assert done.stdout == "shop has the secret pypi.\n"
    said = operator("secret", "list", project)
    assert said.out.splitlines()[1].split()[:2] == ["pypi", "operator"]
    assert SECRET not in said.out
    listed = operator("secret", "list", project, "--json").object["secrets"]
    assert set(listed[0]) == {"name", "set_by", "created"}
    assert operator("secret", "remove", project, "pypi").out == (
        "shop has no secret pypi any more.\n"
    )
    assert "There is no secret 'pypi'" in operator("secret", "remove", project, "pypi", code=2).err


def test_a_secret_that_cannot_be_one_is_told(
    operator: Say, project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("short\n"))
    said = operator("secret", "set", project, "pypi", code=2)
    assert "has less than 8 characters. Use a longer one" in said.err
    monkeypatch.setattr("sys.stdin", io.StringIO(SECRET))
    assert "no project 'gone'" in operator("secret", "set", "gone", "pypi", code=2).err


def test_a_wish_to_keep_an_area_is_listed_and_released(operator: Say, tmp_path: Path) -> None:
    git = ["git", "-C", str(tmp_path), "-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    subprocess.run([*git, "init", "-q", "-b", "main"], check=True)
    (tmp_path / "headgate.toml").write_text('[jobs.tests]\nrun = "true"\n')
    subprocess.run([*git, "add", "headgate.toml"], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "Begin"], check=True)
    operator("project", "add", "kept", "--from", tmp_path)
    said = operator("job", "hold", "kept", "tests", "--expires", "2h")
    assert said.out.startswith("Hold 1: the next failing run of kept/tests is kept until ")
    row = operator("job", "holds").out.splitlines()[1].split()
    assert row[:3] == ["1", "kept/tests", "waiting"]
    hold = operator("job", "holds", "--json").object["holds"][0]
    assert 7100 < hold["expires"] - hold["created"] <= 7201
    assert operator("job", "release", 1).out == "Hold 1 is released.\n"
    assert operator("job", "holds", "--json").object["holds"] == []


def test_wishes_that_cannot_be_are_told(operator: Say, project: str) -> None:
    assert (
        "There is no job 'tests' of shop" in operator("job", "hold", project, "tests", code=2).err
    )
    assert operator("job", "holds").out.split() == [
        *("ID", "JOB", "RUN", "UNTIL", "ASKED", "BY", "PLACE")
    ]
    said = operator("job", "hold", project, "tests", "--expires", "soon", code=2)
    assert "'soon' is no time such as 30m, 12h or 1d." in said.err
    assert operator("job", "release", 99, code=2).err.startswith("headgate: There is no hold 99.")
