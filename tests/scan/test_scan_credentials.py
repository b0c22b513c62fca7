"""How many credentials of many formats are found, and how much of what is told is one."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scan_credentials import BAD, GOOD, Case, cases
from scan_work import made_up

from headgate.model.finding import Confidence
from headgate.scan.analyzers.credential_forms import forms
from headgate.scan.analyzers.passwords import find


def found(case: Case) -> list[str]:
    return [case.text[one.start : one.end] for one in find(case.path, case.text)]


def test_recall_and_precision_over_languages_and_formats() -> None:
    right = missed = wrong = 0
    for seed in (1, 2):
        for case in cases(BAD, seed):
            values = found(case)
            hits = [s for s in case.secrets if any(s in value for value in values)]
            right += len(hits)
            missed += len(case.secrets) - len(hits)
            wrong += sum(not any(s in value for s in case.secrets) for value in values)
        wrong += sum(len(found(case)) for case in cases(GOOD, seed))
    assert right / (right + missed) >= 0.9, (right, missed)
    assert right / (right + wrong) >= 0.9, (right, wrong)


def test_a_value_in_a_text_for_people_is_told_softly() -> None:
    value = "Zq" + made_up(10, 5) + "+77"
    (one,) = find("README.md", f"Log in with password: `{value}`\n")
    assert one.confidence is Confidence.LOW


def test_words_of_doubt_in_the_line_soften_and_never_silence() -> None:
    value = "Zq" + made_up(10, 5) + "+77"
    (plain,) = find("a.py", f'password = "{value}"\n')
    (soft,) = find("a.py", f'password = "{value}"  # a dummy\n')
    assert (plain.confidence, soft.confidence) == (Confidence.HIGH, Confidence.LOW)


PATHS = ["a.py", "a.yml", "a.xml", "a.md", "a.tf", "a.sql", ".env", "a.gradle"]


@given(st.text(alphabet="a=:'\"(){}<>-_ \npassword-login@İ", max_size=200), st.sampled_from(PATHS))
def test_places_are_inside_the_text_and_in_its_lines(text: str, path: str) -> None:
    for one in forms(path, text):
        assert 0 <= one.start < one.end <= len(text)
        assert "\n" not in text[one.start : one.end]


@pytest.mark.parametrize(
    "text",
    [
        "password=" * 30_000,
        "key='" * 30_000,
        "curl " * 30_000,
        "server=;" * 30_000,
        "name: password " * 15_000,
        'variable "password" {' * 10_000,
        "user role login " * 10_000,
    ],
)
def test_no_line_takes_long(text: str) -> None:
    begun = time.process_time()
    for path in ("a.py", "a.yml", "a.tf"):
        list(find(path, text))
    assert time.process_time() - begun < 3
