"""Changes that make findings go away, and leave everything else as it was."""

from __future__ import annotations

import ast
import textwrap

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.scan.fixes.source import Edit, applied
from headgate.scan.fixes.suggest import Fixed, suggest
from headgate.scan.packs.load import shipped, shipped_kinds

HEAD = """\
import random
import sqlite3
import subprocess
import tarfile

import requests
import yaml
from flask import Flask, make_response, request

app = Flask(__name__)


@app.post("/")
def index():
    db = sqlite3.connect("app.db")
    name = request.form["name"]
"""


def fixed(text: str) -> Fixed:
    return suggest({"app.py": text.encode()}, shipped("python"), shipped_kinds())


def change(body: str, head: str = HEAD) -> str:
    """The body of a handler after its fixes."""
    text = head + textwrap.indent(body, "    ")
    made = fixed(text)
    after = made.files.get("app.py", text.encode()).decode()
    ast.parse(after)
    assert made.fixes or after == text
    *_, handler = ast.parse(after).body
    first = ast.parse(text).body[-1]
    assert isinstance(first, ast.FunctionDef)
    assert isinstance(handler, ast.FunctionDef)
    lines = after.split("\n")[handler.body[2].lineno - 1 :]
    return textwrap.dedent("\n".join(lines)).rstrip("\n")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "db.execute(\"SELECT * FROM item WHERE name = '\" + name + \"'\")",
            'db.execute("SELECT * FROM item WHERE name = ?", (name,))',
        ),
        (
            "db.execute(f\"SELECT * FROM item WHERE name = '{name}' AND price > {name}\")",
            'db.execute("SELECT * FROM item WHERE name = ? AND price > ?", (name, name))',
        ),
        (
            "db.execute(\"SELECT * FROM item WHERE name = '%s'\" % name)",
            'db.execute("SELECT * FROM item WHERE name = ?", (name,))',
        ),
        (
            "db.execute(\"DELETE FROM item WHERE name = '{}' OR id = {}\".format(name, 3))",
            'db.execute("DELETE FROM item WHERE name = ? OR id = ?", (name, 3))',
        ),
        (
            "db.execute(f\"SELECT * FROM item WHERE name LIKE '%{name}%'\")",
            'db.execute("SELECT * FROM item WHERE name LIKE ?", (f"%{name}%",))',
        ),
        (
            "query = \"DELETE FROM item WHERE name = '\" + name + \"'\"\ndb.execute(query)",
            'query = "DELETE FROM item WHERE name = ?"\ndb.execute(query, (name,))',
        ),
        (
            'subprocess.run(f"ls -l {name}", shell=True, check=True)  # list it',
            'subprocess.run(["ls", "-l", name], check=True)  # list it',
        ),
        (
            'subprocess.call("convert in/" + name + " out.png", shell=True)',
            'subprocess.call(["convert", f"in/{name}", "out.png"])',
        ),
        ("token = random.choice(name)", "token = secrets.choice(name)"),
        ("token = random.randint(1, 9)", "token = secrets.SystemRandom().randint(1, 9)"),
        ("yaml.load(request.data, Loader=yaml.Loader)", "yaml.safe_load(request.data)"),
        ("yaml.load(request.data, yaml.FullLoader)", "yaml.safe_load(request.data)"),
        (
            "response = make_response(\"x\")\nresponse.set_cookie(\n    \"a\",\n    name,\n)",
            'response = make_response("x")\nresponse.set_cookie(\n    "a",\n    name,\n'
            '    secure=True, httponly=True, samesite="Lax",\n)',
        ),
        (
            'response = make_response("x")\nresponse.set_cookie("a", "b", secure=False)',
            'response = make_response("x")\n'
            'response.set_cookie("a", "b", secure=True, httponly=True, samesite="Lax")',
        ),
        ('requests.get("https://a.example", verify=False)', 'requests.get("https://a.example")'),
        (
            'archive = tarfile.open(fileobj=request.files["a"].stream)\narchive.extractall("in")',
            'archive = tarfile.open(fileobj=request.files["a"].stream)\n'
            'archive.extractall("in", filter="data")',
        ),
        (
            "if user.password_hash != name:\n    pass",
            "if not hmac.compare_digest(user.password_hash, name):\n    pass",
        ),
    ],
)  # fmt: skip
def test_a_change_keeps_everything_else_and_makes_the_finding_go(before: str, after: str) -> None:
    assert change(before) == after


