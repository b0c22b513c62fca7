"""What is written as TOML is read as what it was."""

from __future__ import annotations

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from headgate.zuul import toml_text

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40) | st.text(
    "'\"\\\n\r\t{}#a", max_size=12
)
_VALUE = st.recursive(
    st.booleans() | st.integers(-(2**60), 2**60) | _TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXT, inner, max_size=4),
    max_leaves=8,
)


@given(_VALUE)
def test_values_come_back(value: object) -> None:
    assert tomllib.loads(f"v = {toml_text.value(value)}\n") == {"v": value}


@given(st.dictionaries(_TEXT, _TEXT, max_size=4))
def test_tables_come_back(keys: dict[str, str]) -> None:
    text = "\n".join(("[t]", *toml_text.pairs(keys))) + "\n"
    assert tomllib.loads(text) == {"t": keys}


@given(st.text(max_size=400))
def test_comments_stay_comments(text: str) -> None:
    line = toml_text.comment(text)
    assert len(line) <= 303
    assert line.isprintable()
    assert tomllib.loads(f"{line}\na = 1\n") == {"a": 1}
