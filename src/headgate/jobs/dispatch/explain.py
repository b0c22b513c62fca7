"""What the end of a job's process means, in one sentence."""

from __future__ import annotations

import signal

from headgate.jobs.dispatch.interface import RunRequest, RunResult
from headgate.jobs.logs import printable
from headgate.model.job import JobDefinition, RunState

_NOT_FOUND = 127
_NOT_EXECUTABLE = 126
_SIGNALS = 128


def size(count: int) -> str:
    """Bytes as a person writes them, e.g. `2 GiB`."""
    for unit, shift in (("GiB", 30), ("MiB", 20), ("KiB", 10)):
        if count >= 1 << shift:
            return f"{count / (1 << shift):.3g} {unit}"
    return f"{count} bytes"


def shown_command(job: JobDefinition) -> str:
    """The command of a job, short enough for a sentence."""
    if not job.argv:
        return "the script"
    text = printable(" ".join(job.argv))
    return f"`{text}`" if len(text) <= 80 else f"`{text[:79]}…`"


def explain(job: JobDefinition, code: int, head: bytes) -> tuple[RunState, str]:
    """State and reason of a job that ended by itself with `code`; `head` is its first output."""
    if code == 0:
        return RunState.PASSED, ""
    if job.argv and head.startswith(b"prlimit: failed to execute"):
        name = printable(job.argv[0])
        if code == _NOT_FOUND:
            return RunState.FAILED, (
                f"The executable {name!r} does not exist in the sandbox; "
                "a job finds /usr, its environment and its checkouts, nothing else of the host."
            )
        if code == _NOT_EXECUTABLE:
            return RunState.FAILED, f"The file {name!r} cannot be executed."
    if not job.argv and code == _NOT_FOUND:
        return RunState.FAILED, "A command of the script was not found (exit code 127)."
    command = shown_command(job)
    if code > _SIGNALS:
        number = code - _SIGNALS
        if number == signal.SIGKILL:
            return RunState.FAILED, (
                f"{_capital(command)} was killed (SIGKILL), as happens when memory runs out."
            )
        try:
            name = signal.Signals(number).name
        except ValueError:
            name = ""
        if name:
            return RunState.FAILED, f"{_capital(command)} was ended by {name} (exit code {code})."
    return RunState.FAILED, f"{_capital(command)} ended with exit code {code}."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def header(request: RunRequest, sandbox: str) -> str:
    """The first notes of a run's log."""
    job = request.job
    lines = [f"job {printable(job.name)} of {request.project}"]
    for checkout in request.checkouts:
        part = f", only {', '.join(map(printable, checkout.reads))}" if checkout.reads else ""
        lines.append(f"src/{checkout.project} at {checkout.commit}{part}")
    network = "on" if request.network else "off"
    if job.network and not request.network:
        network = "off: the policy does not name this job under [jobs] network"
    lines.append(
        f"{sandbox}, {job.timeout:g} s, {size(job.memory)} for each process, network {network}"
    )
    if request.withheld:
        lines.append(f"secrets are not given: {printable(request.withheld)}")
    if job.argv:
        lines.append(f"$ {printable(' '.join(job.argv))}")
    return "\n".join(lines)


def footer(result: RunResult, started: float) -> str:
    """The last note of a run's log."""
    seconds = max(0.0, result.finished - started)
    text = f"{result.state.value} after {seconds:.1f} s"
    return f"{text}: {printable(result.reason)}" if result.reason else text
