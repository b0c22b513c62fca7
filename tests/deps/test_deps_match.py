"""Which advisories concern a version: by the OSV specification, and by our decisions."""

from __future__ import annotations

import json
from typing import Any

import pytest
from advisory_records import fixed, introduced, osv
from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.deps.advisories.match import match
from headgate.deps.advisories.record import BadRecord, parse
from headgate.deps.advisories.verdict import Answer, Package


def ask(
    package: tuple[str, str, str] | str, *records: dict[str, Any], ecosystem: str = "PyPI"
) -> Answer:
    """The answer on a package, or on a version of `lib`."""
    asked = (ecosystem, "lib", package) if isinstance(package, str) else package
    return match(Package(*asked), [parse(json.dumps(one)) for one in records])


def verdicts(record: dict[str, Any], *versions: str, ecosystem: str = "PyPI") -> list[str]:
    return [ask(one, record, ecosystem=ecosystem).verdict.value for one in versions]


def last_affected(version: str) -> dict[str, str]:
    return {"last_affected": version}


def test_a_range_ends_before_the_fix() -> None:
    found = verdicts(osv("A-1", "lib", introduced("1.0"), fixed("1.5")), "0.9", "1.0", "1.4", "1.5")
    assert found == ["clean", "affected", "affected", "clean"]


def test_a_range_ends_with_the_last_affected_version() -> None:
    record = osv("A-1", "lib", introduced(), last_affected("1.5"))
    assert verdicts(record, "0.0.dev1", "1.5", "1.5.0", "1.6") == ["affected"] * 3 + ["clean"]


def test_events_are_sorted_and_may_stand_apart() -> None:
    record = osv("A-1", "lib", fixed("2.3"), introduced("2.0"), fixed("1.10"), introduced("1.9"))
    found = verdicts(record, "1.8", "1.9", "1.10", "2.0.1", "2.3")
    assert found == ["clean", "affected", "clean", "affected", "clean"]


def test_of_two_events_at_one_version_the_fix_counts_first_unless_it_is_the_beginning() -> None:
    record = osv("A-1", "lib", introduced(), fixed("1.0"), introduced("1.0"), fixed("2.0"))
    assert verdicts(record, "0.9", "1.0", "2.0") == ["affected", "affected", "clean"]
    nothing = osv("A-2", "lib", introduced("0"), fixed("0"))
    assert verdicts(nothing, "0", "1.0") == ["clean", "clean"]
    one = osv("A-3", "lib", introduced("1.0"), last_affected("1.0"))
    assert verdicts(one, "0.9", "1.0", "1.1") == ["clean", "affected", "clean"]


def test_a_limit_ends_what_may_be_affected() -> None:
    record = osv("A-1", "lib", introduced("1.0"), {"limit": "2.0"})
    assert verdicts(record, "1.9", "2.0", "2.1") == ["affected", "clean", "clean"]
    endless = osv("A-1", "lib", introduced("1.0"), {"limit": "*"})
    assert verdicts(endless, "9.0") == ["affected"]


def test_a_local_version_of_the_last_affected_one_is_affected() -> None:
    record = osv("A-1", "lib", introduced(), last_affected("1.2"))
    assert verdicts(record, "1.2+corp", "1.2.post1") == ["affected", "clean"]
    listed = osv("A-1", "lib", versions=["1.2"])
    assert verdicts(listed, "1.2+corp", "1.3+corp") == ["affected", "clean"]
    mended = osv("A-1", "lib", introduced(), fixed("1.2"))
    assert verdicts(mended, "1.2+corp") == ["clean"]


def test_a_listed_version_is_meant_however_it_is_written() -> None:
    record = osv("A-1", "lib", versions=["1.0", "2.0rc1"])
    found = verdicts(record, "1.0", "1.0.0", "v1", "2.0-RC.1", "1.1")
    assert found == ["affected"] * 4 + ["clean"]


def test_a_version_is_affected_by_the_list_or_by_a_range() -> None:
    record = osv("A-1", "lib", introduced("2.0"), fixed("2.1"), versions=["1.0", "2.0"])
    assert verdicts(record, "1.0", "2.0.5", "1.1") == ["affected", "affected", "clean"]


