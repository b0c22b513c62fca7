"""Who can affect whom, by what they touch and what their jobs are shown."""

from __future__ import annotations

import time
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.gate.trials.footprint import UNKNOWN, Footprint, Shown, blamed, conflict, matching
from headgate.model.patterns import matches
from headgate.model.queue import BranchKey
from headgate.model.scopes import Scope, affected

APP = BranchKey("app", "main")
LIB = BranchKey("lib", "main")


def touching(
    *paths: str,
    key: BranchKey = APP,
    shown: tuple[Shown, ...] = (),
    moved: tuple[str, ...] = (),
    scopes: Mapping[str, Scope] | None = None,
) -> Footprint:
    touched, out_of = {key: frozenset(paths)}, {key: frozenset(moved)} if moved else {}
    return Footprint(touched, out_of, shown, {key: affected(scopes, paths)} if scopes else {})


SCOPES = {
    "api": Scope(("api/**", "openapi.yaml")),
    "web": Scope(("web/**",), ("api", "style")),
    "style": Scope(("style/**",)),
    "site": Scope(("site/**",), ("web",)),
}
"""The site is built from web, and web from the other two."""


def of(path: str) -> Footprint:
    """A change to one file of a project with these scopes."""
    return touching(path, scopes=SCOPES)


def job(*patterns: str, project: str = "app", branch: str = "main") -> tuple[Shown, ...]:
    return (Shown(project, frozenset({branch}), patterns, f"{project}/tests"),)


@pytest.mark.parametrize(
    ("one", "other", "words"),
    [
        (touching("a/x"), touching("b/x"), ""),
        (touching("a/x"), touching("a/x"), "both touch a/x"),
        (touching("a/x", shown=job("a/**")), touching("b/x", shown=job("b/**")), ""),
        (touching("a/x", shown=job("*")), touching("b/x"), "shown what the other touches"),
        (touching("a/x", shown=job()), touching("b/x"), "job app/tests of one is shown"),
        (touching("a/x", shown=job()), touching("b/x", key=LIB), ""),
        (touching("a", shown=job(project="lib")), touching("b", key=LIB), "app of one", ),
        (touching("a/x", shown=job()), touching("b", key=BranchKey("app", "old")), ""),
        (touching("uv.lock"), touching("pyproject.toml"), "both touch python:"),
        (touching("x/uv.lock"), touching("y/uv.lock"), ""),
        (touching("db/migrations/1.sql"), touching("db/migrations/2.sql"), "series:db/migr"),
        (touching("a/y", moved=("a",)), touching("a/new"), "moves files that are beside a/new"),
        (touching("a"), UNKNOWN, "not known yet"),
        (touching("a"), touching("a/b/c"), "one has a file and the other a directory at a"),
        (touching("rpc/a.proto"), touching("rpc/b.proto"), "both touch api:rpc"),
        (touching("rpc/a.proto"), touching("b.proto"), ""),
        (touching("v1/proto/x/a.proto"), touching("v1/proto/y/b.proto"), "both touch api:v1/proto"),
        (touching("OpenAPI.v2.yaml"), touching("openapi.json"), "both touch api:"),
        (touching("openapi-notes.md"), touching("openapi.json"), ""),
        (of("api/x"), of("openapi.yaml"), "both are in the scope api"),
        (of("api/x"), of("docs/x"), ""),
        (of("api/x"), of("style/x"), "both affect the scope site, which needs api and style"),
        (of("web/x"), of("api/x"), "both affect the scope web, which needs api"),
        (of("web/x"), of("site/x"), "both affect the scope site, which needs web"),
        (of("api/x"), touching("api/y", key=LIB, scopes=SCOPES), ""),
    ],
)  # fmt: skip
def test_who_can_affect_whom(one: Footprint, other: Footprint, words: str):
    words = words.replace("app of one", "job lib/tests of one")
    for found in (conflict(one, other), conflict(other, one)):
        assert words in found
        assert bool(found) == bool(words)


PATHS = st.frozensets(st.sampled_from(["a/1", "a/2", "b/1", "b/c/1", "d", "uv.lock"]), min_size=1)
NAMES = ("p", "q", "r", "s")
GRAPHS = st.fixed_dictionaries(
    {name: st.sets(st.sampled_from(NAMES[at + 1 :] or ("",))) for at, name in enumerate(NAMES)}
).map(lambda g: {n: Scope((f"{n}/**",), tuple(sorted(need - {""}))) for n, need in g.items()})
"""Scopes that need others, never in a circle."""


@given(GRAPHS, st.sampled_from(NAMES))
def test_a_scope_is_affected_by_just_what_it_can_be_reached_from(
    scopes: dict[str, Scope], touched: str
):
    found = affected(scopes, [f"{touched}/x"])
    reached = {touched}
    for _ in NAMES:
        reached |= {n for n, s in scopes.items() if not reached.isdisjoint(s.needs)}
    assert found == dict.fromkeys(reached, touched)


LOOKS = st.lists(
    st.sampled_from([(), ("a/**",), ("b/c/**",), ("d",), ("*",)]).map(lambda p: job(*p)[0]),
    max_size=2,
).map(tuple)
FOOTPRINTS = st.builds(lambda paths, shown: Footprint({APP: paths}, {}, shown), PATHS, LOOKS)


@given(FOOTPRINTS, FOOTPRINTS)
def test_whoever_does_not_conflict_shows_the_others_jobs_nothing(one: Footprint, other: Footprint):
    assert conflict(one, other) == "" or conflict(other, one) != ""
    if not conflict(one, other):
        assert not one.touched[APP] & other.touched[APP]
        for mine, theirs in ((one, other), (other, one)):
            assert not any(s.covers(APP, theirs.touched[APP]) for s in mine.shown)


@given(FOOTPRINTS, FOOTPRINTS, FOOTPRINTS)
def test_being_together_only_adds_conflicts(one: Footprint, two: Footprint, other: Footprint):
    if conflict(one, other):
        assert conflict(one.and_(two), other)


def test_only_whoever_touches_what_a_job_is_shown_is_blamed_and_all_when_that_is_unclear():
    members = [(1, touching("a/x")), (2, touching("b/x")), (3, touching("x", key=LIB))]
    assert blamed(members, job("a/**")) == (1,)
    assert blamed(members, job()) == (1, 2)
    assert blamed(members, job("c/**")) == ()
    assert blamed([*members, (4, UNKNOWN)], job("a/**")) == (1, 2, 3, 4)


PARTS_OF_PATHS = st.sampled_from(["a", "b", "ab", "a.py"])
PLACES = st.lists(PARTS_OF_PATHS, min_size=1, max_size=4).map("/".join)
PATTERNS = st.lists(st.sampled_from(["a", "b", "*", "**", "a*", "*.py"]), min_size=1, max_size=4)


@given(
    st.lists(PATTERNS.map("/".join), min_size=1, max_size=3),
    st.frozensets(PLACES, max_size=8),
)
def test_many_paths_fit_patterns_as_each_of_them_does(patterns: list[str], paths: frozenset[str]):
    one_by_one = any(matches(path, patterns) for path in paths)
    assert matching(tuple(patterns), paths) == one_by_one


def test_ten_thousand_files_are_held_against_all_that_wait_in_no_time():
    many = frozenset(f"vendor/{n % 100}/{n}.js" for n in range(10_000))
    started = time.process_time()
    for n in range(100):
        assert not matching((f"src/{n}/**", "/pyproject.toml"), many)
    assert time.process_time() - started < 2.0, "a path at a time it takes a minute"
