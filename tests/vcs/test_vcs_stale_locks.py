"""What a killed git leaves does not stop the next one, and git is not killed without need."""

from __future__ import annotations

import asyncio
import signal
import time
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from vcs_worktree import WorkTree

from headgate.model.ids import Commit
from headgate.vcs.git import GitError, reap, run_git, start_git
from headgate.vcs.repository import Repository
from headgate.vcs.stale_locks import remove_stale_locks

REF = "refs/heads/deep/ly"


async def opened(tree: WorkTree) -> tuple[Repository, Commit]:
    head = tree.commit("One", {"a": "1"})
    return await Repository.clone(tree.path.parent / "bare.git", str(tree.path)), head


async def in_mid_transaction(
    repository: Repository, commit: Commit
) -> tuple[asyncio.subprocess.Process, Path]:
    """A git that has locked a ref and waits to be told whether to go on."""
    process = await start_git("update-ref", "--stdin", repository=repository.path)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"start\ncreate {REF} {commit}\nprepare\n".encode())
    assert await process.stdout.readline() == b"start: ok\n"
    assert await process.stdout.readline() == b"prepare: ok\n"
    lock = repository.path / f"{REF}.lock"
    assert lock.exists()
    return process, lock


async def killed(repository: Repository, commit: Commit) -> Path:
    """The lock of a git that was killed in mid-transaction."""
    process, lock = await in_mid_transaction(repository, commit)
    process.kill()
    await process.wait()
    return lock


async def test_a_git_that_is_reaped_in_mid_transaction_leaves_no_lock(tree: WorkTree) -> None:
    repository, head = await opened(tree)
    process, lock = await in_mid_transaction(repository, head)
    await reap(process)
    assert process.returncode is not None
    assert not lock.exists()
    assert await repository.update_ref(REF, head, None)


async def stubborn(repository: Repository) -> asyncio.subprocess.Process:
    """A git that pays no attention to SIGTERM."""
    process = await start_git(
        *("cat-file", "--batch"), repository=repository.path, prefix=("env", "--ignore-signal")
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(b"HEAD\n")
    assert await process.stdout.readline()
    return process


async def test_a_git_that_does_not_go_is_killed(tree: WorkTree) -> None:
    repository, _ = await opened(tree)
    process = await stubborn(repository)
    began = time.monotonic()
    await reap(process)
    assert process.returncode == -signal.SIGKILL
    assert time.monotonic() - began > 0.9


async def test_whoever_cannot_wait_for_it_leaves_no_process_either(tree: WorkTree) -> None:
    repository, _ = await opened(tree)
    process = await stubborn(repository)
    reaping = asyncio.create_task(reap(process))
    await asyncio.sleep(0.05)
    reaping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reaping
    assert process.returncode == -signal.SIGKILL


async def test_the_locks_of_a_killed_git_are_removed_and_named(tree: WorkTree) -> None:
    repository, head = await opened(tree)
    lock = await killed(repository, head)
    beside = [
        repository.path / name
        for name in ("HEAD.lock", "config.lock", "packed-refs.lock", "packed-refs.new")
    ]
    for path in beside:
        path.touch()
    with pytest.raises(GitError, match="File exists"):
        await run_git("update-ref", REF, head, repository=repository.path)
    with pytest.raises(GitError, match="File exists"):
        await run_git("pack-refs", "--all", repository=repository.path)
    with capture_logs() as logs:
        removed = await remove_stale_locks([repository.path], 0.2)
    assert set(removed) == {lock, *beside}
    assert {entry["lock"] for entry in logs} == {str(path) for path in removed}
    assert await repository.update_ref(REF, head, None)
    await run_git("pack-refs", "--all", repository=repository.path)
    assert (await repository.refs())[REF] == head


async def test_a_git_that_outlived_its_server_may_finish(tree: WorkTree) -> None:
    repository, head = await opened(tree)
    process, lock = await in_mid_transaction(repository, head)
    removing = asyncio.create_task(remove_stale_locks([repository.path], 60))
    await asyncio.sleep(0.2)
    assert not removing.done()
    assert lock.exists()
    _, err = await process.communicate(b"commit\n")
    assert process.returncode == 0, err
    assert await removing == ()
    assert await repository.resolve(REF) == head


async def test_a_lock_that_is_written_to_is_somebodys(tree: WorkTree) -> None:
    repository, head = await opened(tree)
    lock = await killed(repository, head)
    removing = asyncio.create_task(remove_stale_locks([repository.path], 0.5))
    await asyncio.sleep(0.1)
    lock.write_text(head)
    assert await removing == ()
    assert lock.exists()


async def test_without_locks_nobody_waits(tree: WorkTree, tmp_path: Path) -> None:
    repository, _ = await opened(tree)
    async with asyncio.timeout(5):
        assert await remove_stale_locks([repository.path, tmp_path / "gone.git"], 3600) == ()


async def test_a_lock_that_cannot_be_removed_is_an_error(tree: WorkTree) -> None:
    repository, _ = await opened(tree)
    lock = repository.path / "HEAD.lock"
    lock.mkdir()
    with pytest.raises(GitError, match=r"HEAD\.lock .*cannot be removed") as caught:
        await remove_stale_locks([repository.path], 0)
    assert "by hand" in (caught.value.remedy or "")
