"""gradle.lockfile, and the older lockfile per configuration."""

from __future__ import annotations

import posixpath

from headgate.deps.lockfiles.builder import Builder, decoded
from headgate.deps.lockfiles.interface import Parsed, Relation, Role, Scope


class GradleLockfile:
    """What Gradle resolves, with the configurations that it is in."""

    ecosystem = "maven"
    role = Role.LOCK

    def wants(self, path: str) -> bool:
        directory, name = posixpath.split(path)
        if name in ("gradle.lockfile", "buildscript-gradle.lockfile"):
            return True
        return name.endswith(".lockfile") and posixpath.basename(directory) == "dependency-locks"

    def parse(self, path: str, data: bytes) -> Parsed:
        builder = Builder(path)
        name = posixpath.basename(path)
        # The older files are of one configuration, which their name tells.
        whole = "" if name.endswith("gradle.lockfile") else name.removesuffix(".lockfile")
        build = name.startswith("buildscript")
        for number, raw in enumerate((decoded(data, builder) or "").split("\n"), 1):
            line = raw.strip()
            if not line or line.startswith(("#", "empty=")):
                continue
            coordinates, _, listed = line.partition("=")
            parts = coordinates.split(":")
            if len(parts) != 3 or not all(parts):
                builder.problem(f"`{line[:80]}` is no group, artifact and version", number)
                continue
            configurations = [one for one in listed.split(",") if one] or [whole]
            only = build or all(_for_development(one) for one in configurations)
            builder.declare(
                "maven",
                f"{parts[0]}:{parts[1]}",
                coordinates,
                number,
                version=parts[2],
                relation=Relation.UNKNOWN,
                scope=Scope.DEVELOPMENT if only else Scope.PRODUCTION,
            )
        return builder.done()


_TOOLS = ("checkstyle", "pmd", "spotbugs", "jacoco", "detekt", "ktlint", "annotationprocessor")


def _for_development(configuration: str) -> bool:
    word = configuration.lower()
    return "test" in word or word.startswith(_TOOLS)
