"""What a job comes to for one project, pipeline and branch: Zuul's inheritance, worked in.

Zuul lays the definitions of a job over each other, base first, each where its branches match, and
at last what the project says of it. See Zuul's documentation on job inheritance.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from headgate.zuul.losses import Place
from headgate.zuul.objects import JobVariant, Layout, Matcher, Nodeset
from headgate.zuul.reading import listed, nodeset_of
from headgate.zuul.yaml_text import Block, Told

Here = Callable[[Sequence[Matcher]], bool]
"""Whether something with these branch matchers counts."""

_VARIABLES = ("vars", "extra-vars", "host-vars", "group-vars")
_UNITED = ("provides", "requires", "tags", "semaphores")
_SPELT = {"semaphore": "semaphores"}


@dataclass(frozen=True, slots=True)
class Playbook:
    project: str
    path: str
    place: Place
    base: bool = False
    """It is inherited from a job without a parent, and not what is to run."""


@dataclass(frozen=True, slots=True)
class Dependency:
    name: str
    soft: bool
    place: Place


@dataclass(slots=True)
class Frozen:
    """A job with everything that it inherits."""

    name: str
    place: Place
    """Of the first definition that was met."""
    description: str = ""
    abstract: bool = False
    pre: list[Playbook] = field(default_factory=list[Playbook])
    run: list[Playbook] = field(default_factory=list[Playbook])
    post: list[Playbook] = field(default_factory=list[Playbook])
    cleanup: list[Playbook] = field(default_factory=list[Playbook])
    variables: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    """`vars`, `extra-vars`, `host-vars`, `group-vars`."""
    united: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    """`provides`, `requires`, `tags`, `semaphores`."""
    required: dict[str, Place] = field(default_factory=dict[str, Place])
    """Names of required projects."""
    secrets: dict[str, str] = field(default_factory=dict[str, str])
    """Variable → secret."""
    nodeset: Nodeset | None = None
    dependencies: list[Dependency] = field(default_factory=list[Dependency])
    values: dict[str, tuple[Any, Place]] = field(default_factory=dict[str, tuple[Any, Place]])
    """Every other key, as the last one says it."""
    owners: dict[str, str] = field(default_factory=dict[str, str])
    """Key of `values` → name of the job that says it last."""
    applied: list[JobVariant] = field(default_factory=list[JobVariant])

    def shown(self, key: str) -> str:
        """The construct that says a key of `values`, for a report."""
        return f"job {self.owners.get(key, self.name)}: {key}"

    def value(self, key: str) -> Any:
        return self.values[key][0] if key in self.values else None


class Unknown(Exception):
    """A job, parent or nodeset that nothing read defines."""

    def __init__(self, what: str, place: Place) -> None:
        super().__init__(what)
        self.what = what
        self.place = place


def freeze(
    layout: Layout,
    said: Sequence[JobVariant],
    project_variables: Mapping[str, Any],
    here: Here,
) -> Frozen | None:
    """A job of a project on a branch; `said` is what project and templates say of it, in order.

    None where it does not run. Raises Unknown.
    """
    matching = [variant for variant in said if here(variant.branches)]
    if not matching:
        return None
    name = said[0].name
    if name not in layout.jobs:
        raise Unknown(f"job {name}", said[0].place)
    chain = _collect(layout, name, here, ())
    if not any(variant.name == name for variant in chain):
        return None
    frozen = Frozen(name, next(v for v in chain if v.name == name).place)
    for variant in (*chain, *matching):
        _apply(layout, frozen, variant, definition=variant not in matching)
    frozen.variables["vars"] = deep(project_variables, frozen.variables.get("vars", {}))
    return frozen


def _collect(layout: Layout, name: str, here: Here, stack: tuple[str, ...]) -> list[JobVariant]:
    found: list[JobVariant] = []
    for variant in layout.jobs[name]:
        if not here(variant.branches):
            continue
        parent = variant.keys.get("parent", None if found else layout.base)
        if "parent" in variant.keys and parent is None:
            parent = None  # `parent: null`: this one is a base.
        if parent is not None and parent != name and not found:
            parent = str(parent)
            if parent in (*stack, name):
                raise Unknown(f"an end of the parents of {name}", variant.at("parent"))
            if parent in layout.jobs:
                found += _collect(layout, parent, here, (*stack, name))
            elif not (parent == layout.base and "parent" not in variant.keys):
                raise Unknown(f"job {parent}, the parent of {name}", variant.at("parent"))
        found.append(variant)
    return found


def deep(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Mappings laid over each other, key by key at every depth."""
    found = dict(below)
    for key, value in above.items():
        old = found.get(key)
        if isinstance(old, Mapping) and isinstance(value, Mapping):
            found[key] = deep(cast("Mapping[str, Any]", old), cast("Mapping[str, Any]", value))
        else:
            found[key] = value
    return found


