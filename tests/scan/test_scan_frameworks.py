"""Data that frameworks hand over in ways of their own: injected, typed, queued, registered."""

from __future__ import annotations

from headgate.scan.analyzers.flow import Flow
from headgate.scan.analyzers.interface import SourceFile
from headgate.scan.flow.analysis import Mode


def told(files: dict[str, str]) -> set[tuple[str, int, str]]:
    """Path, line and rule of everything that is found in an application."""
    given = [SourceFile(path, text.encode()) for path, text in files.items()]
    hits = Flow(mode=Mode.APPLICATION).scan(given).hits
    return {(hit.finding.span.path, hit.finding.span.line, hit.finding.rule) for hit in hits}


def marked(files: dict[str, str], rules: tuple[str, ...]) -> None:
    """Exactly the lines that end in `# BAD` are told of, of these rules."""
    wanted = {
        (path, number)
        for path, text in files.items()
        for number, line in enumerate(text.splitlines(), 1)
        if line.endswith("# BAD")
    }
    assert {(path, line) for path, line, rule in told(files) if rule in rules} == wanted


SQL = ("python/sql-injection",)
COMMAND = ("python/command-injection",)

DJANGO = """\
from django.http import HttpResponseRedirect

def go(request):
    return HttpResponseRedirect(request.GET["next"])  # BAD
"""
AIOHTTP = """\
import os
from aiohttp import web

async def run(request):
    os.system("x " + request.query["n"])  # BAD
    return web.Response(text="ok")

app = web.Application()
app.add_routes([web.get("/run", run)])
"""


def test_two_frameworks_in_one_repository_do_not_take_each_others_requests() -> None:
    files = {"web/views.py": DJANGO, "relay/app.py": AIOHTTP}
    marked(files, ("python/open-redirect", *COMMAND))


FASTAPI = """\
import subprocess
from enum import Enum
from typing import Annotated, Literal
from fastapi import Depends, FastAPI, Header, Query
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker
app = FastAPI()

class Color(str, Enum):
    red = "red"

class Item(BaseModel):
    count: int = 1
    kind: Literal["a", "b"] = "a"
    path: str = ""

class Paging:
    def __init__(self, sort: str = Query("id"), limit: int = 10):
        self.sort = sort
        self.limit = limit

def get_db():
    yield sessionmaker()()

def tenant(x_tenant: str = Header(...)):
    return x_tenant

def schema(t: str = Depends(tenant)):
    return "s_" + t
"""


def test_what_a_dependency_returns_comes_from_the_request() -> None:
    views = """
@app.get("/a")
def a(t: str = Depends(tenant), db: Session = Depends(get_db)):
    return db.execute(text("select * from " + t)).all()  # BAD

@app.get("/b")
def b(db: Annotated[Session, Depends(get_db)], s: Annotated[str, Depends(schema)]):
    return db.execute(text("select * from " + s)).all()  # BAD

@app.get("/c")
def c(p: Paging = Depends(), db: Session = Depends(get_db)):
    db.execute(text(f"select 1 limit {p.limit}"))
    return db.execute(text(f"select 1 order by {p.sort}")).all()  # BAD
"""
    marked({"main.py": FASTAPI + views}, SQL)


def test_fields_of_a_model_are_what_their_annotations_say() -> None:
    views = """
@app.post("/a")
def a(item: Item):
    subprocess.run(f"tool {item.count}", shell=True)
    subprocess.run(f"tool {item.kind}", shell=True)
    subprocess.run(f"tool {item.path}", shell=True)  # BAD

@app.get("/b")
def b(c: Color):
    subprocess.run(f"tool {c.value}", shell=True)
"""
    marked({"main.py": FASTAPI + views}, COMMAND)


def test_a_method_view_is_a_view() -> None:
    source = """\
import os
from flask import Flask
from flask.views import MethodView
app = Flask(__name__)

class Users(MethodView):
    def get(self, name):
        os.system("x " + name)  # BAD
        return "x"

app.add_url_rule("/users/<name>", view_func=Users.as_view("users"))
"""
    marked({"app.py": source}, COMMAND)


