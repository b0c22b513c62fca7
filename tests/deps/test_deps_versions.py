"""Orderings of versions: as the ecosystems' own tools order them, and total."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.deps.versions import ORDERINGS, BadVersion, compare, ordering_of
from headgate.deps.versions.interface import LONGEST

TABLES = sorted((Path(__file__).parent / "version_tables").glob("*.txt"))
SIGNS = {"<": -1, "=": 0, ">": 1}


@pytest.mark.parametrize("table", TABLES, ids=lambda path: path.stem)
def test_versions_come_in_the_order_of_their_own_tools(table: Path) -> None:
    ordering = ordering_of(table.stem.replace("@", ":"))
    assert ordering is not None
    wrong: list[str] = []
    for line in table.read_text("utf-8").splitlines():
        if line.startswith("#"):
            continue
        a, sign, b = line.split(" ")
        if (compare(ordering, a, b), compare(ordering, b, a)) != (SIGNS[sign], -SIGNS[sign]):
            wrong.append(line)
    assert wrong == []


@pytest.mark.parametrize(
    ("ecosystem", "versions"),
    [
        ("npm", ["", "latest", "1.x", "12.", "x.1", "1.2.3 4", "=", "٣.1.2"]),
        ("Go", ["", "master", "go"]),
        ("GitHub Actions", ["v4", "v4.1", "main", "8f4b7f84864484a7bf31766abe9204da3cbe65b3"]),
        ("Hackage", ["", "1.", "1.a", "1-2"]),
        ("CRAN", ["", "1.a", "1..2"]),
        ("Alpine:3.18", ["", "a", "1_blah", "1.2-x", "1..2"]),
        ("Debian:12", ["", "1 2", "a:1", ":"]),
        ("Rocky Linux:9", ["", "1 2", "1:"]),
        ("RubyGems", ["", "a", "1..2", "1 2"]),
        ("NuGet", ["", "a.b"]),
        ("Packagist", ["", " "]),
        ("Maven", ["", "1 2"]),
        ("PyPI", ["", " ", ">=3", "==1.*", "latest", "1 2", "file:///x"]),
        ("Linux", ["", "next", "6.1.2.3.4"]),
    ],
)
def test_what_is_no_version_has_no_place(ecosystem: str, versions: list[str]) -> None:
    ordering = ordering_of(ecosystem)
    assert ordering is not None
    for version in [*versions, "1" * (LONGEST + 1)]:
        with pytest.raises(BadVersion):
            ordering.key(version)


@pytest.mark.parametrize("ecosystem", ["Android", "GIT", "OSS-Fuzz", "Nowhere", "TuxCare", ""])
def test_some_ecosystems_have_no_order(ecosystem: str) -> None:
    assert ordering_of(ecosystem) is None


def test_a_rebuilt_ecosystem_has_the_order_of_what_it_rebuilds() -> None:
    assert ordering_of("TuxCare:Alpine:v3.16") is ordering_of("Alpine")
    assert ordering_of("Echo:PyPI") is ordering_of("PyPI")
    assert ordering_of("Echo") is ordering_of("Debian:12")
    assert ordering_of("TuxCare:TuxCare:npm") is None


PIECES = [
    "0", "1", "2", "10", "01", ".", ".", ".", "-", "+", "~", "^", "_", ":", "!", "a", "b", "rc",
    "alpha", "beta", "pre", "dev", "post", "p", "_p", "_rc", "-r1", "sp", "final", "snapshot", "v",
    "X", "é", "stable", "patch", "20200101",
]  # fmt: skip
VERSIONS = st.one_of(
    st.lists(st.sampled_from(PIECES), min_size=1, max_size=7).map("".join),
    st.tuples(
        st.sampled_from(["1", "1.2", "1.2.3", "0.1", "v1.2.3"]),
        st.lists(st.sampled_from(PIECES), max_size=3).map("".join),
    ).map("".join),
)
QUALIFIED = st.from_regex(
    r"[0-9]{1,2}(\.[0-9]{1,2}){0,3}([.-](alpha|beta|milestone|rc|cr|ga|final|sp|jre|SNAPSHOT)"
    r"([.-]?[0-9]{1,2})?){0,2}(-SNAPSHOT)?",
    fullmatch=True,
)
"""Versions as people write them for Maven, whose own order goes in circles among odder ones:
`0.1.` before `0.1b..rc` before `0.1final0rc01` before `0.1.`."""
KINDS = sorted({named: name for name, named in ORDERINGS.items()}.values())


@pytest.mark.parametrize("ecosystem", KINDS)
@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_every_order_is_total(ecosystem: str, data: st.DataObject) -> None:
    ordering = ordering_of(ecosystem)
    assert ordering is not None
    one = QUALIFIED if "Maven" in ecosystem else VERSIONS
    versions = data.draw(st.tuples(one, one, one))
    try:
        keys = [ordering.key(version) for version in versions]
    except BadVersion:
        return
    for a in keys:
        assert not a < a
        for b in keys:
            assert not (a < b and b < a)
            for c in keys:
                if not b < a and not c < b:
                    assert not c < a, versions


@pytest.mark.parametrize("ecosystem", KINDS)
@settings(max_examples=20, deadline=None)
@given(version=st.text(max_size=30))
def test_any_text_is_a_version_or_told_to_be_none(ecosystem: str, version: str) -> None:
    ordering = ordering_of(ecosystem)
    assert ordering is not None
    try:
        key = ordering.key(version)
    except BadVersion:
        return
    assert not key < ordering.key(version)
