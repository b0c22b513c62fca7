"""How git is called: its environment, what it leaves, and what its failures say."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence

from headgate.model.errors import CouldNotRun, HeadgateError
from headgate.model.record import record

_KEPT = ("PATH", "HOME", "TMPDIR", "SSH_AUTH_SOCK", "http_proxy", "https_proxy", "no_proxy")
_KEPT_UPPER = tuple(name.upper() for name in _KEPT if name.endswith("_proxy"))
_PASSED = ("SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO")

DEFAULT_TIMEOUT = 300.0
"""Seconds after which a git command counts as hung."""


class GitError(HeadgateError):
    """Git could not do what was asked of it; the message says what git said."""

    status = 500


@record
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


def shown(arguments: Sequence[str | bytes]) -> str:
    for argument in arguments:
        word = argument.decode("utf-8", "replace") if isinstance(argument, bytes) else argument
        if not word.startswith("-") and "=" not in word:
            return word
    return ""


def finished(
    result: GitResult, arguments: Sequence[str | bytes], accept: Sequence[int]
) -> GitResult:
    """The result, when its exit code is an answer. Raises GitError."""
    if result.code not in accept:
        why = result.complaint or f"exit code {result.code}"
        raise GitError(f"git {shown(arguments)} failed: {why}.")
    return result


def call_git(
    *arguments: str | bytes, accept: Sequence[int] = (0,), timeout: float = DEFAULT_TIMEOUT
) -> GitResult:
    """Run one git command to its end, in a program that has nothing else to do meanwhile; as
    `vcs.git.run_git` otherwise."""
    return started_git(*arguments, accept=accept, timeout=timeout)()


def started_git(
    *arguments: str | bytes, accept: Sequence[int] = (0,), timeout: float = DEFAULT_TIMEOUT
) -> Callable[[], GitResult]:
    """Start one git command; what is returned waits for its end, and is to be called once."""
    try:
        process = subprocess.Popen(
            ["git", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(),
        )
    except FileNotFoundError as error:
        raise not_installed("git") from error

    def answer() -> GitResult:
        with process:
            try:
                out, err = process.communicate(timeout=timeout)
            except BaseException as error:
                process.kill()
                if isinstance(error, subprocess.TimeoutExpired):
                    raise too_slow(arguments, timeout) from None
                raise
        return finished(GitResult(process.returncode, out, err), arguments, accept)

    return answer


def not_installed(name: str) -> CouldNotRun:
    """There is no such program."""
    return CouldNotRun(f"The program {name!r} is not installed.", "Install git 2.38 or later.")


def too_slow(arguments: Sequence[str | bytes], timeout: float | None) -> GitError:
    """It did not end in time."""
    return GitError(f"git {shown(arguments)} took longer than {timeout:.0f} seconds.", "Try again.")
