"""Taint rules of a user's own: what code looks like at sources, sinks and sanitizers."""

from __future__ import annotations

import contextlib
import re
import time
from dataclasses import replace
from textwrap import dedent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scan_work import Work

from headgate.model.config import ProjectConfig
from headgate.model.errors import BadInput
from headgate.model.finding import Outcome
from headgate.model.toml.project_file import parse_project
from headgate.scan.analyzers.flow import Flow
from headgate.scan.analyzers.flow_javascript import JavaScriptFlow
from headgate.scan.analyzers.interface import SourceFile
from headgate.scan.change import scan_change
from headgate.scan.engine import Request, examine
from headgate.scan.packs.examples import found
from headgate.scan.packs.expressions import why_endless
from headgate.scan.packs.load import kinds_with, packs_with, parse_pack, shipped_kinds
from headgate.scan.packs.schema import Pack
from headgate.scan.patterns import unify
from headgate.scan.patterns.code import compiled
from headgate.scan.rules.known import is_known_rule
from headgate.scan.runner import ScanRunner
from headgate.server.flow.configuration import rules_of

RULE = """\
  - rule: r
    message: "{source} reaches {sink}."
    severity: high
    cwe: 78
"""


def pack(parts: str, language: str = "python", name: str = "mine") -> Pack:
    text = f"pack: {name}\nlanguage: {language}\nversion: 1\nrules:\n{RULE}" + parts
    return parse_pack(text.encode(), f"{name}.yaml", shipped_kinds())


def lines(parts: str, code: str, language: str = "python") -> list[int]:
    """The lines of a file in which the rule finds something."""
    own = pack(parts, language)
    file = "app.py" if language == "python" else "app.js"
    there = found({file: dedent(code)}, packs_with([own], language), kinds_with([own]), language)
    return sorted(line for _, line, kind in there if kind == "r")


def tools(own: Pack) -> list[Flow]:
    return [Flow(packs=lambda name: packs_with([own], name), kinds=lambda: kinds_with([own]))]


def flow(source: str, sink: str, more: str = "") -> str:
    return f"    sources: [{source}]\n    sinks: [{sink}]\n{more}"


CALLS = flow("{match: get_it(...)}", "{match: put_it(...)}, {match: $X.run(...)}")


def test_data_is_followed_from_a_source_to_a_sink_through_files() -> None:
    own = pack(CALLS)
    files = {
        "web.py": "import deep\n\ndef page():\n    deep.store([get_it('a')])\n",
        "deep.py": "def store(things):\n    for one in things:\n        put_it(one + '!')\n",
    }
    there = found(files, packs_with([own], "python"), kinds_with([own]))
    assert there == {("deep.py", 3, "r")}


def test_a_call_is_a_sink_for_every_argument_and_for_what_it_is_called_on() -> None:
    code = """
        def f():
            it = get_it()
            put_it(1, key=it)
            put_it(*it)
            it.run()
            other.run(it)
            put_it(1)
            print(it)
        """
    assert lines(CALLS, code) == [4, 5, 6, 7]


def test_arguments_are_compared_by_position_by_keyword_and_by_the_constant_a_name_holds() -> None:
    rule = flow("{match: get_it()}", '{all: [{match: "put_it($X, loud=True)"}, {focus: $X}]}')
    code = """
        LOUD = True
        def f(other):
            it = get_it()
            put_it(it, loud=True)
            put_it(it, loud=LOUD)
            put_it(it, loud=False)
            put_it(it, 0, loud=True)
            put_it(it, loud=other)
            put_it(get_it(1), loud=True)
        """
    assert lines(rule, code) == [5, 6]


def test_names_are_those_of_where_they_are_imported_from_and_as_they_are_written() -> None:
    rule = flow("{match: web.request.args}", "{match: os.system($X)}")
    code = """
        import os as system_things
        from os import system as run
        from web import request
        def f():
            run(request.args)
            system_things.system(request.args["a"])
        def shadowed(run, request):
            run(request.args)
        """
    assert lines(rule, code) == [6, 7]


def test_parameters_are_sources_by_their_function_and_their_own_name() -> None:
    source = (
        '{all: [{match: "@app.route(...)\\ndef $F(..., $P, ...): ..."}, '
        '{focus: $P}, {where: $P, like: "user"}]}'
    )
    code = """
        @login
        @app.route("/a", methods=["GET"])
        async def page(name, user: str = ""):
            put_it(name)
            put_it(user)
        def helper(user):
            put_it(user)
        """
    assert lines(flow(source, "{match: put_it(...)}"), code) == [6]


def test_what_is_inside_of_something_counts_or_does_not_count() -> None:
    sink = (
        "{all: [{match: put_it(...)}, {not: 'put_it($X, safe=True)'}, "
        "{not_inside: 'with quiet(): ...'}]}"
    )
    code = """
        def f():
            it = get_it()
            put_it(it)
            put_it(it, safe=True)
            with quiet():
                x = 1
                put_it(it)
        """
    assert lines(flow("{match: get_it(...)}", sink), code) == [4]