def test_the_ecosystem_decides_the_order_whatever_type_the_range_has() -> None:
    record = osv("A-1", "lib", introduced(), fixed("1.0.post1"))
    record["affected"][0]["ranges"][0]["type"] = "SEMVER"
    assert verdicts(record, "1.0", "1.0.post1") == ["affected", "clean"]


def test_ranges_of_commits_are_passed_over_where_versions_are_told() -> None:
    record = osv("A-1", "lib", introduced(), fixed("1.5"))
    commits = {"type": "GIT", "repo": "https://x", "events": [introduced(), fixed("a" * 40)]}
    record["affected"][0]["ranges"].insert(0, commits)
    assert verdicts(record, "1.4", "1.5") == ["affected", "clean"]


def test_nothing_but_commits_leaves_every_version_in_doubt() -> None:
    record = osv("A-1", "lib")
    record["affected"][0]["ranges"] = [{"type": "GIT", "repo": "x", "events": [introduced()]}]
    found = ask("1.0", record)
    assert found.verdict == "unknown"
    assert found.doubts == ("A-1",)
    assert "whether A-1 concerns 1.0 cannot be told" in found.reason
    # The same package may be told of a second time, with versions.
    record["affected"].append(osv("B", "lib", introduced(), fixed("0.9"))["affected"][0])
    assert verdicts(record, "1.0", "0.8") == ["clean", "affected"]


def test_every_mention_of_a_package_counts() -> None:
    record = osv("A-1", "lib", introduced("1.0"), fixed("1.1"))
    record["affected"] += osv("B", "lib", introduced("2.0"), fixed("2.1"))["affected"]
    record["affected"] += osv("C", "other", introduced())["affected"]
    assert verdicts(record, "1.0", "1.5", "2.0") == ["affected", "clean", "affected"]


def test_a_withdrawn_record_concerns_nothing() -> None:
    record = osv("A-1", "lib", introduced(), withdrawn="2026-02-01T00:00:00Z")
    assert verdicts(record, "1.0") == ["clean"]


def test_a_record_without_packages_is_one() -> None:
    record = osv("A-1", "lib")
    record["affected"] = [{"ranges": [{"type": "GIT", "repo": "x", "events": [introduced()]}]}]
    assert verdicts(record, "1.0") == ["clean"]


@pytest.mark.parametrize("version", ["", "  "])
def test_no_version_is_unknown(version: str) -> None:
    assert ask(version).reason == "no version is known."
    assert ask(version).verdict == "unknown"


def test_a_version_nobody_can_place_is_unknown() -> None:
    record = osv("A-1", "lib", introduced(), fixed("1.5"), ecosystem="npm")
    for version in ("latest", "1.x", "workspace:*"):
        assert ask(version, record, ecosystem="npm").verdict == "unknown"
        assert ask(version, ecosystem="npm").verdict == "unknown"
    every = osv("A-1", "lib", introduced(), ecosystem="npm")
    assert ask("latest", every, ecosystem="npm").verdict == "affected"


@pytest.mark.parametrize("ecosystem", ["Debian:12", "Maven", "Packagist", "PyPI", "Red Hat", "npm"])
@pytest.mark.parametrize(
    "version",
    [
        *("latest", "${lib.version}", "%{version}", "[1.5,)", "^1.5", "~1.5", ">=1.5", "1.x"),
        *("1.*", "N/A", "git+https://host/lib", "12345678" * 5),
    ],
)
def test_what_names_no_one_version_is_unknown_though_a_tool_would_place_it(
    ecosystem: str, version: str
) -> None:
    record = osv("A-1", "lib", introduced("1.0"), fixed("2.0"), ecosystem=ecosystem)
    assert verdicts(record, version, ecosystem=ecosystem) == ["unknown"]


def test_a_version_with_nothing_before_its_local_part_is_answered() -> None:
    record = osv("A-1", "lib", introduced(), last_affected("1.5"), versions=["no version"])
    assert verdicts(record, "+5", "x+5", "1.5+x") == ["affected"] * 3


def test_a_gem_for_a_platform_has_the_version_of_the_gem() -> None:
    record = osv("A-1", "lib", introduced("1.5"), fixed("2.0"), ecosystem="RubyGems")
    found = verdicts(
        record,
        "1.5-java",
        "1.9-x86_64-linux-gnu",
        "2.0-arm64-darwin",
        "2.0.rc1",
        ecosystem="RubyGems",
    )
    assert found == ["affected", "affected", "clean", "affected"]


