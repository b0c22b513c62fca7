"""Pairs that differ in one word: the one does harm, the other does not."""

from __future__ import annotations

import pytest

from headgate.scan.analyzers.flow import Flow
from headgate.scan.analyzers.flow_javascript import JavaScriptFlow
from headgate.scan.analyzers.interface import SourceFile

FLASK = """
import asyncio, os, re, string, threading
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from flask import Flask, g, redirect, request
app = Flask(__name__)
ALLOWED = set("abcdefghijklmnopqrstuvwxyz0123456789_")
NAME = re.compile(r"[a-z]+")
Pair = namedtuple("Pair", "first second")
CURRENT = ""

@dataclass
class Job:
    name: str
    command: str

def later():
    os.system(CURRENT)

def logged(what):
    def outer(function):
        def inner(*args):
            os.system("logger " + what())
            return function(*args)
        return inner
    return outer

@app.before_request
def before():
    g.user, g.area = request.headers["user"], "all"

async def twice(text):
    return text + text

@app.get("/view")
async def view():
    p = request.args["p"]
"""
FASTAPI = """
import os
from typing import Annotated
from fastapi import Depends, FastAPI, Query, Request
from pydantic import BaseModel, Field
from sqlalchemy import text
from sqlalchemy.orm import Session
app = FastAPI()

def session():
    with Session() as one:
        yield one

@app.middleware("http")
async def who(request: Request, call_next):
    request.state.user = request.headers["user"]
    request.state.area = 1
    return await call_next(request)

"""
DJANGO = """
import os
from django.urls import path
from django.views import View

class Show(View):
    def get(self, request, pk):
        os.system("kill " + pk)

"""
EXPRESS = """
const express = require("express");
const jwt = require("jsonwebtoken");
const { exec } = require("child_process");
const app = express();
const same = async (text) => text.trim();
app.post("/view", async (req, res) => {
  const p = req.body.p;
"""
KOA = """
const Koa = require("koa");
const Router = require("@koa/router");
const router = new Router();
router.get("/view/:name", async (ctx) => {
"""
IN_FLASK = {
    "letters": (
        'os.system("".join(c for c in p if c.isprintable()))',
        'os.system("".join(c for c in p if c.isalnum()))',
    ),
    "letters and some": (
        'os.system("".join(c for c in str(p) if c.isalnum() or c in ";|"))',
        'os.system("".join(c for c in str(p) if c.isalnum() or c in "-_"))',
    ),
    "letters of a path": (
        'open("/d/" + "".join(c for c in p if c.isalnum() or c in "./"))',
        'open("/d/" + "".join(c for c in p if c.isalnum() or c in "._"))',
    ),
    "letters by name": (
        'os.system("".join(c for c in p if c in string.printable))',
        'os.system("".join(c for c in p if c in string.ascii_letters + string.digits))',
    ),
    "filter": (
        'os.system("".join(filter(str.isprintable, p)))',
        'os.system("".join(filter(str.isalnum, p)))',
    ),
    "all": (
        'if not any(c in ALLOWED for c in p):\n    return ""\nos.system(p)',
        'if not all(c in ALLOWED for c in p):\n    return ""\nos.system(p)',
    ),
    "all but some": (
        'if not all(c in ALLOWED for c in p if c != ";"):\n    return ""\nos.system(p)',
        'if any(c not in ALLOWED for c in p):\n    return ""\nos.system(p)',
    ),
    "set": (
        'if not set(p) >= ALLOWED:\n    return ""\nos.system(p)',
        'if not set(p) <= ALLOWED:\n    return ""\nos.system(p)',
    ),
    "set, by a method": (
        'if not ALLOWED.issubset(p):\n    return ""\nos.system(p)',
        'if not set(p).issubset(ALLOWED):\n    return ""\nos.system(p)',
    ),
    "set, what is left": (
        'if ALLOWED - set(p):\n    return ""\nos.system(p)',
        'if set(p) - ALLOWED:\n    return ""\nos.system(p)',
    ),
    "is None": (
        'if NAME.fullmatch(p) is not None:\n    return ""\nos.system(p)',
        'if NAME.fullmatch(p) is None:\n    return ""\nos.system(p)',
    ),
    "group": (
        'os.system(re.match(r"a=(.*)", p).group(1))',
        'os.system(re.match(r"a=(?P<n>\\d+)", p).group("n"))',
    ),
    "kept once checked": (
        'a = []\nfor c in p:\n    if c != "x":\n        a.append(c)\nos.system("".join(a))',
        'a = []\nfor c in p:\n    if c.isdigit():\n        a.append(c)\nos.system("".join(a))',
    ),
    "redirect": (
        'if not p.startswith("/"):\n    p = "/"\nreturn redirect(p)',
        'if not p.startswith("/") or p.startswith("//"):\n    p = "/"\nreturn redirect(p)',
    ),
    "below": (
        'f = (Path("/d") / p).resolve()\nif str(f).startswith("/"):\n    f.unlink()',
        'f = (Path("/d") / p).resolve()\nif str(f).startswith("/d/"):\n    f.unlink()',
    ),
    "named tuple": (
        'pair = Pair("a", p)\nos.system(pair.second)',
        'pair = Pair("a", p)\nos.system(pair.first)',
    ),
    "named tuple, unpacked": (
        'first, second = Pair("a", p)\nos.system(second)',
        'first, second = Pair("a", p)\nos.system(first)',
    ),
    "named tuple, replaced": (
        'os.system(Pair("a", "b")._replace(first=p)[0])',
        'os.system(Pair(p, "b")._replace(first="a")[0])',
    ),
    "dataclass, replaced": (
        'os.system(replace(Job("a", "b"), command=p).command)',
        'os.system(replace(Job("a", p), command="b").command)',
    ),
    "before the request": ("os.system(g.user)", "os.system(g.area)"),
    "before the request, asked for": ('os.system(g.get("user"))', 'os.system(g.get("area"))'),
    "global": ("global CURRENT\nCURRENT = p\nlater()", "CURRENT = p\nlater()"),
    "thread": (
        "threading.Thread(target=os.system, args=(p,)).start()",
        'threading.Thread(target=os.system, args=("a",), name=p).start()',
    ),
    "pool": (
        "ThreadPoolExecutor().submit(os.system, p)",
        'ThreadPoolExecutor().submit(os.system, "a")',
    ),
    "gather": (
        'a, b = await asyncio.gather(twice(p), twice("b"))\nos.system(a)',
        'a, b = await asyncio.gather(twice(p), twice("b"))\nos.system(b)',
    ),
    "mapping": ('os.system("{p}".format_map({"p": p}))', 'os.system("{q}".format_map({"q": "a"}))'),
    "decorator": (
        'return ""\n\n@app.get("/d")\n@logged(lambda: request.args["q"])\ndef d():\n    return ""',
        'return ""\n\n@app.get("/d")\n@logged(lambda: "q")\ndef d():\n    return ""',
    ),
}
IN_FASTAPI = {
    "pattern": (
        '@app.get("/")\ndef view(p: str = Query(pattern="[a-z]+")):\n    os.system(p)',
        '@app.get("/")\ndef view(p: str = Query(pattern="^[a-z]+$")):\n    os.system(p)',
    ),
    "pattern of a field": (
        'class B(BaseModel):\n    p: str = Field(max_length=9)\n@app.post("/")\n'
        "def view(b: B):\n    os.system(b.p)",
        'class B(BaseModel):\n    p: Annotated[str, Field(pattern="^[a-z]+$")]\n@app.post("/")\n'
        "def view(b: B):\n    os.system(b.p)",
    ),
    "bound": (
        '@app.get("/")\ndef view(p: str, db: Session = Depends(session)):\n'
        '    db.execute(text(f"select {p}").bindparams(p=1))',
        '@app.get("/")\ndef view(p: str, db: Session = Depends(session)):\n'
        '    db.execute(text("select :p").bindparams(p=p))',
    ),
    "state": (
        '@app.get("/")\ndef view(request: Request):\n    os.system("a" + request.state.user)',
        '@app.get("/")\ndef view(request: Request):\n    os.system("a" + str(request.state.area))',
    ),
}
IN_DJANGO = {
    "route": (
        'urlpatterns = [path("<str:pk>", Show.as_view())]',
        'urlpatterns = [path("<int:pk>", Show.as_view())]',
    ),
    "routes": (
        'urlpatterns = [path("a/<int:pk>", Show.as_view()), path("b/<pk>", Show.as_view())]',
        'urlpatterns = [path("a/<int:pk>", Show.as_view()), path("b/<uuid:pk>", Show.as_view())]',
    ),
}
IN_EXPRESS = {
    "type": ('res.type("html").send(p);', 'res.type("text/plain").send(p);'),
    "type, before": (
        'if (p) { res.type("txt"); }\n  res.send(p);',
        'res.type("txt");\n  res.status(400).send(p);',
    ),
    "header": (
        'res.set("X-Kind", "text/plain");\n  res.end(p);',
        'res.set("Content-Type", "text/plain");\n  res.end(p);',
    ),
    "head": (
        'res.writeHead(200, { "Content-Type": "image/svg+xml" });\n  res.end(p);',
        'res.writeHead(200, { "Content-Type": "text/csv" });\n  res.end(p);',
    ),
    "token": (
        "res.json(jwt.decode(req.cookies.t));",
        'res.json(jwt.verify(req.cookies.t, process.env.K, { algorithms: ["HS256"] }));',
    ),
    "every": (
        'if (![...p].some((c) => "abc".includes(c))) return res.end();\n  exec(p);',
        'if (![...String(p)].every((c) => "abc".includes(c))) return res.end();\n  exec(p);',
    ),
    "all of them": (
        'const [a, b] = await Promise.all([same(p), same("b")]);\n  exec(a);',
        'const [a, b] = await Promise.all([same(p), same("b")]);\n  exec(b);',
    ),
}
IN_KOA = {
    "type": (
        'ctx.type = "html";\n  ctx.body = "<b>" + ctx.params.name;',
        'ctx.type = "text/plain";\n  ctx.body = "<b>" + ctx.params.name;',
    ),
}


