"""Licences: what statements mean, and what rules say of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.deps.licences import (
    Rules,
    Standing,
    category,
    expression,
    from_classifiers,
    judge,
    stated,
)


@pytest.mark.parametrize(
    ("statement", "means"),
    [
        ("MIT", "MIT"),
        ("mit", "MIT"),
        ("(MIT OR Apache-2.0)", "MIT OR Apache-2.0"),
        ("MIT/Apache-2.0", "MIT OR Apache-2.0"),
        ("Apache License 2.0", "Apache-2.0"),
        ("The MIT License", "MIT"),
        ("GPL-2.0+", "GPL-2.0-or-later"),
        ("GPL-2.0-or-later WITH Classpath-exception-2.0",) * 2,
        ("", ""),
        ("UNLICENSED", ""),
        ("SEE LICENSE IN LICENSE.md", ""),
        ("MIT OR", ""),
        ("what is this", ""),
        ("MIT\n" * 1000, ""),
    ],
)
def test_statements(statement: str, means: str) -> None:
    assert expression(statement) == means


def test_the_most_definite_field_counts() -> None:
    mit = ["License :: OSI Approved :: MIT License"]
    assert stated("Apache-2.0", "BSD", mit) == "Apache-2.0"
    assert stated("", "BSD", mit) == "BSD-3-Clause"
    assert stated("", "The whole text of a licence " * 50, mit) == "MIT"
    assert from_classifiers(["License :: OSI Approved", *mit]) == "MIT"
    assert from_classifiers(["License :: Other/Proprietary License", *mit]) == ""
    assert from_classifiers([]) == ""


def test_categories() -> None:
    assert category("apache-2.0") == "permissive"
    assert category("GPL-3.0-only") == "copyleft"
    assert category("LGPL-2.1-only") == "copyleft limited"
    assert category("no-such-thing") == ""


PERMISSIVE = Rules(allow=("permissive",), deny=("copyleft", "AGPL-3.0-only"))


@pytest.mark.parametrize(
    ("statement", "rules", "standing"),
    [
        ("MIT", Rules(), Standing.ALLOWED),
        ("MIT", PERMISSIVE, Standing.ALLOWED),
        ("GPL-3.0-only", PERMISSIVE, Standing.DENIED),
        ("LGPL-2.1-only", PERMISSIVE, Standing.UNLISTED),
        ("LGPL-2.1-only", Rules(allow=("copyleft-limited",)), Standing.ALLOWED),
        ("lgpl-2.1-only", Rules(allow=("LGPL-2.1-only",)), Standing.ALLOWED),
        ("MIT OR GPL-3.0-only", PERMISSIVE, Standing.ALLOWED),
        ("MIT AND GPL-3.0-only", PERMISSIVE, Standing.DENIED),
        ("MIT AND LGPL-2.1-only", PERMISSIVE, Standing.UNLISTED),
        ("(MIT AND GPL-3.0-only) OR (MIT AND BSD-2-Clause)", PERMISSIVE, Standing.ALLOWED),
        ("MIT OR NoSuchLicence", PERMISSIVE, Standing.ALLOWED),
        ("MIT AND NoSuchLicence", PERMISSIVE, Standing.UNKNOWN),
        ("NoSuchLicence", Rules(), Standing.UNKNOWN),
        ("", Rules(), Standing.UNKNOWN),
        # An exception takes from what its licence asks.
        ("GPL-2.0-only WITH Classpath-exception-2.0", PERMISSIVE, Standing.UNLISTED),
        (
            "GPL-2.0-only WITH Classpath-exception-2.0",
            Rules(deny=("GPL-2.0-only",)),
            Standing.DENIED,
        ),
        (
            "GPL-2.0-only WITH Classpath-exception-2.0",
            Rules(allow=("GPL-2.0-only WITH Classpath-exception-2.0",), deny=("GPL-2.0-only",)),
            Standing.ALLOWED,
        ),
    ],
)
def test_rules(statement: str, rules: Rules, standing: Standing) -> None:
    opinion = judge(statement, rules)
    assert opinion.standing is standing, opinion
    assert opinion.reason


@given(st.text(max_size=60))
def test_no_statement_is_too_strange(statement: str) -> None:
    judge(statement, PERMISSIVE)


KNOWN = st.sampled_from(["MIT", "GPL-3.0-only", "LGPL-2.1-only", "NoSuchLicence"])
_BEST = (Standing.ALLOWED, Standing.UNLISTED, Standing.UNKNOWN, Standing.DENIED)


@given(KNOWN, KNOWN)
def test_a_choice_is_as_good_as_its_best(a: str, b: str) -> None:
    best = min((judge(x, PERMISSIVE).standing for x in (a, b)), key=_BEST.index)
    assert judge(f"{a} OR {b}", PERMISSIVE).standing is best
