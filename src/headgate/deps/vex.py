"""Exceptions as VEX documents, and VEX documents as exceptions.

OpenVEX 0.2.0 (https://github.com/openvex/spec) and CycloneDX 1.6 VEX.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, cast

from headgate.deps.index.shapes import items, parsed, table, tables
from headgate.deps.index.times import seconds_of
from headgate.deps.policy.exceptions import Term, term
from headgate.model.dependency_policy import LONGEST_EXCEPTION, Place, PolicyException
from headgate.model.errors import BadInput
from headgate.model.purl import Package, parse_purl
from headgate.model.toml.dependency_policy import JUSTIFICATIONS

OPENVEX = "https://openvex.dev/ns/v0.2.0"
_SETTLED = ("not_affected", "fixed")

_CYCLONEDX = {
    "component_not_present": "code_not_present",
    "vulnerable_code_not_present": "code_not_present",
    "vulnerable_code_not_in_execute_path": "code_not_reachable",
    "vulnerable_code_cannot_be_controlled_by_adversary": "requires_environment",
    "inline_mitigations_already_exist": "protected_by_mitigating_control",
}
"""OpenVEX's justifications in CycloneDX's words."""


def openvex(exceptions: Sequence[PolicyException], author: str, now: float) -> dict[str, Any]:
    """The exceptions that run, as an OpenVEX document.

    One without a justification is `affected`: nobody said that it does no harm, only that it is
    lived with until a day.
    """
    statements = [
        _statement(one, name) for one in _running(exceptions, now) for name in one.advisories
    ]
    digest = hashlib.sha256(repr(statements).encode("utf-8", "replace")).hexdigest()
    return {
        "@context": OPENVEX,
        "@id": f"urn:headgate:vex:{digest[:32]}",
        "author": author,
        "timestamp": _moment(now),
        "version": 1,
        "statements": statements,
    }


def _statement(one: PolicyException, name: str) -> dict[str, Any]:
    statement: dict[str, Any] = {
        "vulnerability": {"name": name},
        "timestamp": _moment(one.since),
        "products": [{"@id": one.package.purl}],
    }
    if one.justification:
        return statement | {
            "status": "not_affected",
            "justification": one.justification,
            "impact_statement": _said(one),
        }
    return statement | {"status": "affected", "action_statement": _said(one)}


def cyclonedx(exceptions: Sequence[PolicyException], now: float) -> dict[str, Any]:
    """The exceptions that run, as a CycloneDX VEX document."""
    running = _running(exceptions, now)
    packages = sorted({one.package for one in running}, key=lambda p: p.purl)
    seed = "".join(f"{one.package.purl}{one.advisories}{one.expires}" for one in running)
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, seed)}",
        "version": 1,
        "metadata": {"timestamp": _moment(now)},
        "components": [
            {"type": "library", "bom-ref": p.purl, "name": p.name, "purl": p.purl} for p in packages
        ],
        "vulnerabilities": [
            {
                "id": name,
                "analysis": _analysis(one),
                "affects": [{"ref": one.package.purl}],
            }
            for one in running
            for name in one.advisories
        ],
    }


def _analysis(one: PolicyException) -> dict[str, Any]:
    found: dict[str, Any] = {
        "detail": _said(one),
        "firstIssued": _moment(one.since),
        "state": "not_affected" if one.justification else "exploitable",
    }
    if one.justification:
        return found | {"justification": _CYCLONEDX[one.justification]}
    return found | {"response": ["will_not_fix"]}


def read_openvex(text: str, file: str) -> tuple[PolicyException, ...]:
    """What an OpenVEX document settles, each for the longest that an exception may last.

    Statements that settle nothing (`affected`, `under_investigation`) are left out. Raises BadInput
    for what is no OpenVEX document, or has a statement that cannot be understood.
    """
    document = parsed(text)
    context = str((document or {}).get("@context", ""))
    if document is None or not context.startswith("https://openvex.dev/ns"):
        raise BadInput(f"{file} is not an OpenVEX document.", "Its @context begins with it.")
    author = str(document.get("author") or "unknown")
    found: list[PolicyException] = []
    statements = tables(document.get("statements"))
    if len(statements) != len(items(document.get("statements"))):
        raise BadInput(f"{file}: a statement is no object.", "Mend the document.")
    for number, one in enumerate(statements):
        if one.get("status") in _SETTLED:
            found += _settled(one, document, author, file, number)
    return tuple(found)


def _settled(
    one: Mapping[str, Any], document: Mapping[str, Any], author: str, file: str, number: int
) -> list[PolicyException]:
    place = f"{file}: statements[{number}]"
    vulnerability = one.get("vulnerability")
    named = table(vulnerability)
    name = vulnerability if isinstance(vulnerability, str) else named.get("name")
    if not isinstance(name, str) or not name:
        raise BadInput(f"{place} names no vulnerability.", "Give vulnerability.name.")
    aliases = tuple(str(alias) for alias in items(named.get("aliases")))
    since = seconds_of(one.get("timestamp") or document.get("timestamp"))
    if since is None:
        raise BadInput(f"{place} has no timestamp.", "Give it, or the document, one.")
    justification = str(one.get("justification") or "")
    if justification and justification not in JUSTIFICATIONS:
        raise BadInput(
            f"{place}: `{justification[:60]}` is no justification.",
            f"Known: {', '.join(JUSTIFICATIONS)}.",
        )
    reason = str(one.get("impact_statement") or one.get("status_notes") or one.get("status"))
    return [
        PolicyException(
            Package(package.ecosystem, package.name),
            owner=author,
            reason=reason[:500],
            approvers=(author,),
            since=since,
            expires=since + LONGEST_EXCEPTION * 86_400,
            advisories=(name, *aliases),
            versions=f"vers:{package.ecosystem}/{package.version}" if package.version else "",
            justification=justification,
            place=Place(file, number + 1),
        )
        for package in _products(one, place)
    ]


def _products(one: Mapping[str, Any], place: str) -> list[Package]:
    found: list[Package] = []
    for product in items(one.get("products")):
        holders = [product, *items(table(product).get("subcomponents"))]
        for holder in holders:
            identifiers = table(table(holder).get("identifiers"))
            given = (
                holder
                if isinstance(holder, str)
                else (identifiers.get("purl") or table(holder).get("@id"))
            )
            if isinstance(given, str) and given.startswith("pkg:"):
                found.append(parse_purl(given))
    if not found:
        raise BadInput(
            f"{place} names no product by a package URL.", "Give products[].identifiers.purl."
        )
    return found


def _running(exceptions: Sequence[PolicyException], now: float) -> list[PolicyException]:
    return [
        one
        for one in exceptions
        if one.advisories and term(one, now) in (Term.RUNNING, Term.ENDING)
    ]


def _said(one: PolicyException) -> str:
    until = datetime.fromtimestamp(one.expires, UTC).date()
    return (
        f"{one.reason} Accepted by {', '.join(one.approvers)} until {until}; {one.owner} owns it."
    )


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def as_object(one: PolicyException, now: float) -> dict[str, Any]:
    """An exception as the command line and the API show it."""
    return cast(
        "dict[str, Any]",
        {
            "package": one.package.purl,
            "advisories": list(one.advisories),
            "rules": list(one.rules),
            "versions": one.versions,
            "projects": list(one.projects),
            "owner": one.owner,
            "reason": one.reason,
            "approvers": list(one.approvers),
            "since": _moment(one.since)[:10],
            "expires": _moment(one.expires)[:10],
            "justification": one.justification,
            "term": term(one, now).value,
            "place": str(one.place),
        },
    )
