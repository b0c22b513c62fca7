"""Data that flows through JavaScript and TypeScript, over all files of a project."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import field
from pathlib import Path

from headgate.model.finding import Confidence, Outcome
from headgate.model.record import record
from headgate.scan.analyzers.flow import SHOWN, Places, cut_off, finding_of, reduced_by
from headgate.scan.analyzers.interface import Analysis, Hit, SourceFile
from headgate.scan.analyzers.keeping import Keeper
from headgate.scan.flow.analysis import Mode, analyse
from headgate.scan.front.generated import why_generated
from headgate.scan.front.lowered import grammar, lowered
from headgate.scan.packs.schema import Kinds, Pack
from headgate.scan.packs.shipped import remedies, shipped, shipped_kinds

LANGUAGE = "javascript"


@record
class JavaScriptFlow:
    """Follows data through JavaScript, TypeScript and JSX by the rule packs."""

    cache: Path | None = None
    """Where lowered files are kept between runs; None: nowhere."""
    mode: Mode = Mode.AUTO
    jobs: int = 1
    """Processes that lower files at once."""
    packs: Callable[[str], Sequence[Pack]] = field(default=shipped)
    kinds: Callable[[], Kinds] = field(default=shipped_kinds)
    shown: Confidence = SHOWN
    keeper: Keeper | None = field(default=None, repr=False, compare=False)
    """What is known of files; None: nothing."""

    name = "flow-javascript"
    check = "source"
    needs_context = True
    """It is given the files that did not change as well."""

    def wants(self, path: str, start: bytes) -> bool:
        return bool(grammar(path)) and not path.endswith((".d.ts", ".d.mts", ".d.cts"))

    def scan(self, files: Sequence[SourceFile], context: Sequence[SourceFile] = ()) -> Analysis:
        """What is found in the files, and in those of the context when it is found there."""
        if not files:
            return Analysis(Outcome.PASSED)
        # Most scans see no JavaScript, and need nothing of this.
        from headgate.scan.absence.every import as_found
        from headgate.scan.absence.javascript import lacks_of
        from headgate.scan.flow.javascript_modules import tests_of

        given = {file.path: file for file in (*context, *files)}
        unwritten = {path: why for path, file in given.items() if (why := self._generated(file))}
        written = {path: file for path, file in given.items() if path not in unwritten}
        modules = lowered(written, self.cache, self.jobs)
        tests = tests_of({path: module.imports for path, module in modules.items()})
        modules = {path: one for path, one in modules.items() if path not in tests}
        kinds = self.kinds()
        # First of all: what the analysis holds makes everything that allocates after it slow.
        lacks = as_found(lacks_of(modules, self.cache and self.cache.parent / "facts"), kinds)
        outcome = analyse(
            modules,
            self.packs(LANGUAGE),
            kinds,
            self.mode,
            self.shown,
            language=LANGUAGE,
            cache=self.cache and self.cache.parent / "outcomes",
        )
        places = Places(modules)
        how = remedies(LANGUAGE)
        hits = [
            Hit(finding_of(one, kinds[one.kind], places, LANGUAGE, how.get(one.kind, "")))
            for one in outcome.found
            if one.confidence >= self.shown
        ]
        # What is missing is a question to a human, however unsure.
        hits += [
            Hit(finding_of(one, kinds[one.kind], places, LANGUAGE, how.get(one.kind, "")))
            for one in lacks
        ]
        notes = [f"{file.path}: {unwritten[file.path]}" for file in files if file.path in unwritten]
        tested = sorted(tests.intersection(file.path for file in files))
        notes += [f"{path}: a test that nothing else imports" for path in tested]
        notes += [f"{path}: {why}" for path, why in reduced_by(modules, outcome.cut, places)]
        return Analysis(
            Outcome.PASSED, "", tuple(hits), reduced=tuple(notes), cut=cut_off(outcome.cut)
        )

    def _generated(self, file: SourceFile) -> str:
        def why() -> str:
            return why_generated(file.path, file.data)

        return why() if self.keeper is None else self.keeper.small(file, "generated", why)