def test_a_development_branch_of_composer_comes_after_the_versions_it_develops() -> None:
    record = osv("A-1", "a/b", introduced("1.0"), fixed("2.0"), ecosystem="Packagist")
    found = [
        ask(("Packagist", "a/b", version), record).verdict.value
        for version in ("0.x-dev", "1.x-dev", "1.2.x-dev", "2.x-dev")
    ]
    assert found == ["clean", "affected", "affected", "clean"]


def test_a_range_nobody_can_place_is_unknown_but_for_what_is_listed() -> None:
    record = osv(
        "A-1", "lib", introduced("what"), fixed("1.5"), ecosystem="npm", versions=["1.0.0"]
    )
    assert verdicts(record, "1.0.0", "1.1.0", ecosystem="npm") == ["affected", "unknown"]


def test_without_an_order_only_the_list_counts() -> None:
    record = osv("A-1", "lib", ecosystem="OSS-Fuzz", versions=["v1", "v2"])
    assert verdicts(record, "v1", "v3", ecosystem="OSS-Fuzz") == ["affected", "clean"]
    ranged = osv("A-1", "lib", introduced("13:0"), fixed("13:2026-01-01"), ecosystem="Android")
    assert verdicts(ranged, "13:2025-12-01", ecosystem="Android") == ["unknown"]
    every = osv("A-1", "lib", introduced(), ecosystem="Android")
    assert verdicts(every, "13:2025-12-01", ecosystem="Android") == ["affected"]


def test_an_action_pinned_by_a_commit_is_unknown_only_where_records_speak_of_it() -> None:
    record = osv("A-1", "Org/Lib", introduced(), fixed("4.1.3"), ecosystem="GitHub Actions")
    commit = "8f4b7f84864484a7bf31766abe9204da3cbe65b3"
    asked = ("GitHub Actions", "org/lib", commit)
    assert ask(asked, record).verdict == "unknown"
    assert ask(("GitHub Actions", "org/other", commit), record).verdict == "clean"
    assert ask(("GitHub Actions", "org/lib", "v4"), record).verdict == "unknown"
    assert ask(("GitHub Actions", "org/lib", "v4.1.2"), record).verdict == "affected"


@pytest.mark.parametrize(
    ("ecosystem", "written", "asked"),
    [
        ("PyPI", "Flask_Login", "flask.login"),
        ("Packagist", "Symfony/Http-Kernel", "symfony/http-kernel"),
        ("NuGet", "Newtonsoft.Json", "newtonsoft.json"),
        ("crates.io", "serde_json", "serde-json"),
        ("Maven", "org.x:lib", "org.x/lib"),
        ("SwiftURL", "https://github.com/Apple/swift-nio.git", "github.com/apple/swift-nio"),
        ("GitHub Actions", "Org/Action", "org/action"),
        ("TuxCare:PyPI", "A_B", "a-b"),
        ("Debian:12", "openssl", "OpenSSL"),
    ],
)
def test_names_are_compared_as_their_ecosystem_compares_them(
    ecosystem: str, written: str, asked: str
) -> None:
    record = osv("A-1", written, introduced(), ecosystem=ecosystem)
    assert ask((ecosystem, asked, "1.0.0"), record).verdict == "affected"


@pytest.mark.parametrize(
    ("ecosystem", "written", "asked"),
    [
        ("npm", "JSONStream", "jsonstream"),
        ("Go", "github.com/A/b", "github.com/a/b"),
        ("RubyGems", "RedCloth", "redcloth"),
        ("PyPI", "ab", "a-b"),
    ],
)
def test_other_names_are_others(ecosystem: str, written: str, asked: str) -> None:
    record = osv("A-1", written, introduced(), ecosystem=ecosystem)
    assert ask((ecosystem, asked, "1.0.0"), record).verdict == "clean"