def test_statements_before_and_a_variable_that_is_the_same_throughout() -> None:
    sink = '{all: [{inside: "$DB = connect(...)\\n..."}, {match: $DB.query($X)}]}'
    code = """
        def f():
            it = get_it()
            other.query(it)
            db = connect("a")
            if it:
                db.query(it)
            other.query(it)
        """
    assert lines(flow("{match: get_it(...)}", sink), code) == [7]


def test_sanitizers_clean_what_they_give_and_what_is_within_them() -> None:
    more = "    sanitizers:\n      - match: clean(...)\n      - {match: half(...), exact: true}\n"
    code = """
        def f():
            it = get_it()
            put_it(clean(it))
            clean(put_it(it))
            half(put_it(it))
            put_it(half(it))
        """
    rule = flow("{match: get_it(...)}", "{match: put_it(...)}", more)
    assert lines(rule, code) == [6]


def test_what_is_cleaned_or_filled_in_place_stays_so() -> None:
    more = "    sanitizers: [{all: [{match: check($X)}, {focus: $X}], in_place: true}]\n"
    source = (
        "{all: [{match: fill($X)}, {focus: $X}], in_place: true},"
        "{all: [{match: 'later($X, put_it(...))'}, {focus: $X}], in_place: later}"
    )
    code = """
        def f(a, b, c):
            put_it(a)
            fill(a)
            put_it(a)
            check(a)
            put_it(a)
            fill(put_it(b))
        """
    assert lines(flow(source, "{match: put_it(...)}", more), code) == [5, 8]


def test_data_passes_into_what_a_propagator_names_and_for_its_own_rule_only() -> None:
    more = "    propagators: [{match: '$BAG.accept($X)', from: $X, to: $BAG}]\n"
    code = """
        import sqlite3
        from flask import request
        def f(bag):
            bag.accept(get_it())
            put_it(bag)
        def g(bag):
            bag.accept(request.args["a"])
            sqlite3.connect("a").execute(bag)
        """
    rule = flow("{match: get_it(...)}", "{match: put_it(...)}", more)
    assert lines(rule, code) == [6]
    own = pack(rule)
    there = found({"a.py": dedent(code)}, packs_with([own], "python"), kinds_with([own]))
    assert {line for _, line, kind in there if kind == "sql-injection"} == set()


def test_a_rule_of_ones_own_tells_nothing_of_other_sources_nor_others_of_its_own() -> None:
    own = pack(flow("{match: get_it(...)}", "{match: put_it(...)}"))
    code = """
        import os
        from flask import Flask, request
        app = Flask(__name__)
        @app.get("/")
        def f():
            os.system(get_it())
            put_it(request.args["a"])
            return {}
        """
    there = found({"a.py": dedent(code)}, packs_with([own], "python"), kinds_with([own]))
    assert there == set()


JAVASCRIPT = flow(
    '{all: [{inside: "function ($REQ, $RES) {...}"}, {match: $REQ.query}]}',
    "{match: child_process.exec(...)}, {match: $EL.innerHTML = $X}, "
    "{match: 'new Job({..., run: $X, ...})'}",
    "    sanitizers: [{match: quote(...)}]\n",
)


def test_javascript_in_all_its_forms_of_functions_and_imports() -> None:
    code = """
        const { exec } = require("child_process");
        const cp = require("child_process");
        app.get("/a", (req, res) => { exec("ls " + req.query.a); });
        app.get("/b", async function (req, res) {
          cp.exec(req.query.a);
          cp.exec(quote(req.query.a));
          document.title.innerHTML = req.query.b;
        });
        function named(one, two) { new Job({ a: 1, run: one.query }); }
        class Page { get(req, res) { exec(req.query.c); } }
        function three(req, res, next) { exec(req.query.c); }
        """
    assert lines(JAVASCRIPT, code, "javascript") == [4, 6, 8, 10, 11]


def test_examples_of_a_pack_test_its_rules() -> None:
    text = (
        "pack: mine\nlanguage: javascript\nversion: 1\nrules:\n"
        + RULE
        + flow("{match: getIt(...)}", "{match: putIt(...)}")
        + "tests:\n  - bad: |\n      putIt(getIt()); // BAD: r\n    good: |\n      putIt(1);\n"
    )
    own = parse_pack(text.encode(), "mine.yaml", shipped_kinds())
    (example,) = own.tests
    kinds, packs = kinds_with([own]), packs_with([own], "javascript")
    assert found(example.bad, packs, kinds, "javascript") == {("app.js", 1, "r")}
    assert found(example.good, packs, kinds, "javascript") == set()


