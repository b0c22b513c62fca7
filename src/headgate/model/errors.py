"""The one family of errors that a user reads: a sentence, and the remedy."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What a command's exit code means; part of the command line's contract."""

    CLEAN = 0
    FINDINGS = 1
    """Findings, a denial, or a step that did not end as it should."""
    USAGE = 2
    """Wrong usage or bad input."""
    NOT_RUN = 3
    """Something could not run; never reported as clean."""


class HeadgateError(Exception):
    """Something a person can mend.

    `message` is one sentence naming the file, line, key or ref; `remedy` is what to do.
    """

    exit_code = ExitCode.USAGE
    status = 400

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()


class BadInput(HeadgateError):
    """What was given cannot be taken: a file, a key, a ref, a number."""


class NotFound(HeadgateError):
    """What was named does not exist, or the asker may not know that it does."""

    status = 404


class Denied(HeadgateError):
    """The principal may not do this."""

    exit_code = ExitCode.FINDINGS
    status = 403


class NotSignedIn(HeadgateError):
    """No principal could be established."""

    exit_code = ExitCode.FINDINGS
    status = 401


class Conflict(HeadgateError):
    """The state of things does not allow this now."""

    exit_code = ExitCode.FINDINGS
    status = 409


class CouldNotRun(HeadgateError):
    """A tool, a sandbox, a disk or a network was not there: *not run*, and so never clean."""

    exit_code = ExitCode.NOT_RUN
    status = 503
