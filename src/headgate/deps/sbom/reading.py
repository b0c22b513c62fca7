"""Bills of materials that others wrote, read as inventories."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from packageurl import PackageURL

from headgate.deps.inventory import Component, Inventory
from headgate.deps.lockfiles.interface import Problem, Relation, Scope, SourceKind
from headgate.deps.sbom.cyclonedx import HASH, RELATION
from headgate.deps.sbom.hashes import spelled
from headgate.model.errors import BadInput
from headgate.model.finding import Span

LARGEST = 64 << 20
"""Bytes of a document that is read."""
_MOST = 200_000

_CYCLONEDX = ("1.2", "1.3", "1.4", "1.5", "1.6", "1.7")
_SPDX = ("SPDX-2.2", "SPDX-2.3")

Json = Mapping[str, Any]


def read_sbom(data: bytes, name: str) -> Inventory:
    """The inventory that a CycloneDX or SPDX document in JSON holds; `name` is that of the file.

    Components that name no package are problems of the inventory. Raises BadInput when the file
    is no such document.
    """
    if len(data) > LARGEST:
        raise BadInput(
            f"{name} is larger than {LARGEST >> 20} MB.", "Split it, or list the project itself."
        )
    try:
        document: object = json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise BadInput(f"{name} is not UTF-8.", "Save it as UTF-8.") from None
    except json.JSONDecodeError as error:
        why = f"{name}:{error.lineno}: this is not JSON ({error.msg.lower()})."
        raise BadInput(why, "Give a CycloneDX or SPDX document in JSON.") from None
    except (RecursionError, ValueError):
        raise BadInput(f"{name} nests too deeply to be read.", "Have it written anew.") from None
    found = _table(document)
    if found.get("bomFormat") == "CycloneDX":
        version = str(found.get("specVersion"))
        if version not in _CYCLONEDX:
            raise _unknown(name, f"CycloneDX {version[:20]}")
        return _CycloneDx(name, found).inventory()
    version = str(found.get("spdxVersion") or "")
    if version in _SPDX:
        return _Spdx(name, found).inventory()
    raise _unknown(name, version[:20] or "no bill of materials")


def _unknown(name: str, what: str) -> BadInput:
    return BadInput(
        f"{name} is {what}.", "CycloneDX 1.2 to 1.7 and SPDX 2.2 to 2.3 are read, in JSON."
    )


class _Reader:
    """What both formats need."""

    def __init__(self, name: str, document: Json) -> None:
        self._name = name
        self._document = document
        self._found: dict[str, Component] = {}
        self._problems: list[Problem] = []

    def _problem(self, message: str) -> None:
        if len(self._problems) < 100:
            self._problems.append(Problem(message, Span(self._name, 1)))

    def _add(
        self,
        purl: str,
        shown: str,
        relation: Relation,
        scope: Scope,
        hashes: Sequence[str],
        licence: str,
        requires: Sequence[str],
    ) -> None:
        try:
            url = PackageURL.from_string(purl)
        except (ValueError, RecursionError):
            self._problem(f"`{shown[:80]}` names no package")
            return
        if len(self._found) >= _MOST:
            self._problem(f"it holds more than {_MOST} packages")
            return
        qualifiers = cast("Mapping[str, str]", url.qualifiers or {})
        git = qualifiers.get("vcs_url", "")
        source = git or qualifiers.get("download_url", "")
        kind = SourceKind.GIT if git else SourceKind.URL if source else SourceKind.REGISTRY
        mark = ":" if url.type == "maven" else "/"
        name = f"{url.namespace}{mark}{url.name}" if url.namespace else url.name
        if host := qualifiers.get("repository_url", "") if url.type == "docker" else "":
            name = f"{host}/{name}"
        self._found[purl] = Component(
            url.type,
            name,
            url.version or "",
            purl,
            source,
            kind,
            relation,
            scope,
            tuple(sorted(set(hashes))),
            licence,
            tuple(requires),
            (Span(self._name, 1),),
        )

    def _done(self) -> Inventory:
        components = tuple(self._found[purl] for purl in sorted(self._found))
        return Inventory(components, (), tuple(self._problems), (self._name,))


class _CycloneDx(_Reader):
    """https://cyclonedx.org"""

    def inventory(self) -> Inventory:
        root = _text(_table(_table(self._document.get("metadata")).get("component")), "bom-ref")
        needs: dict[str, list[str]] = {}
        for one in _items(self._document.get("dependencies")):
            entry = _table(one)
            needs[_text(entry, "ref")] = [str(r) for r in _items(entry.get("dependsOn"))]
        waiting = [_table(one) for one in _items(self._document.get("components"))]
        urls: dict[str, str] = {}
        listed: list[Json] = []
        while waiting and len(listed) <= _MOST:
            one = waiting.pop()
            listed.append(one)
            waiting.extend(_table(inner) for inner in _items(one.get("components")))
            urls[_text(one, "bom-ref")] = _text(one, "purl")
        direct = set(needs.get(root, ()))
        for one in listed:
            purl = _text(one, "purl")
            if not purl and one.get("type") in ("file", "operating-system", "data", "device"):
                continue
            reference = _text(one, "bom-ref")
            requires = [urls[r] for r in needs.get(reference, ()) if urls.get(r)]
            self._add(
                purl,
                _text(one, "name"),
                _relation(one, reference, direct),
                Scope.DEVELOPMENT if one.get("scope") == "excluded" else Scope.PRODUCTION,
                _hashes(one),
                _licence(one),
                requires,
            )
        for one in _items(self._document.get("compositions")):
            if _table(one).get("aggregate") not in ("complete", None):
                self._problem("the document says that it is not complete")
        return self._done()


