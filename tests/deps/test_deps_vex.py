"""Exceptions as VEX, VEX as exceptions, and the ignore files of other tools."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from headgate.deps.importing import read_foreign
from headgate.deps.policy.exceptions import Term, term
from headgate.deps.vex import as_object, cyclonedx, openvex, read_openvex
from headgate.model.dependency_policy import Place, PolicyException
from headgate.model.errors import BadInput
from headgate.model.purl import Package
from headgate.model.toml.policy_file import parse_policy

NOW = 1_800_000_000.0
DAY = 86_400.0
HARMLESS = PolicyException(
    Package("npm", "@acme/thing"),
    "ada",
    "Never called.",
    ("grace", "bea"),
    NOW - DAY,
    NOW + 30 * DAY,
    advisories=("CVE-1", "GHSA-1"),
    justification="vulnerable_code_not_in_execute_path",
    place=Place("dependencies.toml", 4),
)
ACCEPTED = PolicyException(
    Package("pypi", "x"), "ada", "For now.", ("bea",), NOW - DAY, NOW + DAY, advisories=("CVE-2",)
)
OVER = PolicyException(Package("pypi", "y"), "ada", "-", ("bea",), 0.0, DAY, advisories=("CVE-3",))
TODAY = date(2027, 1, 15)


def test_exceptions_as_openvex_and_back() -> None:
    document = openvex((HARMLESS, ACCEPTED, OVER), "https://headgate.example", NOW)
    assert document["@context"] == "https://openvex.dev/ns/v0.2.0"
    assert [
        (one["vulnerability"]["name"], one["status"], one["products"][0]["@id"])
        for one in document["statements"]
    ] == [
        ("CVE-1", "not_affected", "pkg:npm/%40acme/thing"),
        ("GHSA-1", "not_affected", "pkg:npm/%40acme/thing"),
        ("CVE-2", "affected", "pkg:pypi/x"),
    ]
    assert "Accepted by bea until 2027-01-16" in document["statements"][2]["action_statement"]
    assert document == openvex((HARMLESS, ACCEPTED, OVER), "https://headgate.example", NOW)
    back = read_openvex(json.dumps(document), "vex/a.json")
    assert [(one.package, one.advisories) for one in back] == [
        (HARMLESS.package, ("CVE-1",)),
        (HARMLESS.package, ("GHSA-1",)),
    ]
    # What a document settles lasts as long as an exception may, and no longer.
    assert term(back[0], NOW) is Term.RUNNING
    assert term(back[0], HARMLESS.since + 180 * DAY) is Term.EXPIRED


def test_exceptions_as_cyclonedx() -> None:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    document = cyclonedx((HARMLESS, ACCEPTED, OVER), NOW)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(document)) is None
    analyses = [one["analysis"] for one in document["vulnerabilities"]]
    assert [a["state"] for a in analyses] == ["not_affected", "not_affected", "exploitable"]
    assert analyses[0]["justification"] == "code_not_reachable"
    shown = as_object(HARMLESS, NOW)
    assert (shown["term"], shown["place"]) == ("running", "dependencies.toml:4")


def statement(**more: Any) -> dict[str, Any]:
    return {
        "vulnerability": {"name": "CVE-1", "aliases": ["GHSA-1"]},
        "products": [{"@id": "pkg:oci/app", "subcomponents": [{"@id": "pkg:pypi/x@1.0"}]}],
        "status": "fixed",
        **more,
    }


def vex(*statements: Any, **more: Any) -> str:
    document = {"@context": "https://openvex.dev/ns/v0.2.0", "author": "ada", **more}
    document["timestamp"] = document.get("timestamp", "2027-01-01T00:00:00Z")
    return json.dumps(document | {"statements": list(statements)})


def test_statements_of_others() -> None:
    open_ = statement(status="under_investigation")
    found = read_openvex(vex(statement(), open_), "a.json")
    assert [(one.package.purl, one.versions) for one in found] == [
        ("pkg:oci/app", ""),
        ("pkg:pypi/x", "vers:pypi/1.0"),
    ]
    assert found[0].advisories == ("CVE-1", "GHSA-1")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "a.json is not an OpenVEX document"),
        ('{"@context": "x"}', "a.json is not an OpenVEX document"),
        (vex(3), "a.json: a statement is no object"),
        (vex(statement(vulnerability={})), "statements[0] names no vulnerability"),
        (vex(statement(), timestamp="soon"), "statements[0] has no timestamp"),
        (vex(statement(justification="so")), "`so` is no justification"),
        (vex(statement(products=["app"])), "statements[0] names no product by a package URL"),
        (vex(statement(products=["pkg:x"])), "`pkg:x` is not a package URL"),
    ],
)
def test_documents_that_cannot_be_understood(text: str, message: str) -> None:
    with pytest.raises(BadInput) as caught:
        read_openvex(text, "a.json")
    assert message in str(caught.value)


OSV_SCANNER = """\
[[IgnoredVulns]]
id = "GHSA-1"
ignoreUntil = 2027-02-01T00:00:00Z
reason = "Not reached"
[[IgnoredVulns]]
id = "CVE-2"
[[PackageOverrides]]
name = "lib"
ecosystem = "PyPI"
ignore = true
[[PackageOverrides]]
name = "other"
license.override = ["MIT"]
"""
DENY = """\
[advisories]
ignore = ["RUSTSEC-1", {id = "RUSTSEC-2", reason = "Old"}, {crate = "yanked@1"}]
[bans]
deny = ["openssl", {crate = "old:<1.0", use-instead = "new"}, {name = "odd", version = "~1"}]
[licenses]
allow = ["MIT"]
exceptions = [{allow = ["MPL-2.0"], crate = "x"}]
[sources]
unknown-git = "deny"
"""
TRIVY = """\
vulnerabilities:
  - id: CVE-1
    purls: [pkg:npm/%40acme/x@1.0.0, pkg:pypi/y]
    statement: No
    expired_at: 2027-01-10
  - id: CVE-2
