"""Running the git binary: one place that decides its environment and what its failures say."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from headgate.vcs.invocation import (
    DEFAULT_TIMEOUT,
    GitError,
    GitResult,
    complaint,
    environment,
    finished,
    not_installed,
    too_slow,
)

__all__ = [
    "DEFAULT_TIMEOUT",
    "GitError",
    "GitResult",
    "complaint",
    "decode_path",
    "encode_path",
    "environment",
    "reap",
    "run_git",
    "start_git",
]

_GRACE = 1.0
"""Seconds that git gets to remove its lock files before it is killed."""


async def run_git(
    *arguments: str | bytes,
    repository: Path | None = None,
    stdin: bytes = b"",
    extra: Mapping[str, str] | None = None,
    accept: Sequence[int] = (0,),
    timeout: float | None = DEFAULT_TIMEOUT,  # noqa: ASYNC109 - a property of the command
    cwd: Path | None = None,
) -> GitResult:
    """Run one git command to its end.

    `accept` names the exit codes that are answers rather than failures. Raises GitError for any
    other, and for a command that takes longer than `timeout` seconds; CouldNotRun without git.
    A cancelled caller leaves no process behind.
    """
    process = await start_git(*arguments, repository=repository, extra=extra, cwd=cwd)
    try:
        async with asyncio.timeout(timeout):
            out, err = await process.communicate(stdin)
    except TimeoutError:
        raise too_slow(arguments, timeout) from None
    finally:
        await reap(process)
    code = process.returncode or 0
    return finished(GitResult(code, out, err), arguments, accept)


async def start_git(
    *arguments: str | bytes,
    repository: Path | None = None,
    extra: Mapping[str, str] | None = None,
    prefix: Sequence[str] = (),
    cwd: Path | None = None,
    stderr: int = asyncio.subprocess.PIPE,
) -> asyncio.subprocess.Process:
    """Start a git command with pipes; whoever starts it reaps it. Raises CouldNotRun.

    `prefix` is put before `git`; a process that lives long is given DEVNULL as `stderr`.
    """
    where = ("--git-dir", str(repository)) if repository is not None else ()
    command = [*prefix, "git", *where, *arguments]
    try:
        return await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=stderr,
            cwd=cwd,
            env=environment(extra),
            limit=1 << 20,
        )
    except FileNotFoundError as error:
        raise not_installed(error.filename or str(command[0])) from error


async def reap(process: asyncio.subprocess.Process) -> None:
    """Make sure that a process is gone: end it when it still runs, and wait for it.

    A killed git leaves its lock files behind, and nobody can change what they lock any more. So
    it is asked first, and killed when it does not go or the caller cannot wait.
    """
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(_GRACE):
            await process.wait()
    except TimeoutError:
        pass
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


def encode_path(path: str) -> bytes:
    """The bytes of a path as git stores it."""
    return path.encode("utf-8", "surrogateescape")


def decode_path(path: bytes) -> str:
    """A path as text; bytes that are not UTF-8 are surrogate-escaped."""
    return path.decode("utf-8", "surrogateescape")
