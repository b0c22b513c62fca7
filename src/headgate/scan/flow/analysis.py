"""Analyses a project: its modules, its entries, and every function in which data comes in."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from headgate.model.finding import Confidence
from headgate.scan.flow.dependents import concerned
from headgate.scan.flow.marked import follow_own_rules
from headgate.scan.flow.project import Mode, Outcome, Source
from headgate.scan.flow.rules import Rules
from headgate.scan.flow.run import Run
from headgate.scan.packs.schema import Kind, KindName, Pack

_RECURSION = 30_000


def analyse(
    files: Mapping[str, Source],
    packs: Sequence[Pack],
    kinds: Mapping[KindName, Kind],
    mode: Mode = Mode.AUTO,
    least: Confidence = Confidence.MEDIUM,
    changed: frozenset[str] | None = None,
    routes: Iterable[tuple[str, str, str]] = (),
    language: str = "python",
) -> Outcome:
    """Everything that is found in the files, by path, and at least as sure as `least`.

    `routes`: functions (dotted names), paths and HTTP methods that something else than the code
    makes routes, like a description in OpenAPI.
    """
    imported = {name for file in files.values() for name in file.imports}
    tops = imported | {name.lstrip(".").partition(".")[0] for name in imported}
    active = [pack for pack in packs if not pack.when or tops.intersection(pack.when)]
    rules = Rules(active, kinds, least)
    scope = None if changed is None else concerned(files, changed)
    with _deep_recursion():
        run = _run_of(language)(files, rules, mode, scope)
        run.routes = tuple(routes)
        follow_own_rules(run, active, files, language)
        run.all()
    return Outcome(run.recorder.all(), run.recorder.cut)


def _run_of(language: str) -> type[Run]:
    if language != "javascript":
        return Run
    from headgate.scan.flow.javascript_run import JavaScriptRun

    return JavaScriptRun


@contextmanager
def _deep_recursion() -> Any:
    """Trees may be nested deep; the depth of what is lowered is bounded."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, _RECURSION))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


__all__ = ["Confidence", "Mode", "Outcome", "Run", "Source", "analyse"]
