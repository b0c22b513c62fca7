"""What Zuul's configuration consists of, as far as an import looks at it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from headgate.zuul.losses import Place
from headgate.zuul.yaml_text import Block


@dataclass(frozen=True, slots=True)
class Matcher:
    """One entry of `branches`."""

    expression: str
    place: Place
    negate: bool = False


@dataclass(frozen=True, slots=True)
class JobVariant:
    """One `job`, or the few keys that a project gives to a job that it runs."""

    name: str
    project: str
    """Where it is defined; its playbooks are found there."""
    place: Place
    keys: Block
    branches: tuple[Matcher, ...]
    """It counts on branches that any of these matches; none: everywhere."""

    def at(self, key: str) -> Place:
        return Place(self.place.file, self.keys.lines.get(key, self.place.line))


@dataclass(frozen=True, slots=True)
class PipelineEntry:
    """What a project or template runs in one pipeline."""

    jobs: tuple[JobVariant, ...]
    queue: str
    place: Place


@dataclass(frozen=True, slots=True)
class Stanza:
    """A `project` or a `project-template`."""

    name: str
    """Of the project, or a regular expression over names; of the template."""
    place: Place
    keys: Block
    templates: tuple[str, ...]
    pipelines: Mapping[str, PipelineEntry]
    queue: str
    variables: Mapping[str, object]

    @property
    def by_expression(self) -> bool:
        return self.name.startswith("^")

    def at(self, key: str) -> Place:
        return Place(self.place.file, self.keys.lines.get(key, self.place.line))


@dataclass(frozen=True, slots=True)
class Node:
    name: str
    label: str


@dataclass(frozen=True, slots=True)
class Nodeset:
    name: str
    place: Place
    nodes: tuple[Node, ...]
    groups: Mapping[str, tuple[str, ...]]
    alternatives: int = 0
    """How many alternatives there are beside these nodes."""


@dataclass(frozen=True, slots=True)
class Named:
    """An object of which only the name and a few keys count: pipeline, queue, semaphore, secret."""

    name: str
    project: str
    place: Place
    keys: Block

    def at(self, key: str) -> Place:
        return Place(self.place.file, self.keys.lines.get(key, self.place.line))


@dataclass(slots=True)
class Layout:
    """Everything that was read."""

    jobs: dict[str, list[JobVariant]] = field(default_factory=dict[str, list[JobVariant]])
    projects: list[Stanza] = field(default_factory=list[Stanza])
    templates: dict[str, list[Stanza]] = field(default_factory=dict[str, list[Stanza]])
    nodesets: dict[str, Nodeset] = field(default_factory=dict[str, Nodeset])
    pipelines: dict[str, Named] = field(default_factory=dict[str, Named])
    queues: dict[str, Named] = field(default_factory=dict[str, Named])
    semaphores: dict[str, Named] = field(default_factory=dict[str, Named])
    secrets: dict[str, Named] = field(default_factory=dict[str, Named])
    base: str = "base"
    """The parent of jobs that name none."""
