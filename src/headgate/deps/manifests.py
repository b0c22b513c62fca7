"""Which files may declare dependencies: told by their names, without loading what reads them."""

from __future__ import annotations

import posixpath

_ENDINGS = (
    ".txt", ".in", ".toml", ".lock", ".json", ".yaml", ".yml", ".mod", ".sum", ".xml", ".pom",
    ".lockfile", ".locked", "proj", ".props", ".targets", ".config", "file",
)  # fmt: skip
"""Of the names of all formats but those of images."""


def may_declare(path: str) -> bool:
    """Whether there may be a reader of the file at a path; `lockfiles.manifest_for` knows.

    What installers have put into `node_modules` is not declared by the project.
    """
    name = posixpath.basename(path).lower()
    if not (name.endswith(_ENDINGS) or "file" in name):
        return False
    return not (path.startswith("node_modules/") or "/node_modules/" in path)
