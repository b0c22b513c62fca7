"""Where a SARIF log says that something is, as a path of the project, or why it is none."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import unquote_to_bytes, urlsplit

_DRIVE = re.compile(r"^/?[A-Za-z]:[\\/]")
_DEPTH = 8
"""Bases of `originalUriBaseIds` that may build on one another."""


class Refused(Exception):
    """The place is none of the project; its text says why."""


class Places:
    """Turns artifact locations of one run into paths relative to the root."""

    def __init__(self, bases: Mapping[str, Any], root: str) -> None:
        """`bases`: the run's `originalUriBaseIds`; `root`: absolute path of the project, or ''."""
        self._bases = bases
        self._root = root.rstrip("/")

    def path(self, uri: str, base: str) -> str:
        """The path, `/`-separated. Raises Refused for what is outside of the project."""
        if not uri or len(uri) > 2048:
            raise Refused("no file is named" if not uri else "the address is too long")
        path = _decoded(uri)
        absolute = path.startswith("/") or bool(_DRIVE.match(path))
        if not absolute and base:
            prefix = self._base(base, _DEPTH)
            if prefix and self._root and (prefix + "/").startswith(self._root + "/"):
                path = posixpath.join(prefix, path)
                absolute = True
        if absolute:
            path = self._below_root(path)
        normal = posixpath.normpath(path)
        if normal == "." or normal == ".." or normal.startswith(("../", "/")) or "\0" in normal:
            raise Refused("the file is outside of the project")
        return normal

    def _below_root(self, path: str) -> str:
        normal = posixpath.normpath(path)
        if self._root and normal.startswith(self._root + "/"):
            return normal[len(self._root) + 1 :]
        # What another machine calls the root is known when the log says so.
        for name in ("SRCROOT", "%SRCROOT%", "ROOT", "ROOTPATH", "PROJECTROOT"):
            prefix = self._base(name, _DEPTH).rstrip("/")
            if len(prefix) > 1 and normal.startswith(prefix + "/"):
                return normal[len(prefix) + 1 :]
        raise Refused("the path is absolute and not below the project")

    def _base(self, name: str, depth: int) -> str:
        entry = self._bases.get(name)
        if not isinstance(entry, dict) or not depth:
            return ""
        fields = cast("dict[str, Any]", entry)
        uri, parent = fields.get("uri"), fields.get("uriBaseId")
        if not isinstance(uri, str):
            return ""
        try:
            path = _decoded(uri)
        except Refused:
            return ""
        if path.startswith("/") or not isinstance(parent, str):
            return posixpath.normpath(path) if path else ""
        return posixpath.join(self._base(parent, depth - 1), path)


def _decoded(uri: str) -> str:
    text = uri.replace("\\", "/")
    if _DRIVE.match(text):
        return text
    try:
        parts = urlsplit(text)
    except ValueError:
        raise Refused("the address cannot be read") from None
    if parts.scheme and parts.scheme.lower() != "file":
        raise Refused(f"the address is of the kind {parts.scheme[:20]}")
    if parts.netloc and parts.netloc.lower() != "localhost":
        raise Refused("the file is on another machine")
    path = parts.path if parts.scheme else text.partition("#")[0].partition("?")[0]
    return unquote_to_bytes(path.encode("utf-8", "surrogatepass")).decode(
        "utf-8", "surrogateescape"
    )
