"""From the files of a Zuul configuration to those of Headgate: the whole way, without any I/O."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from headgate.model.config import PROJECT_FILE
from headgate.model.errors import BadInput
from headgate.model.queue import MergeMode
from headgate.model.toml.policy_file import parse_policy
from headgate.model.toml.project_file import parse_project
from headgate.zuul import toml_text
from headgate.zuul.forms import TIMEOUT
from headgate.zuul.losses import Loss, Losses, Place
from headgate.zuul.names import ProjectNames, plain
from headgate.zuul.objects import Layout, Named, Stanza
from headgate.zuul.policy import Tables, gate_of, policy_tables
from headgate.zuul.reading import SourceFile, listed, read_into
from headgate.zuul.surroundings import Surroundings
from headgate.zuul.tables import JobText, tables_of
from headgate.zuul.tenant import Tenant
from headgate.zuul.yaml_text import Block

POLICY_FILE = "policy.toml"
_MERGE = {
    "merge": "merge",
    "merge-resolve": "merge",
    "merge-recursive": "merge",
    "merge-ort": "merge",
    "squash-merge": "squash",
    "rebase": "rebase",
    "cherry-pick": "cherry-pick",
}


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import comes to."""

    files: Mapping[str, str]
    """Path below the target → text."""
    losses: tuple[Loss, ...]
    jobs: Mapping[str, int]
    """Project, as Headgate is to name it → number of job tables."""
    names: Mapping[str, str]
    """The same projects → their names in Zuul."""


def convert(
    sources: Sequence[SourceFile],
    tenant: Tenant,
    playbook: Callable[[str, str], str],
    losses: Losses,
    *,
    host: str = "",
    with_base: bool = False,
) -> Imported:
    """Read, work inheritance in, and write anew.

    `playbook` finds the file of (project, path as configured). `host` is the canonical host name
    of the projects, for `zuul.project.canonical_name`. Raises BadInput for files that are not
    Zuul's, and for jobs that do not fit together.
    """
    layout = Layout(base=tenant.base)
    for block in tenant.semaphores:
        name = str(block.get("name", ""))
        layout.semaphores[name] = Named(name, "", Place(tenant.file, block.line), block)
    for source in sources:
        read_into(layout, source, losses)
    names = ProjectNames(_every_project(layout, sources, tenant))
    stanzas = _stanzas(layout, names, sources, tenant, losses)
    around = {
        project: Surroundings(project, names, layout, losses, playbook, with_base)
        for project in stanzas
    }
    files: dict[str, str] = {}
    jobs: dict[str, int] = {}
    for project, said in stanzas.items():
        gate = gate_of(layout)
        found = tables_of(said, tuple(layout.pipelines), gate, around[project])
        merge = _merge_mode(project, said, losses)
        if not found and not merge:
            continue
        name = names[project]
        text = _project_text(project, found, merge, names, host)
        try:
            parse_project(text)
        except BadInput as error:
            raise BadInput(
                f"What the configuration of {project} comes to cannot be used: {error.message}",
                error.remedy,
            ) from error
        files[f"{name}/{PROJECT_FILE}"] = text
        _differences(project, said[-1].place, found, losses)
        jobs[name] = len(found)
    policy = _policy_text(policy_tables(layout, stanzas, names, losses))
    if policy:
        try:
            parse_policy({POLICY_FILE: policy.encode()})
        except BadInput as error:
            raise BadInput(
                f"What the pipelines and queues come to cannot be used: {error.message}",
                error.remedy,
            ) from error
        files[POLICY_FILE] = policy
    return Imported(files, losses.all(), jobs, {names[p]: p for p in stanzas if names[p] in jobs})


def _every_project(layout: Layout, sources: Sequence[SourceFile], tenant: Tenant) -> Iterator[str]:
    yield from tenant.projects
    for source in sources:
        yield source.project
    for stanza in layout.projects:
        if not stanza.by_expression:
            yield stanza.name
    if tenant.projects:
        return
    # Without a tenant file, what jobs require is all that tells of further projects.
    variants = [v for found in layout.jobs.values() for v in found]
    variants += [v for s in layout.projects for e in s.pipelines.values() for v in e.jobs]
    for variant in variants:
        for one in listed(variant.keys.get("required-projects")):
            name = str(one.get("name", "")) if isinstance(one, Block) else str(one)
            host, slash, rest = name.partition("/")
            yield rest if slash and "." in host else name


