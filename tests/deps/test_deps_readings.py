"""A blob is read once, whichever commits have it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from headgate.deps import change
from headgate.deps.change import read_commit
from headgate.deps.lockfiles.interface import Declared, Parsed
from headgate.deps.readings import Readings
from headgate.model.finding import Span
from headgate.model.ids import Commit
from headgate.vcs.repository import Repository


def commit(path: Path, **files: str) -> Commit:
    git = ["git", "-C", str(path), "-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull}

    def run(*arguments: str) -> str:
        return subprocess.run(
            [*git, *arguments], check=True, env=environment, capture_output=True, text=True
        ).stdout.strip()

    run("init", "-q", "-b", "main")
    for name, text in files.items():
        (path / name).write_text(text)
    run("add", "-A")
    run("commit", "-q", "--allow-empty", "-m", "x")
    return Commit(run("rev-parse", "HEAD"))


async def test_what_did_not_change_is_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    real = change.read_file

    def noted(path: str, data: bytes) -> Parsed:
        read.append(path)
        return real(path, data)

    monkeypatch.setattr(change, "read_file", noted)
    monkeypatch.setattr(change, "READINGS", Readings())
    first = commit(tmp_path, **{"go.mod": "module x\n", "requirements.txt": "six==1\n"})
    second = commit(tmp_path, **{"requirements.txt": "six==2\n"})
    repository = Repository(tmp_path / ".git")
    for one in (first, second, first):
        files = await read_commit(repository, one)
        assert set(files.parsed) == {"go.mod", "requirements.txt"}
    assert read == ["go.mod", "requirements.txt", "requirements.txt"]
    assert [d.version for d in files.parsed["requirements.txt"].declared] == ["1"]


def heavy(count: int) -> Parsed:
    one = Declared("pypi", "six", "six", Span("x", 1))
    return Parsed(declared=(one,) * count)


def test_the_oldest_go_when_it_is_too_much() -> None:
    kept = Readings(most=100)
    kept.put("a", "1", heavy(40))
    kept.put("b", "1", heavy(30))
    assert kept.get("a", "1") is not None  # Asked for last, it is younger now.
    kept.put("c", "1", heavy(30))
    assert [kept.get(path, "1") is not None for path in "abc"] == [True, False, True]
    # One that is too much by itself stays until the next comes.
    kept.put("d", "1", heavy(500))
    assert [kept.get(path, "1") is not None for path in "abcd"] == [False, False, False, True]
    assert kept.get("d", "2") is None
