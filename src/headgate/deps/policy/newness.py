"""What is looked at when a package, or a release of it, comes to a project."""

from __future__ import annotations

from collections.abc import Iterator

from headgate.deps.ecosystems import said
from headgate.deps.index.interface import Existence, PackageFacts, Release
from headgate.deps.names.signals import Likeness, Signal
from headgate.deps.policy.concern import Concern, severity_of
from headgate.model.dependency_policy import DependencyPolicy, Level, ProvenanceRules
from headgate.model.finding import Severity
from headgate.model.purl import Package

_DAY = 86400.0


def missing(package: Package, facts: PackageFacts, hint: str = "") -> Concern:
    """A package that the index does not know; the mark of an invented name."""
    what = facts.detail or "does not exist"
    return Concern(
        "does-not-exist",
        "Dependency that does not exist",
        f"The package `{package.name}` {what} in the index {facts.address}: the name is probably "
        "invented, and whoever registers it decides what gets installed.",
        f"{hint}Take `{package.name}` out, or name the package that is really meant.",
        Severity.HIGH,
    )


def imitation(package: Package, signal: Signal, policy: DependencyPolicy) -> Iterator[Concern]:
    """A name that resembles a popular one."""
    if policy.new.similar_names is Level.IGNORE:
        return
    what = "what is imported" if signal.likeness is Likeness.IMPORT else "another name"
    yield Concern(
        "similar-name",
        "Dependency with a name like a popular one",
        f"The {said(package.ecosystem)} package `{package.name}` {signal.words}.",
        f"If `{signal.target}` is meant, write that; if `{package.name}` is really meant, have it "
        f"approved under its own name, so that nobody takes it for {what}.",
        severity_of(policy.new.similar_names),
        approvable=True,
    )


def of_package(
    package: Package, facts: PackageFacts, policy: DependencyPolicy, now: float
) -> Iterator[Concern]:
    """What is minded of a package that is new here, as the index tells of it."""
    rules = policy.new
    name = package.name
    if facts.status == "quarantined":
        yield Concern(
            "malicious",
            "Dependency that its index has quarantined",
            f"The index {facts.address} has put `{name}` under quarantine, which it does with what "
            "may be malicious.",
            "Take it out; look for another package.",
            Severity.CRITICAL,
            lasting=True,
        )
    if rules.young is not Level.IGNORE:
        yield from _young(package, facts, policy, now)
    release = facts.release(package.version)
    given_up = release.deprecated if release else ""
    if not given_up and facts.status in ("archived", "deprecated"):
        given_up = f"it is {facts.status}"
    if given_up and rules.deprecated is not Level.IGNORE:
        yield Concern(
            "deprecated",
            "Dependency that its authors gave up",
            f"`{name}` should not be used any more, say its authors: {given_up.rstrip('.')}.",
            "Choose what the authors name instead, or another package.",
            severity_of(rules.deprecated),
        )
    if release and release.scripts and rules.install_scripts is not Level.IGNORE:
        yield Concern(
            "install-script",
            "Dependency that runs code when it is installed",
            f"Installing `{_versioned(package)}` runs {_short(release.scripts)}.",
            "Read what it runs; choose a package that needs none, or install without scripts.",
            severity_of(rules.install_scripts),
            approvable=True,
        )


def of_release(
    package: Package, facts: PackageFacts, policy: DependencyPolicy, now: float
) -> Iterator[Concern]:
    """What is minded of one release, whether the package is new here or not."""
    rules = policy.new
    if not package.version or facts.existence is not Existence.EXISTS:
        return
    release = facts.releases.get(package.version)
    if release is None:
        if facts.releases:
            yield Concern(
                "does-not-exist",
                "Release that does not exist",
                f"The index {facts.address} has `{package.name}`, but no release "
                f"{package.version} of it.",
                f"Choose one that exists; the latest is {facts.latest or 'not known'}.",
                Severity.HIGH,
            )
        return
    if release.yanked is not None and rules.yanked is not Level.IGNORE:
        why = f": {release.yanked.rstrip('.')}" if release.yanked else ""
        yield Concern(
            "yanked",
            "Release that was taken back",
            f"`{_versioned(package)}` was taken back by its authors{why}.",
            f"Choose another release; the latest is {facts.latest or 'not known'}.",
            severity_of(rules.yanked),
        )
    if rules.young is not Level.IGNORE and release.published is not None:
        age = (now - release.published) / _DAY
        if age < rules.minimum_release_age:
            yield Concern(
                "too-young",
                "Release that is too young",
                f"`{_versioned(package)}` was published {_days(age)} ago, and the policy wants "
                f"{rules.minimum_release_age} days: most malicious releases are found within days.",
                "Take an older release, or wait.",
                severity_of(rules.young),
                approvable=True,
            )
    if rules.maintainers_changed is not Level.IGNORE:
        yield from _hands(package, facts, release, policy)
    yield from _attested(package, facts, release, policy.provenance)


