"""dependencies.toml: what a full one means, how each mistake is told, and what may tighten it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from headgate.model.dependency_policy import (
    DependencyPolicy,
    Level,
    LicenceRules,
    NewPackageRules,
    ProvenanceRules,
    VulnerabilityRules,
)
from headgate.model.errors import BadInput
from headgate.model.finding import Severity
from headgate.model.purl import Package, parse_purl
from headgate.model.toml.policy_file import parse_policy
from headgate.model.toml.project_file import parse_project

FULL = """\
humans = "deny"
agents = "warn"
approvers = ["security"]

[approved]
pypi = ["Markup_Safe"]
[index]
npm = "https://registry.example/"
[downloads]
npm = "https://counts.example"

[[allow]]
package = "pkg:npm/%40acme/*"
versions = "vers:npm/>=1.0.0|<2.0.0"
projects = ["shop"]
[[deny]]
package = "pkg:pypi/PyCrypto"
reason = "Unmaintained."
use-instead = "pkg:pypi/pycryptodome"
[[registries]]
name = "internal"
ecosystem = "pypi"
address = "https://pypi.example/simple"
packages = ["Acme_*"]

[new]
minimum-age-days = 14
minimum-downloads = 500
similar-names = "warn"
[vulnerabilities]
introduced = "medium"
existing = "critical"
epss = 0.5
stale-after-days = 2
service-levels = {critical = 3}
[licences]
allow = ["permissive"]
deny = ["AGPL-3.0-only"]
unknown = "warn"
[sources]
addresses = ["git+https://git.example/"]
registries = ["registry.example"]
[provenance]
require = ["pkg:npm/%40acme/*"]

