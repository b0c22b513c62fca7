"""Regular expressions become patterns only where both match the same paths and branches."""

from __future__ import annotations

import re
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.model import patterns
from headgate.model.patterns import matches, name_matches
from headgate.zuul.expressions import Irregular
from headgate.zuul.patterns import branch_patterns, covers, overlap, path_patterns


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (r"^docs/.*$", ("/docs/",)),
        (r"^docs/.+", ("/docs/",)),
        (r"^.*\.rst$", ("*.rst",)),
        (r"^\.zuul\.yaml$", ("/.zuul.yaml",)),
        (r"^setup.cfg$", ("/setup?cfg", "setup/cfg")),
        (r"^doc/(source|test)/.*$", ("doc/source/", "doc/test/")),
        (r"^(test-|)requirements\.txt$", ("/test-requirements.txt", "/requirements.txt")),
        (r"^README(\.md)?$", ("/README.md", "/README")),
        (r"^roles/[^/]+/tasks/", ("roles/?*/tasks/",)),
        (r"^src/.*/test_.*\.py$", ("src/**/*/test_*.py", "src/**/*/test_*/**/*.py")),
        (r".*", ("**",)),
        (r"^api-[12]/", ("/api-1/", "/api-2/")),
    ],
)
def test_paths(expression: str, expected: tuple[str, ...]) -> None:
    assert path_patterns(expression) == expected


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        (r"(?i)^readme", "upper from lower case"),
        (r"^(?!docs/).*$", "cannot be negated"),
        (r"^a{2}$", r"\{…\}"),
        (r"^a+$", r"`\+` after something other"),
        (r"^[a-z]+$", "too many characters"),
        (r"^[^a]$", r"\[\^…\]"),
        (r"^a\w", r"`\\w`"),
        (r"^a(?=b)", r"`\(\?="),
        (r"^a(b", "not closed"),
        (r"^a)b", "parenthesis too many"),
        (r"^a^b", "in the middle"),
        (r"^[a", "not closed"),
        (r"*a", "nothing before it"),
        (r"^a\*b$", r"a literal `\*`"),
        (r"^a//b$", "matches no path"),
        (r"^$", "matches no path"),
        (r"^\d\d\d", "more alternatives"),
        (r"^ a$", None),
        (r"^(?!a)b$", "followed by something"),
        (r"^x (?#y)", r"`\(\?#"),
    ],
)
def test_what_no_pattern_says_is_refused(expression: str, reason: str | None) -> None:
    if reason is None:
        assert path_patterns(expression) == ("/ a",)
        return
    with pytest.raises(Irregular, match=reason):
        path_patterns(expression)


@pytest.mark.parametrize(
    ("expression", "expected", "negated"),
    [
        ("master", ("master*",), False),
        ("^master$", ("master",), False),
        (r"^stable/.*$", ("stable/*",), False),
        (r"^stable/2024.1$", ("stable/2024?1",), False),
        (r"^(?!stable/(a|b)).*$", ("stable/a*", "stable/b*"), True),
        (r"^(?!feature)", ("feature*",), True),
    ],
)
def test_branches(expression: str, expected: tuple[str, ...], negated: bool) -> None:
    found = branch_patterns(expression)
    assert (found.patterns, found.negated) == (expected, negated)


@pytest.mark.parametrize("expression", [r"^a[^/]*$", r"^a\?$", r"^a $"])
def test_branches_that_no_pattern_names(expression: str) -> None:
    with pytest.raises(Irregular):
        branch_patterns(expression)


_ATOM = st.one_of(
    st.sampled_from(["a", "b", "/", r"\.", "-", ".", ".*", ".+", "[^/]*", "[^/]+", "[ab]", "a?"]),
    st.sampled_from(["(a|b/)", "(/a|)", "(.*/b)?", "(?:a$|b)", "$"]),
)
_EXPRESSION = st.builds(
    lambda start, atoms, end: start + "".join(atoms) + end,
    st.sampled_from(["", "^"]),
    st.lists(_ATOM, max_size=6),
    st.sampled_from(["", "$", "/", ".*$"]),
)
_PATH = st.lists(
    st.text("ab.-", min_size=1, max_size=3).filter(lambda c: c not in (".", "..")),
    min_size=1,
    max_size=4,
).map("/".join)


@given(_EXPRESSION, _PATH)
def test_patterns_match_what_the_expression_does_or_a_directory_above(
    expression: str, path: str
) -> None:
    try:
        found = path_patterns(expression)
    except Irregular:
        return
    assert not [one for one in found if patterns.problem(one)]
    above = accumulate(path.split("/"), lambda left, right: f"{left}/{right}")
    assert matches(path, found) == any(re.match(expression, place) for place in above)


_BRANCH = st.text("ab/-", min_size=1, max_size=6)


@given(_EXPRESSION, _BRANCH)
def test_branch_patterns_match_what_the_expression_does(expression: str, branch: str) -> None:
    try:
        found = branch_patterns(expression)
    except Irregular:
        return
    assert name_matches(branch, found.patterns) == bool(re.match(expression, branch))


_GLOB = st.text("ab*?", max_size=5)


@given(_GLOB, _GLOB, st.text("ab", max_size=5))
def test_what_covers_matches_more_and_what_does_not_overlap_nothing_in_common(
    one: str, other: str, branch: str
) -> None:
    first, second = name_matches(branch, [one]), name_matches(branch, [other])
    if covers(one, other):
        assert first or not second
    if first and second:
        assert overlap(one, other)