def in_view(body: str) -> str:
    """A body of the view; what follows a blank line stands by itself."""
    body, _, rest = body.partition("\n\n")
    return FLASK + "".join(f"    {line}\n" for line in body.split("\n")) + rest


def told(source: str, path: str) -> list[str]:
    analyzer = Flow() if path.endswith(".py") else JavaScriptFlow()
    hits = analyzer.scan([SourceFile(path, source.encode())]).hits
    # What is missing in every one of them is asked elsewhere.
    return [hit.finding.rule for hit in hits if hit.finding.trace]


@pytest.mark.parametrize(
    ("path", "harmful", "harmless"),
    [
        *(
            pytest.param("app.py", in_view(one), in_view(other), id=f"flask: {name}")
            for name, (one, other) in IN_FLASK.items()
        ),
        *(
            pytest.param("app.py", head + one, head + other, id=f"{framework}: {name}")
            for framework, head, pairs in (
                ("fastapi", FASTAPI, IN_FASTAPI),
                ("django", DJANGO, IN_DJANGO),
            )
            for name, (one, other) in pairs.items()
        ),
        *(
            pytest.param("app.js", head + one + "\n});", head + other + "\n});", id=f"js: {name}")
            for head, pairs in ((EXPRESS, IN_EXPRESS), (KOA, IN_KOA))
            for name, (one, other) in pairs.items()
        ),
    ],
)
def test_of_a_pair_only_one_is_told(path: str, harmful: str, harmless: str) -> None:
    assert told(harmful, path)
    assert told(harmless, path) == []