def _stanzas(
    layout: Layout,
    names: ProjectNames,
    sources: Sequence[SourceFile],
    tenant: Tenant,
    losses: Losses,
) -> Mapping[str, Sequence[Stanza]]:
    """What templates and stanzas say of each project, in the order in which it counts."""
    plainly = [s.name for s in layout.projects if not s.by_expression]
    every = dict.fromkeys([*tenant.projects, *(s.project for s in sources), *plainly])
    found: dict[str, list[Stanza]] = {}
    for stanza in layout.projects:
        for project in _meant(stanza, every, names, losses):
            said = found.setdefault(project, [])
            for template in stanza.templates:
                if template not in layout.templates:
                    losses.lost(
                        stanza.at("templates"),
                        f"project {stanza.name}: template {template}",
                        "nothing that was read defines it.",
                        "Give the project that does as PATH too.",
                    )
                said += [t for t in layout.templates.get(template) or [] if t not in said]
            said.append(stanza)
    return found


def _meant(stanza: Stanza, every: Iterable[str], names: ProjectNames, losses: Losses) -> list[str]:
    if not stanza.by_expression:
        return [names.known(stanza.name)]
    try:
        return [name for name in every if re.match(stanza.name, name)]
    except re.error as error:
        losses.lost(stanza.place, f"project {stanza.name}", f"no expression: {error}.", "Mend it.")
        return []


def _differences(project: str, place: Place, jobs: Sequence[JobText], losses: Losses) -> None:
    """What is different for all jobs of a project, told once."""
    if jobs:
        losses.differs(
            place,
            f"project {project}: network",
            "jobs have no network, which nodes of Zuul have.",
            "Where one needs it, say network = true there and name it under [jobs] in policy.toml.",
        )
    if any(True for job in jobs for _ in _beside(job)):
        losses.differs(
            place,
            f"project {project}: required-projects",
            "its jobs run for changes to the projects that they require, too.",
            "Nothing to do: this finds what would break.",
        )


def _merge_mode(project: str, said: Sequence[Stanza], losses: Losses) -> str:
    found = ""
    for stanza in said:
        if "default-branch" in stanza.keys:
            losses.lost(
                stanza.at("default-branch"),
                f"project {project}: default-branch",
                "it is told when the project is added.",
                "Name it to `headgate project add`.",
            )
        if "merge-mode" not in stanza.keys:
            continue
        wanted = str(stanza.keys["merge-mode"])
        found = _MERGE.get(wanted, "")
        if found not in tuple(MergeMode):
            losses.lost(
                stanza.at("merge-mode"),
                f"project {project}: merge-mode {wanted}",
                f"Headgate lands by {', '.join(MergeMode)}.",
                "Set `merge` by hand.",
            )
            found = ""
    return "" if found == MergeMode.MERGE else found


# -- texts -----------------------------------------------------------------------------------


def _project_text(
    project: str, jobs: Sequence[JobText], merge: str, names: ProjectNames, host: str
) -> str:
    lines = [f"# Written by `headgate zuul import` for {project}; edit it as you like."]
    if merge:
        lines.append(f"merge = {toml_text.value(merge)}")
    if jobs:
        taken = {job.name for job in jobs}
        base = next(name for name in ("zuul", "zuul-base", "zuul-compat") if name not in taken)
        beside = {p for job in jobs for p in _beside(job)} | {names[project]}
        told = {short: full for short, full in names.every() if short in beside}
        canonical = {
            short: f"{host}/{full}" if host else full
            for short, full in told.items()
            if host or short != full
        }
        lines += ["", "# What all jobs have in common.", f"[jobs.{base}]", "abstract = true"]
        lines += ['compat = "zuul"', f"timeout = {TIMEOUT}"]
        if canonical:
            lines.append(f"env = {toml_text.value({'ZUUL_NAMES': _json(canonical)})}")
        for job in jobs:
            lines += toml_text.job_lines(job, base)
    return "\n".join(lines) + "\n"


def _beside(job: JobText) -> Iterator[str]:
    for keys in (job.keys, *(keys for _, keys in job.variants)):
        yield from keys.get("required-projects", ())


def _json(value: Mapping[str, str]) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _policy_text(tables: Tables) -> str:
    lines: list[str] = []
    for kind in ("queues", "pipelines"):
        for name, keys in tables[kind].items():
            lines += ["", f"[{kind}.{toml_text.key(plain(name))}]", *toml_text.pairs(keys)]
    if held := tables["semaphores"].get(""):
        lines += ["", "[semaphores]", *toml_text.pairs(held)]
    if not lines:
        return ""
    head = (
        "# Written by `headgate zuul import`; lay it over the policy.toml of your policy project."
    )
    return "\n".join([head, *lines]) + "\n"
