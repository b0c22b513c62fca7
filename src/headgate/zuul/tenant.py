"""The tenant file: which projects there are, and what is taken from each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from headgate.model.errors import BadInput
from headgate.zuul.losses import Losses, Place
from headgate.zuul.reading import listed
from headgate.zuul.yaml_text import Block, read_yaml

CLASSES = frozenset(
    {"job", "project", "project-template", "pipeline", "nodeset", "secret", "semaphore", "queue"}
)
_IN_CONFIG = frozenset({"pipeline"})
"""What only a config-project may define."""

_WORKED_IN = frozenset({"name", "source", "default-parent"})
_TAKEN = frozenset({"include", "exclude", "extra-config-paths", "projects"})
_INHERENT = frozenset({"allow-base-jobs", "include-provider-config", "use-nodepool"})


@dataclass(frozen=True, slots=True)
class TenantProject:
    name: str
    classes: frozenset[str]
    extra_paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tenant:
    name: str = ""
    base: str = "base"
    projects: Mapping[str, TenantProject] = field(default_factory=dict[str, TenantProject])
    semaphores: tuple[Block, ...] = ()
    """`global-semaphore` objects."""
    file: str = ""


def read_tenant(text: str, file: str, name: str, losses: Losses) -> Tenant:
    """The tenant of that name, or the only one. Raises BadInput when there is no such one."""
    objects = read_yaml(text, file)
    tenants = [one["tenant"] for one in objects if isinstance(one.get("tenant"), Block)]
    known = [str(one.get("name", "")) for one in tenants]
    found = [one for one in tenants if not name or str(one.get("name", "")) == name]
    if len(found) != 1:
        what = f"has no tenant {name}" if name else f"has {len(found)} tenants"
        raise BadInput(
            f"{file}:1: {what}.",
            f"Say --tenant-name with one of {', '.join(known)}." if known else "Give another file.",
        )
    tenant = found[0]
    for key in tenant:
        if key not in _WORKED_IN | _INHERENT:
            losses.lost(
                Place(file, tenant.lines.get(key, tenant.line)),
                f"tenant {tenant.get('name')}: {key}",
                "it is about how Zuul itself is run.",
                "See server.toml.",
            )
    projects: dict[str, TenantProject] = {}
    sources = tenant.get("source")
    for connection, groups in (sources if isinstance(sources, Block) else Block()).items():
        for kind in ("config-projects", "untrusted-projects"):
            given = groups.get(kind) if isinstance(groups, Block) else None
            default = CLASSES if kind == "config-projects" else CLASSES - _IN_CONFIG
            for one in _projects(given, default, file, losses, f"{connection}: {kind}"):
                projects.setdefault(one.name, one)
    semaphores = tuple(
        one["global-semaphore"] for one in objects if isinstance(one.get("global-semaphore"), Block)
    )
    base = str(tenant.get("default-parent") or "base")
    return Tenant(str(tenant.get("name", "")), base, projects, semaphores, file)


def _projects(
    given: Any, classes: frozenset[str], file: str, losses: Losses, shown: str
) -> Iterator[TenantProject]:
    for one in listed(given):
        if isinstance(one, str):
            yield TenantProject(one, classes)
        elif isinstance(one, Block) and "projects" in one:
            inner = _classes(one, classes)
            _left(one, file, losses, shown)
            yield from _projects(one["projects"], inner, file, losses, shown)
        elif isinstance(one, Block):
            for name, settings in one.items():
                block = settings if isinstance(settings, Block) else Block()
                _left(block, file, losses, f"{shown}: {name}")
                yield TenantProject(
                    name,
                    _classes(block, classes),
                    tuple(str(path) for path in listed(block.get("extra-config-paths"))),
                )


def _left(block: Block, file: str, losses: Losses, shown: str) -> None:
    for key in block:
        if key not in _TAKEN | _INHERENT:
            losses.lost(
                Place(file, block.lines[key]),
                f"tenant: {shown}: {key}",
                "it is about how Zuul reads projects.",
                "Nothing, or leave definitions out of what you import.",
            )


def _classes(block: Block, classes: frozenset[str]) -> frozenset[str]:
    if "include" in block:
        return classes & frozenset(str(one) for one in listed(block["include"]))
    return classes - frozenset(str(cast("object", one)) for one in listed(block.get("exclude")))
