"""A user's own semgrep taint rules become packs that find the same, or are refused by line."""

from __future__ import annotations

import json
import re
from pathlib import Path
from textwrap import dedent

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.cli.rules import rules
from headgate.cli.scan import scan
from headgate.model.errors import BadInput, CouldNotRun
from headgate.scan.convert.semgrep import convert, glob_regex

WHOLE = """\
rules:
  - id: House.SQL
    mode: taint
    languages: [python]
    severity: ERROR
    message: |
      A form field becomes part of a report.
    metadata: {cwe: ["CWE-89: SQL injection", "CWE-20: x"], owner: team-a}
    fix: nothing
    options: {interfile: true}
    paths: {include: ["/web"], exclude: ["*_test.py"]}
    pattern-sources:
      - pattern: house.form(...)
      - patterns:
          - pattern-inside: |
              @house.page(...)
              def $F(..., $P, ...):
                  ...
          - focus-metavariable: $P
          - metavariable-regex: {metavariable: $P, regex: "raw_"}
    pattern-sinks:
      - patterns:
          - pattern-either:
              - pattern: house.report($Q, ...)
              - pattern: $DB.ask($Q)
          - pattern-not: house.report($Q, checked=True)
          - pattern-not-inside: |
              with house.dry():
                  ...
          - focus-metavariable: $Q
    pattern-sanitizers:
      - pattern: house.quote(...)
        exact: true
      - patterns: [{pattern: "house.check($X)"}, {focus-metavariable: $X}]
        by-side-effect: true
    pattern-propagators:
      - {pattern: "$B.take_in($X)", from: $X, to: $B}
"""
CODE = """\
import house
from house import form as ask_form

def page(db, box):
    it = ask_form("a")
    house.report("x" + it)
    house.report(it, checked=True)
    db.ask(house.quote(it))
    db.ask(it)
    box.take_in(it)
    db.ask(box)
    with house.dry():
        db.ask(it)
    house.check(it)
    db.ask(it)

@house.page("/a")
def other(db, raw_name, name):
    db.ask(raw_name)
    db.ask(name)
"""
FOUND = [6, 9, 11, 19]


def rule(**changes: str) -> str:
    """A file with one small rule, some keys of which are different; empty: left out."""
    keys = {
        "id": "r", "mode": "taint", "languages": "[python]", "severity": "WARNING", "message": "m",
        "pattern-sources": "[{pattern: get(...)}]", "pattern-sinks": "[{pattern: put(...)}]",
    }  # fmt: skip
    keys.update({key.replace("_", "-"): value for key, value in changes.items()})
    body = [f"    {key}: {value}" for key, value in keys.items() if value]
    return "rules:\n  -\n" + "\n".join(body) + "\n"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "semgrep.yaml").write_text(WHOLE)
    return tmp_path


def call(*arguments: str) -> Result:
    return CliRunner().invoke(rules, ["convert", *arguments])


def told(result: Result) -> dict[str, object]:
    return json.loads(result.stdout)


def test_a_rule_is_converted_and_finds_what_it_found(place: Path) -> None:
    result = call("semgrep.yaml", "-o", "house.yaml")
    assert result.exit_code == 0, result.output
    assert "1 of 1 rule written to house.yaml." in result.output
    assert "semgrep.yaml:2: id: the rule is called own/house.sql." in result.output
    assert "CWE-20, owner: left out" in result.output
    assert "semgrep.yaml:9: fix: is left out" in result.output
    (place / "web").mkdir()
    (place / "web" / "page.py").write_text(CODE)
    (place / "web" / "page_test.py").write_text(CODE)
    (place / "page.py").write_text(CODE)
    (place / "headgate.toml").write_text('[checks]\nrules = ["house.yaml"]\n')
    scanned = CliRunner().invoke(scan, ["--json", "--no-cache"])
    (source,) = [one for one in told(scanned)["checks"] if one["check"] == "source"]  # type: ignore[attr-defined]
    places = [(f["rule"], f["path"], f["line"]) for f in source["findings"]]
    assert places == [("own/house.sql", "web/page.py", line) for line in FOUND]
    assert {(f["severity"], f["cwe"]) for f in source["findings"]} == {("high", 89)}


