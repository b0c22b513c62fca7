"""Running the git binary: one place that decides its environment and what its failures say."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from headgate.model.errors import CouldNotRun, HeadgateError

_KEPT = ("PATH", "HOME", "TMPDIR", "SSH_AUTH_SOCK", "http_proxy", "https_proxy", "no_proxy")
_KEPT_UPPER = tuple(name.upper() for name in _KEPT if name.endswith("_proxy"))
_PASSED = ("SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO")

DEFAULT_TIMEOUT = 300.0
"""Seconds after which a git command counts as hung."""

_GRACE = 1.0
"""Seconds that git gets to remove its lock files before it is killed."""


class GitError(HeadgateError):
    """Git could not do what was asked of it; the message says what git said."""

    status = 500


@dataclass(frozen=True, slots=True)
class GitResult:
    """What a finished git command left."""

    code: int
    out: bytes
    err: bytes

    @property
    def complaint(self) -> str:
        """The last line that git wrote to its standard error, without `fatal:`."""
        return complaint(self.err)


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of every git command: nobody's configuration, no prompt, English."""
    kept = {
        name: os.environ[name] for name in (*_KEPT, *_KEPT_UPPER, *_PASSED) if name in os.environ
    }
    kept.setdefault("PATH", os.defpath)
    kept |= {
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "",
        "SSH_ASKPASS": "",
        "GIT_OPTIONAL_LOCKS": "0",
        "LC_ALL": "C.UTF-8",
        # Our own repositories may be used whoever owns their directory. Git does not pass this
        # on to a repository that it copies from.
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "safe.directory",
        "GIT_CONFIG_VALUE_0": "*",
    }
    return kept | dict(extra or {})


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
        raise GitError(
            f"git {_shown(arguments)} took longer than {timeout:.0f} seconds.", "Try again."
        ) from None
    finally:
        await reap(process)
    code = process.returncode or 0
    result = GitResult(code, out, err)
    if code not in accept:
        why = result.complaint or f"exit code {code}"
        raise GitError(f"git {_shown(arguments)} failed: {why}.")
    return result


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
        raise CouldNotRun(
            f"The program {error.filename or command[0]!r} is not installed.",
            "Install git 2.38 or later.",
        ) from error


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


def complaint(err: bytes) -> str:
    """The line of git's standard error that says what went wrong."""
    lines = [line.strip() for line in err.decode("utf-8", "replace").splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith(("fatal:", "error:"))] or lines
    if not telling:
        return ""
    text = telling[-1]
    for word in ("fatal: ", "error: "):
        text = text.removeprefix(word)
    return text.rstrip(".")


def encode_path(path: str) -> bytes:
    """The bytes of a path as git stores it."""
    return path.encode("utf-8", "surrogateescape")


def decode_path(path: bytes) -> str:
    """A path as text; bytes that are not UTF-8 are surrogate-escaped."""
    return path.decode("utf-8", "surrogateescape")


def _shown(arguments: Sequence[str | bytes]) -> str:
    for argument in arguments:
        word = argument.decode("utf-8", "replace") if isinstance(argument, bytes) else argument
        if not word.startswith("-") and "=" not in word:
            return word
    return ""
