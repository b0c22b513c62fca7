"""Names of Zuul's objects as Headgate takes them."""

from __future__ import annotations

import re
from collections.abc import Iterable

_JOB = re.compile(r"[^A-Za-z0-9._-]+")
_PROJECT = re.compile(r"[^a-z0-9._-]+")
_LONGEST = 63


def plain(name: str) -> str:
    """A job's, pipeline's, queue's, label's or secret's name, with `-` for what it may not hold."""
    return _JOB.sub("-", name).strip("-._")[:_LONGEST] or "unnamed"


def variable(*parts: str) -> str:
    """A name for an environment variable."""
    return re.sub(r"[^A-Z0-9]+", "_", "_".join(parts).upper()).strip("_")


class ProjectNames:
    """Short names for projects: the last part of the path where that is enough."""

    def __init__(self, names: Iterable[str]) -> None:
        known = dict.fromkeys(names)
        ends: dict[str, list[str]] = {}
        for name in known:
            ends.setdefault(_short(name), []).append(name)
        self._found: dict[str, str] = {}
        taken: set[str] = set()
        for name in known:
            short = _short(name)
            if len(ends[short]) > 1:
                short = _project(name.replace("/", "-"))
            while short in taken:
                short = f"{short[: _LONGEST - 2]}-2"
            taken.add(short)
            self._found[name] = short

    def __contains__(self, name: str) -> bool:
        return self.known(name) in self._found

    def known(self, name: str) -> str:
        """The name without the host that Zuul lets one write before it."""
        host, slash, rest = name.partition("/")
        return rest if name not in self._found and slash and "." in host else name

    def every(self) -> Iterable[tuple[str, str]]:
        """(short name, name in Zuul)."""
        return ((short, name) for name, short in self._found.items())

    def __getitem__(self, name: str) -> str:
        return self._found[self.known(name)]


def _short(name: str) -> str:
    return _project(name.rpartition("/")[2])


def _project(name: str) -> str:
    return _PROJECT.sub("-", name.lower()).strip("-._")[:_LONGEST] or "project"
