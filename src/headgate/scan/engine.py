"""Runs the analyzers over files and joins what they say into the outcomes of the checks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from headgate.model.finding import CheckResult
from headgate.scan.analyzers.flow import Flow, Mode
from headgate.scan.analyzers.flow_javascript import JavaScriptFlow
from headgate.scan.analyzers.infrastructure import all_analyzers
from headgate.scan.analyzers.interface import Analyzer, SourceFile
from headgate.scan.analyzers.keeping import Keeper, keeping, opened
from headgate.scan.analyzers.ruff import Ruff
from headgate.scan.analyzers.secrets import Secrets
from headgate.scan.history import Past, in_history
from headgate.scan.notes import masked, names_note
from headgate.scan.packs.schema import Kinds, Pack
from headgate.scan.packs.shipped import kinds_with, packs_with
from headgate.scan.request import CHECKS, Request
from headgate.scan.result import result_of
from headgate.scan.side import Side

__all__ = ["CHECKS", "Past", "Request", "analyzers", "examine"]


def analyzers(
    key: bytes,
    cache: Path | None,
    own: Sequence[Pack] = (),
    *,
    mode: Mode = Mode.AUTO,
    jobs: int = 1,
    keep: bool = True,
) -> tuple[Analyzer, ...]:
    """Those that Headgate ships. `key` and `cache` as `Secrets` takes them; `own`: rule packs
    besides those that Headgate ships, or in the place of one of the same name; `mode`: what the
    code is; `jobs`: processes at once; `keep`: whether what is worked out is kept for the next
    run."""
    kept = None if cache is None or not keep else cache.parent / "lowered"

    def packs(language: str) -> Sequence[Pack]:
        return packs_with(own, language)

    def kinds() -> Kinds:
        return kinds_with(own)

    keeper = None if kept is None else Keeper(kept.parent / "answers")
    return (
        keeping(Ruff(), keeper),
        Flow(kept, mode, jobs, packs=packs, kinds=kinds),
        JavaScriptFlow(kept, mode, jobs, packs=packs, kinds=kinds, keeper=keeper),
        *(keeping(one, keeper) for one in all_analyzers()),
        keeping(Secrets(key, cache), keeper),
    )


def examine(
    request: Request,
    tools: Sequence[Analyzer],
    clock: Callable[[], float] = time.perf_counter,
) -> tuple[CheckResult, ...]:
    """One result per check, in the order of `CHECKS`."""
    if request.tools:
        from headgate.scan.analyzers.adapters import adapters

        tools = (*tools, *adapters(request.tools))
    if request.rules:
        from headgate.scan.project_rules import with_rules

        tools = with_rules(tools, request.rules)
    notes = (*request.links, *request.messages)
    notes += (names_note(_names(request.head, request.links, request)),)
    with opened(tools, request.head):
        head, base = _sides(request, notes, tools, clock)
        results = [result_of(check, head, base, request) for check in CHECKS]
    hidden = head.masks()
    if request.history:
        seen = {hit.mark for hit in head.hits("secrets")}
        old = (*(request.base or ()), *request.base_links)
        past = in_history(request.history, seen, base_files=old, tools=tools)
        results = [past.joined(one) if one.check == "secrets" else one for one in results]
        hidden |= past.masks
    return tuple(masked(result, hidden) for result in results)


def _sides(
    request: Request,
    notes: Sequence[SourceFile],
    tools: Sequence[Analyzer],
    clock: Callable[[], float],
) -> tuple[Side, Side | None]:
    """Head and base, examined as far as they have to be."""
    head = Side(request.head, notes, tools, request.excluded, clock, request.context)
    if request.foreign is not None:
        head.take(request.foreign)
    for check in CHECKS:
        head.run(check)
    base: Side | None = None
    if request.base is not None:
        old_notes = (*request.base_links, names_note(_names(request.base, request.base_links)))
        base = Side(request.base, old_notes, tools, frozenset(), clock, request.context)
        for check in CHECKS:
            if any(hit.finding.check == check for hit in head.hits(check)):
                # Old files that no longer hold a secret still have to be masked alike.
                base.run("secrets")
                base.run(check)
    return head, base


def _names(
    files: Sequence[SourceFile], links: Sequence[SourceFile], request: Request | None = None
) -> Iterator[str]:
    """The paths of a state, those of what was not read among them."""
    yield from (file.path for file in (*files, *links))
    if request is not None:
        yield from request.unread
        yield from (entry.rpartition(": ")[0] for entry in request.skipped)