def test_findings_are_called_own_and_can_be_allowed_in_a_comment() -> None:
    own = pack(CALLS)
    code = "def f():\n    put_it(get_it())  # headgate: allow own/r because the store quotes it\n"
    bare = code.partition("  #")[0] + "\n"
    files = (SourceFile("a.py", code.encode()), SourceFile("b.py", bare.encode()))
    source, _ = examine(Request(files), tools(own))
    assert [(f.rule, f.cwe, f.allowed) for f in source.findings] == [
        ("own/r", 78, "the store quotes it"),
        ("own/r", 78, ""),
    ]
    assert source.findings[0].message == "`get_it()` reaches put_it."
    assert is_known_rule("own/r")


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"r.yaml": b"pack: flask\nlanguage: python\nversion: 1\n"}, "is a pack that Headgate"),
        ({"r.yaml": b""}, "has to be a mapping"),
        ({"r.yaml": b"pack: a\nlanguage: cobol\nversion: 1\n"}, "has to be python or javascript"),
        (
            dict.fromkeys(("a.yaml", "b.yaml"), b"pack: a\nlanguage: python\nversion: 1\n"),
            "is the name of a.yaml as well",
        ),
    ],
)
def test_a_projects_rules_that_cannot_be_used_make_the_source_check_not_run(
    files: dict[str, bytes], why: str
) -> None:
    rules = tuple(SourceFile(path, data) for path, data in files.items())
    head = (SourceFile("a.py", b"import os\n"),)
    source, secrets = examine(Request(head, rules=rules), [Flow(), JavaScriptFlow()])
    assert source.outcome is Outcome.NOT_RUN
    assert why in source.reason
    assert secrets.outcome is Outcome.PASSED


PASSES = "    propagators: [{match: h($A), from: $A, to: $B}]\n"


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ("    sinks: [{match: f()}]\n", "sources: at least one is needed"),
        (flow("{match: f(}", "{match: g()}"), "is not valid python"),
        (flow("{match: ...}", "{match: g()}"), "stands for everything"),
        (flow("{match: 'f($X)', focus: $X}", "{match: g()}"), "focus: unknown key"),
        (flow("{all: [{focus: $X}]}", "{match: g()}"), "nothing in it says what to look for"),
        (flow("{all: [{match: f()}, {focus: $X}]}", "{match: g()}"), "no pattern has $X in it"),
        (flow("{all: [{match: f()}, {where: $X, like: '('}]}", "{match: g()}"), "regular expr"),
        (flow("{match: 'if $X: ...'}", "{match: g()}"), "selects statements"),
        (flow("{all: [{inside: f()}]}", "{match: g()}"), "without a focus"),
        (
            flow("{all: [{match: 'def $F(): ...'}, {focus: $F}]}", "{match: g()}"),
            "$F stands for a name",
        ),
        (flow("{match: f(), in_place: often}", "{match: g()}"), "in_place: has to be"),
        (flow("{match: f()}", "{match: g(), exact: true}"), "are for sources and sanitizers"),
        (flow("{match: 'f\"{$X}\"'}", "{match: g()}"), "text with `...` or a variable"),
        (flow("{match: a. ... .b()}", "{match: g()}"), "`...` in a chain of calls"),
        (flow("{match: f()}", "{any: []}"), "has nothing in it"),
        (flow("{match: f()}", "{match: g()}", PASSES), "no pattern has $B in it"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_rule_is_said_with_file_line_and_key(parts: str, why: str) -> None:
    with pytest.raises(BadInput) as caught:
        pack(parts)
    assert caught.value.message.startswith("mine.yaml:")
    assert why in str(caught.value)


def test_names_of_rules_are_their_own() -> None:
    body = flow("{match: f()}", "{match: g()}")
    for name, why in (("sql-injection", "Headgate ships"), ("Rule 1", "small letters")):
        text = f"pack: a\nlanguage: python\nversion: 1\nrules:\n  - rule: {name}\n"
        with pytest.raises(BadInput, match=why):
            parse_pack((text + "    message: m\n" + body).encode(), "a.yaml", shipped_kinds())
    with pytest.raises(BadInput, match="there is a rule 'r' in one"):
        kinds_with([pack(body, name="one"), pack(body, name="two")])


def test_a_rule_with_too_much_to_compare_is_told_as_cut_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(unify, "MAX_STEPS", 300)
    own = pack(flow("{match: '$F(..., $X, ..., $Y, ...)'}", "{match: put_it(...)}"))
    code = "f(" + ", ".join("abcdefghijklmnop") + ")\n"
    source, _ = examine(Request((SourceFile("a.py", code.encode()),)), tools(own))
    assert source.reduced == ("a.py: the analysis of rule own/r was cut off",)


@pytest.mark.parametrize("sink", ["return $X", "$Y = $X"])
def test_a_value_that_a_statement_is_given_is_judged_when_it_is_a_call(sink: str) -> None:
    word = "return" if "return" in sink else "y ="
    code = f"""\
        def f():
            {word} ask()
        def g():
            x = 1
            {word} ask("")
        def h():
            {word} len("a")
    """
    assert lines(flow("{match: ask(...)}", f"{{match: '{sink}'}}"), code) == [2, 5]


def test_places_that_are_compared_count_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unify, "MAX_STEPS", 20_000)
    own = pack(flow("{match: f()}", "{all: [{match: sink($X)}, {inside: $Y}]}"))
    code = "def g(x):\n" + "    sink(x)\n" * 600
    source, _ = examine(Request((SourceFile("a.py", code.encode()),)), tools(own))
    assert source.reduced == ("a.py: the analysis of rule own/r was cut off",)


