"""What a repository holds is brought to the disk, and it is said when that fails."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from headgate.vcs import durable
from headgate.vcs.durable import make_durable
from headgate.vcs.git import GitError
from headgate.vcs.objects import write_object
from headgate.vcs.repository import Repository


async def test_what_was_written_is_brought_to_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "r.git"
    await Repository.create(path)
    write_object(path, "blob", b"x")
    monkeypatch.setattr(os, "sync", lambda: pytest.fail("this system has syncfs"))
    await make_durable(path)


async def test_a_repository_that_is_gone_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(
        GitError, match=r"written to r\.git could not be .*: No such file"
    ) as caught:
        await make_durable(tmp_path / "r.git")
    assert caught.value.remedy


async def test_a_disk_that_fails_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "r.git"
    await Repository.create(path)
    opened = os.open
    # The kernel refuses to sync what was opened only as a place: a real failure of syncfs.
    monkeypatch.setattr(os, "open", lambda name, _: opened(name, os.O_PATH))  # type: ignore[misc]
    with pytest.raises(GitError, match=os.strerror(errno.EBADF)):
        await make_durable(path)


async def test_a_system_without_syncfs_syncs_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "r.git"
    await Repository.create(path)
    synced: list[bool] = []
    monkeypatch.setattr(durable.ctypes, "CDLL", lambda *_, **__: object())
    monkeypatch.setattr(os, "sync", lambda: synced.append(True))
    await make_durable(path)
    assert synced == [True]
