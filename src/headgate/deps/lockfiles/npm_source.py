"""Where JavaScript's lockfiles take a package from."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

from headgate.deps.lockfiles.builder import LOCAL, Builder, kind_of
from headgate.deps.lockfiles.interface import SourceKind

USUAL = ("https://registry.npmjs.org", "https://registry.yarnpkg.com")
"""The same index under both names."""

NAME = re.compile(r"(?:@[\w.~-]+/)?[\w.~-]+", re.ASCII)


def npm_source(builder: Builder, name: str, resolved: str, line: int) -> tuple[str, SourceKind]:
    """The source for `Declared`, empty for an index, and its kind.

    An index that is not npm's own is noted. An address that looks like one of an index and holds
    another package than it says is an address like any other: that is how packages are smuggled
    into lockfiles.
    """
    if not resolved or resolved.startswith((f"{USUAL[0]}/{name}/-/", f"{USUAL[1]}/{name}/-/")):
        return "", SourceKind.REGISTRY
    if resolved.startswith((*LOCAL, "link:", "portal:")):
        return resolved, SourceKind.PATH
    kind = kind_of(resolved)
    if kind is SourceKind.GIT:
        return resolved, kind
    address = resolved.partition("#")[0].partition("?")[0]
    plain = unquote(address) if "%" in address else address
    base, dash, _ = plain.partition("/-/")
    if dash and base.endswith(f"/{name}"):
        index = base[: -len(name) - 1]
    elif "/download/" in address and f"/{name}/" in address:  # GitHub's index.
        index = address.partition("/download/")[0]
    else:
        return resolved, SourceKind.URL
    if index not in USUAL:
        builder.host("npm", without_login(index), line)
    return "", SourceKind.REGISTRY


def without_login(address: str) -> str:
    """An address without the name and password in it."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return address.rpartition("@")[2]
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