@pytest.mark.parametrize(
    "body",
    [
        'db.execute("SELECT * FROM " + name)',
        'db.execute("SELECT * FROM item ORDER BY " + name)',
        "db.execute(name)",
        "query = 'SELECT * FROM item WHERE a = ' + name\nprint(query)\ndb.execute(query)",
        'db.execute("SELECT * FROM item WHERE name = \'" + name + "\'", ())',
        'db.execute(*["SELECT * FROM item WHERE name = " + name])',
        'subprocess.run("ls " + name + " | wc", shell=True)',
        "subprocess.run(name, shell=True)",
    ],
)
def test_what_cannot_be_changed_safely_is_left_alone(body: str) -> None:
    text = HEAD + textwrap.indent(body, "    ")
    made = fixed(text)
    assert not made.fixes
    assert not made.files
    assert made.left == 1


@pytest.mark.parametrize(
    ("driver", "mark"), [("psycopg2", "%s"), ("pymysql", "%s"), ("sqlite3", "?")]
)
def test_parameters_are_written_as_the_driver_wants_them(driver: str, mark: str) -> None:
    head = HEAD.replace("sqlite3", driver)
    after = change("db.execute(\"SELECT a FROM t WHERE b LIKE '%x' AND c = \" + name)", head)
    percent = "%%" if mark == "%s" else "%"
    assert (
        after
        == f"db.execute(\"SELECT a FROM t WHERE b LIKE '{percent}x' AND c = {mark}\", (name,))"
    )


def test_an_import_is_added_once_and_after_what_has_to_come_first() -> None:
    text = (
        '"""What it is."""\n\nfrom __future__ import annotations\n\nimport random\n\n'
        "token = random.choice('ab')\nsalt = random.choice('ab')\n"
    )
    after = fixed(text).files["app.py"].decode()
    assert after.count("import secrets") == 1
    assert after.index("annotations") < after.index("import secrets") < after.index("token")
    compile(after, "app.py", "exec")


def test_files_with_other_line_ends_or_encodings_are_left_alone() -> None:
    text = HEAD + '    db.execute("SELECT * FROM item WHERE name = " + name)\n'
    made = suggest(
        {"app.py": text.replace("\n", "\r\n").encode()}, shipped("python"), shipped_kinds()
    )
    assert (made.fixes, made.left) == ((), 1)


def test_a_patch_says_what_changes() -> None:
    text = HEAD + "    yaml.load(request.data, Loader=yaml.Loader)\n"
    made = fixed(text)
    assert (
        made.diff({"app.py": text.encode()}).split("\n")[-2] == "+    yaml.safe_load(request.data)"
    )


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 5), st.text(max_size=4)), max_size=5))
def test_edits_touch_nothing_but_their_own_bytes(given_edits: list[tuple[int, int, str]]) -> None:
    data = bytes(range(48, 88))
    edits = [Edit(start, start + size, text) for start, size, text in given_edits]
    try:
        after = applied(data, edits)
    except ValueError:
        return
    kept = bytearray(data)
    for edit in sorted(set(edits), reverse=True):
        kept[edit.start : edit.end] = edit.text.encode()
    assert after == bytes(kept)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 900), st.text(alphabet="()[]'\"{}\n :=+%", max_size=6))
def test_broken_files_never_stop_it(cut: int, rest: str) -> None:
    text = HEAD + "    db.execute(f\"SELECT * FROM item WHERE name = '{name}'\")\n"
    made = suggest({"app.py": (text[:cut] + rest).encode()}, shipped("python"), shipped_kinds())
    assert made.left >= 0
