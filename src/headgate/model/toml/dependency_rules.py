"""The tables of the policy that hold thresholds: new packages, and vulnerabilities."""

from __future__ import annotations

from headgate.model.dependency_policy import Level, NewPackageRules, VulnerabilityRules
from headgate.model.finding import Severity
from headgate.model.toml.reader import Table

_MOST_DAYS = 3650


def level(table: Table, key: str, default: Level) -> Level:
    """What something means: `ignore`, `warn` or `deny`."""
    return Level(table.choice(key, tuple(Level), default))


def new_packages(table: Table, usual: NewPackageRules) -> NewPackageRules:
    """`[dependencies.new]`; what it does not say is as in `usual`."""
    return NewPackageRules(
        minimum_age=table.integer("minimum-age-days", usual.minimum_age, 0, _MOST_DAYS),
        minimum_release_age=table.integer(
            "minimum-release-age-days", usual.minimum_release_age, 0, _MOST_DAYS
        ),
        minimum_downloads=table.integer("minimum-downloads", usual.minimum_downloads, 0, 1 << 40),
        young=level(table, "young", usual.young),
        similar_names=level(table, "similar-names", usual.similar_names),
        install_scripts=level(table, "install-scripts", usual.install_scripts),
        yanked=level(table, "yanked", usual.yanked),
        deprecated=level(table, "deprecated", usual.deprecated),
        maintainers_changed=level(table, "maintainers-changed", usual.maintainers_changed),
        unpinned=level(table, "unpinned", usual.unpinned),
    )


def vulnerabilities(table: Table, usual: VulnerabilityRules) -> VulnerabilityRules:
    """`[dependencies.vulnerabilities]`; what it does not say is as in `usual`."""
    levels = dict(usual.service_levels)
    if days := table.table("service-levels"):
        for severity in levels:
            levels[severity] = days.integer(severity.word, levels[severity], 1, _MOST_DAYS)
        days.done()
    return VulnerabilityRules(
        introduced=_threshold(table, "introduced", usual.introduced),
        existing=_threshold(table, "existing", usual.existing),
        unknown=level(table, "unknown", usual.unknown),
        kev=level(table, "known-exploited", usual.kev),
        epss=table.number("epss", usual.epss, 0.0, 1.0),
        stale=table.integer("stale-after-days", usual.stale, 1, 365),
        service_levels=levels,
    )


def _threshold(table: Table, key: str, default: Severity | None) -> Severity | None:
    words = [s.word for s in Severity if s > Severity.INFO]
    usual = "none" if default is None else default.word
    word = table.choice(key, (*words, "none"), usual)
    return None if word == "none" else Severity[word.upper()]