@pytest.mark.parametrize(
    ("stated", "asked", "verdict"),
    [
        ("Debian:12", "Debian:12", "affected"),
        ("Debian:12", "Debian:11", "clean"),
        ("Debian:12", "Debian", "affected"),
        ("Debian", "debian:12", "affected"),
        ("Alpine:v3.18", "Alpine:3.18", "affected"),
        ("Alpine:v3.18", "Alpine:v3.1", "clean"),
        ("Ubuntu:22.04:LTS", "Ubuntu:22.04", "affected"),
        ("Ubuntu:Pro:18.04:LTS", "Ubuntu:18.04", "affected"),
        ("Ubuntu:Pro:18.04:LTS", "Ubuntu:18.04:LTS", "clean"),
        ("Ubuntu:Pro:18.04:LTS", "Ubuntu:Pro:18.04", "affected"),
        ("Ubuntu:23.10", "Ubuntu:23.10", "affected"),
        ("Ubuntu:22.04:LTS", "Ubuntu:24.04:LTS", "clean"),
        ("Rocky Linux:9", "rocky linux:9.4", "affected"),
        ("Rocky Linux:9", "Rocky Linux:8", "clean"),
        ("Red Hat:enterprise_linux:9::baseos", "Red Hat:enterprise_linux:9", "affected"),
        ("Red Hat:enterprise_linux:9::baseos", "Red Hat:enterprise_linux:8", "clean"),
        ("openSUSE:Leap 15.6", "openSUSE:Leap 15.5", "clean"),
        ("PyPI", "pypi", "affected"),
        ("crates.io", "cargo", "affected"),
        ("Go", "golang", "affected"),
    ],
)
def test_what_is_said_of_one_release(stated: str, asked: str, verdict: str) -> None:
    record = osv("A-1", "lib", introduced(), ecosystem=stated)
    assert ask((asked, "lib", "1.0"), record).verdict == verdict


def test_records_of_the_same_are_one_and_keep_all_their_names() -> None:
    found = ask(
        "1.0",
        osv("PYSEC-1", "lib", introduced(), fixed("1.5"), aliases=["CVE-1", "GHSA-a"]),
        osv("GHSA-a", "lib", introduced(), fixed("1.4"), aliases=["CVE-1"], summary="Oh"),
        osv("GHSA-b", "lib", introduced(), fixed("2.0"), aliases=["CVE-2"]),
        osv("USN-9", "lib", introduced(), upstream=["CVE-2", "CVE-1"]),
    )
    assert [one.ids for one in found.known] == [("GHSA-a", "PYSEC-1"), ("GHSA-b",), ("USN-9",)]
    assert found.known[0].aliases == ("CVE-1",)
    assert found.known[0].summary == "Oh"
    assert found.known[0].fixed == ("1.4", "1.5")
    assert found.advisories == ("GHSA-a", "GHSA-b", "PYSEC-1", "USN-9")


def test_the_fix_is_one_that_nothing_concerns_the_same_major_version_first() -> None:
    first = osv("A-1", "lib", introduced(), fixed("1.5"), introduced("2.0"), fixed("2.2"))
    second = osv("A-2", "lib", introduced("1.4"), fixed("1.9"), introduced("2.0"), fixed("2.1"))
    assert ask("1.4.2", first, second).fixes == ("1.9",)
    later = osv("A-3", "lib", introduced("1.0"), fixed("2.2"))
    assert ask("1.4.2", first, second, later).fixes == ("2.2",)
    # 1.5 mends the first, and the second begins there.
    worse = osv("A-4", "lib", introduced("1.5"), fixed("1.6"))
    assert ask("1.3", first, worse).fixes == ("2.2",)
    never = ask("1.3", osv("A-5", "lib", introduced()))
    assert (never.fixes, never.reason) == ((), "A-5; fixed in no version that is known.")


def test_the_smallest_version_of_all_is_told_where_it_is_of_another_major_version() -> None:
    record = osv("A-1", "lib", introduced(), fixed("2.1"), introduced("3.0"), fixed("3.1"))
    assert ask("3.0", record).fixes == ("3.1",)
    assert ask("1.0", record).fixes == ("2.1",)


def test_malware_is_told_apart_and_first() -> None:
    found = ask(
        "1.0",
        osv("GHSA-a", "lib", introduced(), fixed("2.0"), database_specific={"severity": "LOW"}),
        osv("MAL-2026-1", "lib", introduced(), summary="Malicious code in lib (PyPI)"),
    )
    assert found.malicious
    assert [one.malicious for one in found.known] == [True, False]
    assert found.reason == "MAL-2026-1: Malicious code in lib (PyPI), and 1 more."
    assert found.known[1].rating == "low"


