"""Idioms of JavaScript programs, each harmful and harmless: what arrives by events and through
closures, what was given at the start, what schemas and patterns let through, where it is told."""

from __future__ import annotations

import pytest

from headgate.scan.analyzers.flow_javascript import JavaScriptFlow
from headgate.scan.analyzers.interface import SourceFile

FLOW = JavaScriptFlow()
HEAD = """
const express = require("express"); const { exec } = require("child_process");
const { Pool } = require("pg"); const path = require("path"); const fs = require("fs");
const jwt = require("jsonwebtoken"); const { z } = require("zod");
const crypto = require("crypto"); const Joi = require("joi"); const multer = require("multer");
const app = express(); const pool = new Pool();
"""
TYPED = """
import { Controller, Get, Param, ParseIntPipe, Query } from "@nestjs/common";
import { IsIn, IsString, Matches } from "class-validator";
import { DataSource } from "typeorm";
import { exec } from "child_process";
"""


def found(text: str, name: str = "app.js") -> list[tuple[str, int]]:
    hits = FLOW.scan([SourceFile(name, text.encode())]).hits
    return [(f.rule.removeprefix("javascript/"), f.span.line) for f in (h.finding for h in hits)]


def kinds(text: str, name: str = "app.js") -> set[str]:
    return {kind for kind, _ in found(text, name)}


def routes(*lines: str) -> str:
    return HEAD + "\n".join(f'app.post("/{at}", (req, res) => {{ {one} }});'
                            for at, one in enumerate(lines))  # fmt: skip


