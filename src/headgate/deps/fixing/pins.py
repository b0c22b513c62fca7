"""Versions that a human pinned in a manifest, replaced where they stand."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterable, Mapping

from headgate.deps.compare import read_file
from headgate.deps.fixing.plan import Step
from headgate.deps.lockfiles import manifest_for
from headgate.deps.lockfiles.interface import Role
from headgate.deps.lockfiles.requirements_txt import RequirementsTxt

_HASHED = re.compile(r"--hash\b|\\\s*$")


def repin(files: Mapping[str, bytes], steps: Iterable[Step]) -> tuple[dict[str, bytes], list[Step]]:
    """The manifests whose pins had to move, and the steps that no pin in a manifest brings about.

    Only the version in the line changes. A pin with hashes is left to whatever wrote them.
    """
    changed: dict[str, bytes] = {}
    open_: list[Step] = []
    for step in steps:
        done = False
        for span in step.component.places:
            if not _by_hand(span.path) or span.path not in files:
                continue
            data = changed.get(span.path, files[span.path])
            moved = _moved(data, span.line, step)
            if moved is not None and _holds(span.path, moved, step):
                changed[span.path] = moved
                done = True
        if not done:
            open_.append(step)
    return changed, open_


def _by_hand(path: str) -> bool:
    manifest = manifest_for(path) or RequirementsTxt()
    return manifest.role is Role.MANIFEST or posixpath.basename(path) == "go.mod"


def _moved(data: bytes, line: int, step: Step) -> bytes | None:
    """The file with the version in one line replaced; None when it is not there, or not alone."""
    lines = data.split(b"\n")
    if line > len(lines):
        return None
    text = lines[line - 1].decode("utf-8", "surrogateescape")
    if _HASHED.search(text):
        return None
    old = re.compile(rf"(?<![\w.]){re.escape(step.component.version)}(?![\w.]*\w)")
    found = list(old.finditer(text))
    if len(found) != 1:
        return None
    text = text[: found[0].start()] + step.to + text[found[0].end() :]
    lines[line - 1] = text.encode("utf-8", "surrogateescape")
    return b"\n".join(lines)


def _holds(path: str, data: bytes, step: Step) -> bool:
    """Whether the file, read again, really says the new version."""
    one = step.component
    return any(
        (d.ecosystem, d.name, d.version) == (one.ecosystem, one.name, step.to)
        for d in read_file(path, data).declared
    )


def raised(manifest: bytes, step: Step) -> bytes | None:
    """A package.json whose range of a direct dependency begins at the new version; None when it
    does not name it."""
    text = manifest.decode("utf-8")
    name = json.dumps(step.component.name)
    found = re.compile(rf'({re.escape(name)}\s*:\s*")([~^]?)[^"]*(")')
    new, count = found.subn(lambda m: f"{m[1]}{m[2] or ''}{step.to}{m[3]}", text)
    return new.encode() if count else None