def test_the_severity_is_the_highest_score_of_its_vectors() -> None:
    vectors = [
        {"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N"},
        {"type": "CVSS_V3", "score": "CVSS:3.1/garbage"},
    ]
    (one,) = ask("1.0", osv("A-1", "lib", introduced(), severity=vectors)).known
    assert (one.score, one.rating) == (6.1, "medium")
    (one,) = ask(
        "1.0", osv("A-1", "lib", introduced(), database_specific={"severity": "MODERATE"})
    ).known
    assert (one.score, one.rating) == (None, "medium")
    word = [{"type": "Ubuntu", "score": "negligible"}]
    (one,) = ask("1.0", osv("A-1", "lib", introduced(), severity=word)).known
    assert (one.score, one.rating) == (None, "low")


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        ({"id": 3}, "`id` is missing or not a text."),
        ({"modified": None}, "`modified` is missing or not a text."),
        ({"modified": "yesterday"}, "`modified` is not a time: 'yesterday'."),
        ({"affected": "all"}, "`affected` is not a list of objects."),
        ({"aliases": [1]}, "`aliases` is not a list of texts."),
    ],
)
def test_a_record_that_cannot_be_read_names_what_it_is_about(
    damage: dict[str, Any], reason: str
) -> None:
    with pytest.raises(BadRecord) as caught:
        parse(json.dumps(osv("A-1", "Lib", introduced()) | damage))
    assert caught.value.message == reason
    assert caught.value.about == (() if "affected" in damage else (("PyPI", "lib"),))


@pytest.mark.parametrize(
    ("events", "reason"),
    [
        ([{"fixed": "1.0"}], "`ranges.events` has no `introduced`."),
        ([{"begun": "1.0"}], "`ranges.events` has an event of no kind."),
        ([{"introduced": 1}], "`introduced` is missing or not a text."),
        (["1.0"], "`events` is not a list of objects."),
    ],
)
def test_a_range_that_cannot_be_read(events: list[Any], reason: str) -> None:
    record = osv("A-1", "lib", introduced())
    record["affected"][0]["ranges"][0]["events"] = events
    with pytest.raises(BadRecord, match=reason.replace(".", r"\.").replace("`", ".")):
        parse(json.dumps(record))


def test_a_text_that_is_cut_off_names_what_it_is_about_all_the_same() -> None:
    text = json.dumps(osv("A-1", "Lib", introduced(), versions=["1.0"]))
    for end in (len(text) - 1, text.index("ranges")):
        with pytest.raises(BadRecord, match="it is not JSON") as caught:
            parse(text[:end])
        assert caught.value.about == (("PyPI", "lib"),)
    half = json.dumps(osv("A-1", "\ud800", introduced())).encode()
    for nothing in (b"", b"\xff\xfe", b"\xed\xa0\x80", b"[" * 100_000, b"[]", b"3", half):
        with pytest.raises(BadRecord):
            parse(nothing)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "package",
                    "name",
                    "ecosystem",
                    "ranges",
                    "events",
                    "type",
                    "introduced",
                    "versions",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(affected=JSON, more=st.dictionaries(st.sampled_from(["aliases", "severity"]), JSON))
def test_any_json_is_a_record_or_told_to_be_none(affected: Any, more: dict[str, Any]) -> None:
    try:
        record = parse(
            json.dumps({"id": "A", "modified": "2026-01-01T00:00:00Z", "affected": affected} | more)
        )
    except BadRecord:
        return
    match(Package("PyPI", "lib", "1.0"), [record])


NUMBERS = st.integers(0, 6)


@settings(max_examples=150, deadline=None)
@given(
    events=st.lists(
        st.tuples(st.sampled_from(["introduced", "fixed"]), NUMBERS), min_size=1, max_size=5
    ),
    asked=NUMBERS,
)
def test_a_range_means_what_the_specification_says(
    events: list[tuple[str, int]], asked: int
) -> None:
    """Against the pseudo-code of the specification, with numbers for versions."""
    events = [("introduced", 0), *events]
    record = osv("A-1", "lib", *({kind: str(version)} for kind, version in events))
    affected = False
    for kind, version in sorted(
        events, key=lambda one: (one[1], one != ("introduced", 0), one[0] != "fixed")
    ):
        if asked >= version:
            affected = kind == "introduced"
    assert verdicts(record, str(asked)) == ["affected" if affected else "clean"]
