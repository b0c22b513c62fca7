"""A project that changed a little is analysed again: only what the change concerns, and with the
same outcome as if nothing had been known."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.scan.flow.analysis import analyse
from headgate.scan.flow.pieces import Shift, pieces_of
from headgate.scan.flow.project import Outcome
from headgate.scan.flow.python_run import PythonRun
from headgate.scan.front import python
from headgate.scan.front.lowered import lowered
from headgate.scan.packs.shipped import shipped, shipped_kinds

APP = """\
from flask import Flask, g, request
import store
from views import shelf
import helpers

app = Flask(__name__)
app.add_url_rule("/shelf", view_func=shelf)


@app.before_request
def who():
    g.reader = request.args["reader"]


@app.route("/find")
def find():
    return str(store.find(helpers.clean(request.args["q"])))


@app.route("/mine")
def mine():
    return str(store.find(g.reader))
"""
STORE = """\
import sqlite3
import helpers
CACHE = {}
LIMIT = None


class Shelf:
    def __init__(self, name):
        self.name = name
        self.rows = []

    def load(self):
        return db().execute("select * from shelf where name = '" + self.name + "'").fetchall()


def db():
    return sqlite3.connect("x.db")


def find(text):
    return db().execute("select * from book where title = '%s'" % text).fetchall()


def remember(key, value):
    global LIMIT
    LIMIT = value
    CACHE[key] = value
"""
VIEWS = """\
from flask import request
import os
import store
from circle import twice


def shelf():
    store.remember("last", request.args["name"])
    return str(store.Shelf(request.args["name"]).load())


def replay():
    os.system("play " + twice(request.args["track"]))
    return str(store.find(store.CACHE.get("last")))
"""
HELPERS = """\
def clean(text):
    return text


def number(text):
    return int(text)
"""
CIRCLE = """\
import other


def twice(text):
    return other.once(text) + other.once(text)


NAMES = [other.PREFIX]
"""
OTHER = """\
import circle
PREFIX = "a"


def once(text):
    return circle.NAMES[0] + text
"""
FILES = {
    "app.py": APP,
    "store.py": STORE,
    "views.py": VIEWS,
    "helpers.py": HELPERS,
    "circle.py": CIRCLE,
    "other.py": OTHER,
    # So many that it is worth it to remember what was done.
    **{f"plain/part{n}.py": f"import store\n\n\ndef f{n}(x):\n    return x\n" for n in range(20)},
    "plain/__init__.py": "",
}
EDITS = [
    # Bodies of functions.
    ("helpers.py", "    return text\n", "    return number(text)\n"),
    ("helpers.py", "    return text\n", "    kept = text\n    return kept\n"),
    ("store.py", "% text)", "% helpers.number(text))"),
    ("store.py", "'\" + self.name + \"'", "?', (self.name,)"),
    ("store.py", "        self.name = name\n", "        self.name = 'constant'\n"),
    ("store.py", "    CACHE[key] = value\n", "    CACHE['other'] = value\n"),
    ("store.py", "    LIMIT = value\n", "    LIMIT = 10\n"),
    ("app.py", '    g.reader = request.args["reader"]\n', '    g.reader = "nobody"\n'),
    ("app.py", 'helpers.clean(request.args["q"])', "'constant'"),
    ("views.py", '    store.remember("last", request.args["name"])\n', "    pass\n"),
    ("views.py", "twice(", "str("),
    ("other.py", "    return circle.NAMES[0] + text\n", "    return 'quiet'\n"),
    # What is outside of them.
    ("app.py", 'app.add_url_rule("/shelf", view_func=shelf)\n', ""),
    ("app.py", '@app.route("/mine")\n', ""),
    ("store.py", "CACHE = {}\n", "CACHE = {'last': 'x'}\n\n\ndef more(a):\n    return a\n"),
    ("circle.py", "NAMES = [other.PREFIX]\n", "NAMES = ['b']\n"),
    ("circle.py", "import other\n", "import os\nimport other\n"),
    ("helpers.py", "def number", "def added(text):\n    return text\n\n\ndef number"),
    ("views.py", "def replay", "@print\ndef replay"),
    # Files.
    ("helpers.py", None, None),
    ("circle.py", None, None),
    ("plain/part3.py", "def f3(x):\n    return x\n", "def f3(x):\n    return eval(x)\n"),
    ("plain/store.py", "", "def find(text):\n    return text\n"),
    ("zebra.py", "", "import os\nimport store\nos.system(store.LIMIT)\n"),
]


def outcome(files: dict[str, str], cache: Path | None = None) -> Outcome:
    given = lowered({path: text.encode() for path, text in files.items()}, None)
    return analyse(given, shipped("python"), shipped_kinds(), cache=cache)


def edited(files: dict[str, str], edit: tuple[str, str | None, str | None]) -> dict[str, str]:
    path, old, new = edit
    out = dict(files)
    if old is None or new is None:
        out.pop(path, None)
    else:
        text = out.get(path, "")
        out[path] = text.replace(old, new) if old else new
    return out


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(EDITS), min_size=1, max_size=4), st.booleans())
def test_whatever_changed_the_outcome_is_that_of_a_first_analysis(
    edits: list[tuple[str, str | None, str | None]], at_once: bool
) -> None:
    with tempfile.TemporaryDirectory() as name:
        cache = Path(name)
        files = FILES
        outcome(files, cache)
        for index, edit in enumerate(edits):
            files = edited(files, edit)
            if at_once and index < len(edits) - 1:
                continue
            assert outcome(files, cache) == outcome(files)


def ways(outcome: Outcome) -> set[tuple[object, ...]]:
    """Where data comes in and does harm."""
    return {(one.path, one.start, one.kind, *way) for one in outcome.found for way in one.ways}


@pytest.fixture
def analysed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The functions that are analysed."""
    seen: list[str] = []
    real = PythonRun._analyse  # pyright: ignore[reportPrivateUsage]

    def counted(run: PythonRun, ref: object, *others: object) -> None:
        seen.append(ref.node[3])  # type: ignore[attr-defined]
        real(run, ref, *others)  # type: ignore[arg-type]

    monkeypatch.setattr(PythonRun, "_analyse", counted)
    return seen


