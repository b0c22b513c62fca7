"""Where the files of a Zuul configuration lie."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from headgate.model.errors import BadInput
from headgate.zuul.reading import SourceFile
from headgate.zuul.tenant import CLASSES, Tenant

ROOTS = ("zuul.yaml", "zuul.d", ".zuul.yaml", ".zuul.d")
"""Zuul reads the first of these that there is."""

_IGNORE = ".zuul.ignore"
_NAME = re.compile(r"^\s*(?:- )?(?:name:\s*|- )['\"]?([\w.-]+(?:/[\w.-]+)+)['\"]?:?\s*$", re.M)


@dataclass(frozen=True, slots=True)
class Given:
    """A PATH of the command line."""

    name: str
    """As the user said; empty when not."""
    path: Path


def given(text: str) -> Given:
    """`PATH`, or `NAME=PATH` for a project whose name the path does not tell."""
    name, equals, path = text.partition("=")
    if equals and not Path(text).exists():
        return Given(name, Path(path))
    return Given("", Path(text))


def gather(paths: Sequence[Given], tenant: Tenant) -> tuple[list[SourceFile], Mapping[str, Path]]:
    """All files of configuration in the tenant's order, and where each project lies.

    Raises BadInput for a path without configuration, or that cannot be read.
    """
    read: list[tuple[Given, list[tuple[Path, str]]]] = []
    for one in paths:
        files = list(_files(one.path))
        if not files:
            raise BadInput(
                f"{one.path}: there is none of {', '.join(ROOTS)}.",
                "Name the root of a project that has its Zuul configuration there.",
            )
        read.append((one, [(file, _text(file)) for file in files]))
    everything = "\n".join(text for _, files in read for _, text in files)
    mentioned = set(_NAME.findall(everything))
    sources: list[SourceFile] = []
    roots: dict[str, Path] = {}
    for one, files in read:
        name = one.name or _name_of(one.path, tenant, mentioned)
        if name in roots:
            raise BadInput(
                f"{one.path} and {roots[name]} are both the project {name}.",
                "Write NAME=PATH to tell them apart.",
            )
        told = tenant.projects.get(name)
        classes = told.classes if told is not None else CLASSES
        roots[name] = one.path if one.path.is_dir() else one.path.parent
        extra = told.extra_paths if told is not None else ()
        files = [*files, *((f, _text(f)) for f in _extra(roots[name], extra))]
        sources += [SourceFile(name, str(file), text, classes) for file, text in files]
    order = {name: index for index, name in enumerate(tenant.projects)}
    sources.sort(key=lambda source: order.get(source.project, len(order)))
    return sources, roots


def finder(roots: Mapping[str, Path]) -> Callable[[str, str], str]:
    """Looks for playbooks: Zuul lets one leave the extension out."""

    def find(project: str, path: str) -> str:
        root = roots.get(project)
        if root is None or (root / path).is_file():
            return path
        for extension in (".yaml", ".yml"):
            if (root / f"{path}{extension}").is_file():
                return f"{path}{extension}"
        return path

    return find


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
        return
    for name in ROOTS:
        root = path / name
        if root.is_file():
            yield root
            return
        if root.is_dir():
            yield from _below(root)
            return


def _below(directory: Path) -> Iterator[Path]:
    if (directory / _IGNORE).exists():
        return
    for entry in sorted(directory.iterdir()):
        if entry.is_dir() and not entry.is_symlink():
            yield from _below(entry)
        elif entry.suffix in (".yaml", ".yml") and entry.is_file():
            yield entry


def _extra(root: Path, paths: Sequence[str]) -> Iterator[Path]:
    for text in paths:
        place = root / text
        if place.is_dir():
            yield from _below(place)
        elif place.is_file():
            yield place


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        raise BadInput(f"{path}:1: this is not UTF-8.", "Save the file as UTF-8.") from None
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}.", "Name another.") from None


def _name_of(path: Path, tenant: Tenant, mentioned: set[str]) -> str:
    """The longest known name that the path ends with, else the only one with its last part."""
    place = path.resolve()
    parts = place.parts if place.is_dir() else place.parent.parts
    known = tenant.projects or dict.fromkeys(sorted(mentioned))
    whole = [name for name in known if tuple(name.split("/")) == parts[-len(name.split("/")) :]]
    if whole:
        return max(whole, key=len)
    last = [name for name in known if name.rpartition("/")[2] == parts[-1]]
    if len(last) == 1:
        return last[0]
    return parts[-1]
