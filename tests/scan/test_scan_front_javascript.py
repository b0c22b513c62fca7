"""JavaScript and TypeScript become the same nodes as other languages."""

from __future__ import annotations

import marshal
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.scan.front.javascript import lower
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import as_plain, from_plain

NAMES = {
    value: name
    for name, value in vars(ir).items()
    if name.isupper() and isinstance(value, int) and name not in ("REST", "ARROW", "PLAIN")
    and not name.endswith("_ONLY") and name not in ("KEYWORDS", "ASYNC", "GENERATOR", "STATIC",
    "GETTER", "SETTER")
}  # fmt: skip


def short(node: Any) -> Any:
    """A node without places: operations by name, constants and names as they are."""
    if isinstance(node, tuple):
        items: tuple[Any, ...] = node
        if items and isinstance(items[0], int) and items[0] in NAMES and len(items) >= 3:
            op = NAMES[items[0]]
            if op in ("NAME", "CONST"):
                return items[3] if op == "NAME" else ("=", items[3])
            return (op, *(short(one) for one in items[3:]))
        return tuple(short(one) for one in items)
    return node


def body(source: str, path: str = "a.js") -> Any:
    module = lower(path, source.encode())
    assert module.broken == ()
    return short(module.body)


def one(source: str, path: str = "a.js") -> Any:
    (statement,) = body(source, path)
    return statement


@pytest.mark.parametrize(
    ("source", "node"),
    [
        ("a.b?.c;", ("EXPR", ("ATTR", ("ATTR", "a", "b"), "c"))),
        ('a["b"];', ("EXPR", ("ATTR", "a", "b"))),
        ("a[b];", ("EXPR", ("INDEX", "a", "b"))),
        ("f?.(x, ...y);", ("EXPR", ("CALL", "f", ("x", ("STAR", "y")), (), False))),
        ("new F(x);", ("EXPR", ("CALL", "F", ("x",), (), True))),
        ("x = `a${b}c`;", ("ASSIGN", ("x",), ("BUILD", (("=", "a"), "b", ("=", "c"))), None)),
        ("x = `plain\\n`;", ("ASSIGN", ("x",), ("=", "plain\n"), None)),
        ("t`a${b}`;", ("EXPR", ("CALL", "t", (("BUILD", (("=", "a"), "b")),), (), False))),
        ("a === b;", ("EXPR", ("COMPARE", "a", (("==", "b"),)))),
        ("a && b && !c;", ("EXPR", ("BOOL", "and", ("a", "b", ("UNARY", "not", "c"))))),
        ("a = b = 1;", ("ASSIGN", ("a", "b"), ("=", 1), None)),
        ("a += b;", ("AUGMENT", "a", "+", "b")),
        ("a ??= b;", ("ASSIGN", ("a",), ("BOOL", "??", ("a", "b")), None)),
        ("i++;", ("AUGMENT", "i", "+", ("=", 1))),
        ("delete a.b;", ("DELETE", (("ATTR", "a", "b"),))),
        ("throw e;", ("RAISE", "e")),
        ("x = /a+/gi;", ("ASSIGN", ("x",), ("REGEX", "a+", "gi"), None)),
        ("const {a, b: c = 1, ...d} = e;",
         ("ASSIGN", (("MAP", ((("=", "a"), "a"), (("=", "b"), ("DEFAULT", "c", ("=", 1))),
                              (None, "d"))),), "e", None)),
        ("for (const x of y) z();",
         ("FOR", "x", "y", (("EXPR", ("CALL", "z", (), (), False)),), (), "items")),
        ("for (k in o) ;", ("FOR", "k", "o", (), (), "keys")),
        ("do { a(); } while (b)",
         ("WHILE", "b", (("EXPR", ("CALL", "a", (), (), False)),), (), True)),
        ("x = -0x10 + 1_000n;",
         ("ASSIGN", ("x",), ("BINARY", "+", ("=", -16), ("=", 1000)), None)),
        ('x = "\\u{41}\\x42";', ("ASSIGN", ("x",), ("=", "AB"), None)),
        ("x = undefined;", ("ASSIGN", ("x",), ("=", None), None)),
        ("x = <a href={y} z>{k} t</a>;",
         ("ASSIGN", ("x",), ("MARKUP", "a", (("href", "y"), ("z", ("=", True))), ("k",)), None)),
    ],
)  # fmt: skip
def test_statements(source: str, node: Any) -> None:
    assert one(source) == node


@pytest.mark.parametrize(
    ("source", "entries"),
    [
        ("import e from 'express';", (("express", "default", "e", 0),)),
        ("import {a as b, c} from './x';", (("./x", "a", "b", 0), ("./x", "c", "c", 0))),
        ("import * as fs from 'node:fs';", (("fs", "", "fs", 0),)),
        ("const fs = require('fs').promises;", (("fs", "promises", "fs", 0),)),
        ("const {exec, spawn: s} = require('child_process');",
         (("child_process", "exec", "exec", 0), ("child_process", "spawn", "s", 0))),
        ("export * from './y';", (("./y", "*", "", 0),)),
    ],
)  # fmt: skip
def test_imports(source: str, entries: Any) -> None:
    assert one(source) == ("IMPORT", entries)


