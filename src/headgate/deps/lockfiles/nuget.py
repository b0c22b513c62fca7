"""NuGet: packages.lock.json, project files, packages.config and central versions."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from typing import Any

from headgate.deps.lockfiles.builder import Builder
from headgate.deps.lockfiles.interface import Parsed, Relation, Role, Scope
from headgate.deps.lockfiles.json_text import key, read_object
from headgate.deps.lockfiles.lines import Lines
from headgate.deps.lockfiles.python_lock import text_of
from headgate.deps.lockfiles.xml_text import Element, xml_tree

CENTRAL = "central:"
"""Before the facts that are versions of a package for all projects beneath."""

_PROJECT = (".csproj", ".fsproj", ".vbproj", ".proj")
_SHARED = ("Directory.Packages.props", "Directory.Build.props", "Directory.Build.targets")
_RELATIONS = {
    "Direct": Relation.DIRECT,
    "Transitive": Relation.TRANSITIVE,
    "CentralTransitive": Relation.TRANSITIVE,
}
_VERSION = re.compile(r"\d+(?:\.\d+)*(?:[-+][\w.+-]+)?")


class PackagesLock:
    """What NuGet restores."""

    ecosystem = "nuget"
    role = Role.LOCK

    def wants(self, path: str) -> bool:
        name = posixpath.basename(path)
        return name == "packages.lock.json" or (
            name.startswith("packages.") and name.endswith(".lock.json")
        )

    def parse(self, path: str, data: bytes) -> Parsed:
        return read_object(path, data, _read_packages_lock)


def _read_packages_lock(builder: Builder, text: str, values: Mapping[str, Any]) -> None:
    lines = Lines(text)
    if values.get("version") not in (1, 2):
        builder.problem("this version of the format is not known", 1)
        return
    for framework, given in builder.mapping(values.get("dependencies"), "dependencies", 1).items():
        line = lines.find(f"{key(framework)}:")
        for name, one in builder.mapping(given, framework[:80], line).items():
            line = lines.find(f"{key(name)}: {{", key(name))
            _locked(builder, name, builder.mapping(one, name[:80], line), line)


def _locked(builder: Builder, name: str, entry: Mapping[str, Any], line: int) -> None:
    word = text_of(entry, "type")
    if word == "Project":
        return  # Another project of the solution.
    version = builder.text(entry.get("resolved"), "resolved", line)
    if word not in _RELATIONS or not version:
        builder.problem(f"`{name[:80]}` has no version, or is of an unknown type", line)
        return
    content = text_of(entry, "contentHash")
    builder.declare(
        "nuget",
        name,
        f"{name} {version}",
        line,
        version=version,
        relation=_RELATIONS[word],
        hashes=[f"sha512-{content}"] if content else [],
        requires=tuple(builder.mapping(entry.get("dependencies"), "dependencies", line)),
    )


class NugetProject:
    """What a .NET project asks for. NuGet takes the lowest version that fits, so a plain version
    is the one that is installed, as long as it exists."""

    ecosystem = "nuget"
    role = Role.MANIFEST

    def wants(self, path: str) -> bool:
        name = posixpath.basename(path)
        return name in _SHARED or name.endswith(_PROJECT) or name == "packages.config"

    def parse(self, path: str, data: bytes) -> Parsed:
        builder = Builder(path)
        root = xml_tree(data, builder)
        if root is None:
            return builder.done()
        if posixpath.basename(path) == "packages.config":
            for one in root.all("package"):
                only = one.attributes.get("developmentDependency", "").lower() == "true"
                version = one.attributes.get("version", "")
                _declare(builder, one, one.attributes.get("id", ""), version, only)
            return builder.done()
        self._project(builder, root)
        return builder.done()

    def _project(self, builder: Builder, root: Element) -> None:
        for group in root.all("PropertyGroup"):
            for one in group.children:
                builder.fact(one.tag, one.text.strip())
        for group in root.all("ItemGroup"):
            for one in group.children:
                name = one.attributes.get("Include") or one.attributes.get("Update", "")
                version = _attribute(one, "Version")
                if one.tag == "PackageVersion":
                    builder.fact(f"{CENTRAL}{name.lower()}", version)
                elif one.tag in ("PackageReference", "GlobalPackageReference"):
                    version = _attribute(one, "VersionOverride") or version
                    only = _attribute(one, "PrivateAssets").lower() == "all"
                    _declare(builder, one, name, version, only or one.tag[0] == "G")
        for group in root.all("PropertyGroup"):
            for one in group.all("RestoreSources") + group.all("RestoreAdditionalProjectSources"):
                builder.index("nuget", one.text.strip(), one.line)


def _attribute(one: Element, name: str) -> str:
    return (one.attributes.get(name) or one.value(name)).strip()


def _declare(builder: Builder, one: Element, name: str, version: str, only: bool) -> None:
    if not name:
        builder.problem("a package has no name", one.line)
        return
    exact = version[1:-1].strip() if re.fullmatch(r"\[[^,]*\]", version) else version
    plain = _VERSION.fullmatch(exact) or "$(" in exact
    for single in name.split(";"):
        builder.declare(
            "nuget",
            single.strip(),
            f"{single.strip()} {version}".strip(),
            one.line,
            version=exact if plain else "",
            scope=Scope.DEVELOPMENT if only else Scope.PRODUCTION,
        )
