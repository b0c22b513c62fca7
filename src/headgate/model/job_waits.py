"""Which jobs wait for which, by the names of jobs that run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from headgate.model.job import JobDefinition
from headgate.model.job_table import JobTable, Setting, Settings, fail
from headgate.model.toml.reader import nearest

EDGES = 20_000
"""Pairs of jobs of one project of which one waits for the other, combinations counted."""

_ELSEWHERE = "on branches that no variant names"


def wait_for_each_other(
    tables: Mapping[str, JobTable],
    branch: str,
    jobs: dict[str, JobDefinition],
    expanded: Mapping[str, Sequence[str]],
    settings_of: Mapping[str, Settings],
) -> Mapping[str, Sequence[str]]:
    """Put the names of jobs that run into `needs`, `after` and `chooses`.

    Returns for every job those that must have ended before it starts, providers of what it
    requires included.
    """
    known = _Known(tables, expanded, frozenset(jobs), branch)
    providers: dict[str, list[str]] = {}
    for job in jobs.values():
        for artifact in job.provides:
            providers.setdefault(artifact, []).append(job.name)
    edges: dict[str, Sequence[str]] = {}
    count = 0
    for origin, names in expanded.items():
        # All combinations of a matrix wait for the same.
        first, table, settings = jobs[names[0]], tables[origin], settings_of[origin]
        needs = known.names("needs", first.needs, table, settings)
        after = known.names("after", first.after, table, settings)
        chooses = known.names("chooses", first.chooses, table, settings)
        provided = dict.fromkeys(one for what in first.requires for one in providers.get(what, ()))
        count += len(names) * len({*needs, *after, *provided})
        if count > EDGES:
            fail(
                table,
                Setting(None, table.line, f"jobs.{origin}"),
                f"waits for too many jobs: at most {EDGES} pairs of jobs of a project may wait "
                "for each other, the combinations of a matrix counted one by one.",
                "Put a job without a matrix between them, which waits for all and is waited for.",
            )
        for name in names:
            jobs[name] = replace(jobs[name], needs=needs, after=after, chooses=chooses)
            others = (other for other in provided if other != name)
            edges[name] = tuple(dict.fromkeys((*needs, *after, *others)))
    return edges


@dataclass(frozen=True, slots=True)
class _Known:
    """What `needs`, `after` and `chooses` may name."""

    tables: Mapping[str, JobTable]
    expanded: Mapping[str, Sequence[str]]
    """Name of a table → names of its combinations."""
    single: frozenset[str]
    """Names of all combinations."""
    branch: str

    def names(
        self, key: str, wanted: Iterable[str], table: JobTable, settings: Settings
    ) -> tuple[str, ...]:
        """Names of jobs that run, a matrix as all its combinations."""
        found: dict[str, None] = {}
        for name in dict.fromkeys(wanted):
            if name in self.expanded:
                found.update(dict.fromkeys(self.expanded[name]))
            elif name in self.single:
                found[name] = None
            elif name not in self.tables:
                near = nearest(name, {*self.tables, *self.single})
                fail(table, settings[key], f"there is no job `{name}`.", near)
            elif self.tables[name].abstract:
                fail(table, settings[key], f"`{name}` is abstract and never runs.", "Take it out.")
            elif key == "needs":
                at = f"on branch {self.branch}" if self.branch else _ELSEWHERE
                fail(
                    table,
                    settings[key],
                    f"`{name}` is switched off {at}.",
                    "Switch this job off there too, or wait for it with `after`.",
                )
        return tuple(found)


def circle_of(edges: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Jobs that wait for each other, the first one repeated at the end; empty when none do."""
    done: set[str] = set()
    for start in edges:
        way: dict[str, None] = {}
        stack: list[tuple[str, bool]] = [(start, False)]
        while stack:
            name, leaving = stack.pop()
            if leaving:
                way.popitem()
                done.add(name)
            elif name in way:
                passed = [*way]
                return (*passed[passed.index(name) :], name)
            elif name not in done:
                way[name] = None
                stack.append((name, True))
                stack.extend((need, False) for need in edges[name])
    return ()