def test_a_require_inside_of_an_expression_is_imported_first() -> None:
    first, second = body("const app = require('express')();")
    assert first == ("IMPORT", (("express", "", "require:express", 0),))
    assert second == ("ASSIGN", ("app",), ("CALL", "require:express", (), (), False), None)


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("module.exports = x;", ["default"]),
        ("module.exports = exports.a = x;", ["a", "default"]),
        ("exports.a = x;", ["a"]),
        ("export default x;", ["default"]),
        ("export {x as y};", ["y"]),
    ],
)
def test_exports(source: str, names: list[str]) -> None:
    op, entries = one(source)
    assert op == "EXPORT"
    assert [name for name, _ in entries] == names


def test_functions_are_hoisted_and_know_what_they_bind() -> None:
    source = "f(1); let n = 0; function f({a}, b = 2, ...c) { n += a; var d; return () => d }"
    function, _, _ = lower("a.js", source.encode()).body
    assert function[0] == ir.FUNCTION
    assert set(function[9]) == {"this", "arguments", "a", "b", "c", "d"}
    assert short(function[5][0]) == ("GLOBAL", ("n",))
    assert [parameter[6] for parameter in function[4]] == [ir.PLAIN, ir.PLAIN, ir.REST]
    arrow = function[5][-1][3][3]
    assert arrow[8] & ir.ARROW
    assert arrow[9] == ()


def test_a_class_has_its_fields_and_methods() -> None:
    source = "class A extends B.C { static x = 1; #y; constructor(z) { super(z) } async m() {} }"
    op, name, bases, _, _, members = one(source)
    assert (op, name, bases) == ("CLASS", "A", (("ATTR", "B", "C"),))
    assert [member[1] for member in members] == [("x",), ("y",), "constructor", "m"]


def test_typescript_loses_its_types_and_keeps_what_they_say_of_parameters() -> None:
    source = (
        "import type {T} from './t'; interface I { a: string }\n"
        "@Controller('x') class C { constructor(private db: Db) {}\n"
        "  @Get(':id') get(@Param('id') id: string, x?: number): string { return (id as any)! } }\n"
        "enum E { A, B = 'b' }"
    )
    cls, enum = lower("a.ts", source.encode()).body
    constructor, get = cls[7]
    assert short(constructor[5][0]) == ("ASSIGN", (("ATTR", "this", "db"),), "db", None)
    assert short(get[6]) == (("CALL", "Get", (("=", ":id"),), (), False),)
    assert short(get[4][0][4]) == ("CALL", "Param", (("=", "id"),), (), False)
    assert short(get[5][0]) == ("RETURN", "id")
    assert short(enum)[2] == ("MAP", ((("=", "A"), ("=", 0)), (("=", "B"), ("=", "b"))))


def test_a_switch_falls_through() -> None:
    op, subject, cases, falls = one("switch (x) { case 1: a(); break; default: b(); }")
    assert (op, subject, falls) == ("MATCH", "x", True)
    assert [case[0] for case in cases] == [("P_VALUE", ("=", 1)), ("P_CAPTURE", None, None)]


def test_a_half_written_file_is_read_as_far_as_it_goes() -> None:
    module = lower("a.js", b"app.get('/', (req, res) => {\n  res.send(req.query.q);\n")
    assert module.broken
    assert {"send", "query"} <= module.mentions


@pytest.mark.parametrize(
    "source",
    [
        "[" * 5000,
        "(" * 5000 + ")" * 5000,
        "a" + "+a" * 20_000,
        "a" + ".b" * 5000,
        "a" + "()" * 3000,
        "if (a) {" * 2000,
        "else if (x) {} " * 500,
        "x => " * 3000,
        "`${" * 2000,
        "<a>" * 3000,
    ],
    ids=range(10),
)
def test_nesting_without_end_ends(source: str) -> None:
    began = time.process_time()
    module = lower("a.jsx", source.encode())
    marshal.dumps(as_plain(module))
    assert time.process_time() - began < 3


SOURCE = (
    "const {a, b: [c]} = require('x'); async function* f(q, {r} = {}, ...s) {"
    " for await (const t of u)"
    " yield* g(t?.v ?? `w${x}`); switch (y) { case 1: default: } try { z } catch { } }\n"
    "export default class A extends B { get #p() { return super.m(...n) } static { i++ } }"
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_file_torn_anywhere_is_lowered(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(SOURCE)))
    end = data.draw(st.integers(start, min(len(SOURCE), start + 15)))
    torn = SOURCE[:start] + data.draw(st.text("(){}[]<>`'\"$=:;,.?*#é", max_size=5)) + SOURCE[end:]
    module = lower(data.draw(st.sampled_from(["a.js", "a.ts", "a.tsx"])), torn.encode())
    assert from_plain(marshal.loads(marshal.dumps(as_plain(module)))) == module