misconfigurations:
  - id: AVD-1
licenses:
  - id: GPL-3.0
"""
SNYK = """\
version: v1.25.0
ignore:
  SNYK-JS-LODASH-1:
    - 'a > lodash@4.17.20':
        reason: None given
        expires: 2027-03-01T00:00:00.000Z
  SNYK-PYTHON-X-2:
    - '*': {}
patch:
  npm:x:1: []
"""


@pytest.mark.parametrize(
    ("name", "text", "wanted", "left_out"),
    [
        ("osv-scanner.toml", OSV_SCANNER, ['"GHSA-1"', "expires = 2027-02-01", '"CVE-2"'], 2),
        (
            "sub/deny.toml",
            DENY,
            ['"RUSTSEC-2"', '"pkg:cargo/openssl"', '"vers:cargo/<1.0"', 'allow = ["MIT"]'],
            4,
        ),
        (
            ".trivyignore.yaml",
            TRIVY,
            [
                '"pkg:npm/%40acme/x"',
                '"vers:npm/1.0.0"',
                "expires = 2027-01-16  # there: 2027-01-10",
            ],
            2,
        ),
        (".snyk", SNYK, ['"pkg:npm/lodash"', "expires = 2027-03-01", "None given"], 3),
        ("a.openvex.json", vex(statement()), ['"pkg:pypi/x"', "expires = 2027-06-30"], 0),
    ],
)
def test_files_of_other_tools_become_drafts(
    name: str, text: str, wanted: list[str], left_out: int
) -> None:
    draft = read_foreign(name, text)
    toml = draft.toml(name, TODAY)
    for part in wanted:
        assert part in toml
    assert len(draft.left_out) == left_out, draft.left_out
    # With what a person has to say filled in, it is a policy.
    filled = toml.replace("pkg:TODO/TODO", "pkg:pypi/z").replace("TODO", "somebody")
    parse_policy({"policy.toml": b"", "dependencies.toml": filled.encode()})


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("notes.txt", "", "notes.txt is of no tool that is known"),
        ("deny.toml", "x = [", "deny.toml is not TOML"),
        ("deny.toml", "[advisories]\nignore = [3]", "advisories.ignore[0] has no id"),
        ("deny.toml", "[bans]\ndeny = [{}]", "bans.deny[0] names no crate"),
        ("osv-scanner.toml", "[[IgnoredVulns]]\nreason = 'x'", "IgnoredVulns[0] has no id"),
        (".snyk", "a: [", ".snyk is not YAML"),
        (".snyk", "- a", ".snyk is no mapping"),
        (".snyk", "ignore: {X: [3]}", "ignore.X[0] is no mapping of a path"),
        (".snyk", "a: &a [1]\nb: *a", ".snyk uses aliases of YAML"),
        (".trivyignore.yaml", "vulnerabilities: [{}]", "vulnerabilities[0] has no id"),
        (".trivyignore.yaml", "x" * (5 << 20), "is larger than 4 MB"),
    ],
)
def test_files_that_cannot_be_taken(name: str, text: str, message: str) -> None:
    with pytest.raises(BadInput) as caught:
        read_foreign(name, text)
    assert message in str(caught.value)
