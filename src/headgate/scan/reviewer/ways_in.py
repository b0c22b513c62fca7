"""The routes round a change, and whether anything in each looks at who asks: what a reviewer needs
to see that one of them is unlike its siblings."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from headgate.scan.absence.lacks import is_authenticated, place
from headgate.scan.absence.names import Names
from headgate.scan.absence.routes import Route, routes_of
from headgate.scan.analyzers.flow import Flow, Places
from headgate.scan.analyzers.interface import Analyzer, SourceFile
from headgate.scan.flow.program import Program
from headgate.scan.flow.rules import Rules
from headgate.scan.front.lowered import lowered
from headgate.scan.text import is_python, is_test, printable

MOST_ROUTES = 40
MOST_FILES = 60
"""Files that are looked into, the changed ones first, then the nearest."""
_START = 200
"""Bytes that tell whether a file is Python."""


def ways_in(
    files: Mapping[str, SourceFile], changed: Collection[str], tools: Sequence[Analyzer]
) -> list[tuple[str, str]]:
    """Path and words for each route of the Python files, those of the changed files first.

    `files`: all that may be shown. Nothing without an analyzer that knows routes among the tools,
    and nothing where no changed file has or may have a route.
    """
    flow = next((tool for tool in tools if isinstance(tool, Flow)), None)
    python = {
        path: file.data
        for path, file in files.items()
        if is_python(path, file.data[:_START]) and not is_test(path)
    }
    if flow is None or python.keys().isdisjoint(changed):
        return []
    folders = {path.rpartition("/")[0] for path in changed}
    near = sorted(python, key=lambda path: (path not in changed, _distance(path, folders), path))
    python = {path: python[path] for path in near[:MOST_FILES]}
    modules = lowered(python, flow.cache, 1, flow.last)
    tops = {name.lstrip(".").partition(".")[0] for one in modules.values() for name in one.imports}
    packs = [one for one in flow.packs("python") if not one.when or tops.intersection(one.when)]
    if not any(pack.entries for pack in packs):
        return []
    program = Program(lambda path: modules[path].module(), modules)
    found = routes_of(Names(program, Rules(packs, flow.kinds())))
    found.sort(key=lambda one: (one.path not in changed, _distance(one.path, folders), one.path))
    return list(_lines(found[:MOST_ROUTES], Places(modules)))


def _lines(routes: Sequence[Route], places: Places) -> Iterator[tuple[str, str]]:
    for route in routes:
        path, start, end = place(route.function)
        line = places.span(path, start, end).line
        methods = ",".join(sorted(route.methods))
        pattern = " ".join(route.patterns) or "(no pattern)"
        guarded = "looks at who asks" if is_authenticated(route) else "nothing looks at who asks"
        words = f"{methods} {pattern}: {route.name} ({printable(path)}:{line}), {guarded}"
        yield path, words


def _distance(path: str, folders: Collection[str]) -> int:
    """0 in one of the folders, 1 in the one above or below, 2 elsewhere."""
    folder = path.rpartition("/")[0]
    if folder in folders:
        return 0
    above = folder.rpartition("/")[0]
    return 1 if above in folders or any(f.rpartition("/")[0] == folder for f in folders) else 2