def test_anybody_calls_a_server_action() -> None:
    """https://react.dev/reference/rsc/use-server"""
    body = (
        'import { exec } from "child_process";\n'
        "export async function remove(id: string) { exec(id); }\n"
        "async function inner(id: string) { exec(id); }\n"
    )
    assert told(body, "app/actions.ts") == []
    hits = JavaScriptFlow().scan([SourceFile("a.ts", f'"use server";\n{body}'.encode())]).hits
    assert [hit.finding.span.line for hit in hits] == [3]
    within = 'import { exec } from "child_process";\nexport function Page() {\n'
    within += '  async function go(form) {\n    "use server";\n    exec(form.get("a"));\n  }\n'
    assert told(within + "  return <form action={go}></form>;\n}\n", "app/page.tsx")


@pytest.mark.parametrize(
    ("path", "source"),
    [
        pytest.param(
            "views.py",
            "import os\nfrom django.views import View\n\n\nclass Show(View):\n"
            "    def get(self, request):\n        os.system(self.name)\n\n"
            "    def dispatch(self, request):\n        self.name = request.GET['name']\n"
            "        return super().dispatch(request)\n",
            id="stored by a method that stands below",
        ),
        pytest.param(
            "app.py",
            "import os\nfrom flask import Flask\nfrom flask_wtf import FlaskForm\n"
            "from wtforms import StringField\napp = Flask(__name__)\n\n\nclass Asked(FlaskForm):\n"
            "    name = StringField('name')\n\n\n@app.post('/')\ndef view():\n"
            "    form = Asked()\n    os.system(form.name.data)\n",
            id="field of a form",
        ),
        pytest.param(
            "page.jsx",
            "export function Page() {\n"
            "  const q = new URLSearchParams(window.location.search).get('q');\n"
            "  return <p dangerouslySetInnerHTML={{ __html: q }} />;\n}\n",
            id="JSX without an import",
        ),
    ],
)
def test_what_comes_in_where_nobody_names_it(path: str, source: str) -> None:
    assert told(source, path)
