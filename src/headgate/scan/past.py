"""Secrets in all of a repository's history: every content that any commit ever had, once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from headgate.model.finding import CheckResult, Finding, Outcome
from headgate.model.ids import Commit
from headgate.scan.analyzers.interface import Analyzer, Hit, SourceFile
from headgate.scan.identity import anchor, identity
from headgate.scan.notes import message_note
from headgate.scan.text import LARGEST, Text, decode, listed, plural, printable
from headgate.vcs.past import everything, messages
from headgate.vcs.repository import Repository

BATCH = 16 << 20
"""Bytes of contents that are held in memory at once."""


@dataclass(frozen=True, slots=True)
class _Content:
    """One content, and the first commit and path that had it."""

    object: str
    path: str
    commit: Commit


def search_history(
    repository: Repository,
    tools: Sequence[Analyzer],
    wanted: Sequence[str] = (),
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[CheckResult, int]:
    """The check `secrets` over every commit of every branch and tag, and how many contents it
    looked at. `wanted`: keep to these paths. Raises GitError."""
    contents = asyncio.run(_contents(repository, wanted))
    sizes = asyncio.run(repository.sizes(one.object for one in contents))
    seekers = [tool for tool in tools if tool.check == "secrets"]
    skipped = [
        f"{one.path}: larger than {LARGEST // 1_000_000} MB (commit {one.commit[:10]})"
        for one in contents
        if sizes.get(one.object, 0) > LARGEST
    ]
    search = _Search(seekers)
    done = 0
    for batch in _batches([c for c in contents if sizes.get(c.object, 0) <= LARGEST], sizes):
        data = asyncio.run(repository.blobs(one.object for one in batch))
        for one in batch:
            if one.object in data:
                search.add(one, data[one.object])
        done += len(batch)
        progress(done, len(contents))
    for commit, message in () if wanted else asyncio.run(messages(repository)):
        note = message_note(commit, message)
        search.add(_Content("", note.path, commit), note.data)
    outcome, reasons = Outcome.PASSED, list[str]()
    if search.findings:
        outcome, reasons = Outcome.FAILED, [plural(len(search.findings), "finding")]
    if search.problems or skipped:
        outcome = Outcome.NOT_RUN if search.problems else Outcome.UNKNOWN
        reasons = [*search.problems, *([f"not searched: {listed(skipped)}"] if skipped else [])]
    return (
        CheckResult(
            "secrets",
            outcome,
            printable("; ".join(reasons)),
            tuple(search.findings),
            skipped=(*skipped, *search.skipped),
        ),
        len(contents),
    )


class _Search:
    """Tells of a secret once, where it came in first."""

    def __init__(self, seekers: Sequence[Analyzer]) -> None:
        self._seekers = seekers
        self._seen: set[str] = set()
        self._counted: Counter[str] = Counter()
        self.findings: list[Finding] = []
        self.problems: dict[str, None] = {}
        self.skipped: list[str] = []

    def add(self, content: _Content, data: bytes) -> None:
        for seeker in self._seekers:
            analysis = seeker.scan([SourceFile(content.path, data)])
            if analysis.outcome is Outcome.NOT_RUN:
                self.problems[analysis.reason] = None
            self.skipped += analysis.skipped
            new = [hit for hit in analysis.hits if hit.mark not in self._seen]
            if not new:
                continue
            text = Text(decode(data))
            for span in analysis.hidden:
                text.hide(span)
            for hit in new:
                if hit.mark not in self._seen:
                    self._seen.add(hit.mark)
                    self.findings.append(self._finding(hit, text, content))

    def _finding(self, hit: Hit, text: Text, content: _Content) -> Finding:
        where = anchor(hit.finding, text)
        key = identity(where, 0)
        self._counted[key] += 1
        return replace(
            hit.finding,
            message=f"{hit.finding.message} It came in with commit {content.commit[:10]}.",
            excerpt=printable(text.excerpt(hit.finding.span).replace("\t", " ")),
            identity=identity(where, self._counted[key] - 1),
            anchor=where,
        )


async def _contents(repository: Repository, wanted: Sequence[str]) -> list[_Content]:
    """Every content of a file or link, in the order in which they came in."""
    found: dict[str, _Content] = {}
    commit = Commit("")
    async for path, mode, object in everything(repository):
        if not path:
            commit = Commit(object)
            continue
        kept = not wanted or any(w in ("", path) or path.startswith(f"{w}/") for w in wanted)
        if kept and mode in ("100644", "100755", "100664", "120000") and object not in found:
            found[object] = _Content(object, path, commit)
    return list(found.values())


def _batches(contents: Sequence[_Content], sizes: dict[str, int]) -> Iterator[list[_Content]]:
    batch: list[_Content] = []
    held = 0
    for one in contents:
        batch.append(one)
        held += sizes.get(one.object, 0)
        if held >= BATCH:
            yield batch
            batch, held = [], 0
    if batch:
        yield batch
