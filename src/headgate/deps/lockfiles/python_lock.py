"""What the lockfiles of Python share: artifacts with hashes, indexes, groups."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, cast

from packaging.utils import canonicalize_name

from headgate.deps.lockfiles.builder import Builder
from headgate.deps.lockfiles.npm_source import without_login
from headgate.deps.lockfiles.toml_text import toml_packages

USUAL = ("https://pypi.org/simple", "https://pypi.python.org/simple", "https://pypi.org/")

_DEVELOPMENT = re.compile(
    r"(?:^|[-_./ ])(?:dev|devel|develop|development|tests?|testing|docs?|documentation|lint|linting"
    r"|ci|typing|types?|bench|benchmarks?|build|tox|nox|mypy|pre-?commit|coverage|examples?)"
    r"(?:[-_./ ]|$)",
    re.IGNORECASE,
)


def for_development(group: str) -> bool:
    """Whether a group, an extra or a file of this name is by custom for development."""
    return _DEVELOPMENT.search(group) is not None


@lru_cache(maxsize=20_000)
def normalised(name: str) -> str:
    """A name as indexes compare it; remembered, as every package is named by others again."""
    return canonicalize_name(name)


def python_name(builder: Builder, entry: Mapping[str, Any], line: int) -> str:
    """The name of a package as indexes compare it; empty, with a problem, when it has none."""
    name = entry.get("name")
    if not isinstance(name, str) or not name:
        builder.problem("a package has no name", line)
        return ""
    return normalised(name)


def usual_index(builder: Builder, address: str, line: int) -> None:
    """Note an index that is not PyPI."""
    if address and address.rstrip("/") not in USUAL and address not in USUAL:
        builder.host("pypi", without_login(address), line)


def file_hashes(builder: Builder, given: Iterable[object], line: int) -> list[str]:
    """The hashes of a list of `{file or url = …, hash = …}`."""
    found: list[str] = []
    for one in given:
        if isinstance(one, dict):
            value = cast("Mapping[str, object]", one).get("hash")
            if isinstance(value, str):
                found.append(value)
        else:
            builder.problem("a file is no table", line)
    return found


def text_of(entry: Mapping[str, Any], key: str) -> str:
    """A value that is text; empty when it is anything else."""
    value = entry.get(key)
    return value if isinstance(value, str) else ""


def packages_and_files(
    data: bytes, builder: Builder
) -> tuple[list[tuple[int, Mapping[str, Any]]], Mapping[str, Any]]:
    """The packages of a lockfile with their lines, and its table `metadata.files`, in which older
    tools kept the hashes of all packages."""
    if (found := toml_packages(data, builder, "package")) is None:
        return [], {}
    head, packages = found
    metadata = builder.mapping(head.get("metadata"), "metadata", 1)
    return packages, builder.mapping(metadata.get("files"), "metadata.files", 1)
