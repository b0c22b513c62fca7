"""What one route of JavaScript lacks that those beside it have, in Nest, Next.js and elsewhere."""

from __future__ import annotations

from headgate.scan.absence.javascript import lacks_of
from headgate.scan.absence.javascript_matcher import covers
from headgate.scan.front.lowered import lowered

EXPRESS = """
const express = require("express"); const app = express(); const db = require("./db");
const must = (req, res, next) => (req.session.member ? next() : res.redirect("/login"));
const staff = (req, res, next) => (req.who.role === "staff" ? next() : res.sendStatus(403));
app.use(must);
"""


def asked(files: dict[str, str] | str, kind: str) -> set[str]:
    """The routes that lack something of a kind."""
    given = {"app.js": EXPRESS + files} if isinstance(files, str) else files
    modules = lowered({path: text.encode() for path, text in given.items()}, None)
    return {one.subject for one in lacks_of(modules) if one.kind == kind}


def test_who_turns_strangers_away_checks_who_calls_whatever_it_is_called() -> None:
    text = """
        app.post("/a", async (req, res) => { await db.things.create({ a: 1 }); });
        app.post("/b", async (req, res) => { await db.things.create({ a: 1 }); });
    """
    assert asked(text, "missing-authentication") == set()


def test_what_destroys_asks_for_the_rights_that_others_ask_for() -> None:
    text = """
        app.post("/marks", staff, async (req, res) => { await db.marks.create({ a: 1 }); });
        app.delete("/marks/:id", async (req, res) => { await db.marks.destroy(req.params.id); });
        app.post("/notes", staff, async (req, res) => { await db.notes.create({ a: 1 }); });
        app.delete("/notes/:id", staff, async (req, res) => { await db.notes.destroy(1); });
    """
    assert asked(text, "missing-authorisation") == {"DELETE /marks/:id"}


def test_what_others_take_of_their_caller_only_is_not_taken_of_everybody() -> None:
    text = """
        const items = db.items;
        app.get("/a/:id", async (req, res) => {
          res.json(await items.findOne({ id: req.params.id, ownerId: req.session.userId })); });
        app.get("/b/:id", async (req, res) => {
          res.json(await items.findOne({ id: req.params.id })); });
    """
    assert asked(text, "missing-owner-check") == {"GET /b/:id"}


def test_a_statement_that_takes_one_of_somebody_is_asked_about() -> None:
    text = """
        app.get("/m/:id", (req, res) => {
          res.json(db.prepare("SELECT name FROM members WHERE id = ?").get(req.params.id)); });
        app.get("/t/:id", (req, res) => {
          res.json(db.prepare("SELECT name FROM towns WHERE id = ?").get(req.params.id)); });
    """
    assert asked(text, "missing-owner-check") == {"GET /m/:id"}


def test_a_whole_row_of_a_table_with_passwords_is_no_answer() -> None:
    text = """
        app.post("/in", (req, res) => db.prepare("SELECT id, hash FROM members WHERE m = ?").get());
        app.get("/all", (req, res) => {
          const rows = db.prepare("SELECT * FROM members").all(); res.json(rows); });
        app.get("/names", (req, res) => {
          const rows = db.prepare("SELECT name FROM members").all(); res.json(rows); });
    """
    assert asked(text, "secret-in-response") == {"GET /all"}


def test_methods_of_a_controller_are_routes_with_their_guards() -> None:
    text = """
        import { Controller, Delete, Get, Post, UseGuards } from "@nestjs/common";
        import { JwtGuard } from "./guard";
        @Controller("crew") export class Crew {
          constructor(private readonly store: Store) {}
          @Get() @UseGuards(JwtGuard) list() { return []; }
          @Post() @UseGuards(JwtGuard) add() { return this.store.save(1); }
          @Delete(":name") remove() { return this.store.delete(1); }
        }
        @Controller("ship") @UseGuards(JwtGuard) export class Ship {
          @Delete(":name") remove() { return this.store.delete(1); }
        }
    """
    assert asked({"crew.ts": text}, "missing-authentication") == {"DELETE /crew/:name"}


def test_actions_are_routes() -> None:
    text = """
        "use server";
        import { mustUser } from "./session";
        import { prisma } from "./prisma";
        import "next/navigation";
        export async function add(form) { await mustUser(); await prisma.note.create({}); }
        export async function drop(form) { await prisma.note.delete({ where: { id: 1 } }); }
    """
    assert asked({"actions.ts": text}, "missing-authentication") == {"POST drop"}


def test_middleware_counts_for_what_it_matches_only() -> None:
    route = """
        import { db } from "./db";
        export default async function handler(req, res) {
          if (req.method === "DELETE") await db.delete(1); res.end(); }
    """
    middleware = """
        import { NextResponse } from "next/server";
        export function middleware(req) {
          if (!verifyToken(req)) return NextResponse.redirect("/"); }
        export const config = { matcher: ["/api/members/:path*"] };
    """
    files = {
        "middleware.ts": middleware,
        "pages/api/members/[id].ts": route,
        "pages/api/classes/[id].ts": route,
    }
    assert asked(files, "missing-authentication") == {"DELETE /api/classes/[id]"}


def test_matchers_match_as_the_framework_does() -> None:
    assert covers(None, "/a")
    assert covers(["/a/:path*"], "/a")
    assert covers(["/a/:path*"], "/a/b/c")
    assert covers(["/a/:id"], "/a/[id]")
    assert not covers(["/a/:id"], "/a")
    assert covers(["/((?!api|_next).*)"], "/me")
    assert not covers(["/((?!api|_next).*)"], "/api/me")
    assert not covers([], "/a")
