"""The objects of configuration files, one by one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn, cast

from headgate.model.errors import BadInput
from headgate.zuul.losses import Losses, Place
from headgate.zuul.objects import (
    JobVariant,
    Layout,
    Matcher,
    Named,
    Node,
    Nodeset,
    PipelineEntry,
    Stanza,
)
from headgate.zuul.yaml_text import Block, Told, read_yaml

_STANZA = frozenset(
    {"name", "description", "templates", "queue", "vars", "merge-mode", "default-branch"}
)
_ALL = frozenset(
    {"job", "project", "project-template", "pipeline", "nodeset", "secret", "semaphore", "queue"}
)
_OPERATION = frozenset(
    {"section", "provider", "flavor", "image", "label", "api-root", "authorization-rule"}
    | {"admin-rule", "global-semaphore", "tenant"}
)
"""Objects that are about Zuul's own operation."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file of configuration, and whose it is."""

    project: str
    """Its name as Zuul knows it."""
    path: str
    """As shown to the user."""
    text: str
    classes: Collection[str] = _ALL
    """Kinds of objects that the tenant takes from it."""


def read_into(layout: Layout, source: SourceFile, losses: Losses) -> None:
    """Add what a file holds. Raises BadInput naming file, line and key."""
    reader = _Reader(layout, source, losses)
    objects = read_yaml(source.text, source.path)
    for one in objects:
        if "pragma" in one:
            reader.pragma(one)
    for one in objects:
        reader.take(one)


