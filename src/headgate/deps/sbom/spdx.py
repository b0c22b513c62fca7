"""SPDX 2.3 in JSON: https://spdx.github.io/spdx-spec/v2.3/"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from headgate.deps.inventory import Component, Inventory
from headgate.deps.licences import expression
from headgate.deps.lockfiles.interface import Relation, Scope, SourceKind
from headgate.deps.lockfiles.npm_source import without_login
from headgate.deps.sbom.hashes import one_per_algorithm
from headgate.deps.sbom.subject import TOOL, VERSION, Subject, printable

_ROOT = "SPDXRef-Project"
_DOCUMENT = "SPDXRef-DOCUMENT"
_NONE = "NOASSERTION"
_URL = re.compile(r"https?://[\w.:-]+/[!-~]*")


def spdx(inventory: Inventory, subject: Subject) -> str:
    """The document. What could not be read is told in its comment."""
    ids = {one.purl: _id(one) for one in inventory.components}
    relationships = [_related(_DOCUMENT, "DESCRIBES", _ROOT)]
    for one in inventory.components:
        if one.scope is Scope.DEVELOPMENT:
            relationships.append(_related(ids[one.purl], "DEV_DEPENDENCY_OF", _ROOT))
        elif one.relation is not Relation.TRANSITIVE:
            relationships.append(_related(_ROOT, "DEPENDS_ON", ids[one.purl]))
        relationships += [_related(ids[one.purl], "DEPENDS_ON", ids[u]) for u in one.requires]
    body: dict[str, Any] = {
        "packages": [
            {
                "SPDXID": _ROOT,
                "name": subject.shown,
                **({"versionInfo": subject.commit} if subject.commit else {}),
                "downloadLocation": _NONE,
                "filesAnalyzed": False,
                "primaryPackagePurpose": "APPLICATION",
            },
            *(_package(one, ids[one.purl]) for one in inventory.components),
        ],
        "relationships": relationships,
    }
    if inventory.problems:
        told = [f"{p.span.path}:{p.span.line}: {p.message}" for p in inventory.problems]
        body["comment"] = printable("Incomplete, as this could not be read: " + "; ".join(told))
    namespace = f"https://spdx.org/spdxdocs/headgate-{subject.identity(json.dumps(body))}"
    head = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": _DOCUMENT,
        "name": subject.shown,
        "documentNamespace": namespace,
        "creationInfo": {"created": subject.time, "creators": [f"Tool: {TOOL}-{VERSION}"]},
    }
    return json.dumps(head | body, indent=2, ensure_ascii=False) + "\n"


def _id(one: Component) -> str:
    # The name alone could be the same for two packages once it is written in allowed letters.
    mark = hashlib.sha256(one.purl.encode()).hexdigest()[:12]
    name = re.sub(r"[^A-Za-z0-9.-]+", "-", f"{one.ecosystem}-{one.name}-{one.version}")
    return f"SPDXRef-Package-{name.strip('-')[:100]}-{mark}"


def _package(one: Component, id: str) -> dict[str, Any]:
    place = without_login(one.source)
    located = (
        place
        if one.kind is SourceKind.URL and _URL.fullmatch(place)
        else place
        if one.kind is SourceKind.GIT and re.fullmatch(r"git\+https?://[\w.:-]+/[!-~]*", place)
        else _NONE
    )
    hashes = one_per_algorithm(one.hashes)
    declared = expression(one.licence) if one.licence else ""
    # A reference of another list would have to come with the text of the licence.
    if "LicenseRef" in declared:
        declared = ""
    return {
        "SPDXID": id,
        "name": one.name,
        **({"versionInfo": one.version} if one.version else {}),
        "downloadLocation": located,
        "filesAnalyzed": False,
        **(
            {
                "checksums": [
                    {"algorithm": a.replace("-", ""), "checksumValue": h} for a, h in hashes
                ]
            }
            if hashes
            else {}
        ),
        "licenseConcluded": _NONE,
        "licenseDeclared": declared or _NONE,
        "copyrightText": _NONE,
        "externalRefs": [
            {
                "referenceCategory": "PACKAGE-MANAGER",
                "referenceType": "purl",
                "referenceLocator": one.purl,
            }
        ],
    }


def _related(a: str, kind: str, b: str) -> dict[str, str]:
    return {"spdxElementId": a, "relationshipType": kind, "relatedSpdxElement": b}
