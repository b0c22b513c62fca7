"""Patterns mean what gitignore's patterns mean, for the part of its language that we take."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from headgate.model.patterns import Coverage, coverage, matches, name_matches, problem

WORDS = st.sampled_from(["a", "b", "ab", "abc", "src", "x.py", "y.py", "[a]", "A"])
PATHS = st.lists(WORDS, min_size=1, max_size=5).map("/".join)
PARTS = st.sampled_from(["a", "b", "ab", "src", "x.py", "*", "a*", "*.py", "?", "a?c", "*b*", "**"])


@st.composite
def pattern_texts(draw: st.DrawFn) -> str:
    parts = draw(st.lists(PARTS, min_size=1, max_size=4))
    return draw(st.sampled_from(["", "/"])) + "/".join(parts) + draw(st.sampled_from(["", "", "/"]))


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("src/auth/**", "src/auth/token.py", True),
        ("src/auth/**", "src/auth/deep/token.py", True),
        ("src/auth/**", "src/authority.py", False),
        ("src/auth", "src/auth/token.py", True),
        ("*.py", "deep/down/x.py", True),
        ("/*.py", "deep/x.py", False),
        ("docs/", "docs/index.md", True),
        ("docs/", "docs", False),
        ("docs/", "sub/docs/index.md", True),
        ("**/test_*.py", "test_a.py", True),
        ("a/**/b", "a/b", True),
        ("a/**/b", "a/x/y/b", True),
        ("app/[id]/page.tsx", "app/[id]/page.tsx", True),
        ("src/Auth/**", "src/auth/x", False),
        ("odd\nname", "odd\nname", True),
        ("*.\udcff", "x.\udcff", True),
        ("**", "anything/at/all", True),
    ],
)
def test_what_people_write(pattern: str, path: str, expected: bool) -> None:
    assert matches(path, [pattern]) is expected


@pytest.fixture(scope="module")
def ignoring(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A git repository whose .gitignore the test writes: git itself is asked."""
    path = tmp_path_factory.mktemp("ignoring")
    subprocess.run(["git", "init", "-q", str(path)], check=True)
    return path


@given(paths=st.lists(PATHS, min_size=1, max_size=30, unique=True), pattern=pattern_texts())
@settings(max_examples=150, deadline=None)
@example(paths=["a", "a/b", "a/b/c"], pattern="a/**")
@example(paths=["a", "a/b", "a/b/c"], pattern="a/**/")
@example(paths=["a", "b/a", "b/a/c"], pattern="**/a/**")
@example(paths=["a", "a/b"], pattern="**/")
def test_agrees_with_git(ignoring: Path, paths: list[str], pattern: str) -> None:
    (ignoring / ".gitignore").write_text(f"{pattern}\n")
    told = subprocess.run(
        ["git", "check-ignore", "--no-index", "--stdin"],
        cwd=ignoring,
        input="\n".join(paths),
        capture_output=True,
        text=True,
        check=False,
    ).stdout.splitlines()
    assert [path for path in paths if matches(path, [pattern])] == told


@given(path=PATHS, several=st.lists(pattern_texts(), max_size=4))
def test_several_match_when_one_does(path: str, several: list[str]) -> None:
    assert matches(path, several) == any(matches(path, [one]) for one in several)


def test_a_hostile_pattern_costs_little() -> None:
    path = "/".join(["a" * 120] * 60)
    begun = time.perf_counter()
    assert not matches(path, ["*a" * 60 + "b", "**/a*/" * 20 + "b", "**/" + "*a?" * 30 + "b"])
    assert time.perf_counter() - begun < 1


@pytest.mark.parametrize(
    ("pattern", "names", "others"),
    [
        ("critical.*", ["critical.auth", "critical.auth.keys"], ["critical", "uncritical.auth"]),
        ("*", ["anything", "a/b"], []),
        ("jinja/docs", ["jinja/docs"], ["jinja/docs2"]),
        ("*/docs", ["jinja/docs"], ["jinja/tests"]),
        ("py?", ["py3"], ["py", "py39"]),
    ],
)
def test_names(pattern: str, names: list[str], others: list[str]) -> None:
    assert all(name_matches(name, [pattern]) for name in names)
    assert not any(name_matches(name, [pattern]) for name in others)


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("", "empty"),
        ("/", "empty"),
        (" a", "space"),
        ("a\\b", "backslash"),
        ("!a", "negated"),
        ("../a", "never occur"),
        ("a//b", "two slashes"),
        ("a**b", "whole path component"),
    ],
)
def test_patterns_that_cannot_be_meant_are_told(pattern: str, why: str) -> None:
    assert why in problem(pattern)


@given(pattern_texts())
def test_what_we_draw_is_usable(pattern: str) -> None:
    assert problem(pattern) == "" or not pattern.strip("/")


@pytest.mark.parametrize(
    ("directory", "patterns", "expected"),
    [
        ("", ["**"], Coverage.ALL),
        ("", ["src/**"], Coverage.SOME),
        ("src", ["src/**"], Coverage.ALL),
        ("src", ["src/"], Coverage.ALL),
        ("src", ["src"], Coverage.ALL),
        ("src/deep", ["src/*"], Coverage.ALL),
        ("src", ["src/*"], Coverage.ALL),
        ("src", ["src/*.py"], Coverage.SOME),
        ("docs", ["src/**", "/*.md"], Coverage.NONE),
        ("docs", ["*.py"], Coverage.SOME),
        ("a/b", ["a/**/x"], Coverage.SOME),
        ("b", ["a/**/x"], Coverage.NONE),
    ],
)
def test_how_much_of_a_directory_patterns_cover(
    directory: str, patterns: list[str], expected: Coverage
) -> None:
    assert coverage(directory, patterns) is expected


@given(PATHS, PATHS, st.lists(pattern_texts(), min_size=1, max_size=3))
def test_coverage_never_contradicts_what_matches(
    directory: str, below: str, texts: list[str]
) -> None:
    usable = [text for text in texts if not problem(text)]
    found = matches(f"{directory}/{below}", usable)
    covered = coverage(directory, usable)
    assert not (covered is Coverage.ALL and not found)
    assert not (covered is Coverage.NONE and found)