def test_a_rule_for_two_languages_becomes_two_packs(place: Path) -> None:
    (place / "two.yaml").write_text(rule(languages="[python, js, ts]"))
    (place / "one.yaml").write_text(
        rule(id="t", languages="[typescript]", paths="{include: [src]}")
    )
    result = call("two.yaml", "one.yaml", "-o", "p.yaml", "--json")
    assert told(result)["files"] == ["p-javascript.yaml", "p-python.yaml"]
    text = (place / "p-javascript.yaml").read_text()
    assert text.count("- rule:") == 2
    files = next(line for line in text.splitlines() if "files: " in line).partition("files: ")[2]
    where = {"src/a.ts": True, "shop/src/a.ts": True, "shop/src/a.js": False, "lib/a.ts": False}
    assert {path: re.search(files, path) is not None for path in where} == where
    tested = CliRunner().invoke(rules, ["test", "p-javascript.yaml"])
    assert "p-javascript: has no examples." in tested.output


CANNOT = [
    (rule(mode="search"), "mode: only rules with `mode: taint`"),
    (rule(mode=""), "id: only rules with `mode: taint`"),
    (rule(languages="[python, ruby]"), "languages: ruby is not followed"),
    (rule(severity="LOUD"), "severity: has to be"),
    (rule(options="{symbolic_propagation: true}"), "options.symbolic_propagation: has no counter"),
    (rule(paths="{include: ['src/[ab].py']}"), "paths.include: src/[ab].py is not read here"),
    (rule(extends="x"), "extends: is not known here"),
    (rule(pattern_sources="[{pattern: get(...), label: A}]"), "label: sources with"),
    (rule(pattern_sources="[{pattern: get(...), control: true}]"), "control: only data"),
    (rule(pattern_sources="[{pattern-regex: get}]"), "pattern-regex: matches the text"),
    (rule(pattern_sources="[{pattern: 'get('}]"), "pattern: the pattern is not valid python"),
    (rule(pattern_sources="[{pattern: 'f\"{$X}\"'}]"), "the pattern has a text with"),
    (rule(pattern_sources="[{pattern: 'if $X: ...'}]"), "selects statements"),
    (rule(pattern_sources="[{patterns: [{pattern-not: a()}]}]"), "nothing in it says"),
    (
        rule(pattern_sources="[{patterns: [{pattern: a($X)}, {metavariable-pattern: {}}]}]"),
        "metavariable-pattern: looks for",
    ),
    (
        rule(
            pattern_sources="[{patterns: [{pattern: a($X)}, {metavariable-regex: "
            "{metavariable: $X, regex: '(?P<'}}]}]"
        ),
        "regex: Python does not read this expression",
    ),
    (
        rule(pattern_sources="[{pattern-either: [{pattern-not: a()}]}]"),
        "pattern-not: is no alternative",
    ),
    (rule(pattern_sinks="[{pattern: put(...), exact: false}]"), "exact: only the value"),
    (rule(pattern_sinks="[{pattern: put(...), requires: A}]"), "requires: sources with labels"),
    (
        rule(pattern_propagators="[{pattern: p($A), from: $A, to: $A, by-side-effect: false}]"),
        "by-side-effect: data passes into a variable only",
    ),
    (rule(pattern_sanitizers="[{pattern: c(), by-side-effect: 3}]"), "by-side-effect: has to be"),
    (rule(pattern_sinks=""), "pattern-sinks: missing"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "why"), CANNOT)
def test_what_a_pack_cannot_say_is_told_with_its_line_and_not_written(
    place: Path, text: str, why: str
) -> None:
    (place / "r.yaml").write_text(text)
    result = call("r.yaml", "-o", "p.yaml")
    assert result.exit_code == 1, result.output
    assert why in result.output
    assert "r.yaml:" in result.output
    assert "r: not written." in result.output
    assert not (place / "p.yaml").exists()


def test_a_part_is_written_on_request_and_says_so_wherever_it_finds_something(place: Path) -> None:
    sources = "[{pattern: get(...)}, {pattern-regex: x}]"
    (place / "r.yaml").write_text(rule(pattern_sources=sources))
    result = call("r.yaml", "-o", "p.yaml", "--partial", "--json")
    assert result.exit_code == 1
    (one,) = told(result)["rules"]  # type: ignore[misc]
    assert (one["written"], one["partial"]) == (True, True)
    (place / "a.py").write_text("put(get())\n")
    scanned = CliRunner().invoke(scan, ["--rules", "p.yaml", "--no-cache", "a.py"])
    assert "own/r" in scanned.output
    assert "carried over in part: without pattern-sources: pattern-regex in line 8" in " ".join(
        scanned.output.split()
    )


def test_one_that_cannot_be_carried_does_not_keep_the_others_back(place: Path) -> None:
    (place / "a.yaml").write_text(rule(mode="search"))
    result = call("a.yaml", "semgrep.yaml", "-o", "p.yaml")
    assert result.exit_code == 1
    assert "1 of 2 rules written to p.yaml." in result.output


