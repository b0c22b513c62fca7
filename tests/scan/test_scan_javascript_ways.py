"""Ways on which data reaches a command in JavaScript, and ways on which it does not."""

from __future__ import annotations

import pytest

from headgate.scan.analyzers.flow_javascript import JavaScriptFlow
from headgate.scan.analyzers.interface import SourceFile

HEAD = 'const { exec, execFile } = require("child_process");\nconst fs = require("fs");\n'
HEAD += 'const path = require("path");\n'


def rules(source: str) -> list[str]:
    analysis = JavaScriptFlow().scan([SourceFile("app.js", (HEAD + source).encode())])
    return [hit.finding.rule for hit in analysis.hits]


FOUND = [
    """function A(db) { this.find = (t) => { exec(t); }; }
const a = new A();
function h1(req, res) { a.find(req.query.a); }""",
    """function A(db) { this.find = (t) => { exec(t); }; }
function h2(req, res) { const b = new A(); b.find(req.query.b); }""",
    """function A(db) { this.find = (t) => { exec(t); }; }
function H(db) { const c = new A(); this.d = (req, res) => { c.find(req.query.c); }; }""",
    """function A(db) { this.find = (t) => { exec(t); }; }
function H4(db) { const c = new A(); const k = (req, res) => { c.find(req.query.d); }; }""",
    """const B = function (db) { if (false === (this instanceof B)) { return new B(db);
  } this.find = (t) => { exec(t); }; };
function h5(req, res) { const b = new B(); b.find(req.query.e); }""",
    """class A { find(t) { exec(t); } }
function H4(db) { const c = new A(); const k = (req, res) => { c.find(req.query.d); }; }""",
    """class A { constructor(d) { this.d = d; } find(t) { exec(t); } run(req) {
  this.find(req.query.x) } }""",
    """class A { constructor(d) { this.d = d; } go(req, res) { this.d = req.query.x; this.r();
  } r() { exec(this.d); } }""",
    """class B { find(t) { exec(t); } } class A extends B { constructor() { super();
  } } module.exports = new A(); function f(req) { new A().find(req.query.x) }""",
    """function A() {} A.prototype.find = function (t) { exec(t); }; function f(req) {
  const a = new A(); a.find(req.query.q); }""",
    """const svc = { find(t) { exec(t); }, go: (t) => svc.find(t) }; function f(req) {
  svc.go(req.body.q); }""",
    """const svc = { find(t) { this.run(t); }, run(t) { exec(t) } }; exports.f = (req,
  res) => svc.find(req.body.q);""",
    """async function g(t) { return t; } exports.f = async (req, res) => {
  const x = await g(req.query.x); exec(x); };""",
    """function g(t) { return Promise.resolve(t); } exports.f = (req, res) => {
  g(req.query.x).then(x => exec(x)); };""",
    """exports.f = (req, res) => { [req.query.x].forEach(x => exec(x)); };""",
    """exports.f = (req, res) => { req.body.items.map(i => i.name).forEach(x => exec(x)); };""",
    """exports.f = (req, res) => { const a = []; a.push(req.query.x); exec(a.join(" ")); };""",
    """exports.f = ({ query }, res) => { exec(query.x); };""",
    """exports.f = ({ query: { x } }, res) => { exec(x); };""",
    """const { pipe } = require("x"); exports.f = (req, res) => { const { a = "b",
  ...r } = req.query; exec(r.c); };""",
    """exports.f = wrap(async (req, res) => { exec(req.query.a) });""",
    """exports.f = (req, res) => { const o = Object.assign({}, req.body); exec(o.cmd); };""",
    """exports.f = (req, res) => { const o = { ...req.body, z: 1 }; exec(o.cmd); };""",
    """exports.f = (req, res) => { const m = new Map(); m.set("a", req.query.q);
  exec(m.get("a")); };""",
    """exports.f = (req, res) => { for (const [k, v] of Object.entries(req.query)) exec(v); };""",
    """exports.f = (req, res) => { for (const k in req.query) exec(req.query[k]); };""",
    """exports.f = (req, res) => { let c = "ls "; c += req.query.d; exec(c); };""",
    """exports.f = (req, res) => { setTimeout(() => exec(req.query.d), 10); };""",
    """exports.f = (req, res) => { const f = exec.bind(null); f(req.query.d); };""",
    """exports.f = (req, res) => { new Promise((ok, no) => { exec(req.query.d, ok); }); };""",
    """exports.f = function (req, res) { const self = this; helper.call(self, req.query.x); };
  function helper(t) { exec(t); }""",
    """let last; exports.f = (req, res) => { last = req.query.x; }; exports.g = (req, res) => {
  exec(last); };""",
    """exports.f = async function* (req) { exec(`${req.query.a ?? "x"}`); };""",
    """exports.f = (req, res) => { const c = req.query.t ? `a ${req.query.t}` : "b"; exec(c); };""",
    """exports.f = (req, res) => { exec(JSON.parse(req.body.x).cmd); };""",
    """exports.f = (req, res) => { const { x } = JSON.parse(decodeURIComponent(req.query.q));
  exec(x); };""",
    """exports.f = (req, res, next) => { req.user = req.query.u; next(); }; exports.g = (req,
  res) => { exec(req.user); };""",
    """exports.f = (req, res) => { res.locals.u = req.query.u; exec(res.locals.u); };""",
    """exports.f = (req, res) => { const parts = req.query.u.split(","); exec(parts[0]); };""",
    """exports.f = (req, res) => { exec([..."ls ", req.query.u].join("")); };""",
    """exports.f = (req, res) => { exec("ls".concat(" ", req.query.u)); };""",
    """const util = require("util"); const run = util.promisify(exec); exports.f = async (req,
  res) => { await run(req.query.x); };""",
    """const cp = require("child_process");
  exports.f = (req, res) => { cp["exec"](req.query.x); };""",
    """exports.f = (req, res) => { require("child_process").exec(req.query.x); };""",
    """const express = require("express"); const r = express.Router(); r.route("/x").get((a,
  b) => { exec(a.query.x); });""",
    """const app = require("express")();
  app.get("/x", mw, [m1, (a, b) => { exec(a.query.x); }]);""",
    """const app = require("express")(); app.use((err, q, s, next) => { exec(q.query.x); });""",
    """exports.f = (req, res) => { switch (req.query.a) { case "x": exec(req.query.b); break;
  default: } };""",
    """exports.f = (req, res) => { if (/^[a-z]+$/.test(req.query.x)) { return 1;
  } exec(req.query.x); };""",
    """exports.f = (req, res) => {
  const x = String(req.query.x).trim().toLowerCase(); exec(x); };""",
    """function g(cb) { cb(null); } exports.f = (req, res) => { g((e) => { exec(req.query.z);
  }); };""",
    """const make = (db) => { const n = 1; return { find(t) { exec(t); }, other() { a(); b();
  c(); d(); e(); f(); g(); h(); i(); j(); k(); l(); m(); n(); o(); p(); q(); a(); b();
  c(); d(); e(); f(); g(); h(); i(); j(); k(); l(); m(); n(); o(); p(); q(); a(); b();
  c(); d(); e(); f(); g(); } }; }; const s = make(1); exports.f = (req,
  res) => s.find(req.query.x);""",
]


