"""What the policy minds about packages, rule by rule."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.deps.index.interface import Existence, PackageFacts, Release
from headgate.deps.may_add import Reply, may_add
from headgate.deps.policy.assess import Asked, Evidence, assess
from headgate.deps.policy.danger import Advisory, Arrival, Known, Matched
from headgate.deps.policy.exceptions import unused
from headgate.deps.policy.standing import Place as Who
from headgate.deps.policy.tighten import tightened
from headgate.deps.policy.vers import Inside, inside
from headgate.model.dependency_policy import (
    NOTHING,
    AllowRule,
    DenyRule,
    DependencyPolicy,
    Level,
    LicenceRules,
    NewPackageRules,
    Place,
    PolicyException,
    ProvenanceRules,
    Registry,
    VulnerabilityRules,
)
from headgate.model.finding import Severity
from headgate.model.purl import Package, parse_purl

NOW = 1_800_000_000.0
DAY = 86_400.0
NOTHING_KNOWN = Evidence()
AGENT, HUMAN = Who("shop", strict=True), Who("shop", strict=False)
THING = Package("pypi", "some-thing", "1.0")
APPROVED = DependencyPolicy(approved={"pypi": ("some-thing",)})


def facts(package: Package = THING, **release: Any) -> PackageFacts:
    """An old package of two releases, of which the last is a month old."""
    old = Release(NOW - 1000 * DAY, attested=True, scripts=(), publisher="ada", licence="MIT")
    new = replace(replace(old, published=NOW - 30 * DAY), **release)
    return PackageFacts(
        package.name,
        Existence.EXISTS,
        asked=NOW,
        address="https://index.example",
        first=NOW - 1000 * DAY,
        latest="1.0",
        licence="MIT",
        releases={"0.9": old, "1.0": new},
    )


def rules(
    package: Package,
    policy: DependencyPolicy,
    evidence: Evidence = NOTHING_KNOWN,
    who: Who = AGENT,
    **more: Any,
) -> dict[str, Severity]:
    found = assess(package, policy, who, evidence, now=NOW, **more)
    return {concern.rule: concern.severity for concern in found.concerns}


# -- standing --------------------------------------------------------------------------------


def test_new_packages_wait_for_approval_when_agents_add_them() -> None:
    assert rules(THING, DependencyPolicy()) == {"unapproved": Severity.HIGH}
    assert rules(THING, DependencyPolicy(), who=HUMAN) == {"unapproved": Severity.LOW}
    assert rules(THING, APPROVED) == {}
    assert rules(THING, DependencyPolicy(), granted={("pypi", "some-thing")}) == {}
    # What another package brings along, and what was there before, was decided about then.
    assert rules(THING, DependencyPolicy(), asked=Asked.INDIRECTLY) == {}
    assert rules(THING, DependencyPolicy(), asked=Asked.BEFORE) == {}
    assert rules(Package("docker", "alpine", "3"), DependencyPolicy()) == {}


def test_an_allowance_may_be_for_versions_and_projects() -> None:
    rule = AllowRule(Package("pypi", "some-*"), "vers:pypi/>=1.0|<2.0", ("sh*",))
    policy = DependencyPolicy(allow=(rule,))
    assert rules(THING, policy) == {}
    assert rules(replace(THING, version="2.0"), policy) == {"unapproved": Severity.HIGH}
    assert rules(replace(THING, version=""), policy) == {"unapproved": Severity.HIGH}
    assert rules(replace(THING, version="2.0"), policy, asked=Asked.BEFORE) == {
        "unapproved": Severity.HIGH
    }
    assert rules(THING, policy, who=Who("other", strict=True)) == {"unapproved": Severity.HIGH}


def test_a_denial_wins_and_names_what_to_take() -> None:
    rule = DenyRule(
        Package("pypi", "some-thing"),
        "Old.",
        "vers:pypi/<1.5",
        "pkg:pypi/other",
        place=Place("d", 3),
    )
    policy = replace(APPROVED, deny=(rule,))
    (concern,) = assess(THING, policy, HUMAN, Evidence(), now=NOW).concerns
    assert (concern.rule, concern.severity) == ("denied", Severity.HIGH)
    assert "forbidden in the versions vers:pypi/<1.5 by d:3: Old." in concern.message
    assert "Use `pkg:pypi/other` instead." in concern.remedy
    assert rules(replace(THING, version="1.5"), policy) == {}
    # Which version is installed is not known: it may be a denied one.
    (concern,) = assess(replace(THING, version=""), policy, HUMAN, Evidence(), now=NOW).concerns
    assert "or pin a version outside of vers:pypi/<1.5" in concern.remedy


@given(
    st.lists(st.tuples(st.sampled_from(["<", "<=", ">", ">="]), st.integers(0, 9)), max_size=1),
    st.integers(0, 9),
    st.integers(0, 9),
    st.integers(0, 9),
)
def test_ranges_are_what_they_say(
    one: list[tuple[str, int]], low: int, high: int, version: int
) -> None:
    text = f"{version}.0"
    if one:
        sign, bound = one[0]
        truth = {
            "<": version < bound,
            "<=": version <= bound,
            ">": version > bound,
            ">=": version >= bound,
        }[sign]
        assert inside(f"vers:pypi/{sign}{bound}", text) is (Inside.YES if truth else Inside.NO)
    if low < high:
        between = low <= version < high
        wanted = Inside.YES if between else Inside.NO
        assert inside(f"vers:npm/<{high}.0.0|>={low}.0.0", f"{version}.0.0") is wanted
        # Outside of a gap, written as the specification does.
        outside = inside(f"vers:pypi/<{low}|>={high}", text)
        assert outside is (Inside.NO if between else Inside.YES)
    assert inside(f"vers:pypi/!={version}", text) is Inside.NO
    assert inside("vers:pypi/*", text) is Inside.YES


def test_ranges_of_what_nobody_can_compare() -> None:
    assert inside("vers:npm/>=1.0.0", "not a version") is Inside.UNKNOWN
    assert inside("vers:pypi/>=1", "") is Inside.UNKNOWN
    assert inside("vers:docker/3.19", "3.19") is Inside.YES
    assert inside("vers:docker/>=3.19", "3.20") is Inside.UNKNOWN


# -- newness ---------------------------------------------------------------------------------

_QUIET = replace(DependencyPolicy(humans="warn", agents="warn"), approved={})


@pytest.mark.parametrize(
    ("change", "rule", "words"),
    [
        ({"first": NOW - 5 * DAY}, "too-young", "is 5 days old (the policy wants 30 days)"),
        ({"downloads": 3}, "too-young", "was downloaded 3 times last month"),
        ({"status": "quarantined"}, "malicious", "under quarantine"),
        ({"status": "archived"}, "deprecated", "it is archived"),
    ],
)
def test_what_is_minded_of_a_new_package(change: dict[str, Any], rule: str, words: str) -> None:
    policy = replace(_QUIET, new=NewPackageRules(minimum_downloads=10))
    found = assess(THING, policy, HUMAN, Evidence(replace(facts(), **change)), now=NOW)
    (concern,) = [c for c in found.concerns if c.rule == rule]
    assert words in concern.message
    # An approved one is not new.
    settled = replace(policy, approved={"pypi": ("some-thing",)})
    assert rule not in rules(THING, settled, Evidence(replace(facts(), **change)))


@pytest.mark.parametrize(
    ("change", "rule", "severity"),
    [
        ({"published": NOW - DAY}, "too-young", Severity.LOW),
        ({"yanked": "broken"}, "yanked", Severity.HIGH),
        ({"publisher": "mallory"}, "maintainers-changed", Severity.LOW),
        ({"attested": False}, "provenance", Severity.LOW),
        ({"deprecated": "use other"}, "deprecated", Severity.LOW),
        ({"scripts": ("postinstall: x",)}, "install-script", Severity.LOW),
    ],
)
def test_what_is_minded_of_a_release(change: dict[str, Any], rule: str, severity: Severity) -> None:
    found = rules(THING, _QUIET, Evidence(facts(**change)), HUMAN)
    assert found == {"unapproved": Severity.LOW, rule: severity}
    silent = replace(
        _QUIET,
        new=replace(NOTHING.new, minimum_release_age=3, minimum_age=30),
        provenance=NOTHING.provenance,
    )
    assert rules(THING, silent, Evidence(facts(**change)), HUMAN) == {"unapproved": Severity.LOW}


def test_a_release_that_does_not_exist_and_one_without_required_attestation() -> None:
    ghost = replace(THING, version="7.7")
    assert rules(ghost, APPROVED, Evidence(facts())) == {"does-not-exist": Severity.HIGH}
    strict = replace(APPROVED, provenance=ProvenanceRules(require=(parse_purl("pkg:pypi/some-*"),)))
    assert rules(THING, strict, Evidence(facts(attested=None))) == {"provenance": Severity.HIGH}
    moved = replace(facts(), before=("ada",), maintainers=("mallory",))
    assert rules(THING, APPROVED, Evidence(moved)) == {"maintainers-changed": Severity.LOW}


def test_names_that_imitate_are_denied_until_approved_under_their_own_name() -> None:
    squat = Package("pypi", "requestss", "1.0")
    found = rules(squat, DependencyPolicy(), Evidence(facts(squat)), HUMAN)
    assert found["similar-name"] is Severity.HIGH
    assert rules(squat, DependencyPolicy(), granted={("pypi", "requestss")}) == {}
    missing = PackageFacts("requestss", Existence.MISSING, address="https://index.example")
    (concern,) = assess(squat, DependencyPolicy(), HUMAN, Evidence(missing), now=NOW).concerns
    assert "Did you mean `requests`?" in concern.remedy


def test_licences_and_versions_that_are_not_pinned() -> None:
    strict = replace(APPROVED, licences=LicenceRules(deny=("MIT",), unknown=Level.WARN))
    assert rules(THING, strict, Evidence(facts())) == {"licence": Severity.HIGH}
    assert rules(THING, strict, Evidence(facts(), licence="ISC")) == {}
    assert rules(THING, strict, Evidence()) == {"licence": Severity.LOW}
    # The project's own file asks for more.
    own = replace(NOTHING, licences=LicenceRules(allow=("Apache-2.0",)))
    both = tightened(APPROVED, [own])
    assert rules(THING, both, Evidence(facts())) == {"licence": Severity.HIGH}
    pinned = replace(APPROVED, new=NewPackageRules(unpinned=Level.DENY))
    assert rules(replace(THING, version=""), pinned) == {"unpinned": Severity.HIGH}


# -- danger ----------------------------------------------------------------------------------


def known(*advisories: Advisory) -> Evidence:
    return Evidence(matched=Matched(Known.AFFECTED, advisories))


MEDIUM = Advisory("CVE-1", ("GHSA-1",), "It leaks", Severity.MEDIUM, 5.0, fixed="1.1")


@pytest.mark.parametrize(
    ("advisory", "policy", "severity"),
    [
        (MEDIUM, VulnerabilityRules(), Severity.MEDIUM),
        (MEDIUM, VulnerabilityRules(introduced=Severity.MEDIUM), Severity.HIGH),
        (replace(MEDIUM, severity=Severity.CRITICAL), VulnerabilityRules(), Severity.CRITICAL),
        (replace(MEDIUM, severity=Severity.CRITICAL), VulnerabilityRules(None), Severity.MEDIUM),
        (replace(MEDIUM, severity=None), VulnerabilityRules(), Severity.HIGH),
        (replace(MEDIUM, exploited=True), VulnerabilityRules(), Severity.HIGH),
        (replace(MEDIUM, epss=0.9), VulnerabilityRules(epss=0.5), Severity.HIGH),
        (replace(MEDIUM, malware=True), VulnerabilityRules(None), Severity.CRITICAL),
    ],
)
def test_what_a_vulnerability_means(
    advisory: Advisory, policy: VulnerabilityRules, severity: Severity
) -> None:
    (found,) = rules(THING, replace(APPROVED, vulnerabilities=policy), known(advisory)).values()
    assert found is severity


def test_one_finding_however_many_names() -> None:
    twice = known(MEDIUM, Advisory("GHSA-1", ("CVE-1",)), Advisory("CVE-2"))
    found = assess(THING, APPROVED, AGENT, twice, now=NOW).concerns
    assert [concern.advisories for concern in found] == [("CVE-1", "GHSA-1"), ("CVE-2",)]
    assert "(CVE-1 = GHSA-1; medium, CVSS 5.0): It leaks." in found[0].message
    assert "Use some-thing 1.1 or newer" in found[0].remedy


def test_what_is_not_known_is_not_clean() -> None:
    unknown = Evidence(matched=Matched(Known.UNKNOWN, reason="no version is known"))
    assert rules(THING, APPROVED, unknown) == {"unknown": Severity.LOW}
    deny = replace(APPROVED, vulnerabilities=VulnerabilityRules(unknown=Level.DENY))
    assert rules(THING, deny, unknown) == {"unknown": Severity.HIGH}


def test_what_was_there_before_has_a_threshold_of_its_own() -> None:
    bad = known(replace(MEDIUM, severity=Severity.CRITICAL))
    assert rules(THING, APPROVED, bad, arrival=Arrival.EXISTING) == {"vulnerable": Severity.MEDIUM}
    strict = replace(APPROVED, vulnerabilities=VulnerabilityRules(existing=Severity.HIGH))
    assert rules(THING, strict, bad, arrival=Arrival.EXISTING) == {"vulnerable": Severity.CRITICAL}


# -- exceptions ------------------------------------------------------------------------------

EXCEPTION = PolicyException(
    Package("pypi", "some-*"),
    "ada",
    "Ours.",
    ("grace",),
    NOW - DAY,
    NOW + DAY,
    advisories=("ghsa-1",),
    versions="vers:pypi/<2",
    projects=("shop",),
)


@pytest.mark.parametrize(
    ("change", "covered"),
    [
        ({}, True),
        ({"projects": ("other",)}, False),
        ({"versions": "vers:pypi/<1"}, False),
        ({"advisories": ("CVE-9",)}, False),
        ({"since": NOW + 1}, False),
        ({"expires": NOW}, False),
        ({"advisories": (), "rules": ("vulnerable",)}, True),
        ({"package": Package("npm", "some-thing")}, False),
    ],
)
def test_what_an_exception_covers(change: dict[str, Any], covered: bool) -> None:
    one = replace(EXCEPTION, **change)
    policy = replace(APPROVED, exceptions=(one,))
    found = assess(THING, policy, AGENT, known(MEDIUM), now=NOW)
    assert (not found.concerns) is covered
    assert unused(policy.exceptions, [one] if covered else [], NOW) == (
        () if covered or one.expires <= NOW or one.since > NOW else (one,)
    )
    if one.expires <= NOW:
        assert [old for _, old in found.settled.expired] == [one]


def test_nothing_excuses_malware_and_no_exception_covers_an_unknown_version() -> None:
    policy = replace(APPROVED, exceptions=(replace(EXCEPTION, rules=("malicious",)),))
    assert rules(THING, policy, known(replace(MEDIUM, malware=True))) == {
        "malicious": Severity.CRITICAL
    }
    assert "vulnerable" in rules(replace(THING, version=""), policy, known(MEDIUM))


# -- answers ---------------------------------------------------------------------------------


def test_answers() -> None:
    def ask(package: Package, evidence: Evidence, policy: DependencyPolicy = APPROVED) -> Any:
        return may_add(package, policy, AGENT, evidence, now=NOW)

    fine = ask(THING, Evidence(facts()))
    assert (fine.reply, fine.remedy, fine.known_at) == (Reply.ALLOW, "", NOW)
    other = Package("pypi", "some-thingy", "1.0")
    new = ask(other, Evidence(facts(other)))
    assert (new.reply, new.alternative) == (Reply.NEEDS_APPROVAL, "pkg:pypi/some-thing")
    bad = ask(THING, known(replace(MEDIUM, severity=Severity.HIGH)))
    assert (bad.reply, bad.alternative) == (Reply.DENY, "pkg:pypi/some-thing@1.1")
    assert bad.advisories == ("CVE-1", "GHSA-1")
    silent = PackageFacts("some-thing", Existence.UNKNOWN, "answered 503", address="https://i")
    doubtful = ask(THING, Evidence(silent))
    assert doubtful.reply is Reply.NEEDS_APPROVAL  # Not known is not allowed.
    assert doubtful.known_at is None
    assert "https://i answered 503" in doubtful.reasons[0]


# -- tightening ------------------------------------------------------------------------------

_LEVELS = st.sampled_from(list(Level))
_SEVERITIES = st.one_of(st.none(), st.sampled_from([Severity.LOW, Severity.HIGH]))
_POLICIES = st.builds(
    DependencyPolicy,
    humans=st.sampled_from(["warn", "deny"]),
    agents=st.sampled_from(["warn", "deny"]),
    new=st.builds(
        NewPackageRules,
        minimum_age=st.integers(0, 90),
        young=_LEVELS,
        yanked=_LEVELS,
        install_scripts=_LEVELS,
    ),
    vulnerabilities=st.builds(VulnerabilityRules, introduced=_SEVERITIES, unknown=_LEVELS),
    deny=st.sampled_from([(), (DenyRule(Package("pypi", "x"), "y"),)]),
)


@given(_POLICIES, _POLICIES)
def test_a_projects_own_file_never_loosens(
    central: DependencyPolicy, own: DependencyPolicy
) -> None:
    both = tightened(central, [own, None, own])
    young = replace(facts(scripts=("x",), yanked="x"), first=NOW - 40 * DAY)
    danger = Matched(Known.AFFECTED, (MEDIUM,))
    evidence = Evidence(young, danger)
    before, after = rules(THING, central, evidence), rules(THING, both, evidence)
    assert all(after.get(rule, -1) >= severity for rule, severity in before.items())
    assert set(central.deny) | set(own.deny) == set(both.deny)
    assert tightened(central, [NOTHING]) == central


def test_ones_own_names_are_asked_of_ones_own_registry() -> None:
    registry = Registry("internal", "pypi", "https://pypi.example/simple", ("some-*",))
    policy = DependencyPolicy(registries=(registry,))
    assert rules(THING, policy) == {}  # Whoever publishes there is one of us.
    gone = PackageFacts("some-thing", Existence.MISSING, address="https://pypi.example/simple")
    assert rules(THING, policy, Evidence(gone)) == {"does-not-exist": Severity.HIGH}