def _apply(layout: Layout, frozen: Frozen, variant: JobVariant, *, definition: bool) -> None:
    frozen.applied.append(variant)
    keys = variant.keys
    if definition:
        # Neither is inherited: each definition says it of itself.
        frozen.abstract = keys.get("abstract") is True
    base = _is_base(frozen, variant)
    if keys.get("description") and variant.name == frozen.name:
        frozen.description = str(keys["description"])
    frozen.pre += _playbooks(variant, "pre-run", base)
    frozen.run = _playbooks(variant, "run", False) or frozen.run
    frozen.post = _playbooks(variant, "post-run", base) + frozen.post
    frozen.cleanup = _playbooks(variant, "cleanup-run", base) + frozen.cleanup
    for key in _VARIABLES:
        given, override = _told(keys.get(key))
        if isinstance(given, Mapping):
            below = {} if override else frozen.variables.get(key, {})
            frozen.variables[key] = deep(below, cast("Mapping[str, Any]", given))
    for key in ("pre-run", "run", "post-run"):
        for one in listed(keys.get(key)):
            if isinstance(one, Block) and "semaphores" in one and not base:
                held = [_named(each) for each in listed(one["semaphores"])]
                old = frozen.united.get("semaphores", [])
                frozen.united["semaphores"] = list(dict.fromkeys([*old, *held]))
    for key in (*_UNITED, *_SPELT):
        if key in keys:
            given, override = _told(keys[key])
            names = [_named(one) for one in listed(given)]
            target = _SPELT.get(key, key)
            old = [] if override else frozen.united.get(target, [])
            frozen.united[target] = list(dict.fromkeys([*old, *names]))
    if "required-projects" in keys:
        given, override = _told(keys["required-projects"])
        if override:
            frozen.required.clear()
        for one in listed(given):
            frozen.required[_named(one)] = variant.at("required-projects")
    for one in [] if base else listed(keys.get("secrets")):
        secret = str(one.get("secret", "")) if isinstance(one, Block) else str(one)
        frozen.secrets[_named(one)] = secret
    if "dependencies" in keys:
        given, override = _told(keys["dependencies"], default=True)
        found = [_dependency(one, variant.at("dependencies")) for one in listed(given)]
        frozen.dependencies = found if override else [*frozen.dependencies, *found]
    if "nodeset" in keys:
        frozen.nodeset = _nodeset(layout, keys["nodeset"], variant)
    for key in keys:
        if key not in _WORKED_IN:
            frozen.values[key] = (_told(keys[key])[0], variant.at(key))
            frozen.owners[key] = variant.name


_WORKED_IN = frozenset(
    {"name", "parent", "branches", "description", "abstract", "pre-run", "run", "post-run"}
    | {"cleanup-run", "required-projects", "secrets", "dependencies", "nodeset"}
    | {*_VARIABLES, *_UNITED, *_SPELT}
)


def _told(value: Any, *, default: bool = False) -> tuple[Any, bool]:
    """A value, and whether it replaces what is inherited."""
    return (value.value, value.override) if isinstance(value, Told) else (value, default)


def _named(one: Any) -> str:
    return str(one.get("name", "")) if isinstance(one, Block) else str(one)


def _dependency(one: Any, place: Place) -> Dependency:
    soft = isinstance(one, Block) and one.get("soft") is True
    return Dependency(_named(one), soft, place)


def _is_base(frozen: Frozen, variant: JobVariant) -> bool:
    orphan = "parent" in variant.keys and variant.keys["parent"] is None
    return orphan and variant.name != frozen.name


def _playbooks(variant: JobVariant, key: str, base: bool) -> list[Playbook]:
    return [
        Playbook(variant.project, _named(one), variant.at(key), base)
        for one in listed(variant.keys.get(key))
    ]


def _nodeset(layout: Layout, value: Any, variant: JobVariant) -> Nodeset:
    place = variant.at("nodeset")
    found = (
        nodeset_of(value, "", variant.place.file)
        if isinstance(value, Block)
        else layout.nodesets.get(str(value))
    )
    if found is not None and found.alternatives and not found.nodes:
        found = layout.nodesets.get(found.name, found)
    if found is None:
        return Nodeset(str(value), place, (), {}, alternatives=-1)
    return found
