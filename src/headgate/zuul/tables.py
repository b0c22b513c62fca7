"""The jobs of one project: each as a table, with a variant for every branch it is different on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from headgate.zuul.forms import ABSENT, Form, form_of
from headgate.zuul.freeze import Dependency, Frozen, Unknown, deep, freeze
from headgate.zuul.names import plain
from headgate.zuul.objects import JobVariant, Matcher, Stanza
from headgate.zuul.patterns import covers
from headgate.zuul.regions import Region, Regions
from headgate.zuul.surroundings import Surroundings

NOTHING = frozenset({"noop"})
"""Zuul's own job that always passes."""


@dataclass(frozen=True, slots=True)
class JobText:
    """What one `[jobs.NAME]` table says."""

    name: str
    description: str
    keys: Form
    variants: tuple[tuple[str, Form], ...] = ()
    """Pattern over branches → keys; `{"run": False}` where it does not run."""


@dataclass(slots=True)
class _Job:
    """A job in one pipeline: what it is in each region."""

    name: str
    pipeline: str
    description: str = ""
    forms: dict[Region, Form | None] = field(default_factory=dict[Region, "Form | None"])
    waits: dict[Region, tuple[Dependency, ...]] = field(
        default_factory=dict[Region, tuple[Dependency, ...]]
    )


def tables_of(
    stanzas: Sequence[Stanza], pipelines: Sequence[str], gate: str, around: Surroundings
) -> tuple[JobText, ...]:
    """The tables for what templates and project stanzas of one project say, in this order.

    `pipelines` are those that exist; `gate` is the one whose jobs keep their plain names.
    """
    said: dict[tuple[str, str], list[JobVariant]] = {}
    variables: Mapping[str, Any] = {}
    for stanza in stanzas:
        variables = deep(variables, stanza.variables)
        for pipeline, entry in stanza.pipelines.items():
            if pipeline not in pipelines:
                around.losses.lost(
                    entry.place,
                    f"project {around.project}: {pipeline}",
                    "no pipeline of that name was read; its jobs wait for one.",
                    f"Write [pipelines.{plain(pipeline)}], or give the project that defines it.",
                )
            for variant in entry.jobs:
                if variant.name not in NOTHING:
                    said.setdefault((pipeline, variant.name), []).append(variant)
    regions = Regions(_matchers(said, around), around.losses)
    jobs = [_job(key, variants, variables, regions, around) for key, variants in said.items()]
    alive = [job for job in jobs if any(form is not None for form in job.forms.values())]
    _tie(alive, regions, around)
    return _written(alive, regions, gate)


def _matchers(
    said: Mapping[tuple[str, str], Sequence[JobVariant]], around: Surroundings
) -> list[Matcher]:
    """Of everything that these jobs could be made of."""
    found: dict[Matcher, None] = {}
    look = [name for _, name in said]
    for variants in said.values():
        found.update((m, None) for variant in variants for m in variant.branches)
    seen: set[str] = set()
    while look:
        name = look.pop()
        if name in seen:
            continue
        seen.add(name)
        for variant in around.layout.jobs.get(name, ()):
            found.update(dict.fromkeys(variant.branches))
            look.append(str(variant.keys.get("parent", around.layout.base)))
    return list(found)


def _job(
    key: tuple[str, str],
    variants: Sequence[JobVariant],
    variables: Mapping[str, Any],
    regions: Regions,
    around: Surroundings,
) -> _Job:
    pipeline, name = key
    job = _Job(name, pipeline)
    for region in regions.all:
        frozen: Frozen | None = None
        try:
            frozen = freeze(
                around.layout, variants, variables, lambda m, r=region: regions.counts(m, r)
            )
        except Unknown as error:
            around.losses.lost(
                error.place,
                f"job {name}",
                f"nothing that was read defines {error.what}.",
                "Give the project that defines it as PATH too.",
            )
        job.forms[region] = form_of(frozen, around) if frozen is not None else None
        job.waits[region] = tuple(frozen.dependencies) if frozen is not None else ()
        if frozen is not None and not job.description:
            job.description = " ".join(frozen.description.split())
    return job


