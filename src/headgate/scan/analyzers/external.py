"""Tools of others, run on copies of the files: what is common to all of them.

A tool that is missing, crashes, takes too long or answers with nonsense is *not run*; a file that
it says not to have read is *skipped*. What it finds never denies by itself. Its own comments in the
code (`# nosec` and the like) are switched off where it lets us: what silences is Headgate's to say.
"""

from __future__ import annotations

import os
import resource
import subprocess
import tempfile
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from headgate.model.errors import BadInput
from headgate.model.finding import Finding, Outcome
from headgate.scan.analyzers.beside import find_tool as find_tool
from headgate.scan.analyzers.interface import Analysis, Hit, SourceFile
from headgate.scan.hub.sarif_in import ForeignRun, read_sarif
from headgate.scan.text import printable

TIMEOUT = 120.0
"""Seconds."""
_LARGEST_ANSWER = 64 << 20


@dataclass(frozen=True, slots=True)
class Answer:
    """What a tool printed."""

    out: bytes
    folder: Path
    """Where the copies were."""


class Nonsense(Exception):
    """The answer of a tool is not what it should be; the text says how."""


Read = Callable[[Answer], ForeignRun]
Command = Callable[[str, Path, Sequence[str]], Sequence[str]]
"""(binary, folder with the copies, their names) → the command line, run in the folder."""


@dataclass(frozen=True)
class External:
    """An analyzer that runs a tool of others."""

    name: str
    wanted: Callable[[str, bytes], bool]
    """Whether the tool is for a file with this path that begins with these bytes."""
    command: Command
    read: Read
    install: str
    """How to get it, e.g. `pip install bandit`."""
    codes: Collection[int] = (0, 1)
    """Exit codes of a run that came to its end."""
    timeout: float = TIMEOUT
    binary: str = ""
    """A path; empty: the one of the tool's name beside this Python, or on the path."""
    extra: Mapping[str, bytes] = field(default_factory=dict[str, bytes])
    """Files for the tool itself, put beside the folder with the copies."""
    check: str = "source"

    def wants(self, path: str, start: bytes) -> bool:
        return self.wanted(path, start)

    def scan(self, files: Sequence[SourceFile]) -> Analysis:
        if not files:
            return Analysis(Outcome.PASSED)
        binary = self.binary or find_tool(self.name)
        if not binary:
            return self._not_run(f"is not installed: {self.install}")
        with tempfile.TemporaryDirectory(prefix=f"headgate-{self.name}-") as place:
            top = Path(place).resolve()
            folder = top / "files"
            for name, data in self.extra.items():
                (top / name).write_bytes(data)
            copied = [file for file in files if _copied(folder, file)]
            left = tuple(
                f"{file.path}: {self.name} cannot be given it"
                for file in files
                if file not in copied
            )
            if not copied:
                return Analysis(Outcome.PASSED, skipped=left)
            names = [file.path for file in copied]
            done = self._run(self.command(binary, folder, names), folder, top)
            if isinstance(done, Analysis):
                return done
            try:
                run = self.read(Answer(done, folder))
            except Nonsense as error:
                return self._not_run(str(error))
        return _analysis(self.name, run, {file.path for file in copied}, left)

    def _run(self, command: Sequence[str], folder: Path, home: Path) -> bytes | Analysis:
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home / "none"),
            "LANG": "C.UTF-8",
            "NO_COLOR": "1",
            "SEMGREP_SEND_METRICS": "off",
        }
        try:
            done = subprocess.run(
                list(command),
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=self.timeout,
                check=False,
                preexec_fn=_more_room,
            )
        except subprocess.TimeoutExpired:
            return self._not_run(f"did not end within {self.timeout:g} s")
        except OSError as error:
            return self._not_run(f"could not be started: {error.strerror}")
        if done.returncode not in self.codes:
            last = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
            why = f": {printable(last[0])[:200]}" if last else ""
            return self._not_run(f"ended with code {done.returncode}{why}")
        if len(done.stdout) > _LARGEST_ANSWER:
            return self._not_run("answered with more than can be read")
        return done.stdout

    def _not_run(self, why: str) -> Analysis:
        return Analysis(Outcome.NOT_RUN, f"{self.name} {why}")


def _more_room() -> None:
    """Some runtimes reserve more address space than our own process may have."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (hard, hard))


def _copied(folder: Path, file: SourceFile) -> bool:
    """Whether the file has a copy below the folder, under its own path."""
    parts = file.path.split("/")
    if any(part in ("", ".", "..") or "\0" in part or part.startswith("-") for part in parts):
        return False
    place = folder.joinpath(*parts)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(file.data)
    except (OSError, ValueError):
        return False
    return True


def _analysis(
    name: str, run: ForeignRun, given: Collection[str], left: tuple[str, ...]
) -> Analysis:
    if run.outcome is Outcome.NOT_RUN:
        return Analysis(Outcome.NOT_RUN, f"{name}: {run.reason}", skipped=left)
    hits = tuple(Hit(_renamed(name, one)) for one in run.findings if one.span.path in given)
    skipped = tuple(entry for entry in run.skipped if entry.rpartition(": ")[0] in given)
    if run.outcome is Outcome.UNKNOWN and not skipped:
        return Analysis(Outcome.NOT_RUN, f"{name}: {run.reason}", hits, left)
    return Analysis(Outcome.PASSED, "", hits, (*left, *skipped))


def _renamed(name: str, finding: Finding) -> Finding:
    """With the name that the tool is called by here, whatever it calls itself."""
    rule = finding.rule.partition("/")[2].removeprefix(f"{name}-")
    return replace(finding, rule=f"{name}/{rule}", engines=(name,))


def sarif(answer: Answer) -> ForeignRun:
    """Read an answer in SARIF. Raises Nonsense."""
    try:
        runs = read_sarif(answer.out, "its answer", str(answer.folder))
    except BadInput as error:
        raise Nonsense(f"answered with something else than SARIF: {error.message}") from None
    if not runs:
        raise Nonsense("answered without a run")
    first = runs[0]
    for other in runs[1:]:
        first = replace(
            first,
            findings=(*first.findings, *other.findings),
            outcome=max(first.outcome, other.outcome, key=_RANKS.index),
            reason="; ".join(one for one in (first.reason, other.reason) if one),
            skipped=(*first.skipped, *other.skipped),
        )
    return first


_RANKS = (Outcome.PASSED, Outcome.FAILED, Outcome.UNKNOWN, Outcome.NOT_RUN)