@pytest.mark.parametrize("source", FOUND, ids=range(len(FOUND)))
def test_data_gets_there(source: str) -> None:
    assert rules(source) == ["javascript/command-injection"]


LEFT_ALONE = [
    """exports.f = (req, res) => { const m = new Map([["a", "b"]]);
  exec(m.get(req.query.x) ?? "c"); };""",
    """exports.f = (req, res) => { const n = parseInt(req.query.n, 10); exec(`kill ${n}`); };""",
    """exports.f = (req, res) => { const ok = ["a", "b"];
  if (!ok.includes(req.query.x)) return res.end(); exec(req.query.x); };""",
    """const OK = new Set(["a"]); exports.f = (req, res) => { if (OK.has(req.query.x)) {
  exec(req.query.x); } };""",
    """exports.f = (req, res) => { const c = { a: "ls", b: "df" }[req.query.x]; exec(c); };""",
    """exports.f = (req, res) => { switch (req.query.x) { case "a": exec("ls"); break;
  default: exec("df"); } };""",
    """exports.f = (req, res) => { const cmd = req.query.x === "a" ? "ls" : "df"; exec(cmd); };""",
    """exports.f = (req, res) => { exec("ls", { cwd: "/" }, (e, out) => res.json({
  q: req.query.x })); };""",
    """exports.f = (req, res) => { const { length } = req.query.x; exec("head -c " + length); };""",
    """exports.f = (req, res) => { execFile("ls", [req.query.x]); };""",
    """exports.f = (req, res) => {
  if (!/^[a-z0-9-]{1,30}$/.test(req.params.id)) throw new Error("no");
  exec("ls " + req.params.id); };""",
    """exports.f = async (req, res) => { const u = await User.findOne({ where: {
  id: req.params.id } }); res.json(u); };""",
    """exports.f = (req, res) => { res.json({ name: req.query.name }); };""",
    """exports.f = (req, res) => { res.status(404).send({ error: req.query.name }); };""",
    """exports.f = (req, res) => { console.log(req.query.name); };""",
    """exports.f = (req, res) => { const id = Number(req.params.id);
  db.query(`select * from t where id = ${id}`); };""",
    """exports.f = (req, res) => { db.query("select * from t where id = ?", [req.params.id], (e,
  rows) => res.send(rows)); };""",
    """exports.f = (req, res) => { res.redirect("/items/" + req.params.id); };""",
    """exports.f = (req, res) => {
  res.redirect(`/items?next=${encodeURIComponent(req.query.next)}`); };""",
    """exports.f = (req, res) => { const x = req.query.x; const y = x ? "a" : "b"; exec(y); };""",
    """function g(t) { return t.length; } exports.f = (req, res) => {
  exec("x" + g(req.query.x)); };""",
    """exports.f = (req, res) => { const i = ["a", "b"].findIndex((x) => x === req.query.x);
  exec(["ls", "df"][i]); };""",
    """exports.f = (req, res) => { let out = ""; for (const c of ["a",
  "b"]) if (c === req.query.x) out = c; exec(out); };""",
    """exports.f = (req, res) => {
  const d = new Date(req.query.d); exec("date " + d.getTime()); };""",
    """exports.f = (req, res) => { const p = req.query.p.replace(/[^a-z0-9]/g, "");
  exec("ls " + p); };""",
    """exports.f = (req, res) => { setTimeout(() => res.end(req.query.x), 10); };""",
    """exports.f = (req, res) => {
  if (typeof req.query.x === "number") exec("x" + req.query.x); };""",
    """exports.f = (req, res) => { const t = req.headers["x-token"];
  if (t !== process.env.T) return res.end(); exec("ls"); };""",
    """exports.f = (req, res) => { fs.readFile(path.join(dir, path.basename(req.params.f)), (e,
  d) => res.end()); };""",
    """exports.f = (req, res) => { obj[req.query.k] = 1; };""",
]


@pytest.mark.parametrize("source", LEFT_ALONE, ids=range(len(LEFT_ALONE)))
def test_data_does_not_get_there(source: str) -> None:
    assert rules(source) == []
