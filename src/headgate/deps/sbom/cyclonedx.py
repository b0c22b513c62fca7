"""CycloneDX 1.6 in JSON: https://cyclonedx.org/docs/1.6/json/"""

from __future__ import annotations

import json
from typing import Any

from headgate.deps.inventory import Component, Inventory
from headgate.deps.licences import expression
from headgate.deps.lockfiles.interface import Relation, Scope
from headgate.deps.sbom.hashes import leftover, one_per_algorithm
from headgate.deps.sbom.subject import TOOL, VERSION, Subject, printable

_TYPES = {"docker": "container", "githubactions": "application", "github": "application"}
PLACE, RELATION, HASH = "headgate:place", "headgate:relation", "headgate:hash"
"""Names of properties that CycloneDX has no fields for."""


def cyclonedx(inventory: Inventory, subject: Subject) -> str:
    """The document. What could not be read makes it declare itself incomplete."""
    root = f"project:{subject.shown}@{subject.commit or 'working-tree'}"
    direct = [c.purl for c in inventory.components if c.relation is not Relation.TRANSITIVE]
    body: dict[str, Any] = {
        "metadata": {
            "timestamp": subject.time,
            "tools": {"components": [{"type": "application", "name": TOOL, "version": VERSION}]},
            "component": {
                "type": "application",
                "bom-ref": root,
                "name": subject.shown,
                **({"version": subject.commit} if subject.commit else {}),
            },
            "properties": [
                {
                    "name": "headgate:unread",
                    "value": printable(_told(problem.message, problem.span)),
                }
                for problem in inventory.problems
            ],
        },
        "components": [_component(one) for one in inventory.components],
        "dependencies": [
            {"ref": root, "dependsOn": direct},
            *({"ref": c.purl, "dependsOn": list(c.requires)} for c in inventory.components),
        ],
        "compositions": [
            {
                "aggregate": "incomplete" if inventory.problems else "complete",
                "assemblies": [root],
            }
        ],
    }
    if not inventory.problems:
        del body["metadata"]["properties"]
    head = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": subject.identity(json.dumps(body)).urn,
        "version": 1,
    }
    return json.dumps(head | body, indent=2, ensure_ascii=False) + "\n"


def _told(message: str, span: Any) -> str:
    return f"{span.path}:{span.line}: {message}"


def _component(one: Component) -> dict[str, Any]:
    group, name = _split(one)
    hashes = one_per_algorithm(one.hashes)
    properties = [
        {"name": RELATION, "value": one.relation.value},
        *({"name": PLACE, "value": printable(f"{s.path}:{s.line}")} for s in one.places),
        *({"name": HASH, "value": h} for h in leftover(one.hashes, hashes)),
    ]
    found: dict[str, Any] = {
        "type": _TYPES.get(one.ecosystem, "library"),
        "bom-ref": one.purl,
        **({"group": group} if group else {}),
        "name": name,
        **({"version": one.version} if one.version else {}),
        # CycloneDX: excluded components are "for test and other non-runtime purposes".
        "scope": "excluded" if one.scope is Scope.DEVELOPMENT else "required",
        **({"hashes": [{"alg": a, "content": h} for a, h in hashes]} if hashes else {}),
        **_licences(one.licence),
        "purl": one.purl,
        "properties": properties,
    }
    return found


def _split(one: Component) -> tuple[str, str]:
    mark = ":" if one.ecosystem == "maven" else "/"
    group, _, name = one.name.rpartition(mark)
    return group, name or one.name


def _licences(stated: str) -> dict[str, Any]:
    if not stated:
        return {}
    if found := expression(stated):
        return {"licenses": [{"expression": found}]}
    return {"licenses": [{"license": {"name": printable(stated)}}]}
