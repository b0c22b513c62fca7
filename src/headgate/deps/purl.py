"""Package URLs of what files declare: https://github.com/package-url/purl-spec."""

from __future__ import annotations

from packageurl import PackageURL

from headgate.deps.lockfiles.interface import Declared, SourceKind
from headgate.deps.lockfiles.npm_source import without_login


def package_url(one: Declared) -> str:
    """The package URL of a dependency, with where it comes from when not from its index."""
    name, namespace = one.name, ""
    qualifiers: dict[str, str] = {}
    if one.ecosystem == "maven":
        namespace, _, name = name.partition(":")
        namespace = namespace.replace("/", ".")
    elif "/" in name:
        namespace, _, name = name.rpartition("/")
    if one.ecosystem == "docker":
        host, _, rest = namespace.partition("/")
        if "." in host or ":" in host or host == "localhost":
            namespace, qualifiers["repository_url"] = rest, host
        if one.hashes:
            qualifiers["digest"] = one.hashes[0]
    if one.source and one.kind is SourceKind.GIT:
        qualifiers["vcs_url"] = _shown(one.source)
    elif one.source and one.kind is SourceKind.URL:
        qualifiers["download_url"] = _shown(one.source)
    found = PackageURL(
        type=one.ecosystem,
        namespace=namespace or None,
        name=name or "?",
        version=one.version or None,
        qualifiers=qualifiers,
    )
    return found.to_string()


def _shown(address: str) -> str:
    text = without_login(address).encode("utf-8", "replace").decode("utf-8")
    return "".join(c if c.isprintable() else "?" for c in text)
