"""How data is followed: what carries it, what stops it, and what is said of its way."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from headgate.model.finding import Confidence, Finding, StepRole
from headgate.scan.analyzers.flow import Flow
from headgate.scan.analyzers.interface import SourceFile
from headgate.scan.flow.analysis import Mode

HEAD = """\
import functools, os, sqlite3
from flask import Flask, abort, request
app = Flask(__name__)
db = sqlite3.connect("x")
def sink(text): db.cursor().execute("select * from t where n = '" + text + "'")
"""


def found(files: dict[str, str], mode: Mode = Mode.AUTO) -> list[Finding]:
    given = [SourceFile(path, text.encode()) for path, text in files.items()]
    return [hit.finding for hit in Flow(mode=mode).scan(given).hits]


def in_view(body: str, before: str = "") -> list[Finding]:
    """What is found in a view in which `p` comes from the request and `sink` runs a query."""
    lines = "".join(f"    {line}\n" for line in f"p = request.args['p']\n{body}".split("\n"))
    source = f'{HEAD}{before}\n@app.route("/v")\ndef view():\n{lines}    return "done"\n'
    rules = ("python/sql-injection",)
    return [one for one in found({"app.py": source}, Mode.APPLICATION) if one.rule in rules]


CARRIED = {
    "dict": "d = {'a': p, 'b': 'x'}\nsink(d['a'])",
    "list that moves": "l = ['x', p, 'y']\nl.pop(0)\nsink(l[0])",
    "list that grows": "l = []\nl.append('x')\nl.insert(0, p)\nsink(l[0])",
    "alias of a list": "a = []\nb = a\nb.append(p)\nsink(a[0])",
    "tuple returned": "def f():\n    return 'x', p\na, b = f()\nsink(b)",
    "constant branch": "if 7 * 42 - 100 > 100:\n    bar = p\nelse:\n    bar = 'x'\nsink(bar)",
    "match": "match 'b':\n    case 'a':\n        bar = 'x'\n    case 'b':\n"
    "        bar = p\nsink(bar)",
    "loop": "bar = ''\nfor c in p:\n    bar += c\nsink(bar)",
    "counter": "n = 0\nfor c in 'abc':\n    n += 1\nif n > 5:\n    sink(p)",
    "while": "i, bar = 0, 'x'\nwhile i < 3:\n    bar = bar + p\n    i += 1\nsink(bar)",
    "try": "try:\n    bar = p\nexcept ValueError:\n    bar = 'x'\nsink(bar)",
    "comprehension": "sink(','.join([x.upper() for x in p.split(',')]))",
    "format": "sink('{} {}'.format('x', p))",
    "percent with names": "sink('%(a)s' % {'a': p})",
    "f-string": "sink(f'{p!r:>10}')",
    "slice": "sink(p[2:])",
    "nested function": "def inner():\n    sink(p)\ninner()",
    "lambda": "f = lambda x: sink(x)\nf(p)",
    "partial": "f = functools.partial(sink, p)\nf()",
    "dispatch": "{'a': print, 'b': sink}['b'](p)",
    "getattr": "class C:\n    def run(self, x):\n        sink(x)\ngetattr(C(), 'run')(p)",
    "attribute": "class C: pass\nc = C()\nc.x = p\nsink(c.x)",
    "setattr": "class C: pass\nc = C()\nsetattr(c, 'x', p)\nsink(c.x)",
    "instance": "class C:\n    def __init__(self, x):\n        self.x = x\n"
    "    def go(self):\n        sink(self.x)\nC(p).go()",
    "inheritance": "class A:\n    def go(self, x):\n        sink(x)\nclass B(A):\n"
    "    def go(self, x):\n        super().go(x)\nB().go(p)",
    "property": "class C:\n    def __init__(self, x):\n        self._x = x\n    @property\n"
    "    def x(self):\n        return self._x\nsink(C(p).x)",
    "generator": "def g():\n    yield 'x'\n    yield p\nfor x in g():\n    sink(x)",
    "star arguments": "def f(*args, **kw):\n    sink(args[1])\nf('x', *[p])",
    "keyword arguments": "def f(**kw):\n    sink(kw['a'])\nf(a=p, b='x')",
    "walrus": "if (bar := p):\n    sink(bar)",
    "context manager": "class M:\n    def __enter__(self):\n        return p\n"
    "    def __exit__(self, *a): pass\nwith M() as x:\n    sink(x)",
    "wrong check": "if '..' in p:\n    abort(400)\nsink(p)",
    "check without effect": "if p not in ('a', 'b'):\n    print('strange')\nsink(p)",
    "check of a part": "if p[0] in ('a', 'b'):\n    sink(p)",
}


@pytest.mark.parametrize("body", CARRIED.values(), ids=CARRIED.keys())
def test_data_is_carried(body: str) -> None:
    assert len(in_view(body)) == 1


STOPPED = {
    "other key": "d = {'a': p, 'b': 'x'}\nsink(d['b'])",
    "list that moves": "l = ['x', p, 'y']\nl.pop(0)\nsink(l[1])",
    "overwritten": "d = {'a': p}\nd['a'] = 'x'\nsink(d['a'])",
    "constant branch": "if 7 * 42 - 100 > 100:\n    bar = 'x'\nelse:\n    bar = p\nsink(bar)",
    "constant ternary": "bar = 'x' if 3 > 2 else p\nsink(bar)",
    "constant match": "match 'ab'[1]:\n    case 'a':\n        bar = p\n    case _:\n"
    "        bar = 'x'\nsink(bar)",
    "membership": "if p not in ('a', 'b'):\n    abort(400)\nsink(p)",
    "membership in keys": "T = {'a': 1}\nif p in T:\n    sink(p)",
    "looked up": "T = {'a': 'x', 'b': 'y'}\nsink(T.get(p, 'x'))",
    "equality": "if p == 'a':\n    sink(p)",
    "whole pattern": "import re\nif not re.fullmatch(r'[a-z0-9_]+', p):\n    abort(400)\nsink(p)",
    "digits": "if p.isdigit():\n    sink(p)",
    "number": "sink(str(int(p)))",
    "number that raises": "try:\n    int(p)\nexcept ValueError:\n    abort(400)\nsink(p)",
    "own check": "def ok(x):\n    return x in ('a', 'b')\nif not ok(p):\n    abort(400)\nsink(p)",
    "own check that raises": "def check(x):\n    if x not in ('a', 'b'):\n"
    "        raise ValueError\ncheck(p)\nsink(p)",
    "checked in a variable": "good = p in ('a', 'b')\nif good:\n    sink(p)",
    "never returns": "abort(400)\nsink(p)",
    "parameter": "db.execute('select * from t where n = ?', (p,))",
    "other attribute": "class C: pass\nc = C()\nc.x, c.y = p, 'x'\nsink(c.y)",
    "helper that drops it": "def f(x):\n    return 'x'\nsink(f(p))",
    "deleted": "l = [p, 'x']\ndel l[0]\nsink(l[0])",
}


@pytest.mark.parametrize("body", STOPPED.values(), ids=STOPPED.keys())
def test_data_is_stopped(body: str) -> None:
    assert in_view(body) == []


def test_the_trace_tells_the_whole_way_with_a_reason_for_every_step() -> None:
    (one,) = in_view("def build(x):\n    return 'a' + x\nq = build(p)\nsink(q)")
    roles = [step.role for step in one.trace]
    assert roles[0] is StepRole.SOURCE
    assert roles[-1] is StepRole.SINK
    assert roles.count(StepRole.SOURCE) == roles.count(StepRole.SINK) == 1
    words = " > ".join(step.text for step in one.trace)
    for reason in ("comes in", "assigned to `p`", "passed into `build`", "`build` returns it",
                   "passed into `sink`", "appended to a text", "reaches"):  # fmt: skip
        assert reason in words
    assert one.is_traced
    assert one.confidence is Confidence.HIGH
    assert one.trace[-1].span == one.span


def test_what_a_library_is_assumed_to_do_is_said_and_lowers_the_confidence() -> None:
    (one,) = in_view("from elsewhere import mangle\nsink(mangle(p))")
    assert one.confidence is Confidence.MEDIUM
    assert any("mangle" in assumption for assumption in one.assumed)
    assert not one.is_traced


def test_data_is_followed_over_files_packages_and_aliases() -> None:
    files = {
        "shop/__init__.py": "from .store import Store as Shelf\n",
        "shop/store.py": "from . import low\n\n\nclass Store:\n    def __init__(self, path):\n"
        "        self.path = path\n\n    def find(self, text):\n"
        "        return low.run(f\"select * from t where n = '{text}'\")\n",
        "shop/low.py": "import sqlite3\n\n\ndef run(query):\n"
        "    return sqlite3.connect('x').execute(query)\n",
        "app.py": "import shop\nfrom flask import Flask, request\napp = Flask(__name__)\n"
        "@app.get('/')\ndef view():\n    shop.Shelf('x').find(request.args['n'])\n    return ''\n",
    }
    (one,) = found(files)
    assert (one.rule, one.span.path, one.span.line) == ("python/sql-injection", "shop/low.py", 5)
    assert one.trace[0].span.path == "app.py"
    assert {step.span.path for step in one.trace} == {"app.py", "shop/store.py", "shop/low.py"}


def test_what_a_constructor_keeps_reaches_the_other_methods_of_a_view() -> None:
    source = (
        "import sqlite3\nfrom flask.views import MethodView\nfrom flask import request\n"
        "class Base(MethodView):\n    def __init__(self):\n"
        "        self.db = sqlite3.connect('x')\n"
        "class View(Base):\n    def get(self):\n"
        "        self.db.execute('select ' + request.args['x'] + ' from t')\n        return ''\n"
    )
    (one,) = found({"app.py": source})
    assert (one.rule, one.span.line) == ("python/sql-injection", 9)


def test_functions_that_call_one_another_come_to_an_end() -> None:
    assert len(in_view("def a(x, n):\n    return b(x, n - 1)\ndef b(x, n):\n"
                       "    return a(x, n) if n else x\nsink(a(p, 9))")) == 1  # fmt: skip


def test_the_mode_decides_whether_the_callers_of_a_library_are_trusted() -> None:
    source = "import os\n\n\ndef read(name):\n    return open(name).read()\n\n\ndef ls(name):\n"
    files = {"lib.py": source + "    os.system('ls ' + name)\n"}
    assert found(files, Mode.APPLICATION) == []
    assert [one.rule for one in found(files)] == ["python/shell-injection"]
    rules = {one.rule for one in found(files, Mode.LIBRARY)}
    assert rules == {"python/path-traversal", "python/command-injection"}


def test_the_result_is_the_same_in_any_order_and_with_any_number_of_processes(
    tmp_path: Path,
) -> None:
    files = [
        SourceFile(f"m{n}.py", f"{HEAD}@app.route('/{n}')\ndef v{n}():\n"
                   f"    sink(request.args['a{n}'])\n    return ''\n".encode())
        for n in range(120)
    ]  # fmt: skip
    one = Flow(jobs=1).scan(files)
    assert one == Flow(jobs=1).scan(files[::-1])
    assert len(one.hits) == 120
    for file in files:
        (tmp_path / file.path).write_bytes(file.data)
    # In processes of their own: those that help stay until the one that asked them ends.
    told = [scanned(tmp_path, "--jobs", jobs, "--no-cache") for jobs in ("1", "2")]
    assert told[0] == told[1]
    assert len(told[0]) >= 120


def scanned(place: Path, *arguments: str) -> list[tuple[str, str, int]]:
    """What `headgate scan` finds in a directory."""
    command = [sys.executable, "-m", "headgate", "scan", ".", "--format", "json", *arguments]
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    source = json.loads(done.stdout)["checks"][0]["findings"]
    return [(one["rule"], one["path"], one["line"]) for one in source]


def test_what_is_kept_between_runs_changes_nothing_and_may_be_damaged(tmp_path: Path) -> None:
    cache = tmp_path / "lowered"
    files = [
        SourceFile(
            "app.py", f"{HEAD}@app.route('/')\ndef v():\n    sink(request.args['a'])\n".encode()
        )
    ]
    first = Flow(cache).scan(files)
    (kept,) = [path for path in cache.rglob("*") if path.is_file()]
    assert Flow(cache).scan(files) == first
    kept.write_bytes(kept.read_bytes()[:-9] + b"damaged!!")
    assert Flow(cache).scan(files) == first
    kept.write_bytes(b"")
    assert Flow(cache).scan(files) == first
    assert len(first.hits) == 1