def _relation(one: Json, reference: str, direct: set[str]) -> Relation:
    for item in _items(one.get("properties")):
        entry = _table(item)
        if entry.get("name") == RELATION and entry.get("value") in set(Relation):
            return Relation(entry["value"])
    if not direct:
        return Relation.UNKNOWN
    return Relation.DIRECT if reference in direct else Relation.TRANSITIVE


def _hashes(one: Json) -> list[str]:
    found: list[str] = []
    for item in _items(one.get("hashes")):
        entry = _table(item)
        found.append(spelled(_text(entry, "alg"), _text(entry, "content")))
    for item in _items(one.get("properties")):
        entry = _table(item)
        if entry.get("name") == HASH:
            found.append(_text(entry, "value"))
    return found


def _licence(one: Json) -> str:
    words: list[str] = []
    for item in _items(one.get("licenses")):
        entry = _table(item)
        licence = _table(entry.get("license"))
        word = _text(entry, "expression") or _text(licence, "id") or _text(licence, "name")
        if word:
            words.append(word)
    return words[0] if len(words) == 1 else " AND ".join(f"({word})" for word in words)


class _Spdx(_Reader):
    """https://spdx.dev"""

    def inventory(self) -> Inventory:
        packages = [_table(one) for one in _items(self._document.get("packages"))]
        urls = {_text(one, "SPDXID"): _purl(one) for one in packages}
        described = {str(one) for one in _items(self._document.get("documentDescribes"))}
        needs: dict[str, list[str]] = {}
        development: set[str] = set()
        for one in _items(self._document.get("relationships")):
            entry = _table(one)
            a, b = _text(entry, "spdxElementId"), _text(entry, "relatedSpdxElement")
            kind = entry.get("relationshipType")
            if kind == "DESCRIBES":
                described.add(b)
            elif kind == "DEPENDS_ON":
                needs.setdefault(a, []).append(b)
            elif kind in ("DEPENDENCY_OF", "RUNTIME_DEPENDENCY_OF"):
                needs.setdefault(b, []).append(a)
            elif kind in ("DEV_DEPENDENCY_OF", "TEST_DEPENDENCY_OF", "BUILD_DEPENDENCY_OF"):
                development.add(a)
        direct = {id for root in described for id in needs.get(root, ())}
        for one in packages:
            id = _text(one, "SPDXID")
            if id in described and not urls[id]:
                continue  # The project itself.
            checksums = [_table(c) for c in _items(one.get("checksums"))]
            licence = _text(one, "licenseConcluded")
            if licence in ("", "NOASSERTION", "NONE"):
                licence = _text(one, "licenseDeclared")
            relation = Relation.TRANSITIVE if direct else Relation.UNKNOWN
            self._add(
                urls[id],
                _text(one, "name"),
                Relation.DIRECT if id in direct else relation,
                Scope.DEVELOPMENT if id in development else Scope.PRODUCTION,
                [spelled(_text(c, "algorithm"), _text(c, "checksumValue")) for c in checksums],
                "" if licence in ("NOASSERTION", "NONE") else licence,
                [urls[r] for r in needs.get(id, ()) if urls.get(r)],
            )
        if _text(self._document, "comment").startswith("Incomplete"):
            self._problem("the document says that it is not complete")
        return self._done()


def _purl(one: Json) -> str:
    for item in _items(one.get("externalRefs")):
        entry = _table(item)
        if entry.get("referenceType") == "purl":
            return _text(entry, "referenceLocator")
    return ""


def _table(value: object) -> Json:
    return cast("Json", value) if isinstance(value, dict) else {}


def _items(value: object) -> Sequence[object]:
    return cast("Sequence[object]", value) if isinstance(value, list) else ()


def _text(entry: Json, key: str) -> str:
    value = entry.get(key)
    return value if isinstance(value, str) else ""