BODY = """
const http = require("http");
function read(req, done) {
  const chunks = [];
  req.on("EVENT", (chunk) => { chunks.push(chunk); });
  req.on("end", () => done(Buffer.concat(chunks)));
}
const table = { a: (req, res) => read(req, (body) => { exec(body.toString()); }) };
"""
PARTS = """
require("http").createServer((req, res) => {
  const q = require("url").parse(req.url, true).query; CHECK
  exec("show " + q.id);
});
"""
LATER = """
function read(req) {
  return new Promise((resolve) => { let text = "";
    req.on("data", (part) => { text += part; }); req.on("end", () => resolve(WHAT)); });
}
app.post("/", async (req, res) => { exec(await read(req)); });
"""
GIVEN = """
class Teller { say(text) { WHAT } }
class Desk {
  constructor(teller) { this.teller = teller; }
  place(sent) { this.teller.say(sent.to); }
}
function routes({ teller }) {
  const desk = new Desk(teller);
  app.post("/", (req) => desk.place(req.body));
}
routes({ teller: new Teller() });
"""
EMITTER = """
const { EventEmitter } = require("events"); const bus = new EventEmitter();
bus.on("say", (text) => { exec("say " + text); });
app.post("/", (req, res) => { bus.emit("EVENT", req.body.text); });
"""
MESSAGE = """
window.addEventListener("message", (event) => { CHECK
  document.body.innerHTML = event.data; });
"""
MERGE = """
function merge(into, from) {
  for (const key in from) { CHECK
    if (typeof from[key] === "object") merge(into[key], from[key]);
    else into[key] = from[key];
  }
}
app.post("/", (req, res) => { merge({}, req.body); });
"""
DTO = """
class Asked { FIELD harbour!: string; }
@Controller("a") export class A {
  constructor(private readonly ds: DataSource) {}
  @Get() list(@Query() q: Asked) {
    return this.ds.query(`SELECT a FROM b WHERE c = '${q.harbour}'`);
  }
}
"""
PIPE = """
@Controller("a") export class A {
  @Get(":id") one(@Param("id"PIPE) id: number) { exec("show " + id); }
}
"""
FASTIFY = """
const fastify = require("fastify")(); const { MongoClient } = require("mongodb");
const items = new MongoClient("x").db("a").collection("items");
fastify.get("/", { schema: { querystring: { type: "object", properties: { a: { TYPE } } } } },
  async (request) => items.findOne({ a: request.query.a }));
"""
EXPECTED = [
    ("a body in chunks", "command-injection", HEAD + BODY.replace("EVENT", "data"),
     HEAD + BODY.replace("EVENT", "close")),
    ("an address taken apart", "command-injection", HEAD + PARTS.replace("CHECK", ""),
     HEAD + PARTS.replace("CHECK", r"if (!/^\d+$/.test(q.id)) return;")),
    ("a promise", "command-injection", HEAD + LATER.replace("WHAT", "text"),
     HEAD + LATER.replace("WHAT", "text.length")),
    ("objects given at the start", "command-injection", HEAD + GIVEN.replace("WHAT", "exec(text);"),
     HEAD + GIVEN.replace("WHAT", "exec('say');")),
    ("an emitter", "command-injection", HEAD + EMITTER.replace("EVENT", "say"),
     HEAD + EMITTER.replace("EVENT", "other")),
    ("messages", "xss", MESSAGE.replace("CHECK", ""),
     MESSAGE.replace("CHECK", "if (event.origin !== 'https://a.example') return;")),
    ("a merge that goes down", "prototype-pollution", HEAD + MERGE.replace("CHECK", ""),
     HEAD + MERGE.replace("CHECK", "if (['__proto__', 'constructor'].includes(key)) continue;")),
    ("a variable around", "command-injection",
     routes("let a = ''; const f = () => { a = req.body.a; }; f(); exec(a);"),
     routes("let a = ''; const f = () => { a = 'b'; }; f(); exec(a);")),
    ("a function of the language that maps", "xss",
     routes("res.send('<b>' + req.body.a.split(',').map(decodeURIComponent).join('') + '</b>');"),
     routes("res.send('<b>' + req.body.a.split(',').map(encodeURIComponent).join('') + '</b>');")),
    ("a schema", "path-traversal",
     routes("const q = z.object({ a: z.string() }).parse(req.body); fs.readFileSync(q.a);"),
     routes("const q = z.object({ a: z.string().regex(/^[a-z]+$/) }).safeParse(req.body);"
            " if (q.success) fs.readFileSync(q.data.a);")),
    ("a field of Fastify's schema", "nosql-injection", FASTIFY.replace("TYPE", 'type: "object"'),
     FASTIFY.replace("TYPE", 'type: "string"')),
    ("a folder without its separator", "path-traversal",
     routes("const p = path.resolve('/srv/a', req.body.a);"
            " if (!p.startsWith('/srv/a')) return; fs.readFileSync(p);"),
     routes("const p = path.resolve('/srv/a', req.body.a);"
            " if (!p.startsWith('/srv/a/')) return; fs.readFileSync(p);")),
    ("a relative path", "path-traversal",
     routes("const p = path.resolve('/srv', req.body.a); const r = path.relative('/srv', p);"
            " if (r.startsWith('a')) return; fs.readFileSync(p);"),
     routes("const p = path.resolve('/srv', req.body.a); const r = path.relative('/srv', p);"
            " if (r.startsWith('..') || path.isAbsolute(r)) return; fs.readFileSync(p);")),
    ("a path of one's own site", "open-redirect",
     routes(r"res.redirect(/^\/.*$/.test(req.body.a) ? req.body.a : '/');"),
     routes(r"res.redirect(/^\/[a-z0-9-]+$/.test(req.body.a) ? req.body.a : '/');")),
    ("entities", "xss",
     routes("res.send('<b>' + req.body.a.replace(/[&]/g, (c) => ({ '&': '&amp;' })[c]));"),
     routes("""const M = { '<': '&lt;', '>': '&gt;', '&': '&amp;', '"': '&quot;' };
       res.send('<b>' + req.body.a.replace(/[<>&"]/g, (c) => M[c]));""")),
    ("letters of patterns", "redos", routes("new RegExp(req.body.a).test('b');"),
     routes(r"new RegExp(req.body.a.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).test('b');")),
    ("a pattern that goes back", "redos", routes(r"/^([a-z]+)+$/.test(req.body.a);"),
     routes(r"/^[a-z]+$/.test(req.body.a);")),
    ("both sorts of algorithms", "jwt-unverified",
     routes("jwt.verify(req.body.t, key, { algorithms: ['RS256', 'HS256'] });"),
     routes("jwt.verify(req.body.t, key, { algorithms: ['RS256'] });")),
    ("a schema of Joi", "command-injection",
     routes("const { value } = Joi.object({ a: Joi.string() }).validate(req.body); exec(value.a);"),
     routes("const { value } = Joi.object({ a: Joi.string().alphanum() }).validate(req.body);"
            " exec(value.a);")),
    ("a host's end", "ssrf",
     routes("const h = new URL(req.body.u).hostname;"
            " if (h.endsWith('example.com')) fetch(req.body.u);"),
     routes("const h = new URL(req.body.u).hostname;"
            " if (h.endsWith('.example.com')) fetch(req.body.u);")),
    ("what a path keeps", "path-traversal",
     routes("if (req.body.f !== req.body.f.trim()) return; fs.readFileSync(req.body.f);"),
     routes("if (req.body.f !== path.basename(req.body.f)) return; fs.readFileSync(req.body.f);")),
    ("all that was sent", "mass-assignment",
     routes("Object.assign(account, req.body);"),
     routes("Object.assign(account, { name: req.body.name });")),
    ("a secret compared", "timing-unsafe-comparison",
     routes("if (req.body.t !== process.env.SYNC_TOKEN) res.end();"),
     routes("if (req.body.t !== req.body.again_token) res.end();")),
    ("a cookie in a header", "insecure-cookie",
     routes("res.setHeader('Set-Cookie', `a=${token}; Path=/`);"),
     routes("res.setHeader('Set-Cookie', `a=${token}; Path=/; HttpOnly; Secure`);")),
    ("errors for those who ask", "error-exposure",
     routes("try { f(); } catch (e) { res.status(500).json({ e: e.stack }); }"),
     routes("try { f(); } catch (e) { res.status(400).json({ e: e.message }); }",
            "try { f(); } catch (e) { log(e); res.status(500).json({ e: 'failed' }); }")),
    ("a file under its own name", "missing-upload-limits",
     routes("fs.renameSync(req.file.path, 'public/' + path.basename(req.file.originalname));"),
     routes("fs.renameSync(req.file.path, 'public/' + crypto.randomUUID());")),
    ("one page of many", "xss",
     routes("pool.query('SELECT a FROM b', (err, rows) => res.send('<b>' + rows[0].a));"),
     routes("pool.query('SELECT a FROM b', (err, rows) => res.send(rows));")),
]  # fmt: skip
TYPES = [
    ("a field of a class", "sql-injection", DTO.replace("FIELD", "@IsString()"),
     DTO.replace("FIELD", "@IsIn(['north', 'south'])")),
    ("a pattern of a field", "sql-injection", DTO.replace("FIELD", "@Matches(/[a-z]/)"),
     DTO.replace("FIELD", "@Matches(/^[a-z]{1,9}$/)")),
    ("a pipe", "command-injection", PIPE.replace("PIPE", ""),
     PIPE.replace("PIPE", ", ParseIntPipe")),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "bad", "good", "name"),
    [
        *(pytest.param(kind, bad, good, "app.js", id=what) for what, kind, bad, good in EXPECTED),
        *(
            pytest.param(kind, TYPED + bad, TYPED + good, "app.ts", id=what)
            for what, kind, bad, good in TYPES
        ),
    ],
)
def test_the_harmful_one_is_found_and_the_other_is_not(
    kind: str, bad: str, good: str, name: str
) -> None:
    assert kind in kinds(bad, name)
    assert kind not in kinds(good, name)