def _young(
    package: Package, facts: PackageFacts, policy: DependencyPolicy, now: float
) -> Iterator[Concern]:
    rules = policy.new
    words: list[str] = []
    if facts.first is not None:
        age = (now - facts.first) / _DAY
        if age < rules.minimum_age:
            words.append(f"is {_days(age)} old (the policy wants {rules.minimum_age} days)")
    if facts.downloads is not None and facts.downloads < rules.minimum_downloads:
        words.append(
            f"was downloaded {facts.downloads} times last month "
            f"(the policy wants {rules.minimum_downloads})"
        )
    if words:
        yield Concern(
            "too-young",
            "Dependency that hardly anybody uses yet",
            f"The package `{package.name}` {' and '.join(words)}; a name that was invented, and "
            "then registered by somebody, looks like that.",
            "Choose an established package, or have this one approved.",
            severity_of(rules.young),
            approvable=True,
        )


def _hands(
    package: Package, facts: PackageFacts, release: Release, policy: DependencyPolicy
) -> Iterator[Concern]:
    """Whether others than before publish it."""
    before = _before(facts, package.version)
    earlier = {r.publisher for r in before if r.publisher}
    words = ""
    if release.publisher and earlier and release.publisher not in earlier:
        words = (
            f"`{_versioned(package)}` was published by {release.publisher}, who had published no "
            f"release of it before ({', '.join(sorted(earlier)[:4])} had)"
        )
    elif facts.before:
        words = (
            f"the maintainers of `{package.name}` have changed from {', '.join(facts.before[:4])} "
            f"to {', '.join(facts.maintainers[:4])} since they were last asked for"
        )
    if words:
        yield Concern(
            "maintainers-changed",
            "Dependency that came into other hands",
            f"{words[:1].upper()}{words[1:]}.",
            "See that the change of hands is meant before taking the release.",
            severity_of(policy.new.maintainers_changed),
        )


def _attested(
    package: Package, facts: PackageFacts, release: Release, rules: ProvenanceRules
) -> Iterator[Concern]:
    required = any(one.covers(package.ecosystem, package.name) for one in rules.require)
    if required and not release.attested:
        why = (
            "carries no attestation"
            if release.attested is False
            else ("cannot be seen to carry an attestation: its index tells nothing of them")
        )
        yield Concern(
            "provenance",
            "Release without the attestation that the policy requires",
            f"`{_versioned(package)}` {why} of who built it.",
            "Take a release that is attested.",
            Severity.HIGH,
        )
        return
    if rules.lost is Level.IGNORE or release.attested is not False:
        return
    dated = [r for r in _before(facts, package.version) if r.published is not None]
    latest = max(dated, key=lambda r: r.published or 0.0, default=None)
    if latest is not None and latest.attested:
        yield Concern(
            "provenance",
            "Release that lost its attestation",
            f"`{_versioned(package)}` carries no attestation of who built it, and the release "
            "before it did; so do releases that were published with a stolen password.",
            "Take the release before, or find out from the project why.",
            severity_of(rules.lost),
        )


def _before(facts: PackageFacts, version: str) -> list[Release]:
    """The releases that were published before one."""
    this = facts.releases[version].published
    if this is None:
        return []
    return [r for r in facts.releases.values() if r.published is not None and r.published < this]


def _versioned(package: Package) -> str:
    return f"{package.name} {package.version}".strip()


def _short(words: tuple[str, ...]) -> str:
    text = "; ".join(words)
    return text if len(text) <= 160 else f"{text[:159]}…"


def _days(days: float) -> str:
    whole = max(0, int(days))
    return "less than a day" if whole == 0 else f"{whole} day{'' if whole == 1 else 's'}"
