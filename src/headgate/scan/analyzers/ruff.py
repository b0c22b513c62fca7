"""ruff's security rules over Python files, by the binary that is installed with Headgate."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from headgate.model.finding import Confidence, Finding, Outcome, Severity, Span
from headgate.model.record import record, replace
from headgate.scan.analyzers.beside import find_tool
from headgate.scan.analyzers.interface import Analysis, Hit, SourceFile, together
from headgate.scan.analyzers.python_ast import parse
from headgate.scan.analyzers.python_values import is_constant_at, reads_constant_at
from headgate.scan.kept import told_apart
from headgate.scan.late import late
from headgate.scan.rules.table import Rule, load
from headgate.scan.text import Text, decode, is_python, is_test

_SYNTAX = Rule(
    rule="python/does-not-parse",
    title="Python that cannot be read",
    severity=Severity.LOW,
    confidence=Confidence.HIGH,
    cwe=0,
    message="This is not valid Python, so no check could look at the file.",
    remedy="Correct the syntax, or exclude the file under `[checks] exclude` in headgate.toml.",
)
_READING = frozenset({"S301", "S302", "S506", *(f"S{number}" for number in range(313, 320))})
"""What reads data: harmless where the data is written in the code."""
_OWN = frozenset({"S602", "S604", "S605"})
"""Codes that the injection analyzer judges better wherever it can read the file."""
_INJECTION = frozenset({78, 89, 94, 95})
"""CWEs of commands, queries and code that are put together from data."""
_ENDINGS = frozenset({"", ".py", ".pyi", ".pyw"})
_UNVERIFIED = 295
"""CWE of a certificate or key that is not verified: usual against a test's own server."""
_OPTIONS = (
    "check", "--isolated", "--no-cache", "--no-fix", "--quiet", "--ignore-noqa",
    "--no-respect-gitignore", "--exit-zero", "--target-version=py314", "--output-format=json",
)  # fmt: skip
_NOQA = late(r"#\s*noqa(?!:)|#\s*noqa:.*\bS\d*", re.IGNORECASE)


Entry = Mapping[str, Any]
Answer = Analysis | list[tuple[SourceFile, list[Entry]]]
"""What it says of each file; or why it says nothing."""


def find_ruff() -> Path | None:
    """The ruff binary that belongs to this Python, else one on the path."""
    found = find_tool("ruff")
    return Path(found) if found else None


@record
class Ruff:
    """Runs ruff on copies under names of our own, so that no path or configuration of the
    project can steer it."""

    binary: Path | None = None
    """None: the one that `find_ruff` finds."""
    timeout: float = 60.0
    """Seconds."""

    name = "ruff"
    check = "source"

    def wants(self, path: str, start: bytes) -> bool:
        return is_python(path, start)

    def scan(self, files: Sequence[SourceFile]) -> Analysis:
        return self.told(self._ask(files))

    def version(self) -> str:
        binary = self.binary or find_ruff()
        return "" if binary is None else told_apart(binary)

    def each(self, files: Sequence[SourceFile]) -> list[Analysis] | Analysis:
        return self.judged(self._ask(files))

    def mark(self, file: SourceFile, place: tuple[int, int, int]) -> str:
        return ""

    def asked(self, files: Sequence[SourceFile]) -> Callable[[], Answer]:
        return partial(self._ask, files)

    def told(self, answer: Answer) -> Analysis:
        found = self.judged(answer)
        return found if isinstance(found, Analysis) else together(found)

    def judged(self, answer: Answer) -> list[Analysis] | Analysis:
        """What is made of an answer, for each file."""
        if isinstance(answer, Analysis):
            return answer
        return [_analysis(file, entries) for file, entries in answer]

    def _ask(self, files: Sequence[SourceFile]) -> Answer:
        if not files:
            return []
        binary = self.binary or find_ruff()
        if binary is None:
            return Analysis(Outcome.NOT_RUN, "ruff is not installed: run `pip install ruff`")
        rules = ",".join(load("python_ruff"))
        try:
            # One file goes through a pipe: that saves a directory, and loading what makes one.
            with _one(files[0]) if len(files) == 1 else _copies(files) as given:
                done = subprocess.run(
                    [str(binary), *_OPTIONS, "--select", rules, *given.names],
                    input=given.text,
                    capture_output=True,
                    timeout=self.timeout,
                    check=False,
                    cwd=given.folder,
                )
        except subprocess.TimeoutExpired:
            return Analysis(Outcome.NOT_RUN, f"ruff did not end within {self.timeout:g} s")
        except OSError as error:
            return Analysis(Outcome.NOT_RUN, f"ruff could not be started: {error.strerror}")
        if done.returncode != 0:
            last = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
            why = f": {last[0]}" if last else ""
            return Analysis(Outcome.NOT_RUN, f"ruff ended with code {done.returncode}{why}")
        try:
            entries: list[Entry] = json.loads(done.stdout)
        except ValueError:
            return Analysis(Outcome.NOT_RUN, "ruff's answer is not JSON")
        for entry in entries:
            given.by_name[Path(entry["filename"]).name][1].append(entry)
        return list(given.by_name.values())


