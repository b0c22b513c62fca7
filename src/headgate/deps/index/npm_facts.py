"""What the npm registry tells of a package: its document, all versions of it."""

from __future__ import annotations

from headgate.deps.index.interface import Existence, PackageFacts, Release
from headgate.deps.index.shapes import Json, items, parsed, table
from headgate.deps.index.times import seconds_of

_SCRIPTS = ("preinstall", "install", "postinstall")
_STRANGE = "answered with something that is not a page of a package registry"
_HOLDING = "-security"


def from_document(name: str, text: str) -> PackageFacts:
    """The facts in a registry's document; what is not one is unknown."""
    page = parsed(text) or {}
    if page.get("name") != name:
        return PackageFacts(name, Existence.UNKNOWN, _STRANGE)
    versions = table(page.get("versions"))
    if not versions:
        return PackageFacts(name, Existence.MISSING, "is registered, but has no version to install")
    if all(version.endswith(_HOLDING) for version in versions):
        return PackageFacts(
            name,
            Existence.MISSING,
            "was taken down for security reasons, and only its name is left",
        )
    times = table(page.get("time"))
    releases = {v: _release(table(d), times.get(v)) for v, d in versions.items()}
    published = [r.published for r in releases.values() if r.published is not None]
    latest = str(table(page.get("dist-tags")).get("latest", ""))
    newest = releases.get(latest)
    return PackageFacts(
        name,
        Existence.EXISTS,
        first=min(published) if published else None,
        latest=latest,
        maintainers=_people(page.get("maintainers")),
        licence=newest.licence if newest else "",
        releases=releases,
        doubts=() if published else ("age: the index does not tell when versions were published",),
    )


def _release(document: Json, published: object) -> Release:
    dist = table(document.get("dist"))
    scripts = table(document.get("scripts"))
    named = tuple(f"{key}: {scripts[key]}"[:200] for key in _SCRIPTS if scripts.get(key))
    if not named and document.get("hasInstallScript") is True:
        named = ("an install script",)
    deprecated = document.get("deprecated")
    return Release(
        published=seconds_of(published),
        deprecated=str(deprecated)[:300] if deprecated else "",
        attested=bool(dist.get("attestations")),
        scripts=named,
        publisher=str(table(document.get("_npmUser")).get("name", "")),
        licence=_licence(document.get("license")),
    )


def _licence(value: object) -> str:
    word: object = value if isinstance(value, str) else table(value).get("type")
    return word if isinstance(word, str) else ""


def _people(value: object) -> tuple[str, ...]:
    found: set[str] = set()
    for one in items(value):
        name: object = one if isinstance(one, str) else table(one).get("name")
        if name:
            found.add(str(name))
    return tuple(sorted(found))
