"""Ways from a value `p` that a stranger chose to a value `bar`, each with a harmless twin."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Shape:
    """A pair of bodies that make `bar` from `p`, and what they need around them."""

    name: str
    bad: str
    good: str
    module: str = ""
    good_module: str | None = None
    kinds: tuple[str, ...] = ()
    """Only for these kinds; empty: for every kind."""


WORDS = ("sql-injection", "command-injection", "path-traversal", "xss", "open-redirect")
"""Kinds for which letters and digits alone do no harm."""
_CLASS = """
class Box {
  #hidden;
  constructor(a, b) { this.a = a; this.b = b; this.#hidden = b; }
  first() { return this.a; }
  second() { return this.b; }
  get named() { return this.a; }
  get unnamed() { return this.#hidden; }
  static keep(x) { return x; }
  static drop(x) { return "fixed"; }
}
class Crate extends Box {
  constructor(a, b) { super(a, b); this.c = "c"; }
  first() { return super.first(); }
}
function Old(a, b) { this.a = a; this.b = b; }
Old.prototype.take = function () { return this.a; };
Old.prototype.leave = function () { return this.b; };
"""
_HELPERS = """
const same = (x) => x;
const other = (x, y = "fixed") => y;
function later(x) { return new Promise((done) => done(x)); }
async function waited(x) { await later(1); return x; }
async function ignored(x) { await later(x); return "fixed"; }
const helpers = {
  keep(x) { return this.run(x); }, run: (x) => x, drop(x) { return String(x).length; } };
"""
SHAPES = (
    Shape("direct", "const bar = p;", "const bar = 'fixed';"),
    Shape("template", "const bar = `${p}`;", "const bar = `${'fixed'}`;"),
    Shape("concat", "let bar = ''; bar += p;", "let bar = ''; bar += 'p';"),
    Shape("concat-method", "const bar = ''.concat(p, '');", "const bar = ''.concat('p', '');"),
    Shape(
        "object", "const o = { a: p, b: 'fixed' }; const bar = o.a;",
        "const o = { a: p, b: 'fixed' }; const bar = o.b;",
    ),
    Shape(
        "object-key", "const o = {}; o['a'] = p; o['b'] = 'x'; const bar = o['a'];",
        "const o = {}; o['a'] = p; o['b'] = 'x'; const bar = o['b'];",
    ),
    Shape(
        "nested", "const o = { x: { y: [ 'a', p ] } }; const bar = o.x.y[1];",
        "const o = { x: { y: [ 'a', p ] } }; const bar = o.x.y[0];",
    ),
    Shape(
        "destructured", "const { a: bar, b } = { a: p, b: 'x' };",
        "const { a, b: bar } = { a: p, b: 'x' };",
    ),
    Shape("array", "const [ , bar ] = ['x', p];", "const [bar] = ['x', p];"),
    Shape(
        "array-push", "const xs = []; xs.push('x'); xs.push(p); const bar = xs[1];",
        "const xs = []; xs.push('x'); xs.push(p); const bar = xs[0];",
    ),
    Shape(
        "array-shift", "const xs = ['x', p]; xs.shift(); const bar = xs[0];",
        "const xs = [p, 'x']; xs.shift(); const bar = xs[0];",
    ),
    Shape("join", "const bar = ['a', p].join('');", "const bar = ['a', 'p'].join('');"),
    Shape("map", "const bar = [p].map((x) => x)[0];", "const bar = [p].map(() => 'x')[0];"),
    Shape(
        "for-of", "let bar = ''; for (const x of [p, 'y']) { bar += x; }",
        "let bar = ''; for (const x of ['x', 'y']) { bar += x; }",
    ),
    Shape(
        "entries", "let bar = 'x'; for (const [k, v] of Object.entries({ a: p })) bar = v;",
        "let bar = 'x'; for (const [k, v] of Object.entries({ a: p })) bar = k;",
    ),
    Shape(
        "spread", "const o = { ...{ a: p }, b: 1 }; const bar = o.a;",
        "const o = { ...{ a: p }, a: 'x' }; const bar = o.a;",
    ),
    Shape(
        "assign", "const o = Object.assign({}, { a: p }); const bar = o.a;",
        "const o = Object.assign({ a: p }, { a: 'x' }); const bar = o.a;",
    ),
    Shape(
        "map-object",
        "const m = new Map(); m.set('a', p); m.set('b', 'x'); const bar = m.get(\"a\");",
        "const m = new Map(); m.set('a', p); m.set('b', 'x'); const bar = m.get('b');",
    ),
    Shape("ternary", "const bar = 7 > 3 ? p : 'x';", "const bar = 7 > 3 ? 'x' : p;"),
    Shape("nullish", "const bar = p ?? 'x';", "const bar = 'x' ?? p;"),
    Shape("or", "const bar = p || 'x';", "const bar = 'x' || p;"),
    Shape(
        "if", "let bar = 'x'; if (process.pid > 3) { bar = p; }",
        "let bar = 'x'; if (2 > 3) { bar = p; }",
    ),
    Shape(
        "switch", "let bar; switch ('a') { case 'a': bar = p; break; default: bar = 'x'; }",
        "let bar; switch ('b') { case 'a': bar = p; break; default: bar = 'x'; }",
    ),
    Shape("overwritten", "let bar = 'x'; bar = p;", "let bar = p; bar = 'x';"),
    Shape(
        "arrow", "const bar = same(p);", "const bar = other(p);", _HELPERS,
    ),
    Shape("await", "const bar = await waited(p);", "const bar = await ignored(p);", _HELPERS),
    Shape(
        "then", "const bar = await Promise.resolve(p).then((x) => x);",
        "const bar = await Promise.resolve(p).then(() => 'x');",
    ),
    Shape("method", "const bar = helpers.keep(p);", "const bar = helpers.drop(p);", _HELPERS),
    Shape("class", "const bar = new Box(p, 'x').first();", "const bar = new Box(p, 'x').second();",
          _CLASS),
    Shape("getter", "const bar = new Box(p, 'x').named;", "const bar = new Box(p, 'x').unnamed;",
          _CLASS),
    Shape("static", "const bar = Box.keep(p);", "const bar = Box.drop(p);", _CLASS),
    Shape("inherited", "const bar = new Crate(p, 'x').first();",
          "const bar = new Crate(p, 'x').second();", _CLASS),
    Shape("prototype", "const bar = new Old(p, 'x').take();",
          "const bar = new Old(p, 'x').leave();", _CLASS),
    Shape(
        "closure", "const make = (x) => () => x; const bar = make(p)();",
        "const make = (x) => () => 'x'; const bar = make(p)();",
    ),
    Shape(
        "bound", "const f = function (x, y) { return y; }.bind(null); const bar = f('x', p);",
        "const f = function (x, y) { return x; }.bind(null); const bar = f('x', p);",
    ),
    Shape(
        "default", "const f = (x = 'x', ...rest) => rest[0]; const bar = f(1, p);",
        "const f = (x = 'x', ...rest) => rest[0]; const bar = f(p, 1);",
    ),
    Shape("optional", "const o = { a: { b: p } }; const bar = o?.a?.['b'];",
          "const o = { a: { b: p, c: 'x' } }; const bar = o?.a?.['c'];"),
    Shape(
        "json", "const bar = JSON.parse(JSON.stringify({ a: p })).a;",
        "const bar = JSON.parse('{}').a;",
    ),
    Shape("decoded", "const bar = decodeURIComponent(p);", "const bar = decodeURIComponent('x');"),
    Shape("text", "const bar = p.trim().toLowerCase();", "const bar = p.trim().length;"),
    Shape("number", "const bar = String(p);", "const bar = Number(p);"),
    Shape("parse-int", "const bar = p;", "const bar = parseInt(p, 10);"),
    Shape("unary-plus", "const bar = p;", "const bar = +p;"),
    Shape(
        "list-checked", "if (!['a', 'b'].includes('a')) { REJECT; } const bar = p;",
        "if (!['a', 'b'].includes(p)) { REJECT; } const bar = p;",
    ),
    Shape(
        "set-checked", "if (!allowed.has('a')) { REJECT; } const bar = p;",
        "if (!allowed.has(p)) { REJECT; } const bar = p;",
        "const allowed = new Set(['a', 'b']);",
    ),
    Shape(
        "index-checked", "if (['a', 'b'].indexOf('a') === -1) { REJECT; } const bar = p;",
        "if (['a', 'b'].indexOf(p) === -1) { REJECT; } const bar = p;",
    ),
    Shape(
        "looked-up", "const table = { a: p }; const bar = table['a'];",
        "const table = { a: 'x', b: 'y' }; const bar = table[p];",
    ),
    Shape(
        "equal", "if (p !== 'a') { console.log('no'); } const bar = p;",
        "if (p !== 'a') { REJECT; } const bar = p;",
    ),
    Shape(
        "words-only", "if (!/[\\w]+/.test(p)) { REJECT; } const bar = p;",
        "if (!/^[A-Za-z0-9]+$/.test(p)) { REJECT; } const bar = p;",
        kinds=WORDS,
    ),
    Shape(
        "words-match", "if (!p.match(/^[^x]+$/)) { REJECT; } const bar = p;",
        "if (!p.match(/^[a-z]{1,9}$/i)) { REJECT; } const bar = p;",
        kinds=WORDS,
    ),
    Shape(
        "stripped", "const bar = p.replace(/[^\\w]/, '');", "const bar = p.replace(/[^\\w]/g, '');",
        kinds=WORDS,
    ),
    Shape(
        "checked-elsewhere", "check('a'); const bar = p;", "check(p); const bar = p;",
        "function check(x) { if (!/^\\w+$/.test(x)) { throw new Error('no'); } }",
        kinds=WORDS,
    ),
    Shape(
        "asked-elsewhere", "if (!fine('a')) { REJECT; } const bar = p;",
        "if (!fine(p)) { REJECT; } const bar = p;",
        "const fine = (x) => ['a', 'b', 'c'].includes(x);",
    ),
    Shape(
        "typeof", "if (typeof p !== 'object') { console.log(1); } const bar = p;",
        "if (typeof p !== 'number') { REJECT; } const bar = p;",
    ),
)  # fmt: skip
