"""pom.xml of Maven: direct dependencies, plugins, properties and managed versions."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from headgate.deps.lockfiles.builder import Builder
from headgate.deps.lockfiles.interface import Parsed, Role, Scope, SourceKind
from headgate.deps.lockfiles.xml_text import Element, xml_tree

MANAGED = "managed:"
"""Before the facts that are versions of `group:artifact`; the others are properties."""


class Pom:
    """What a Maven project asks for.

    Versions keep their `${properties}` here; `headgate.deps.resolve` fills them in, from the file
    itself and from its parents in the tree.
    """

    ecosystem = "maven"
    role = Role.MANIFEST

    def wants(self, path: str) -> bool:
        name = posixpath.basename(path)
        return name == "pom.xml" or name.endswith(".pom")

    def parse(self, path: str, data: bytes) -> Parsed:
        builder = Builder(path)
        root = xml_tree(data, builder)
        if root is not None:
            if root.tag == "project":
                _project(builder, root)
            else:
                builder.problem(f"`{root.tag[:40]}` is no Maven project", root.line)
        return builder.done()


def _project(builder: Builder, root: Element) -> None:
    parent = root.one("parent")
    _facts(builder, root, parent)
    for profile in [root, *_inside(root, "profiles", "profile")]:
        for one in _inside(profile, "dependencies", "dependency"):
            _dependency(builder, one)
        management = profile.one("dependencyManagement")
        if management is not None:
            for one in _inside(management, "dependencies", "dependency"):
                if one.value("scope") == "import":
                    _dependency(builder, one)
                elif one.value("version"):
                    key = f"{MANAGED}{one.value('groupId')}:{one.value('artifactId')}"
                    builder.fact(key, one.value("version"))
        build = profile.one("build")
        if build is not None:
            for one in [
                *_inside(build, "plugins", "plugin"),
                *_inside(build, "extensions", "extension"),
            ]:
                group = one.value("groupId") or "org.apache.maven.plugins"
                _declare(builder, one, group, Scope.DEVELOPMENT)
        for one in _inside(profile, "repositories", "repository"):
            address = one.value("url")
            if address and not address.startswith("https://repo.maven.apache.org/maven2"):
                builder.host("maven", address, one.line)
    if parent is not None:
        _declare(builder, parent, parent.value("groupId"), Scope.PRODUCTION)
        relative = parent.one("relativePath")
        place = "../pom.xml" if relative is None else relative.text.strip()
        if place:
            builder.include(
                place if place.endswith(".xml") else posixpath.join(place, "pom.xml"),
                parent.line,
                optional=True,
            )


def _facts(builder: Builder, root: Element, parent: Element | None) -> None:
    for key in ("groupId", "artifactId", "version"):
        value = root.value(key) or (parent.value(key) if parent is not None else "")
        builder.fact(f"project.{key}", value)
        builder.fact(f"pom.{key}", value)
        if parent is not None:
            builder.fact(f"project.parent.{key}", parent.value(key))
    for table in root.all("properties"):
        for one in table.children:
            builder.fact(one.tag, one.text.strip())


def _inside(parent: Element, list_: str, tag: str) -> Iterator[Element]:
    for table in parent.all(list_):
        yield from table.all(tag)


def _dependency(builder: Builder, one: Element) -> None:
    word = one.value("scope")
    scope = Scope.DEVELOPMENT if word in ("test", "provided") else Scope.PRODUCTION
    place = one.value("systemPath") if word == "system" else ""
    _declare(builder, one, one.value("groupId"), scope, place)


def _declare(builder: Builder, one: Element, group: str, scope: Scope, place: str = "") -> None:
    artifact = one.value("artifactId")
    if not group or not artifact:
        builder.problem("a dependency has no groupId or no artifactId", one.line)
        return
    version = one.value("version")
    builder.declare(
        "maven",
        f"{group}:{artifact}",
        f"{group}:{artifact}:{version}".rstrip(":"),
        one.line,
        place,
        version="" if any(mark in version for mark in "[(, ") else version,
        scope=scope,
        kind=SourceKind.PATH if place else SourceKind.REGISTRY,
    )