def _tie(jobs: list[_Job], regions: Regions, around: Surroundings) -> None:
    """Leave of the dependencies those on jobs that run in the same pipeline and region."""
    by_key = {(job.pipeline, job.name): job for job in jobs}
    for job in jobs:
        for region in regions.all:
            if job.forms[region] is None:
                continue
            kept: list[Dependency] = []
            for one in job.waits[region]:
                other = by_key.get((job.pipeline, one.name))
                if other is not None and other.forms[region] is not None:
                    kept.append(one)
                elif not one.soft and one.name not in NOTHING:
                    around.losses.lost(
                        one.place,
                        f"job {job.name}: dependencies: {one.name}",
                        f"that job is not there in {job.pipeline} of {around.project}.",
                        "Write the missing job by hand, and `needs` for it.",
                    )
            job.waits[region] = tuple(kept)


# -- one table for the pipelines in which a job is the same ------------------------------------


def _written(jobs: list[_Job], regions: Regions, gate: str) -> tuple[JobText, ...]:
    groups = _groups(jobs, regions)
    members: dict[int, list[_Job]] = {}
    for job in jobs:
        members.setdefault(groups[job.pipeline, job.name], []).append(job)
    names = _names(members, gate)
    return tuple(
        _table(names[group], same, names, groups, regions) for group, same in members.items()
    )


def _groups(jobs: list[_Job], regions: Regions) -> dict[tuple[str, str], int]:
    """Numbers for (pipeline, job): equal for what can be one table."""
    found = _numbered({(job.pipeline, job.name): (job.name, repr(job.forms)) for job in jobs})
    while True:
        finer = _numbered(
            {
                (job.pipeline, job.name): (
                    found[job.pipeline, job.name],
                    repr(
                        [
                            [(found[job.pipeline, one.name], one.soft) for one in job.waits[region]]
                            for region in regions.all
                        ]
                    ),
                )
                for job in jobs
            }
        )
        if len(set(finer.values())) == len(set(found.values())):
            return finer
        found = finer


def _numbered(values: Mapping[tuple[str, str], object]) -> dict[tuple[str, str], int]:
    numbers: dict[object, int] = {}
    return {key: numbers.setdefault(value, len(numbers)) for key, value in values.items()}


def _names(members: Mapping[int, Sequence[_Job]], gate: str) -> dict[int, str]:
    """The table that the gate runs, or else the first, keeps the plain name."""
    order = sorted(members, key=lambda group: gate not in {j.pipeline for j in members[group]})
    names: dict[int, str] = {}
    taken: set[str] = set()
    for group in order:
        job = members[group][0]
        name = plain(job.name)
        if name in taken:
            name = plain(f"{name[:48]}-{job.pipeline}")
        while name in taken:
            name = f"{name[:60]}-2"
        taken.add(name)
        names[group] = name
    return names


def _table(
    name: str,
    same: Sequence[_Job],
    names: Mapping[int, str],
    groups: Mapping[tuple[str, str], int],
    regions: Regions,
) -> JobText:
    job = same[0]
    whole: dict[Region, Form | None] = {}
    for region in regions.all:
        form = job.forms[region]
        if form is not None:
            form = {**form}
            for key, soft in (("needs", False), ("after", True)):
                waits = [one for one in job.waits[region] if one.soft is soft]
                if waits:
                    form[key] = [names[groups[job.pipeline, one.name]] for one in waits]
        whole[region] = form
    pipelines = [plain(one.pipeline) for one in same]
    rest = regions.all[0]
    keys: Form = {"pipelines": pipelines, **(whole[rest] or {"run": False})}
    variants: list[tuple[str, Form]] = []
    for index, region in enumerate(regions.all[1:], 1):
        # What holds here if nothing more is said: the narrowest of the wider regions.
        wider = next(
            (one for one in reversed(regions.all[1:index]) if covers(one.pattern, region.pattern)),
            rest,
        )
        if whole[region] != whole[wider]:
            variants.append((region.pattern, _changed(whole[region], whole, rest)))
    return JobText(name, job.description, keys, tuple(variants))


def _changed(form: Form | None, whole: Mapping[Region, Form | None], rest: Region) -> Form:
    """What a variant says so that nothing of any other form shows through."""
    if form is None:
        return {"run": False}
    used = {key for other in whole.values() if other is not None for key in other}
    base = whole[rest] or {}
    off = any(other is None for other in whole.values())
    found: Form = {}
    for key in (*form, *(key for key in ABSENT if key not in form)):
        if key in form:
            value = form[key]
        elif key in used:
            value = ABSENT[key]
        else:
            continue
        # What all forms have in common need not be said again.
        if all(other is None or other.get(key) == value for other in whole.values()) and (
            key in base and not (off and key in ("run", "ansible"))
        ):
            continue
        found[key] = value
    return found
