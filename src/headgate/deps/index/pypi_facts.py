"""What Python's index tells of a package: PEP 691/700/740/792 pages, and Warehouse's JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import InvalidVersion, Version

from headgate.deps.index.http import Reply
from headgate.deps.index.interface import Existence, PackageFacts, Release
from headgate.deps.index.shapes import Json, items, parsed, table, tables
from headgate.deps.index.times import seconds_of


def from_simple(name: str, text: str) -> PackageFacts:
    """The facts on a page of PEP 691; what is not one is unknown."""
    page = parsed(text)
    if page is None or not isinstance(page.get("files"), list):
        return PackageFacts(
            name, Existence.UNKNOWN, "answered with something that is not a page of an index"
        )
    own = str(page.get("name", ""))
    if canonicalize_name(own) != canonicalize_name(name):
        return PackageFacts(name, Existence.UNKNOWN, f"answered with the page of {own[:80]}")
    files = tables(page["files"])
    if not files:
        return PackageFacts(name, Existence.MISSING, "is registered, but has no file to install")
    releases = dict(_releases(files))
    # Old kinds of files whose names tell no version were published, too.
    uploads = (seconds_of(file.get("upload-time")) for file in files)
    times = [moment for moment in uploads if moment is not None]
    word = str(table(page.get("project-status")).get("status", ""))
    return PackageFacts(
        name,
        Existence.EXISTS,
        first=min(times) if times else None,
        latest=_latest(releases),
        status="" if word == "active" else word,
        releases=releases,
        doubts=() if times else ("age: the index does not tell when files were uploaded",),
    )


def with_metadata(facts: PackageFacts, reply: Reply) -> PackageFacts:
    """The same with what `/pypi/NAME/json` adds: the licence, and who maintains it."""
    page = parsed(reply.page.text) if reply.page and reply.page.whole else None
    info = table(page.get("info") if page else None)
    if page is None or not info:
        why = reply.refusal.detail if reply.page is None else "answered with something else"
        if reply.page is None and reply.refusal.existence is Existence.MISSING:
            why = "the index does not tell them"
        return replace(facts, doubts=(*facts.doubts, f"licence and maintainers: {why}"))
    licence = _licence(info)
    releases = dict(facts.releases)
    if facts.latest in releases:
        releases[facts.latest] = replace(releases[facts.latest], licence=licence)
    return replace(facts, licence=licence, maintainers=_maintainers(page), releases=releases)


def _releases(files: list[Json]) -> Iterator[tuple[str, Release]]:
    by_version: dict[str, list[Json]] = {}
    for file in files:
        if version := _version(str(file.get("filename", ""))):
            by_version.setdefault(version, []).append(file)
    # A mirror that knows nothing of attestations must not look as if all had been lost.
    tells = any("provenance" in file for file in files)
    for version, group in by_version.items():
        times = [t for t in (seconds_of(f.get("upload-time")) for f in group) if t is not None]
        yanked = [f.get("yanked") for f in group]
        wheels = any(str(f.get("filename", "")).endswith(".whl") for f in group)
        yield (
            version,
            Release(
                published=min(times) if times else None,
                yanked=next((y if isinstance(y, str) else "" for y in yanked if y), "")
                if yanked and all(yanked)
                else None,
                attested=any(f.get("provenance") for f in group) if tells else None,
                # A source distribution runs its build when it is installed.
                scripts=() if wheels else ("the build of its source distribution",),
            ),
        )


def _version(filename: str) -> str:
    try:
        if filename.endswith(".whl"):
            return str(parse_wheel_filename(filename)[1])
        return str(parse_sdist_filename(filename)[1])
    except (InvalidWheelFilename, InvalidSdistFilename, InvalidVersion):
        return ""


def _latest(releases: Mapping[str, Release]) -> str:
    versions = [Version(v) for v, r in releases.items() if r.yanked is None]
    stable = [v for v in versions if not v.is_prerelease]
    return str(max(stable or versions)) if versions else ""


def _licence(info: Json) -> str:
    if expression := info.get("license_expression"):
        return str(expression)
    text = str(info.get("license") or "").strip()
    if text and len(text) <= 100 and "\n" not in text:
        return text
    names = [str(c) for c in items(info.get("classifiers"))]
    found = [c.rsplit(" :: ", 1)[-1] for c in names if c.startswith("License :: OSI Approved :: ")]
    return " AND ".join(found)


def _maintainers(page: Json) -> tuple[str, ...]:
    owned = table(page.get("ownership"))
    found: set[str] = set()
    if organisation := owned.get("organization"):
        found.add(str(organisation))
    found.update(str(role["user"]) for role in tables(owned.get("roles")) if role.get("user"))
    return tuple(sorted(found))
