"""Line numbers of keys, against what the standard library reads from the same text."""

from __future__ import annotations

import json
import tomllib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from headgate.model.toml.lines import Path, key_lines


def paths_of(value: Any, at: Path = ()) -> set[Path]:
    found: set[Path] = set()
    if isinstance(value, dict):
        for key, inner in value.items():
            found |= {(*at, key)} | paths_of(inner, (*at, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            found |= {(*at, index)} | paths_of(inner, (*at, index))
    return found


KEYS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=6)
SCALARS = st.one_of(
    st.integers(-5, 5),
    st.booleans(),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    st.just("a # b ] } , = [x]"),
)
INLINE = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=6,
)


def quoted(text: str) -> str:
    return '"' + "".join(escaped(c) for c in text) + '"'


def escaped(c: str) -> str:
    if ord(c) < 32 or ord(c) == 127:
        return f"\\u{ord(c):04x}"
    return {'"': '\\"', "\\": "\\\\"}.get(c, c)


def inline(value: Any, gap: str) -> str:
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, list):
        return "[" + ",".join(gap + inline(v, gap) for v in value) + gap + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{quoted(k)} = {inline(v, ' ')}" for k, v in value.items()) + "}"
    return json.dumps(value)


@st.composite
def documents(draw: st.DrawFn) -> str:
    gap = draw(st.sampled_from([" ", "\n  ", " # why, ]\n"]))
    values = draw(st.dictionaries(KEYS, INLINE, max_size=4))
    lines = [f"{quoted(key)} = {inline(value, gap)} # {key!r}" for key, value in values.items()]
    for key, table in draw(
        st.dictionaries(
            KEYS.filter(lambda k: k not in values),
            st.dictionaries(KEYS, INLINE, max_size=3),
            max_size=3,
        )
    ).items():
        lines.append(draw(st.sampled_from([f"[{quoted(key)}]", f"[[ {quoted(key)} ]]"])))
        lines += [f"  {quoted(k)} = {inline(v, gap)}" for k, v in table.items()]
    return draw(st.sampled_from(["\n", "\n\n", "\r\n"])).join(lines)


@given(documents())
def test_every_key_has_a_line_and_it_is_written_there(text: str) -> None:
    value = tomllib.loads(text)
    found = key_lines(text)
    assert paths_of(value) == set(found)
    lines = text.replace("\r\n", "\n").split("\n")
    for path, line in found.items():
        key = path[-1]
        if isinstance(key, str):
            assert quoted(key) in lines[line - 1]


def test_the_ways_of_writing_keys() -> None:
    text = '''# a comment = 1
title = """
several
lines with = and [brackets] and a quote """"
a.b . "c d" = 1

[jobs.tests]     # here
run = [
  "one",  # first
  "two",
]
env = { A = "1", B.C = '2' }
[[approvals]]
name = "x"
[[approvals]]
name = 'y'
[approvals.more]
deep = true
[jobs]
'''
    found = key_lines(text)
    assert paths_of(tomllib.loads(text)) == set(found)
    assert found[("title",)] == 2
    assert found[("a", "b", "c d")] == 5
    assert found[("jobs", "tests")] == 7
    assert found[("jobs", "tests", "run", 1)] == 10
    assert found[("jobs", "tests", "env", "B", "C")] == 12
    assert found[("approvals", 1, "name")] == 16
    assert found[("approvals", 1, "more", "deep")] == 18
    assert found[("jobs",)] == 19
