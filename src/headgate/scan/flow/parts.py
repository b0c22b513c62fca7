"""Analyses parts of a project, one after another or in several processes."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from headgate.model.finding import Confidence
from headgate.model.record import record
from headgate.scan.flow.project import Mode, Outcome, Source
from headgate.scan.flow.rules import Rules
from headgate.scan.flow.run import Run
from headgate.scan.flow.shelf import Shelf, again
from headgate.scan.packs.schema import Kind, KindName, Pack

_RECURSION = 30_000
_SELDOM = (50_000, 50, 50)
"""Thresholds of the garbage collector: a quarter less processor time, in the same memory."""
FEW = 20
"""So few files are analysed before what is known of them is looked up."""
_WORTH = 1 << 20
"""Bytes of files for which several processes are started."""
_SHARES = 6
"""Pieces of work per process, so that none waits long for another."""
Part = tuple[str, ...]
"""Paths, sorted."""


@record
class Settings:
    """What the analysis of every part depends on."""

    packs: tuple[Pack, ...]
    kinds: Mapping[KindName, Kind]
    mode: Mode
    least: Confidence
    routes: tuple[tuple[str, str, str], ...]
    language: str


def analysed(
    settings: Settings,
    files: Mapping[str, Source],
    parts: Sequence[Part],
    scope: frozenset[str] | None,
    jobs: int,
    shelf: Shelf | None = None,
) -> Iterator[tuple[Part, Outcome]]:
    """The outcome of every part, in any order."""
    sizes = {part: sum(len(files[path].data) for path in part) for part in parts}
    total = sum(sizes.values())
    if jobs < 2 or len(parts) < 2 or total < _WORTH:
        rules = Rules(settings.packs, settings.kinds, settings.least)
        for part in parts:
            given = {path: files[path] for path in part}
            yield part, _analysed(settings, rules, given, scope, shelf)
        return
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    shares: list[list[Part]] = []
    room = 0
    for part in sorted(parts, key=lambda one: (-sizes[one], one)):
        if room < sizes[part]:
            shares.append([])
            room = max(total // (jobs * _SHARES), sizes[part])
        shares[-1].append(part)
        room -= sizes[part]
    # Threads of the caller may hold locks: start afresh, do not fork.
    context = get_context("forkserver")
    with ProcessPoolExecutor(jobs, context, _begin, (settings, scope, shelf)) as pool:
        given = [[{path: files[path] for path in part} for part in share] for share in shares]
        for share, outcomes in zip(shares, pool.map(_share, given), strict=True):
            yield from zip(share, outcomes, strict=True)


def _analysed(
    settings: Settings,
    rules: Rules,
    files: Mapping[str, Source],
    scope: frozenset[str] | None,
    shelf: Shelf | None,
) -> Outcome:
    within = None if scope is None else scope.intersection(files)
    with _deep_recursion():
        if shelf is not None and len(files) > FEW:
            return again(files, rules, settings, shelf)
        run = _run_of(settings.language)(files, rules, settings.mode, within)
        run.routes = settings.routes
        if any(pack.rules for pack in settings.packs):
            from headgate.scan.flow.marked import follow_own_rules

            follow_own_rules(run, settings.packs, files, settings.language)
        run.all()
    return run.outcome()


def _run_of(language: str) -> type[Run]:
    if language != "javascript":
        from headgate.scan.flow.python_run import PythonRun

        return PythonRun
    from headgate.scan.flow.javascript_run import JavaScriptRun

    return JavaScriptRun


@contextmanager
def _deep_recursion() -> Any:
    """Trees may be nested deep; the depth of what is lowered is bounded. They are many tuples,
    too, that live long: the collector need not look at them as often as it does by itself."""
    before, often = sys.getrecursionlimit(), gc.get_threshold()
    sys.setrecursionlimit(max(before, _RECURSION))
    gc.set_threshold(*_SELDOM)
    try:
        yield
    finally:
        sys.setrecursionlimit(before)
        gc.set_threshold(*often)


# In a process of its own

_given: list[tuple[Settings, Rules, frozenset[str] | None, Shelf | None]] = []


def _begin(settings: Settings, scope: frozenset[str] | None, shelf: Shelf | None) -> None:
    _given.append((settings, Rules(settings.packs, settings.kinds, settings.least), scope, shelf))


def _share(parts: Sequence[Mapping[str, Source]]) -> list[Outcome]:
    settings, rules, scope, shelf = _given[-1]
    return [_analysed(settings, rules, files, scope, shelf) for files in parts]
