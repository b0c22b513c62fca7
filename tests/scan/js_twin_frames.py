"""Programs of several JavaScript frameworks in which a value `p` comes from a request."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Frame:
    """A framework and a way in: whole files, in which `IMPORTS`, `MODULE` and `BODY` stand for
    what a case needs. `PAGE(v)`, `REDIRECT(v)`, `REJECT` and `DONE` are its ways to answer."""

    name: str
    files: dict[str, str]
    page: str
    redirect: str
    reject: str
    done: str

    def program(self, imports: str, module: str, body: str) -> dict[str, str]:
        out: dict[str, str] = {}
        for line_from, line_to in (
            ("PAGE", self.page), ("REDIRECT", self.redirect), ("REJECT", self.reject),
            ("DONE", self.done),
        ):  # fmt: skip
            body = body.replace(f"{line_from};", line_to)
        for path, text in self.files.items():
            text = text.replace("IMPORTS", imports).replace("MODULE", module)
            out[path] = text.replace("BODY", body)
        return out


_EXPRESS = "res.send(bar);"
FRAMES = (
    Frame(
        "express-query",
        {
            "app.js": """const express = require("express");
IMPORTS
const app = express();
MODULE
app.get("/a", async (req, res) => {
  const p = req.query.q;
  BODY
});
app.listen(3000);
"""
        },
        _EXPRESS,
        "res.redirect(bar);",
        "return res.status(400).end();",
        "res.json({ ok: true });",
    ),
    Frame(
        "express-controller",
        {
            "app.js": """import express from "express";
import { routes } from "./routes.js";
const app = express();
app.use(express.json());
app.use("/api", routes);
""",
            "routes.js": """import { Router } from "express";
import * as things from "./controllers/things.js";
export const routes = Router();
routes.post("/things/:id", things.update);
""",
            "controllers/things.js": """IMPORTS
MODULE
export async function update(req, res, next) {
  const { id: p } = req.params;
  BODY
}
""",
        },
        _EXPRESS,
        "res.redirect(302, bar);",
        "return next(new Error('no'));",
        "res.status(204).end();",
    ),
    Frame(
        "express-class",
        {
            "app.ts": """import express, { Request, Response } from "express";
import { Things } from "./things";
const app = express();
const things = new Things("x");
app.post("/things", (req: Request, res: Response) => things.create(req, res));
""",
            "things.ts": """import { Request, Response } from "express";
IMPORTS
MODULE
export class Things {
  constructor(private readonly name: string) {}
  async create(req: Request, res: Response): Promise<void> {
    const p = req.body.name as string;
    BODY
  }
}
""",
        },
        _EXPRESS,
        "res.redirect(bar);",
        "res.sendStatus(400); return;",
        "res.end();",
    ),
    Frame(
        "koa",
        {
            "app.js": """const Koa = require("koa");
const Router = require("@koa/router");
IMPORTS
const router = new Router();
MODULE
router.get("/a", async (ctx, next) => {
  const p = ctx.query.q;
  BODY
});
new Koa().use(router.routes());
"""
        },
        "ctx.body = bar;",
        "ctx.redirect(bar);",
        "return ctx.throw(400);",
        "ctx.status = 204;",
    ),
    Frame(
        "fastify",
        {
            "app.js": """import Fastify from "fastify";
IMPORTS
const fastify = Fastify();
MODULE
fastify.post("/a", async (request, reply) => {
  const { q: p } = request.body;
  BODY
});
"""
        },
        "reply.type('text/html').send('<p>' + bar);",
        "reply.redirect(bar);",
        "return reply.code(400).send();",
        "return { ok: true };",
    ),
    Frame(
        "next-api",
        {
            "pages/api/a.ts": """import type { NextApiRequest, NextApiResponse } from "next";
IMPORTS
MODULE
export default async function handler(req: NextApiRequest, res: NextApiResponse) {
  const p = req.query.q as string;
  BODY
}
"""
        },
        _EXPRESS,
        "res.redirect(bar);",
        "return res.status(400).end();",
        "res.status(204).end();",
    ),
)