def test_tasks_get_what_they_are_sent() -> None:
    tasks = """\
import os
from celery import shared_task

@shared_task
def first(path):
    os.system("x " + path)  # BAD

@shared_task(bind=True)
def second(self, path, count):
    os.system("x " + path)  # BAD

@shared_task
def third(path):
    os.system("x " + path)
"""
    views = """\
from flask import Flask, request
from tasks import first, second, third
app = Flask(__name__)

@app.post("/x")
def x():
    first.delay(request.form["p"])
    second.apply_async(args=[request.form["p"], 1], countdown=3)
    third.delay("fixed")
    return "x"
"""
    marked({"tasks.py": tasks, "views.py": views}, COMMAND)


def test_what_is_put_into_a_queue_comes_out_in_order() -> None:
    source = """\
import os, queue
from flask import Flask, request
app = Flask(__name__)

@app.post("/x")
def x():
    q = queue.Queue()
    q.put(request.form["p"])
    q.put("fixed")
    os.system("x " + q.get())  # BAD
    os.system("x " + q.get())
    return "x"
"""
    marked({"app.py": source}, COMMAND)


def test_a_route_that_answers_in_html_sends_what_it_returns() -> None:
    source = """\
from fastapi import FastAPI
from fastapi.responses import HTMLResponse
app = FastAPI()

@app.get("/a", response_class=HTMLResponse)
def a(name: str):
    return f"<h1>{name}</h1>"  # BAD

@app.get("/b")
def b(name: str):
    return f"<h1>{name}</h1>"
"""
    marked({"app.py": source}, ("python/xss",))


FLASK = """\
import logging, os, subprocess
import elementpath
from flask import Flask, make_response, request
from markupsafe import Markup
app = Flask(__name__)
log = logging.getLogger(__name__)

@app.get("/x")
def x():
    p = request.args["p"]
"""


def test_what_markup_is_given_it_escapes() -> None:
    bad = {"app.py": f'{FLASK}    return Markup("<p>%s</p>" % p)  # BAD\n'}
    marked(bad, ("python/xss",))
    assert not told({"app.py": f'{FLASK}    return Markup("<p>%s</p>") % p\n'})
    assert not told({"app.py": f'{FLASK}    return Markup("<p>") + p\n'})


def test_a_template_of_the_applications_own_environment() -> None:
    source = f"{FLASK}    return app.jinja_env.from_string(p).render()  # BAD\n"
    marked({"app.py": source}, ("python/template-injection",))


def test_line_breaks_are_escaped_by_repr() -> None:
    source = f"""{FLASK}    log.info("asked for %r by %r", p, p)
    log.info("asked for %r by %s", p, p)  # BAD
    log.info("asked for %s", p)  # BAD
    return "x"
"""
    marked({"app.py": source}, ("python/log-injection",))


def test_a_program_with_an_option_c_is_no_shell() -> None:
    source = f"""{FLASK}    subprocess.run(["ping", "-c", "1", p])
    subprocess.run(["sh", "-c", "ls " + p])  # BAD
    subprocess.run(["/bin/bash", "-lc", "ls " + p])  # BAD
    return "x"
"""
    marked({"app.py": source}, COMMAND)


def test_a_rule_on_a_key_speaks_instead_of_the_one_on_any_key() -> None:
    source = f"""{FLASK}    answer = make_response("", 302)
    answer.headers["Location"] = p
    answer.headers["X-Name"] = p
    return answer
"""
    rules = {(line, rule) for _, line, rule in told({"app.py": source})}
    assert rules == {(12, "python/open-redirect"), (13, "python/header-injection")}


def test_a_form_that_a_view_is_given_holds_what_was_sent() -> None:
    source = """\
import os
from django.contrib.auth.mixins import LoginRequiredMixin
from django.shortcuts import redirect
from django.views.generic import FormView

class Convert(LoginRequiredMixin, FormView):
    def form_valid(self, form):
        os.system("x " + form.cleaned_data["term"])  # BAD
        return redirect("/")
"""
    marked({"views.py": source}, COMMAND)


def test_what_a_dependency_takes_in_is_told_where_the_dependency_stands() -> None:
    files = {
        "app.py": "import os\nfrom fastapi import Depends, FastAPI\nfrom deps import host\n"
        "app = FastAPI()\n@app.post('/ping')\ndef ping(name=Depends(host)):\n"
        "    os.system('ping ' + name)\n",
        "deps.py": "from fastapi import Header\ndef host(x_host: str = Header()):\n"
        "    return x_host\n",
    }
    given = [SourceFile(path, text.encode()) for path, text in files.items()]
    (hit,) = Flow(mode=Mode.APPLICATION).scan(given).hits
    first = hit.finding.trace[0].span
    assert (first.path, first.line) == ("deps.py", 2)