[[exceptions]]
package = "pkg:pypi/jinja2"
advisories = ["CVE-2024-1"]
owner = "ada"
approvers = ["grace"]
reason = "Templates are ours."
since = 2026-01-01
expires = "2026-06-30"
justification = "vulnerable_code_not_in_execute_path"
"""
POLICY = '[groups]\nsecurity = ["grace"]\n'
EXCEPTION = FULL[FULL.index("[[exceptions]]") :]


def parse(text: str, policy: str = POLICY) -> DependencyPolicy:
    files = {"policy.toml": policy.encode(), "dependencies.toml": text.encode()}
    return parse_policy(files).dependencies


def test_a_full_one() -> None:
    found = parse(FULL)
    assert (found.humans, found.agents, found.approvers) == ("deny", "warn", ("security",))
    assert found.index == {"npm": "https://registry.example"}
    (allow,) = found.allow
    assert allow.package.covers("npm", "@acme/thing")
    assert not allow.package.covers("npm", "acme-thing")
    assert (allow.projects, allow.place.file, allow.place.line) == (
        ("shop",),
        "dependencies.toml",
        12,
    )
    assert found.deny[0].package == Package("pypi", "pycrypto")
    assert found.registries[0].packages == ("acme-*",)
    assert (found.new.minimum_age, found.new.minimum_release_age) == (14, 3)
    assert found.new.similar_names is Level.WARN
    rules = found.vulnerabilities
    assert (rules.introduced, rules.existing) == (Severity.MEDIUM, Severity.CRITICAL)
    assert (rules.service_levels[Severity.CRITICAL], rules.service_levels[Severity.HIGH]) == (3, 30)
    assert found.licences.given
    (exception,) = found.exceptions
    assert exception.expires - exception.since == 180 * 86_400


def test_the_guide_shows_the_defaults() -> None:
    guide = Path(__file__).parents[2] / "docs" / "how-to" / "dependency-policy.md"
    blocks = re.findall(r"```toml\n(.*?)```", guide.read_text(), re.DOTALL)
    found = parse("\n".join(blocks))
    assert found.new == NewPackageRules()
    assert found.vulnerabilities == VulnerabilityRules()
    assert found.licences.unknown is LicenceRules().unknown
    assert found.provenance.lost is ProvenanceRules().lost
    assert (found.humans, found.agents) == (DependencyPolicy().humans, DependencyPolicy().agents)


def test_the_same_may_stand_in_policy_toml() -> None:
    text = POLICY + '[dependencies]\nhumans = "deny"\n[[dependencies.deny]]\n'
    text += 'package = "pkg:cargo/openssl"\nreason = "Use rustls."\n'
    found = parse_policy({"policy.toml": text.encode()}).dependencies
    assert found.deny[0].place.line == 5
    with pytest.raises(
        BadInput, match=r"policy.toml:3: dependencies: there is a dependencies.toml"
    ):
        parse("", text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("zzz = 1", "dependencies.toml:1: zzz: unknown key"),
        ("[new]\nminimum-age = 3", "dependencies.toml:2: new.minimum-age: unknown key. Did you"),
        ("approvers = ['ops']", "approvers: there is no group `ops`"),
        ("[[allow]]\nversions = 'x'", "dependencies.toml:1: allow[0]: has no `package`"),
        ("[[allow]]\npackage = 'jinja2'", "`jinja2` is not a package URL"),
        ("[[allow]]\npackage = 'pkg:pypi/a@1'", "`pkg:pypi/a@1` names a version"),
        ("[[allow]]\npackage = 'pkg:pypi/a'\nversions = '>=1'", "`>=1` is not a range of versions"),
        (
            "[[allow]]\npackage = 'pkg:pypi/a'\nversions = 'vers:npm/1'",
            "the range is of npm, and the package of pypi",
        ),
        (
            "[[allow]]\npackage = 'pkg:pypi/a'\nversions = 'vers:pypi/>=1||<2'",
            "`` is no comparison",
        ),
        ("[[deny]]\npackage = 'pkg:pypi/a'", "dependencies.toml:1: deny[0]: has no `reason`"),
        (
            "[[deny]]\npackage = 'pkg:pypi/a'\nreason = 'x'\nuse-instead = 'pkg:'",
            "use-instead: `pkg:",
        ),
        ("[[registries]]\naddress = 'https://x'", "has no `name`"),
        ("[[registries]]\nname = 'x'", "has no `address`"),
        ("[[registries]]\nname = 'x'\naddress = 'x'\npackages = ['a']", "not an http(s) address"),
        ("[[registries]]\nname = 'x'\naddress = 'https://x'", "has no `packages`"),
        ("[vulnerabilities]\nintroduced = 'bad'", "`bad` is none of low, medium, high, critical"),
        ("[vulnerabilities]\nepss = 2", "2 is not between 0 and 1"),
        ("[vulnerabilities]\nepss = 'x'", "expected a number"),
        ("[vulnerabilities.service-levels]\nhigh = 0", "0 is not between 1 and 3650"),
        ("[licences]\nunknown = 'maybe'", "`maybe` is none of ignore, warn, deny"),
        ("[provenance]\nrequire = ['x']", "`x` is not a package URL"),
        ("[[exceptions]]\npackage = 'pkg:pypi/a'", "names neither `advisories` nor `rules`"),
        (EXCEPTION.replace("owner", "#"), "has no `owner`"),
        (EXCEPTION.replace('approvers = ["grace"]', "approvers = []"), "approvers: is empty"),
        (EXCEPTION.replace("since = 2026-01-01", ""), "has no `since`"),
        (EXCEPTION.replace("2026-06-30", "2026-07-01"), "is 181 days after `since`"),
        (EXCEPTION.replace("2026-06-30", "2026-01-01"), "is 0 days after `since`"),
        (EXCEPTION.replace("2026-06-30", "soon"), "expected a day such as 2026-12-31"),
        (EXCEPTION.replace("since = 2026-01-01", "since = 2026-01-01T00:00:00"), "expected a day"),
        (EXCEPTION.replace("vulnerable_code_not_in_execute_path", "x"), "`x` is none of component"),
        (EXCEPTION + 'rules = ["licences"]', "there is no rule `licences`. Did you mean `licence`"),
    ],
)
def test_mistakes_are_told_with_their_place(text: str, message: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse(text)
    assert message in str(caught.value)
    assert str(caught.value).startswith("dependencies.toml:")


def test_a_project_may_only_tighten() -> None:
    found = parse_project('[dependencies]\nhumans = "deny"\n[dependencies.new]\nyoung = "deny"\n')
    assert found.dependencies is not None
    assert (found.dependencies.humans, found.dependencies.agents) == ("deny", "warn")
    assert found.dependencies.new.similar_names is Level.IGNORE
    for key in ("approved = {}", "exceptions = []", "index = {}", "allow = []", "sources = {}"):
        with pytest.raises(BadInput, match="may only tighten the policy, and this would permit"):
            parse_project(f"[dependencies]\n{key}\n")
    with pytest.raises(BadInput, match=r"headgate.toml:2: dependencies.human: unknown key"):
        parse_project("[dependencies]\nhuman = 'deny'\n")


@pytest.mark.parametrize(
    ("text", "package"),
    [
        ("pkg:pypi/Jinja_2@3.1", Package("pypi", "jinja-2", "3.1")),
        ("pkg:npm/%40acme/lib@1.0.0-rc.1", Package("npm", "@acme/lib", "1.0.0-rc.1")),
        ("pkg:npm/@acme/lib", Package("npm", "@acme/lib")),
        ("pkg:maven/org.x/lib@1", Package("maven", "org.x:lib", "1")),
        ("pkg:golang/github.com/a/b@v1?x=y#z", Package("golang", "github.com/a/b", "v1")),
    ],
)
def test_package_urls(text: str, package: Package) -> None:
    assert parse_purl(text) == package
    assert parse_purl(package.purl) == package


@pytest.mark.parametrize("text", ["", "pkg:", "pkg:pypi", "pkg:pypi/", "http://x", "pkg:pypi/ /"])
def test_what_is_no_package_url(text: str) -> None:
    with pytest.raises(BadInput, match=r"is not a package URL|names no package"):
        parse_purl(text)
