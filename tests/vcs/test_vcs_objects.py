"""Objects written without git are those that git would have written."""

from __future__ import annotations

import asyncio
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vcs_worktree import ENVIRONMENT

from headgate.model.change import Signature
from headgate.vcs.git import GitError
from headgate.vcs.objects import (
    EMPTY_TREE,
    RawCommit,
    format_commit,
    format_signature,
    parse_commit,
    parse_signature,
    write_object,
)
from headgate.vcs.repository import Repository

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@settings(max_examples=25, deadline=None)
@given(text, text, st.integers(0, 2**33), text)
def test_any_commit_passes_gits_own_check(name: str, email: str, time: int, message: str) -> None:
    who = format_signature(Signature(name, email, time))
    body = message.replace("\0", "").encode() + b"\n"
    raw = RawCommit(EMPTY_TREE, (), who, who, b"", body)
    assert parse_commit(format_commit(raw)) == raw
    assert parse_signature(who).time == time
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "r.git"
        asyncio.run(Repository.create(path))
        commit = write_object(path, "commit", format_commit(raw))
        write_object(path, "tree", b"")
        assert write_object(path, "commit", format_commit(raw)) == commit
        done = subprocess.run(
            ["git", "fsck", "--strict", "--no-dangling"],
            cwd=path,
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        told = subprocess.run(
            ["git", "cat-file", "commit", commit],
            cwd=path,
            env=ENVIRONMENT,
            capture_output=True,
            check=True,
        )
        assert told.stdout == format_commit(raw)


def test_an_object_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "objects").write_text("no directory")
    with pytest.raises(GitError, match="could not be written"):
        write_object(tmp_path, "blob", b"x")