@record
class _Given:
    """What ruff is given to read."""

    by_name: Mapping[str, tuple[SourceFile, list[Entry]]]
    """The files by the names that it knows them by, and what it says of each."""
    names: Sequence[str]
    """Its last arguments."""
    folder: str
    text: bytes | None = None
    """For its standard input."""


@contextmanager
def _one(file: SourceFile) -> Generator[_Given]:
    name = f"0{_ending(file)}"
    text = decode(file.data).encode()
    yield _Given({name: (file, [])}, ("--stdin-filename", name, "-"), "/", text)


@contextmanager
def _copies(files: Sequence[SourceFile]) -> Generator[_Given]:
    from tempfile import TemporaryDirectory

    with TemporaryDirectory(prefix="headgate-ruff-") as name:
        folder = Path(name).resolve()
        by_name: dict[str, tuple[SourceFile, list[Entry]]] = {}
        for number, file in enumerate(files):
            copy = folder / f"{number}{_ending(file)}"
            copy.write_text(decode(file.data), "utf-8", newline="\n")
            by_name[copy.name] = (file, [])
        yield _Given(by_name, (str(folder),), str(folder))


def _ending(file: SourceFile) -> str:
    return ".pyi" if file.path.endswith(".pyi") else ".py"


def _analysis(file: SourceFile, entries: Sequence[Entry]) -> Analysis:
    rules = load("python_ruff")
    hits: list[Hit] = []
    unparsed = False
    broken: list[str] = []
    text: Text | None = None
    for entry in entries:
        code = entry["code"]
        span = Span(
            file.path,
            entry["location"]["row"],
            entry["location"]["column"],
            entry["end_location"]["row"],
            entry["end_location"]["column"],
        )
        if code not in rules:
            if not unparsed:
                unparsed = True
                if Path(file.path).suffix not in _ENDINGS:
                    # A template or the like, whose first line is Python's by chance.
                    continue
                if parse(file.data) is None:
                    broken.append(f"{file.path}: not valid Python (line {span.line})")
                hits.append(Hit(_finding(_SYNTAX, span)))
            continue
        if code in _OWN and parse(file.data) is not None:
            continue
        if code == "S103" and not _others_may_write(entry["message"]):
            continue
        if code in _READING:
            tree = parse(file.data)
            if tree is not None and reads_constant_at(tree, span.line, span.column):
                continue
        finding = _finding(rules[code], span)
        if code == "S608":
            tree = parse(file.data)
            if tree is None:
                finding = _finding(load("injection")["sql"], span)
            elif is_constant_at(tree, span.line, span.end_line):
                continue
        # Of tests only what is no injection is told softly: their paths are free to choose.
        if is_test(file.path) and finding.cwe not in _INJECTION:
            if finding.severity < Severity.HIGH:
                continue
            if finding.cwe == _UNVERIFIED:
                finding = replace(finding, confidence=Confidence.LOW)
        text = text or Text(decode(file.data))
        # A comment of the author's own silences what only informs, never what may deny.
        if finding.severity <= Severity.MEDIUM and _NOQA.search(text.line(span.line)):
            continue
        hits.append(Hit(finding))
    return Analysis(Outcome.PASSED, "", tuple(hits), tuple(broken))


def _others_may_write(message: str) -> bool:
    """Whether the mode that ruff names lets others write; it also dislikes 0o755."""
    mode = re.search(r"0o([0-7]+)", message)
    return mode is None or bool(int(mode[1], 8) & 0o022)


def _finding(rule: Rule, span: Span) -> Finding:
    return Finding(
        rule=rule.rule,
        title=rule.title,
        message=rule.message,
        remedy=rule.remedy,
        severity=rule.severity,
        confidence=rule.confidence,
        span=span,
        cwe=rule.cwe or None,
        check="source",
    )