BAD = [
    (b"rules: &a [*a]\n", "aliases are not allowed"),
    (b"a: &a [x]\nrules: [*a]\n", "aliases are not allowed"),
    (b"\xff\xfe\x00", "is not UTF-8"),
    (b"rules: " + b"[" * 50 + b"]" * 50, "is nested too deep"),
    (b"rules: 3\n", "no list `rules`"),
    (b"- 1\n", "has to be a mapping"),
    (b"rules: [3]\n", "every item has to be a mapping"),
    (b"rules: [{id: [a]}]\n", "has to be a text"),
    (b"rules: [{mode: taint}]\n", "id is missing"),
    (b"rules: {", "is not valid YAML"),
    (b"# " + b"x" * (1 << 20), "is larger than 1 MB"),
    ((rule() + rule()[7:]).encode(), "is the name of the rule in line"),
]


@pytest.mark.parametrize(("data", "why"), BAD)
def test_a_file_that_is_none_is_refused_in_one_sentence(place: Path, data: bytes, why: str) -> None:
    (place / "bad.yaml").write_bytes(data)
    result = call("bad.yaml", "-o", "p.yaml")
    assert isinstance(result.exception, BadInput)
    assert result.exception.message.startswith("bad.yaml")
    assert why in result.exception.message
    assert not (place / "p.yaml").exists()


def test_places_that_cannot_be_read_or_written(place: Path) -> None:
    for arguments, why in (
        (("none.yaml", "-o", "p.yaml"), "none.yaml cannot be read"),
        (("semgrep.yaml", "-o", "p.txt"), "is no file of a pack"),
        (("semgrep.yaml", "-o", "semgrep.yaml"), "exists"),
        (("semgrep.yaml", "-o", "flask.yaml"), "that Headgate ships"),
        (("semgrep.yaml", "semgrep.yaml", "-o", "p.yaml"), "would be called own/house.sql"),
        (("semgrep.yaml", "-o", "no/p.yaml"), "could not be written"),
    ):
        result = call(*arguments)
        assert isinstance(result.exception, (BadInput, CouldNotRun)), why
        assert why in result.exception.message
    assert sorted(path.name for path in place.iterdir()) == ["semgrep.yaml"]


@pytest.mark.parametrize(
    ("glob", "yes", "no"),
    [
        ("src/*.py", ["src/a.py", "b/src/a.py"], ["src/b/a.py", "xsrc/a.py"]),
        ("/src", ["src/a.py", "src/b/c.py"], ["b/src/a.py", "srcs/a.py"]),
        ("tests/", ["tests/a.py", "b/tests/a.py"], ["tests.py"]),
        ("src/**/x?.py", ["src/x1.py", "src/a/b/x2.py"], ["src/x.py"]),
        ("*.py", ["a.py", "b/c.py"], ["a.pyc"]),
    ],
)
def test_globs_mean_any_depth_unless_they_begin_at_the_root(
    glob: str, yes: list[str], no: list[str]
) -> None:
    import re

    regex = glob_regex(glob)
    assert regex is not None
    assert all(re.search(regex, path) for path in yes)
    assert not any(re.search(regex, path) for path in no)


WORDS = st.sampled_from(
    ["pattern", "patterns", "pattern-either", "pattern-inside", "focus-metavariable", "exact",
     "metavariable-regex", "by-side-effect", "from", "to", "label", "pattern-not"]
)  # fmt: skip
VALUES = st.recursive(
    st.sampled_from(["get(...)", "$X", "a(", "...", "f($X)", "true", "3", "''", "null"]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        st.dictionaries(WORDS, inner, max_size=2).map(
            lambda items: "{" + ", ".join(f"{k}: {_quoted(v)}" for k, v in items.items()) + "}"
        ),
    ),
    max_leaves=8,
)


def _quoted(value: str) -> str:
    return value if value[:1] in "[{'" or value in ("true", "3", "null") else f'"{value}"'


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(st.sampled_from(["pattern-sources", "pattern-sinks", "paths", "options",
                                        "pattern-propagators", "metadata"]), VALUES))  # fmt: skip
def test_any_rule_is_carried_or_refused_in_a_sentence(keys: dict[str, str]) -> None:
    text = rule(**{key: _quoted(value) for key, value in keys.items()})
    try:
        carried = convert(dedent(text).encode(), "r.yaml")
    except BadInput as error:
        assert error.message.startswith("r.yaml")  # noqa: PT017
        return
    assert all(one.whole or one.lacks for one in carried)
