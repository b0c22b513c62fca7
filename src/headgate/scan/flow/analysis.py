"""Analyses a project: its modules, its entries, and every function in which data comes in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from headgate.model.finding import Confidence
from headgate.scan.flow.components import components
from headgate.scan.flow.dependents import concerned
from headgate.scan.flow.findings import Found
from headgate.scan.flow.parts import FEW, Settings, analysed
from headgate.scan.flow.project import Mode, Outcome, Source
from headgate.scan.flow.remembered import Remembered
from headgate.scan.flow.run import Run
from headgate.scan.packs.schema import Kind, KindName, Pack


def analyse(
    files: Mapping[str, Source],
    packs: Sequence[Pack],
    kinds: Mapping[KindName, Kind],
    mode: Mode = Mode.AUTO,
    least: Confidence = Confidence.MEDIUM,
    changed: frozenset[str] | None = None,
    routes: Iterable[tuple[str, str, str]] = (),
    language: str = "python",
    jobs: int = 1,
    cache: Path | None = None,
) -> Outcome:
    """Everything that is found in the files, by path, and at least as sure as `least`.

    Parts of the project that cannot affect each other are analysed each by itself: the result is
    the same with any number of processes (`jobs`), and with what earlier runs left in `cache`.
    `changed`: tell only what concerns these files; parts without any of them are left out.
    `routes`: functions (dotted names), paths and HTTP methods that something else than the code
    makes routes, like a description in OpenAPI.
    """
    imported = {name for file in files.values() for name in file.imports}
    tops = imported | {name.lstrip(".").partition(".")[0] for name in imported}
    active = [pack for pack in packs if not pack.when or tops.intersection(pack.when)]
    settings = Settings(tuple(active), kinds, mode, least, tuple(routes), language)
    scope = None if changed is None else concerned(files, changed)
    parts = [
        part
        for part in _parts(files, active, language)
        if scope is None or not scope.isdisjoint(part)
    ]
    remembered = None
    own = any(pack.rules for pack in active)
    whole = language == "python" and not own
    within = None if whole else scope
    if cache is not None and within is None and len(files) > FEW and not own:
        remembered = Remembered(cache, active, dict(kinds), mode, least, settings.routes, language)
    outcomes: dict[tuple[str, ...], Outcome] = {}
    keys: dict[tuple[str, ...], str] = {}
    if remembered is not None:
        for part in parts:
            keys[part] = remembered.key(part, files)
            kept = remembered.take(keys[part])
            if kept is not None:
                outcomes[part] = kept
    missing = [part for part in parts if part not in outcomes]
    shelf = remembered.shelf if remembered is not None and language == "python" else None
    for part, outcome in analysed(settings, files, missing, within, jobs, shelf):
        outcomes[part] = outcome
        if remembered is not None:
            remembered.keep(keys[part], outcome)
    if remembered is not None and missing:
        remembered.tidy()
    found = [one for part in parts for one in outcomes[part].found]
    cut = {path: names for part in parts for path, names in outcomes[part].cut.items()}
    if whole and scope is not None:
        found = [one for one in found if _concerns(one, scope)]
        cut = {path: names for path, names in cut.items() if path in scope}
    found.sort(key=lambda one: (one.path, one.start, one.end, one.kind))
    return Outcome(found, dict(sorted(cut.items())))


def _concerns(found: Found, scope: frozenset[str]) -> bool:
    return found.path in scope or any(step.path in scope for step in found.steps)


def _parts(
    files: Mapping[str, Source], active: Sequence[Pack], language: str
) -> Sequence[tuple[str, ...]]:
    if language != "python" or any(pack.rules for pack in active):
        # What JavaScript's files may load is not only what they say they import, and rules of a
        # user's own may speak of any file.
        return [tuple(sorted(files))] if files else []
    frameworks = {name for pack in active if pack.entries for name in pack.when}
    return components(files, frameworks)


__all__ = ["Confidence", "Mode", "Outcome", "Run", "Source", "analyse"]