def test_a_text_is_told_where_it_is_put_together() -> None:
    """What a module hands on to the database is no defect of it."""
    text = """const { Pool } = require("pg");
const pool = new Pool();
const db = { query(text, values) { return pool.query(text, values); } };
function one(req, res) { db.query("SELECT a FROM b WHERE c = '" + req.query.c + "'"); }
function two(req, res) { db.query(`SELECT a FROM b WHERE d = '${req.query.d}'`); }
function three(req, res) { db.query("SELECT a FROM b WHERE c = $1", [req.query.c]); }
"""
    assert found(text) == [("sql-injection", 4), ("sql-injection", 5)]


def test_an_address_that_is_handed_on_whole_is_told_where_it_is_asked() -> None:
    text = """const axios = require("axios");
const load = (url) => axios.get(url);
function one(req, res) { load(req.query.url); }
"""
    assert found(text) == [("ssrf", 2)]


TAGS = """
async function bind(texts, ...values) {
  return pool.query(texts.reduce((all, one, i) => all + "$" + i + one), values);
}
async function join(texts, ...values) {
  return pool.query(String.raw({ raw: texts }, ...values));
}
app.get("/a", (req, res) => { TAG`SELECT a FROM b WHERE c = ${req.query.c}`; });
"""


def test_a_tag_is_given_the_texts_and_the_values_apart() -> None:
    assert kinds(HEAD + TAGS.replace("TAG", "join")) == {"sql-injection"}
    assert kinds(HEAD + TAGS.replace("TAG", "bind")) == set()


