"""Collects what a file says while it is read, and the words of PEP 508 that formats share."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from headgate.deps.lockfiles.interface import (
    Declared,
    Include,
    IndexSetting,
    Parsed,
    Problem,
    Relation,
    Scope,
    SourceKind,
)
from headgate.model.finding import Span

MOST_ENTRIES = 200_000
"""Packages read from one file; the largest real lockfiles have some ten thousand."""
MOST_PROBLEMS = 100
"""Problems told of one file."""

_EGG = re.compile(r"[#&]egg=([A-Za-z0-9][A-Za-z0-9._-]*)")
_REMOTE = re.compile(r"(?:(?:git|hg|svn|bzr)\+)?[A-Za-z][A-Za-z0-9+.-]*://|(?:git|hg|svn|bzr)\+")
_GIT = re.compile(
    r"(?:git\+|git:|git@|ssh:|(?:github|gitlab|bitbucket|gist):|(?:hg|svn|bzr)\+|[\w.-]+/[\w.-]+$)"
    r"|[^?#]*\.git(?:[?#@]|$)",
    re.IGNORECASE,
)
_WORDS = re.compile(r"[!-~]{1,800}")
_HASHES = re.compile(r"[A-Za-z0-9+/=:._-]+")
LOCAL = ("./", "../", "/", "~/", "file:", ".\\", "..\\")


class Builder:
    """What was found so far in one file."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._declared: list[Declared] = []
        self._indexes: list[IndexSetting] = []
        self._includes: list[Include] = []
        self._problems: list[Problem] = []
        self._facts: list[tuple[str, str]] = []
        self._hosts: set[str] = set()

    @property
    def path(self) -> str:
        """Of the file that is read."""
        return self._path

    def done(self) -> Parsed:
        return Parsed(
            tuple(self._declared),
            tuple(self._indexes),
            tuple(self._includes),
            tuple(self._problems),
            tuple(self._facts),
        )

    def declare(
        self,
        ecosystem: str,
        name: str,
        requirement: str,
        line: int,
        source: str = "",
        *,
        version: str = "",
        relation: Relation = Relation.DIRECT,
        scope: Scope = Scope.PRODUCTION,
        kind: SourceKind | None = None,
        hashes: Iterable[str] = (),
        licence: str = "",
        requires: Iterable[str] = (),
    ) -> None:
        """Note a dependency; without `kind`, the source tells it.

        A name, version or hash that no index could hold is a problem instead.
        """
        # One look at both: this runs for each of thousands of packages.
        if not name or not _WORDS.fullmatch(name + version):
            self.problem(f"`{name[:80]} {version[:80]}` is no package and version", line)
            return
        if len(self._declared) >= MOST_ENTRIES:
            if len(self._declared) == MOST_ENTRIES:
                self._declared.append(self._declared[-1])
                self._problems.append(
                    Problem(f"this names more than {MOST_ENTRIES} packages", Span(self._path, line))
                )
            return
        sums = tuple(sorted(hashes))
        if sums and ("" in sums or not _HASHES.fullmatch("".join(sums))):
            self.problem(f"`{' '.join(sums)[:80]}` is no hash", line)
            return
        if kind is None:
            kind = kind_of(source) if source else SourceKind.REGISTRY
        self._declared.append(
            Declared(
                ecosystem,
                name,
                requirement,
                Span(self._path, line),
                source,
                version,
                relation,
                scope,
                kind,
                sums,
                licence[:200],
                tuple(requires),
            )
        )

    def index(self, ecosystem: str, text: str, line: int) -> None:
        self._indexes.append(IndexSetting(ecosystem, text, Span(self._path, line)))

    def host(self, ecosystem: str, address: str, line: int) -> None:
        """Note once per file that packages come from an index that is not the usual one."""
        if address not in self._hosts:
            self._hosts.add(address)
            self.index(ecosystem, address, line)

    def include(
        self, path: str, line: int, *, constraint: bool = False, optional: bool = False
    ) -> None:
        """Note another file, named from the directory of this one."""
        joined = posixpath.normpath(posixpath.join(posixpath.dirname(self._path), path))
        if joined.startswith(("../", "/")) or joined == "..":
            if not optional:
                self.problem(f"`{path}` leads out of the project", line)
        else:
            self._includes.append(Include(joined, Span(self._path, line), constraint, optional))

    def fact(self, key: str, value: str) -> None:
        # What is longer is no version, and could grow without end where facts name each other.
        if len(value) <= 400:
            self._facts.append((key, value))

    def problem(self, message: str, line: int) -> None:
        if len(self._problems) < MOST_PROBLEMS:
            self._problems.append(Problem(message, Span(self._path, line)))

    # -- shapes of decoded documents ---------------------------------------------------------

    def mapping(self, value: object, what: str, line: int) -> Mapping[str, Any]:
        """The value as a table; empty when absent, and with a problem when it is anything else."""
        if isinstance(value, dict):
            return cast("Mapping[str, Any]", value)
        if value is not None:
            self.problem(f"`{what}` is not a table", line)
        return {}

    def sequence(self, value: object, what: str, line: int) -> Sequence[Any]:
        """The value as a list; empty when absent, and with a problem when it is anything else."""
        if isinstance(value, list):
            return cast("Sequence[Any]", value)
        if value is not None:
            self.problem(f"`{what}` is not a list", line)
        return ()

    def text(self, value: object, what: str, line: int) -> str:
        """The value as text; empty when absent, and with a problem when it is anything else."""
        if isinstance(value, str):
            return value
        if value is not None:
            self.problem(f"`{what}` is not text", line)
        return ""

    # -- Python's requirements ---------------------------------------------------------------

    def python(
        self,
        text: str,
        line: int,
        own: str = "",
        *,
        scope: Scope = Scope.PRODUCTION,
        hashes: Iterable[str] = (),
    ) -> None:
        """Note a requirement of PEP 508, or one of pip's addresses and paths.

        `own` is the project's own name: it may require its own extras.
        """
        text = text.strip()
        try:
            requirement = Requirement(text)
        except (InvalidRequirement, RecursionError) as error:
            self._address(text, line, str(error).split("\n")[0], scope, hashes)
            return
        name = canonicalize_name(requirement.name)
        if own and name == canonicalize_name(own):
            return
        if requirement.url is None:
            version = exact_version(requirement)
            self.declare("pypi", name, text, line, version=version, scope=scope, hashes=hashes)
        else:
            kind = SourceKind.PATH if requirement.url.startswith(LOCAL) else None
            self.declare(
                "pypi", name, text, line, requirement.url, scope=scope, kind=kind, hashes=hashes
            )

    def _address(self, text: str, line: int, why: str, scope: Scope, hashes: Iterable[str]) -> None:
        address = text.split(" ;")[0].strip()
        if not address.startswith(LOCAL) and _REMOTE.match(address):
            egg = _EGG.search(address)
            stem = posixpath.basename(address.split("#")[0].split("?")[0].rstrip("/"))
            name = egg[1] if egg else stem.split("@")[0].removesuffix(".git")
            self.declare(
                "pypi",
                canonicalize_name(name or address),
                text,
                line,
                address,
                scope=scope,
                hashes=hashes,
            )
        elif not (address.startswith(LOCAL) or address in (".", "..") or _is_path(address)):
            self.problem(f"`{text[:80]}` is not a requirement ({why.rstrip('.')})", line)


def exact_version(requirement: Requirement) -> str:
    """The one version that a requirement allows; empty when it leaves a choice."""
    pins = [s for s in requirement.specifier if s.operator in ("==", "===")]
    if len(pins) != 1 or "*" in pins[0].version:
        return ""
    return pins[0].version


def kind_of(source: str) -> SourceKind:
    """What an address or path is, by its form."""
    if source.startswith(LOCAL):
        return SourceKind.PATH
    return SourceKind.GIT if _GIT.match(source) else SourceKind.URL


def _is_path(text: str) -> bool:
    return bool(re.fullmatch(r"\.?[\w./-]+(?:\[[\w, -]*\])?", text)) and (
        "/" in text or text.startswith(".") or text.endswith((".whl", ".tar.gz", ".zip"))
    )


def decoded(data: bytes, builder: Builder) -> str | None:
    """The text of a file; None, with a problem noted, when it is not UTF-8.

    Files of Windows may be UTF-16 when they begin with its mark.
    """
    try:
        if data.startswith((b"\xff\xfe", b"\xfe\xff")):
            return data.decode("utf-16")
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        builder.problem("this is not UTF-8", data[: error.start].count(b"\n") + 1)
        return None
