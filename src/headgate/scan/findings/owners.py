"""CODEOWNERS: whose the files are, as GitHub and GitLab read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from headgate.model.patterns import matches

PLACES = (".github/CODEOWNERS", ".gitlab/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS")
"""Where the file may be; the first that exists counts."""


@dataclass(frozen=True, slots=True)
class CodeOwners:
    """The lines of one file, in order."""

    rules: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def of(self, path: str) -> tuple[str, ...]:
        """Who owns a path: by the last pattern that matches; a pattern without owners frees it."""
        found: Sequence[str] = ()
        for pattern, owners in self.rules:
            if _matches(path, pattern):
                found = owners
        return tuple(found)


def parse_owners(text: str) -> CodeOwners:
    """Lines of a pattern and its owners; comments, and sections of GitLab, are left out."""
    rules: list[tuple[str, tuple[str, ...]]] = []
    for line in text.splitlines():
        words = line.partition(" #")[0].split()
        if not words or words[0].startswith(("#", "[", "^[")):
            continue
        rules.append((words[0].replace("\\ ", " "), tuple(words[1:])))
    return CodeOwners(tuple(rules))


def _matches(path: str, pattern: str) -> bool:
    if pattern == "*":
        return True
    if pattern.endswith("/*"):
        # Only what is right inside.
        folder = pattern[:-2].strip("/")
        parent = path.rpartition("/")[0]
        return parent == folder or matches(f"{parent}/x", [f"/{folder}/x"])
    return matches(path, [pattern])