class _Reader:
    def __init__(self, layout: Layout, source: SourceFile, losses: Losses) -> None:
        self._layout = layout
        self._source = source
        self._losses = losses
        self._implied: tuple[Matcher, ...] = ()

    def pragma(self, one: Block) -> None:
        keys = self._block(one, "pragma")
        # What is read is one branch, and counts for all, which is what `false` says.
        if "implied-branches" in keys:
            self._implied = self._matchers(keys, "implied-branches")
        for key in keys:
            if key not in ("implied-branches", "implied-branch-matchers"):
                self._losses.lost(self._at(keys, key), f"pragma: {key}", "Headgate has none.")

    def take(self, one: Block) -> None:
        kind = next(iter(one))
        if kind == "pragma" or (kind in _ALL and kind not in self._source.classes):
            return
        if kind not in _ALL:
            reason = "it is no object of Zuul's configuration that this import knows"
            remedy = "Mend its name, or do without it."
            if kind in _OPERATION:
                reason = "it is about how Zuul itself is run, which Headgate is not told by files"
                remedy = "See whether a key of server.toml says the same; else do nothing."
            self._losses.lost(Place(self._source.path, one.line), kind, f"{reason}.", remedy)
            return
        keys = self._block(one, kind)
        layout = self._layout
        match kind:
            case "job":
                variant = self._job(keys)
                layout.jobs.setdefault(variant.name, []).append(variant)
            case "project":
                layout.projects.append(self._stanza(keys, self._source.project))
            case "project-template":
                template = self._stanza(keys, "")
                layout.templates.setdefault(template.name, []).append(template)
            case "nodeset":
                nodeset = self._nodeset(keys, self._name(keys))
                layout.nodesets.setdefault(nodeset.name, nodeset)
            case _:
                named = Named(self._name(keys), self._source.project, self._at(keys, "name"), keys)
                place: dict[str, dict[str, Named]] = {
                    "pipeline": layout.pipelines,
                    "queue": layout.queues,
                    "semaphore": layout.semaphores,
                    "secret": layout.secrets,
                }
                place[kind].setdefault(named.name, named)

    def _job(self, keys: Block) -> JobVariant:
        branches = self._matchers(keys, "branches") or self._implied
        name = self._name(keys)
        return JobVariant(name, self._source.project, self._at(keys, "name"), keys, branches)

    def _stanza(self, keys: Block, name: str) -> Stanza:
        name = self._name(keys) if "name" in keys or not name else name
        pipelines: dict[str, PipelineEntry] = {}
        for key, value in keys.items():
            if key in _STANZA:
                continue
            if not isinstance(value, Block):
                self._fail(keys, key, "is no pipeline of this project", "Write `jobs:` below it.")
            pipelines[key] = PipelineEntry(
                tuple(self._pipeline_job(value, one) for one in listed(value.get("jobs"))),
                str(value.get("queue") or ""),
                self._at(keys, key),
            )
            for other in value:
                if other not in ("jobs", "queue"):
                    self._losses.lost(
                        self._at(value, other),
                        f"project {name}: {key}: {other}",
                        "a project's own settings of a pipeline have no counterpart.",
                        "Say it in policy.toml for the pipeline or the queue.",
                    )
        variables: object = keys.get("vars") or {}
        if not isinstance(variables, Mapping):
            self._fail(keys, "vars", "is no mapping")
        return Stanza(
            name,
            Place(self._source.path, keys.line),
            keys,
            tuple(str(one) for one in listed(keys.get("templates"))),
            pipelines,
            str(keys.get("queue") or ""),
            cast("Mapping[str, object]", variables),
        )

    def _pipeline_job(self, entry: Block, one: object) -> JobVariant:
        if isinstance(one, Block) and len(one) == 1:
            name, value = next(iter(one.items()))
            keys = value if isinstance(value, Block) else Block()
            if value is not None and not isinstance(value, Block):
                self._fail(one, name, "is no mapping of the job's keys")
            if not keys:
                keys.line, keys.lines = one.line, {}
            place = Place(self._source.path, one.line)
            branches = self._matchers(keys, "branches")
            return JobVariant(name, self._source.project, place, keys, branches)
        if not isinstance(one, str):
            self._fail(entry, "jobs", "has an entry that is no job", "Write its name.")
        keys = Block()
        keys.line = entry.lines.get("jobs", entry.line)
        keys.lines = {}
        place = Place(self._source.path, keys.line)
        return JobVariant(one, self._source.project, place, keys, ())

    def _nodeset(self, keys: Block, name: str) -> Nodeset:
        return nodeset_of(keys, name, self._source.path)

    def _matchers(self, keys: Block, key: str) -> tuple[Matcher, ...]:
        found: list[Matcher] = []
        for one in listed(keys.get(key)):
            if isinstance(one, Block):
                negate = bool(one.get("negate", False))
                found.append(Matcher(str(one.get("regex", "")), self._at(keys, key), negate))
            else:
                found.append(Matcher(str(one), self._at(keys, key)))
        return tuple(found)

    def _name(self, keys: Block) -> str:
        name = keys.get("name")
        if not isinstance(name, str | int | float) or not str(name):
            self._fail(keys, "name", "is missing or no text", "Give the object a name.")
        return str(name)

    def _block(self, one: Block, kind: str) -> Block:
        value = one[kind]
        if not isinstance(value, Block):
            self._fail(one, kind, "is no mapping")
        return value

    def _at(self, keys: Block, key: str) -> Place:
        return Place(self._source.path, keys.lines.get(key, keys.line))

    def _fail(self, keys: Block, key: str, what: str, remedy: str = "Mend it.") -> NoReturn:
        raise BadInput(f"{self._at(keys, key)}: {key}: {what}.", remedy)


def nodeset_of(keys: Block, name: str, file: str) -> Nodeset:
    """A nodeset, named or written into a job. Raises BadInput."""
    place = Place(file, keys.line)
    choices = listed(keys.get("alternatives"))
    if choices:
        first = choices[0]
        if isinstance(first, Block):
            inner = nodeset_of(first, name, file)
            return Nodeset(name, place, inner.nodes, inner.groups, len(choices) - 1)
        return Nodeset(str(first), place, (), {}, len(choices) - 1)
    nodes: list[Node] = []
    for one in listed(keys.get("nodes")):
        if not isinstance(one, Block) or "label" not in one:
            raise BadInput(f"{place}: a node has no label.", "Give it `name` and `label`.")
        nodes += [Node(str(each), str(one["label"])) for each in listed(one.get("name"))]
    groups = {
        str(one.get("name", "")): tuple(str(each) for each in listed(one.get("nodes")))
        for one in listed(keys.get("groups"))
        if isinstance(one, Block)
    }
    return Nodeset(name, place, tuple(nodes), groups)


def listed(value: Any) -> list[Any]:
    """A value as Zuul takes it where a list may stand: one alone, or several."""
    if isinstance(value, Told):
        value = value.value
    if value is None:
        return []
    return cast("list[Any]", value) if isinstance(value, list) else [value]