def test_what_an_address_asks_is_itself_as_an_object_too() -> None:
    page = "const page = Object.fromEntries(new URLSearchParams(location.search));"
    assert kinds(page + "box.innerHTML = `<b>${page.name}</b>`;") == {"xss"}
    assert kinds(page + "box.textContent = page.name;") == set()


def test_resolvers_are_asked_whatever_file_they_are_kept_in() -> None:
    server = b'import { ApolloServer } from "@apollo/server"; new ApolloServer({ resolvers });'
    resolvers = b"""import { readFileSync } from "fs";
export const resolvers = { Query: { manual: (_, { name }) => readFileSync("/srv/" + name) } };
"""
    kept = SourceFile("resolvers.js", resolvers)
    hits = FLOW.scan([SourceFile("server.js", server), kept]).hits
    assert [one.finding.rule for one in hits] == ["javascript/path-traversal"]
    assert not FLOW.scan([kept]).hits


def test_the_stack_that_an_error_handler_is_given_is_for_the_log() -> None:
    handler = "app.use(function (err, req, res, next) { console.error(err.stack); %s });"
    assert kinds(HEAD + handler % "res.send('<pre>' + err.stack + '</pre>');") == {"error-exposure"}
    assert kinds(HEAD + handler % "res.status(500).send('failed');") == set()


@pytest.mark.parametrize("check", ["assert", "assert.ok", "ctx.assert", "console.assert"])
def test_what_is_asserted_holds_from_there_on(check: str) -> None:
    """`console.assert` only writes."""
    text = "const y = req.query.y; %s(/^\\d{4}$/.test(y), 'year'); exec('cal ' + y);"
    assert bool(kinds(routes(text % check))) == (check == "console.assert")


def test_what_a_socket_of_a_server_is_sent_comes_from_outside() -> None:
    text = (
        HEAD
        + """
require("node:net").createServer((sock) => { sock.on("data", (sent) => { RUN }); }).listen(4567);
"""
    )
    assert kinds(text.replace("RUN", "exec('stat ' + sent);")) == {"command-injection"}
    assert kinds(text.replace("RUN", "sock.write(sent);")) == set()


@pytest.mark.parametrize("there", ["=== -1", "< 0"])
def test_a_list_that_is_not_known_is_asked_for_a_place_too(there: str) -> None:
    one = "const names = fs.readdirSync('songs'); %s exec('play songs/' + req.query.f);"
    check = f"if (names.indexOf(req.query.f) {there}) return res.end();"
    assert kinds(routes(one % check)) == set()
    assert "command-injection" in kinds(routes(one % "names.indexOf(req.query.f);"))
