"""The policy about packages: `[dependencies]` of policy.toml, or the file dependencies.toml."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TypeVar

from headgate.model.dependency_policy import (
    LONGEST_EXCEPTION,
    NOTHING,
    AllowRule,
    DenyRule,
    DependencyPolicy,
    LicenceRules,
    NewPackageRules,
    Place,
    PolicyException,
    ProvenanceRules,
    Registry,
    SourceRules,
    VulnerabilityRules,
)
from headgate.model.errors import BadInput
from headgate.model.purl import Package, normalised, parse_purl
from headgate.model.toml.dependency_rules import (
    level as level,
)
from headgate.model.toml.dependency_rules import (
    new_packages,
    vulnerabilities,
)
from headgate.model.toml.reader import Table, nearest

DEPENDENCIES_FILE = "dependencies.toml"
ECOSYSTEMS = ("pypi", "npm")
"""Ecosystems with an index that can be asked."""

FINDING_RULES = (
    "unapproved",
    "denied",
    "does-not-exist",
    "similar-name",
    "too-young",
    "install-script",
    "yanked",
    "deprecated",
    "maintainers-changed",
    "provenance",
    "licence",
    "direct-source",
    "hash-changed",
    "unpinned",
    "vulnerable",
    "unknown",
)
"""What an exception may name: rules of findings, without `dependency/`."""

JUSTIFICATIONS = (
    "component_not_present",
    "vulnerable_code_not_present",
    "vulnerable_code_not_in_execute_path",
    "vulnerable_code_cannot_be_controlled_by_adversary",
    "inline_mitigations_already_exist",
)
"""OpenVEX's reasons why a vulnerability does not touch a product."""

_VERS = re.compile(r"vers:([a-z][a-z0-9.+-]*)/(\S+)")
_COMPARATOR = re.compile(r"(?:<=|>=|!=|<|>|=)?[^<>=!|,\s]+")
_ADDRESS = re.compile(r"https?://[^\s/]+\S*")
T = TypeVar("T")


def read_dependencies(table: Table, groups: Mapping[str, tuple[str, ...]]) -> DependencyPolicy:
    """The policy in a table. Raises BadInput with file, line and key."""
    humans = table.choice("humans", ("warn", "deny"), "warn")
    agents = table.choice("agents", ("warn", "deny"), "deny")
    approvers = table.texts("approvers")
    for at, group in enumerate(approvers):
        if group not in groups:
            remedy = nearest(group, groups) or f'Add {group} = ["…"] under [groups].'
            table.fail("approvers", f"there is no group `{group}`.", remedy, at)
    approved: dict[str, tuple[str, ...]] = {}
    if names := table.table("approved"):
        for ecosystem in ECOSYSTEMS:
            approved[ecosystem] = tuple(
                dict.fromkeys(normalised(ecosystem, n) for n in names.texts(ecosystem))
            )
        names.done()
    found = DependencyPolicy(
        approved=approved,
        index=_addresses(table, "index", "https://pypi.org/simple"),
        humans=humans,
        agents=agents,
        approvers=approvers,
        downloads=_addresses(table, "downloads", "https://api.npmjs.org/downloads"),
        allow=tuple(map(_allow, table.tables("allow"))),
        deny=tuple(map(_deny, table.tables("deny"))),
        registries=tuple(map(_registry, table.tables("registries"))),
        new=_part(table, "new", new_packages, NewPackageRules()),
        vulnerabilities=_part(table, "vulnerabilities", vulnerabilities, VulnerabilityRules()),
        licences=_part(table, "licences", _licences, LicenceRules()),
        sources=_part(table, "sources", _sources, SourceRules()),
        provenance=_part(table, "provenance", _provenance, ProvenanceRules()),
        exceptions=tuple(map(_exception, table.tables("exceptions"))),
    )
    table.done()
    return found


def read_tightening(table: Table) -> DependencyPolicy:
    """`[dependencies]` of a project's headgate.toml, which can only add to what is forbidden.

    Raises BadInput, with the remedy to write it in the policy, for keys that would permit.
    """
    loosening = (
        "allow",
        "approved",
        "approvers",
        "downloads",
        "exceptions",
        "index",
        "registries",
        "sources",
    )
    for key in loosening:
        if table.has(key):
            table.fail(
                key,
                "a project's own file may only tighten the policy, and this would permit.",
                f"Write it in {DEPENDENCIES_FILE} of the policy project.",
            )
    found = DependencyPolicy(
        humans=table.choice("humans", ("warn", "deny"), NOTHING.humans),
        agents=table.choice("agents", ("warn", "deny"), NOTHING.agents),
        deny=tuple(map(_deny, table.tables("deny"))),
        new=_part(table, "new", new_packages, NOTHING.new),
        vulnerabilities=_part(table, "vulnerabilities", vulnerabilities, NOTHING.vulnerabilities),
        licences=_part(table, "licences", _licences, NOTHING.licences),
        provenance=_part(table, "provenance", _provenance, NOTHING.provenance),
    )
    table.done()
    return found


def _part(table: Table, key: str, read: Callable[[Table, T], T], usual: T) -> T:
    inner = table.table(key)
    if inner is None:
        return usual
    found = read(inner, usual)
    inner.done()
    return found


def _addresses(table: Table, key: str, example: str) -> Mapping[str, str]:
    found: dict[str, str] = {}
    if addresses := table.table(key):
        for ecosystem in ECOSYSTEMS:
            if address := addresses.text(ecosystem):
                found[ecosystem] = _address(addresses, ecosystem, address, example)
        addresses.done()
    return found