ENDLESS = [
    r"(a+)+$", r"^(\w+\s?)*$", r"(.*)*x", r"((a+)b?)+$", r"(a|b+)*$", r"(?:a{2,}){20}$",
    r"b(?:c|(?:[a-z]+(?:,?))*)d", r"(?:\d+(?:[0-5]|x?))+y",
]  # fmt: skip
ENDING = [
    r"(\w+\.)*\w+", r"('[^']*'\s*)*", r"(?:/[^/]+)+", r"[a-z]+(?:\.[a-z]+)*", r"(?:(?:a+)b)+",
    r"x{1,3}(?i:y)", r"(?:(?:[a-z]+|\d)-)+", r"(?>a+)+b", r"(?:a++)+b",
]  # fmt: skip


def test_an_expression_that_could_take_for_ever_is_refused() -> None:
    def of(regex: str) -> Pack:
        quoted = regex.replace("'", "''")
        where = f"{{all: [{{match: g($X)}}, {{where: $X, like: '{quoted}'}}]}}"
        return pack(flow("{match: f()}", where))

    for regex in ENDLESS:
        with pytest.raises(BadInput, match="it repeats what repeats"):
            of(regex)
    for regex in ENDING:
        of(regex)
        begun = time.process_time()
        for sign in "a.'/b0- ":
            re.search(regex + "~", sign * 60)
        assert time.process_time() - begun < 1
    for regex, why in (
        ("(" * 900 + ")" * 900, "no regular expression"),
        ("a{99999999999999}", "no regular expression"),
        ("a" * 3000, "longer than 2000"),
    ):
        with pytest.raises(BadInput, match=why):
            of(regex)


def test_whether_an_expression_is_endless_is_told_at_once() -> None:
    begun = time.process_time()
    for part in ("(a|b+)", "((a|b)(c|d))", "(?:[a-z]+|x)*", "[^a]{2,}"):
        why_endless("(?:" + part * (1900 // len(part)) + ")*")
    why_endless("(?:" * 80 + "a" + ")*" * 80)
    assert time.process_time() - begun < 2


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="$XY_.()[]{}:=,'\"<> \nabf0", max_size=40))
def test_any_pattern_is_read_or_refused_in_a_sentence(text: str) -> None:
    for language in ("python", "javascript"):
        with contextlib.suppress(BadInput):
            assert compiled(text, language).body


async def test_at_the_gate_a_projects_rules_count_as_its_branch_has_them(
    work: Work, runner: ScanRunner
) -> None:
    text = f"pack: mine\nlanguage: python\nversion: 1\nrules:\n{RULE}{CALLS}"
    config = ProjectConfig(rules=("rules", "one.yaml"))
    base = work.commit({"rules/mine.yaml": text, "rules/x.txt": "no pack", "one.yaml": text})
    head = work.commit({"app.py": "put_it(get_it())\n", "rules/mine.yaml": "pack: gone\n"})
    rules = await rules_of(work.repository, base, config)
    assert [one.path for one in rules] == ["rules/mine.yaml", "one.yaml"]
    twice, _ = await scan_change(
        work.repository, base, head, exclude=(), runner=runner, rules=rules
    )
    assert "one.yaml: pack: 'mine' is the name of rules/mine.yaml" in twice.reason
    assert twice.outcome is Outcome.NOT_RUN
    source, _ = await scan_change(
        work.repository, base, head, exclude=(), runner=runner, rules=rules[:1]
    )
    assert [(f.rule, f.span.line) for f in source.findings] == [("own/r", 1)]
    missing = await rules_of(work.repository, base, replace(config, rules=("no",)))
    assert [(one.path, one.data) for one in missing] == [("no", b"")]


def test_headgate_toml_names_rule_packs_within_the_project() -> None:
    assert parse_project('[checks]\nrules = ["a/", "b.yaml", "a"]\n').rules == ("a", "b.yaml")
    with pytest.raises(BadInput, match="leads out of the project"):
        parse_project('[checks]\nrules = ["../a"]\n')
