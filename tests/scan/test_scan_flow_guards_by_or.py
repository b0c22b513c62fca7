"""What is known after `x or abort()`, of what stands before a spread, and of rows by columns."""

from __future__ import annotations

import textwrap

import pytest

from headgate.scan.absence.lacks import reads_request
from headgate.scan.flow.analysis import analyse
from headgate.scan.flow.entries import parameters_of
from headgate.scan.front.lowered import lowered
from headgate.scan.front.python import lower
from headgate.scan.packs.load import shipped, shipped_kinds

PACKS = shipped("python")
KINDS = shipped_kinds()
HEAD = """
import json
import os
import subprocess
from flask import Flask, abort, request
app = Flask(__name__)

@app.get("/a")
def view():
    name = request.args["name"]
"""


def found(body: str) -> set[tuple[int, str]]:
    """Lines of the body, from 1, and kinds."""
    text = HEAD + textwrap.indent(textwrap.dedent(body).strip("\n"), "    ") + "\n    return {}\n"
    data = text.encode()
    first = HEAD.count("\n")
    outcome = analyse(lowered({"app.py": data}, None), PACKS, KINDS)
    return {(data.count(b"\n", 0, one.start) - first + 1, one.kind) for one in outcome.found}


@pytest.mark.parametrize(
    "body",
    [
        'name in ("a", "b") or abort(400)\nos.system("run " + name)',
        'name not in ("a", "b") and abort(400)\nos.system("run " + name)',
        'name = name if name in ("a", "b") else abort(400)\nos.system("run " + name)',
        'words = request.args.getlist("word")\nsubprocess.run(["run", *words])',
        'words = request.args.getlist("word")\nsubprocess.run(["sh", "run.sh", *words])',
    ],
)
def test_what_is_checked_in_passing_is_checked(body: str) -> None:
    assert found(body) == set()


@pytest.mark.parametrize(
    "body",
    [
        'other = name or abort(400)\nos.system("run " + other)',
        'other = name if "name" in request.args else abort(400)\nos.system("run " + other)',
        'words = request.args.getlist("word")\nsubprocess.run([*words, "run"])',
        'words = request.args.getlist("word")\nsubprocess.run(["sh", "-c", *words])',
    ],
)
def test_what_is_there_at_all_is_not_checked(body: str) -> None:
    assert found(body) == {(2, "command-injection")}


@pytest.mark.parametrize(
    ("pattern", "parameters"),
    [
        ("/a/<int:number>/<name>", {"number": "int", "name": ""}),
        ("/a/<number:int>/<path:path>", {"number": "int", "path": "path"}),
        ("/a/<name:re:[a-z_]+>/<rest:path>", {"name": "int", "rest": "path"}),
        ("/a/<name:re:.+>", {"name": ""}),
        (r"/a/{number:\d+}/{name}", {"number": "int", "name": ""}),
        (r"^a/(?P<number>[0-9]{4})/(?P<name>.+)$", {"number": "int", "name": ""}),
        ("/a/<slug:name>", {"name": "slug"}),
    ],
)
def test_what_patterns_of_routes_let_through(pattern: str, parameters: dict[str, str]) -> None:
    assert parameters_of(pattern) == parameters


@pytest.mark.parametrize(
    ("text", "reads"),
    [
        ('event["pathParameters"]["id"]', True),
        ('request.args["id"]', True),
        ('event["id"]', False),
        ('config["body"]', False),
    ],
)
def test_what_takes_something_out_of_a_request(text: str, reads: bool) -> None:
    (node,) = lower(text.encode()).body
    assert reads_request(node) is reads


def test_a_test_of_the_scheme_in_another_file_says_nothing_of_the_host() -> None:
    files = {
        "net.py": """
            from urllib.parse import urlparse

            def looks(url):
                return urlparse(url).scheme in ("http", "https")

            def ours(url):
                return urlparse(url).hostname in ("a.example", "b.example")
            """,
        "views.py": """
            import requests
            from django.urls import path
            from net import looks, ours

            def some(request):
                url = request.GET["url"]
                if looks(url):
                    requests.get(url)

            def known(request):
                url = request.GET["url"]
                if ours(url):
                    requests.get(url)

            urlpatterns = [path("some", some), path("known", known)]
            """,
    }
    data = {path: textwrap.dedent(text).encode() for path, text in files.items()}
    outcome = analyse(lowered(data, None), PACKS, KINDS)
    places = {(one.kind, data[one.path].count(b"\n", 0, one.start) + 1) for one in outcome.found}
    assert places == {("ssrf", 9)}