def _address(table: Table, key: str, address: str, example: str) -> str:
    if not _ADDRESS.fullmatch(address):
        table.fail(key, f"`{address}` is not an http(s) address.", f'E.g. "{example}".')
    return address.rstrip("/")


def _allow(table: Table) -> AllowRule:
    package = _package(table, "package")
    found = AllowRule(
        package=package,
        versions=_versions(table, package),
        projects=table.texts("projects"),
        reason=table.text("reason"),
        place=_place(table),
    )
    table.done()
    return found


def _deny(table: Table) -> DenyRule:
    package = _package(table, "package")
    reason = table.text("reason")
    if not reason:
        table.fail("", "has no `reason`.", "Say why: whoever is denied reads it.")
    instead = table.text("use-instead")
    if instead.startswith("pkg:"):
        _purl(table, "use-instead", instead)
    found = DenyRule(
        package=package,
        reason=reason,
        versions=_versions(table, package),
        use_instead=instead,
        projects=table.texts("projects"),
        place=_place(table),
    )
    table.done()
    return found


def _registry(table: Table) -> Registry:
    name = table.text("name")
    if not name:
        table.fail("", "has no `name`.", 'Give it one, e.g. name = "internal".')
    ecosystem = table.choice("ecosystem", ECOSYSTEMS, "pypi")
    address = table.text("address")
    if not address:
        table.fail("", "has no `address`.", "Give the address of the index.")
    packages = table.texts("packages")
    if not packages:
        table.fail("", "has no `packages`.", 'Name what is yours, e.g. packages = ["acme-*"].')
    found = Registry(
        name=name,
        ecosystem=ecosystem,
        address=_address(table, "address", address, "https://pypi.example/simple"),
        packages=tuple(normalised(ecosystem, one) for one in packages),
        place=_place(table),
    )
    table.done()
    return found


def _licences(table: Table, usual: LicenceRules) -> LicenceRules:
    return LicenceRules(
        allow=table.texts("allow"),
        deny=table.texts("deny"),
        unknown=level(table, "unknown", usual.unknown),
    )


def _sources(table: Table, _: SourceRules) -> SourceRules:
    return SourceRules(addresses=table.texts("addresses"), registries=table.texts("registries"))


def _provenance(table: Table, usual: ProvenanceRules) -> ProvenanceRules:
    return ProvenanceRules(
        require=tuple(_purl(table, "require", one) for one in table.texts("require")),
        lost=level(table, "lost", usual.lost),
    )


def _exception(table: Table) -> PolicyException:
    package = _package(table, "package")
    advisories, rules = table.texts("advisories"), table.texts("rules")
    if not advisories and not rules:
        table.fail(
            "",
            "names neither `advisories` nor `rules`.",
            'Say what it is about, e.g. advisories = ["CVE-2026-1234"].',
        )
    for at, rule in enumerate(rules):
        if rule not in FINDING_RULES:
            remedy = nearest(rule, FINDING_RULES) or f"Known: {', '.join(FINDING_RULES)}."
            table.fail("rules", f"there is no rule `{rule}`.", remedy, at)
    for key in ("owner", "reason", "approvers", "since", "expires"):
        if not table.has(key):
            table.fail("", f"has no `{key}`.", "An exception says who, why, since and until when.")
    since, expires = table.day("since"), table.day("expires")
    assert since is not None
    assert expires is not None
    days = (expires - since) / 86400
    if not 0 < days <= LONGEST_EXCEPTION:
        table.fail(
            "expires",
            f"is {days:.0f} days after `since`, and an exception lasts from 1 to "
            f"{LONGEST_EXCEPTION} days.",
            "Choose an earlier day; look at it again then.",
        )
    approvers = table.texts("approvers")
    if not approvers:
        table.fail("approvers", "is empty.", "Name who agreed to it.")
    justification = ""
    if table.has("justification"):
        justification = table.choice("justification", JUSTIFICATIONS, JUSTIFICATIONS[0])
    found = PolicyException(
        package=package,
        owner=table.text("owner"),
        reason=table.text("reason"),
        approvers=approvers,
        since=since,
        expires=expires,
        advisories=advisories,
        rules=rules,
        versions=_versions(table, package),
        projects=table.texts("projects"),
        justification=justification,
        place=_place(table),
    )
    table.done()
    return found


def _place(table: Table) -> Place:
    return Place(table.file, table.line)


def _package(table: Table, key: str) -> Package:
    text = table.text(key)
    if not text:
        table.fail("", f"has no `{key}`.", f'Give a package URL, e.g. {key} = "pkg:pypi/jinja2".')
    found = _purl(table, key, text)
    if found.version:
        table.fail(
            key,
            f"`{text}` names a version.",
            f'Say it as a range: versions = "vers:{found.ecosystem}/{found.version}".',
        )
    return found


def _purl(table: Table, key: str, text: str) -> Package:
    try:
        return parse_purl(text)
    except BadInput as error:
        table.fail(key, error.message[:1].lower() + error.message[1:], error.remedy)


def _versions(table: Table, package: Package) -> str:
    text = table.text("versions")
    if not text:
        return ""
    match = _VERS.fullmatch(text)
    example = f'E.g. "vers:{package.ecosystem}/>=1.2|<2.0".'
    if match is None:
        table.fail("versions", f"`{text}` is not a range of versions.", example)
    if match[1] != package.ecosystem:
        table.fail(
            "versions",
            f"the range is of {match[1]}, and the package of {package.ecosystem}.",
            example,
        )
    for part in match[2].split("|"):
        if part != "*" and not _COMPARATOR.fullmatch(part):
            table.fail("versions", f"`{part}` is no comparison.", example)
    return text
