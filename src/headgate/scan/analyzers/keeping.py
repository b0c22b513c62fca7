"""What analyzers said of files, kept between runs by what is in the files.

What is kept of a file is known by its path and its content, hashed together, and by the program
that worked it out. Of a secret only its place is kept, never itself nor anything made of it: its
mark is made again from the file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from headgate.model.finding import Confidence, Finding, Outcome, Severity, Span
from headgate.scan.analyzers.interface import (
    Analysis,
    Analyzer,
    Hit,
    Separate,
    SeparateAsking,
    SourceFile,
    together,
)
from headgate.scan.bundle import FEW, Bundle
from headgate.scan.kept import program, tidy

_ROOMS = ("", "analyzers", "infra", "rules")
"""That an outcome comes from: another program finds nothing of what was kept."""
_LIBRARIES = ("tree_sitter", "tree_sitter_bash", "tree_sitter_hcl", "yaml")
Record = dict[str, Any]
"""By name of what was asked."""


class Keeper:
    """What is known of the files of the project that is examined at present."""

    def __init__(self, root: Path) -> None:
        """`root`: a private directory; nothing in it is ever told of."""
        self.root = root
        self._bundle: Bundle | None = None
        self._records: dict[str, tuple[SourceFile, bytes, Record]] = {}

    def open(self, paths: Sequence[str]) -> None:
        """Take up what is known of these files, unless they are so few that it is not worth it."""
        if len(paths) >= FEW:
            version = program(*_ROOMS, libraries=_LIBRARIES)[:32]
            self._bundle = Bundle(self.root / version, paths)

    def close(self) -> None:
        """Keep what is new."""
        bundle, self._bundle = self._bundle, None
        self._records.clear()
        if bundle is not None and bundle.keep():
            tidy(self.root)

    def get(self, file: SourceFile, what: str) -> Any:
        """What is known; None: nothing."""
        if self._bundle is None:
            return None
        return self._record(self._bundle, file)[1].get(what)

    def put(self, file: SourceFile, what: str, value: Any) -> None:
        """Keep it; `value`: as `kept.keep_values` takes it, not None."""
        if self._bundle is not None:
            key, record = self._record(self._bundle, file)
            record[what] = value
            self._bundle.put(key, record)

    def small(self, file: SourceFile, what: str, make: Callable[[], Any]) -> Any:
        """What is known, or what `make` makes of the file; not None."""
        found = self.get(file, what)
        if found is None:
            found = make()
            self.put(file, what, found)
        return found

    def _record(self, bundle: Bundle, file: SourceFile) -> tuple[bytes, Record]:
        known = self._records.get(file.path)
        if known is None or known[0] is not file:
            key = _key(file)
            known = self._records[file.path] = file, key, bundle.get(key) or {}
        return known[1:]


def _key(file: SourceFile) -> bytes:
    path = file.path.encode("utf-8", "surrogatepass")
    return hashlib.sha256(file.digest + path).digest()


class Keeping:
    """An analyzer that is asked only for files whose outcome is not known."""

    def __init__(self, tool: Separate, keeper: Keeper) -> None:
        self.tool = tool
        self.keeper = keeper

    @property
    def name(self) -> str:
        return self.tool.name

    @property
    def check(self) -> str:
        return self.tool.check

    def wants(self, path: str, start: bytes) -> bool:
        return self.tool.wants(path, start)

    def scan(self, files: Sequence[SourceFile]) -> Analysis:
        known = self._known(files)
        missing = _missing(files, known)
        return self._completed(files, known, self.tool.each(missing) if missing else [])

    def _known(self, files: Sequence[SourceFile]) -> list[Analysis | None]:
        version = self.tool.version()
        return [self._taken(file, version) for file in files]

    def _completed(
        self,
        files: Sequence[SourceFile],
        known: Sequence[Analysis | None],
        found: list[Analysis] | Analysis,
    ) -> Analysis:
        if isinstance(found, Analysis):
            return found
        version, new = self.tool.version(), iter(found)
        done: list[Analysis] = []
        for file, one in zip(files, known, strict=True):
            if one is None:
                one = next(new)
                self._keep(file, version, one)
            done.append(one)
        return together(done)

    def _taken(self, file: SourceFile, version: str) -> Analysis | None:
        kept = self.keeper.get(file, self.tool.name)
        if kept is None:
            return None
        if kept == version:
            return _NOTHING
        try:
            of, *plain = kept
            return self._analysis(file, plain) if of == version else None
        except (TypeError, ValueError):
            return None

    def _keep(self, file: SourceFile, version: str, analysis: Analysis) -> None:
        if analysis == _NOTHING:
            self.keeper.put(file, self.tool.name, version)
        elif (plain := _plain(file, analysis)) is not None and analysis == self._analysis(
            file, plain
        ):
            self.keeper.put(file, self.tool.name, (version, *plain))

    def _analysis(self, file: SourceFile, plain: Sequence[Any]) -> Analysis:
        hits, skipped, hidden, reduced = plain
        return Analysis(
            Outcome.PASSED,
            "",
            tuple(
                Hit(_finding(file.path, one), self.tool.mark(file, place) if place else "", place)
                for *one, place in hits
            ),
            tuple(f"{file.path}: {why}" for why in skipped),
            tuple(Span(file.path, *place) for place in hidden),
            tuple(f"{file.path}: {why}" for why in reduced),
        )


class KeepingApart(Keeping):
    """One that lets a process of its own do the work."""

    def __init__(self, tool: SeparateAsking, keeper: Keeper) -> None:
        super().__init__(tool, keeper)
        self._asking = tool

    def asked(self, files: Sequence[SourceFile]) -> Callable[[], Any]:
        known = self._known(files)
        missing = _missing(files, known)
        begin = self._asking.asked(missing) if missing else None
        return lambda: (files, known, begin() if begin is not None else [])

    def told(self, answer: Any) -> Analysis:
        files, known, found = answer
        return self._completed(files, known, self._asking.judged(found))


_NOTHING = Analysis(Outcome.PASSED)


def keeper_of(tools: Sequence[Analyzer]) -> Keeper | None:
    """What the analyzers keep their outcomes in, when they do."""
    return next((tool.keeper for tool in tools if isinstance(tool, Keeping)), None)


@contextmanager
def opened(tools: Sequence[Analyzer], files: Sequence[SourceFile]) -> Generator[None]:
    """While these files, or some of them as they were before, are examined."""
    keeper = keeper_of(tools)
    if keeper is None:
        yield
        return
    keeper.open([file.path for file in files])
    try:
        yield
    finally:
        keeper.close()


def keeping(tool: Separate, keeper: Keeper | None) -> Analyzer:
    """The analyzer, asked no more than it has to be; `keeper` None: for every file."""
    if keeper is None:
        return tool
    return KeepingApart(tool, keeper) if isinstance(tool, SeparateAsking) else Keeping(tool, keeper)


def _missing(files: Sequence[SourceFile], known: Sequence[Analysis | None]) -> list[SourceFile]:
    return [file for file, one in zip(files, known, strict=True) if one is None]


def _plain(file: SourceFile, analysis: Analysis) -> tuple[Any, ...] | None:
    """An outcome as plain values without the path; None when it cannot be told in them."""
    if analysis.outcome is not Outcome.PASSED:
        return None
    start = f"{file.path}: "
    return (
        [(*_plain_finding(hit.finding), hit.place) for hit in analysis.hits],
        [entry.removeprefix(start) for entry in analysis.skipped],
        [_plain_span(span) for span in analysis.hidden],
        [entry.removeprefix(start) for entry in analysis.reduced],
    )


def _plain_span(span: Span) -> tuple[int, int, int, int]:
    return span.line, span.column, span.end_line, span.end_column


def _plain_finding(one: Finding) -> tuple[Any, ...]:
    return (
        one.rule, one.title, one.message, one.remedy, int(one.severity), int(one.confidence),
        *_plain_span(one.span), one.cwe, one.check,
    )  # fmt: skip


def _finding(path: str, plain: Sequence[Any]) -> Finding:
    rule, title, message, remedy, severity, confidence, *place, cwe, check = plain
    return Finding(
        rule, title, message, remedy, Severity(severity), Confidence(confidence),
        Span(path, *place), cwe, check,
    )  # fmt: skip
