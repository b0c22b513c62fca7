"""Collects what a file says while it is read, and the words of PEP 508 that formats share."""

from __future__ import annotations

import posixpath
import re

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from headgate.deps.lockfiles.interface import Declared, Include, IndexSetting, Parsed, Problem
from headgate.model.finding import Span

_EGG = re.compile(r"[#&]egg=([A-Za-z0-9][A-Za-z0-9._-]*)")
_REMOTE = re.compile(r"(?:(?:git|hg|svn|bzr)\+)?[A-Za-z][A-Za-z0-9+.-]*://|(?:git|hg|svn|bzr)\+")
LOCAL = ("./", "../", "/", "~/", "file:", ".\\", "..\\")


class Builder:
    """What was found so far in one file."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._declared: list[Declared] = []
        self._indexes: list[IndexSetting] = []
        self._includes: list[Include] = []
        self._problems: list[Problem] = []

    def done(self) -> Parsed:
        return Parsed(
            tuple(self._declared),
            tuple(self._indexes),
            tuple(self._includes),
            tuple(self._problems),
        )

    def declare(
        self, ecosystem: str, name: str, requirement: str, line: int, source: str = ""
    ) -> None:
        self._declared.append(
            Declared(ecosystem, name, requirement, Span(self._path, line), source)
        )

    def index(self, ecosystem: str, text: str, line: int) -> None:
        self._indexes.append(IndexSetting(ecosystem, text, Span(self._path, line)))

    def include(self, path: str, line: int) -> None:
        """Note another file, named from the directory of this one."""
        joined = posixpath.normpath(posixpath.join(posixpath.dirname(self._path), path))
        if joined.startswith(("../", "/")) or joined == "..":
            self.problem(f"`{path}` leads out of the project", line)
        else:
            self._includes.append(Include(joined, Span(self._path, line)))

    def problem(self, message: str, line: int) -> None:
        self._problems.append(Problem(message, Span(self._path, line)))

    def python(self, text: str, line: int, own: str = "") -> None:
        """Note a requirement of PEP 508, or one of pip's addresses and paths.

        `own` is the project's own name: it may require its own extras.
        """
        text = text.strip()
        try:
            requirement = Requirement(text)
        except InvalidRequirement as error:
            self._address(text, line, str(error).split("\n")[0])
            return
        name = canonicalize_name(requirement.name)
        if own and name == canonicalize_name(own):
            return
        if requirement.url is None:
            self.declare("pypi", name, text, line)
        elif not requirement.url.startswith(LOCAL):
            self.declare("pypi", name, text, line, requirement.url)

    def _address(self, text: str, line: int, why: str) -> None:
        address = text.split(" ;")[0].strip()
        if not address.startswith(LOCAL) and _REMOTE.match(address):
            egg = _EGG.search(address)
            stem = posixpath.basename(address.split("#")[0].split("?")[0].rstrip("/"))
            name = egg[1] if egg else stem.split("@")[0].removesuffix(".git")
            self.declare("pypi", canonicalize_name(name or address), text, line, address)
        elif not (address.startswith(LOCAL) or address in (".", "..") or _is_path(address)):
            self.problem(f"`{text[:80]}` is not a requirement ({why.rstrip('.')})", line)


def _is_path(text: str) -> bool:
    return bool(re.fullmatch(r"\.?[\w./-]+(?:\[[\w, -]*\])?", text)) and (
        "/" in text or text.startswith(".") or text.endswith((".whl", ".tar.gz", ".zip"))
    )


def decoded(data: bytes, builder: Builder) -> str | None:
    """The text of a file; None, with a problem noted, when it is not UTF-8."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        builder.problem("this is not UTF-8", data[: error.start].count(b"\n") + 1)
        return None