def test_only_what_uses_a_changed_body_is_analysed(analysed: list[str], tmp_path: Path) -> None:
    before = outcome(FILES, tmp_path)
    assert {"find", "mine", "shelf", "replay", "who"} <= set(analysed)
    analysed.clear()
    changed = edited(FILES, ("helpers.py", "    return text\n", "    return number(text)\n"))
    after = outcome(changed, tmp_path)
    # `mine` reads what `who` stores, and does not use what changed.
    assert sorted(analysed) == ["clean", "find"]
    assert ways(after) < ways(before)


def test_what_is_read_is_put_there_first(analysed: list[str], tmp_path: Path) -> None:
    outcome(FILES, tmp_path)
    analysed.clear()
    changed = edited(FILES, ("app.py", "return str(store.find(g.reader))", "return g.reader"))
    assert outcome(changed, tmp_path) == outcome(changed)
    assert "who" in analysed


def test_a_comment_between_functions_moves_what_was_found(tmp_path: Path) -> None:
    outcome(FILES, tmp_path)
    changed = {**FILES, "store.py": STORE.replace("def db():\n", "def db():\n    # Here.\n    1\n")}
    assert outcome(changed, tmp_path) == outcome(changed)


def test_a_book_that_is_not_whole_is_none(tmp_path: Path) -> None:
    whole = outcome(FILES, tmp_path)
    (book,) = (tmp_path / "books").iterdir()
    book.write_bytes(book.read_bytes()[:-100])
    changed = {**FILES, "zebra.py": "x = 1\n"}
    assert outcome(changed, tmp_path) == whole


@given(
    st.lists(
        st.sampled_from(["", "    x = 1\n", "    # é\n    return 2\n"]), min_size=3, max_size=3
    )
)
def test_what_stands_behind_a_body_is_found_where_it_stands_now(bodies: list[str]) -> None:
    def text(given: list[str]) -> bytes:
        parts = (f"a{n} = {n}\ndef f{n}():\n    y = 0\n{one}" for n, one in enumerate(given))
        return ("".join(parts) + "end = 1\n").encode()

    old, new = text(["", "", ""]), text(bodies)
    before, after = pieces_of(python.lower(old), old), pieces_of(python.lower(new), new)
    assert before.rest == after.rest
    shift = Shift(before, after)
    for word in (b"a0", b"def f1", b"a2", b"def f2", b"end"):
        assert shift(old.index(word)) == new.index(word)
