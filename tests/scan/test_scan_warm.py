"""What a scan takes over from the one before it, and that nobody can tell from its result."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scan_work import github_token, password

from headgate.model.finding import CheckResult, Outcome
from headgate.scan import bundle, kept, seen, tree
from headgate.scan.absence.names import Names, functions_in
from headgate.scan.analyzers.infrastructure import all_analyzers
from headgate.scan.analyzers.interface import Analyzer, SourceFile
from headgate.scan.analyzers.keeping import Keeping, keeper_of, keeping
from headgate.scan.analyzers.ruff import Ruff
from headgate.scan.bundle import Bundle
from headgate.scan.engine import Request, analyzers, examine
from headgate.scan.flow.program import Program
from headgate.scan.flow.rules import Rules
from headgate.scan.front import lowered
from headgate.scan.front.python import lower
from headgate.scan.packs.shipped import shipped, shipped_kinds
from headgate.scan.seen import Seen

FILES = {f"p/m{number}.py": b"import m%d\nx = %d\n" % (number, number) for number in range(40)}


def plain(files: dict[str, bytes], cache: Path | None) -> list[object]:
    return [
        (path, one.data, one.digest, one.imports, one.broken, one.mentions, one.module())
        for path, one in lowered.lowered(files, cache).items()
    ]


def test_heads_of_many_files_are_one_file_and_their_trees_are_read_when_they_are_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cold = plain(FILES, None)
    assert plain(FILES, tmp_path) == cold
    taken: list[Path] = []

    def take(place: Path) -> bytes | None:
        taken.append(place)
        return kept.take(place)

    monkeypatch.setattr(lowered, "take", take)
    warm = lowered.lowered(FILES, tmp_path)
    assert [one.imports for one in warm.values()] == [(f"m{path[3:-3]}",) for path in warm]
    assert not taken
    assert warm["p/m7.py"].module() == lowered.lowered(FILES, None)["p/m7.py"].module()
    assert len(taken) == 1
    assert plain({**FILES, "p/m7.py": b"import new\n"}, tmp_path) == plain(
        {**FILES, "p/m7.py": b"import new\n"}, None
    )
    # A tree that is gone, or was written by somebody else, is made anew.
    for number, place in enumerate(tmp_path.rglob("*")):
        if place.is_file() and not place.name.startswith("many-"):
            place.unlink() if number % 2 else place.chmod(0o666)
    assert plain(FILES, tmp_path) == cold


def test_a_bundle_keeps_what_is_used_and_some_of_what_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundle, "_SPARE", 2)
    paths = ["a.py", "b.py"]
    first = Bundle(tmp_path, paths)
    for number in range(9):
        first.put(b"%d" % number, number + 1)
    assert first.keep()
    assert not first.keep(), "nothing is new"
    again = Bundle(tmp_path, reversed(paths))
    assert [again.get(b"%d" % number) for number in range(3)] == [1, 2, 3]
    assert again.get(b"x") is None
    assert not again.keep()
    again.put(b"new", [1])
    assert again.keep()
    last = Bundle(tmp_path, paths)
    there = [key for key in (*(b"%d" % n for n in range(9)), b"new") if last.get(key) is not None]
    assert there == [b"0", b"1", b"2", b"5", b"6", b"7", b"8", b"new"]
    (place,) = tmp_path.iterdir()
    assert place.stat().st_mode & 0o777 == 0o600
    os.utime(place, (0, 0))
    assert not last.keep()
    assert place.stat().st_mtime > 0, "what is used does not get old"
    for spoilt in (place.read_bytes()[:-1], b"", b"x" * 50):
        place.write_bytes(spoilt)
        assert Bundle(tmp_path, paths).get(b"0") is None
    kept.keep_values(place, [1, 2])
    assert Bundle(tmp_path, paths).get(b"0") is None
    place.chmod(0o644)
    assert Bundle(tmp_path / "none", []).get(b"0") is None


TOKEN, SECRET = github_token(7), password(7)
POOL: Mapping[str, Sequence[bytes]] = {
    "app.py": (
        b"from flask import Flask, request\nimport db\napp = Flask(__name__)\n"
        b"@app.post('/a')\ndef a():\n    return db.find(request.form['q'])\n",
        b"from flask import Flask\napp = Flask(__name__)\n",
        b"def broken(:\n    pass\n",
    ),
    "db.py": (
        b"import sqlite3\nc = sqlite3.connect('x')\ndef find(q):\n"
        b'    return c.execute("select \'" + q + "\'")\n',
        b"def find(q):\n    return q\n",
    ),
    "sub/views.py": (
        b"from app import app as served\nroute = served.get\n@route('/x/<int:id>')\n"
        b"def show(id):\n    return {'password': user.password}\n",
        b"class Page:\n    def to_dict(self):\n        return {'password': self.password}\n",
        b"import yaml\nyaml.load(x)  # headgate: allow python/unsafe-yaml because of old files\n",
    ),
    "settings.py": (
        b"MIDDLEWARE = ['a', 'b']\nINSTALLED_APPS = []\nDEBUG = True\n",
        b"import yaml\nyaml.load(x)  # headgate: allow nothing\n",
    ),
    "Dockerfile": (b"FROM python\nUSER root\n", b"FROM scratch\n"),
    ".env": (f"PASSWORD={SECRET}\nFLASK_DEBUG=1\n".encode(), b"A=1\n"),
    "odd.txt": (
        f"password = '{SECRET}'\ntoken = '{TOKEN}'\n".encode("utf-16-le"),
        f"x\0\ntoken = '{TOKEN}'\n".encode(),
        b"plain\n",
    ),
    "t.ini": (f"[{TOKEN}]\npassword = '{SECRET}'\n".encode(), b"[a]\nb = 1\n"),
    "w.yml": (b"a: [b\n", b"services:\n  a:\n    privileged: true\n"),
    "page.html": (b"<p>{{ request.args.x | safe }}</p>\n", b"<p>x</p>\n"),
    "run.sh": (b"curl http://x | sh\n", b"echo x\n"),
    "main.js": (
        b"const app = require('express')();\napp.get('/', (q, r) => r.send(q.query.x));\n",
        b"var a=1;" * 2000,
    ),
    f"n-{TOKEN}.py": (b"x = 1\n", b"import pickle\npickle.loads(y)\n"),
}
REST = {f"rest/m{number}.py": b"def f%d(x):\n    return x\n" % number for number in range(36)}
EDITS = st.lists(
    st.sampled_from([(path, at) for path, all_ in POOL.items() for at in range(-1, len(all_))]),
    min_size=1,
    max_size=6,
)


def told(results: Sequence[CheckResult]) -> list[CheckResult]:
    return [replace(one, seconds=0.0) for one in results]


@pytest.fixture(scope="module")
def cold(rules: Path) -> tuple[Analyzer, ...]:
    return analyzers(b"k" * 32, rules, keep=False)


@pytest.fixture
def home(tmp_path: Path, rules: Path) -> Path:
    """A cache of its own, with the rules that were compiled already."""
    (tmp_path / "cache").mkdir(mode=0o700)
    shutil.copytree(rules, tmp_path / "cache" / "rules")
    return tmp_path / "cache"


def warm(home: Path, key: bytes = b"k" * 32) -> tuple[Analyzer, ...]:
    return analyzers(key, home / "rules")


def request(files: Mapping[str, bytes]) -> Request:
    return Request(tuple(SourceFile(path, files[path]) for path in sorted(files)))


@settings(
    max_examples=3,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(rounds=st.lists(EDITS, min_size=1, max_size=2))
def test_after_any_edits_a_scan_says_what_one_without_a_cache_says(
    rounds: list[list[tuple[str, int]]], home: Path, cold: tuple[Analyzer, ...]
) -> None:
    files = {**REST, **{path: all_[0] for path, all_ in POOL.items()}}
    tools = warm(home)
    for edits in ([], *rounds, rounds[0]):
        for path, at in edits:
            files.pop(path, None)
            if at >= 0:
                files[path] = POOL[path][at]
        wanted = told(examine(request(files), cold))
        assert told(examine(request(files), tools)) == wanted


def test_a_warm_scan_asks_nobody_and_keeps_nothing_of_a_secret(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {**REST, **{path: all_[0] for path, all_ in POOL.items()}}
    first = told(examine(request(files), warm(home)))
    marks = [hit.mark for hit in warm(home)[-1].scan(request(files).head).hits]
    assert {one.rule for one in first[1].findings} >= {"secret/github-pat"}

    def asked(*_: object) -> None:
        raise AssertionError("nobody is to be asked")

    for tool in (*warm(home), Ruff()):
        real = tool.tool if isinstance(tool, Keeping) else tool
        if hasattr(type(real), "each"):
            monkeypatch.setattr(type(real), "each", asked)
    monkeypatch.setattr(Ruff, "_ask", asked)
    assert told(examine(request(files), warm(home, b"another key"))) == first
    kept_of = b"".join(one.read_bytes() for one in (home / "answers").rglob("*") if one.is_file())
    assert kept_of
    for secret in (TOKEN, SECRET):
        assert secret.encode() not in kept_of
        assert secret.encode("utf-16-le") not in kept_of
    assert marks
    assert not any(mark.encode() in kept_of for mark in marks)


def test_what_could_not_run_is_asked_again(home: Path) -> None:
    files = {**REST, "a.py": b"import yaml\nyaml.load(x)\n"}
    broken = keeping(Ruff(Path("/nonexistent/ruff")), keeper_of(warm(home)))
    assert examine(request(files), [broken])[0].outcome is Outcome.NOT_RUN
    (one,) = examine(request(files), warm(home))[0].findings
    assert one.rule == "python/unsafe-yaml"


def test_without_a_cache_nothing_is_kept_or_read(home: Path) -> None:
    tools = analyzers(b"k" * 32, home / "rules", keep=False)
    examine(request(REST), tools)
    assert [one.name for one in home.iterdir()] == ["rules"]


def test_two_scans_at_once_do_no_harm(home: Path, cold: tuple[Analyzer, ...]) -> None:
    many = [{**REST, "a.py": b"import yaml\nyaml.load(x%d)\n" % n} for n in range(4)]
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda files: examine(request(files), warm(home)), many))
    for files, results in zip(many, done, strict=True):
        assert told(results) == told(examine(request(files), cold))


# Files by their status


def scan(place: Path, tools: Sequence[Analyzer]) -> list[CheckResult]:
    return told(tree.run(tree.whole(tree.root_of(place), ()), tools, ()))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A directory whose files are older than those that are not trusted yet."""
    place = tmp_path / "project"
    for path, data in {**REST, "a.py": b"import yaml\nyaml.load(x)\n"}.items():
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_bytes(data)
    return place


def separate(home: Path) -> list[Analyzer]:
    return [one for one in warm(home) if isinstance(one, Keeping)]


def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is opened from now on."""
    names: list[str] = []
    real = os.open

    def watched(path: str, *arguments: int, **more: int) -> int:
        names.append(str(path))
        return real(path, *arguments, **more)

    monkeypatch.setattr(os, "open", watched)
    return names


def test_a_file_that_nobody_touched_is_not_read_again(
    place: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seen, "_JUST", 0)
    first = scan(place, separate(home))
    names = opened(monkeypatch)
    assert scan(place, separate(home)) == first
    assert [Path(one).name for one in names if str(place) in one] == ["a.py"]
    # Of the same size, with the time that it had.
    status = (place / "a.py").stat()
    (place / "a.py").write_bytes(b"import json\njson.load(x)\n")
    os.utime(place / "a.py", ns=(status.st_atime_ns, status.st_mtime_ns))
    assert scan(place, separate(home))[0].outcome is Outcome.PASSED


def test_a_file_that_was_written_just_now_is_read_again(place: Path, home: Path) -> None:
    scan(place, warm(home))
    files = Seen(place, home / "answers" / "seen", list(REST))
    read = [files.read(path) for path in REST]
    assert [one and one[0].data for one in read] == list(REST.values())
    assert not (home / "answers" / "seen").exists()


def test_a_file_that_changes_while_it_is_examined_makes_everything_be_read_anew(
    place: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seen, "_JUST", 0)
    first = scan(place, warm(home))
    listed = tree.whole(tree.root_of(place), ())
    real, calls = tree.examine, list[int]()

    def late(request: Request, tools: Sequence[Analyzer]) -> tuple[CheckResult, ...]:
        calls.append(len(request.head))
        (place / "a.py").write_bytes(b"import yaml\nyaml.load(y)  # other\n")
        return real(request, tools)

    monkeypatch.setattr(tree, "examine", late)
    (source, _) = tree.run(listed, warm(home), ())
    assert [one.excerpt for one in source.findings] == ["yaml.load(y)  # other"]
    assert first[0].findings[0].excerpt == "yaml.load(x)"
    assert calls == [37, 37]


# What is known of a file without its tree


def test_functions_are_the_same_with_and_without_names() -> None:
    text = b"""
class A(B):
    def m(self):
        def inner(): pass
    if x:
        def n(self): pass
    y = lambda: 0
def f():
    class C:
        def o(self): pass
try:
    def g(): pass
except E:
    import h
"""
    program = Program(lambda _: lower(text), ["a.py"])
    state = program.states["a.py"]
    names = Names(program, Rules(shipped("python"), shipped_kinds()))
    module = program.module_of(state)
    assert module is not None
    alone = list(functions_in(state, module.body))
    assert [(one.name, one.owner and one.owner.name) for one in alone] == [
        (one.name, one.owner and one.owner.name) for one in names.functions(state)
    ]
    assert [one.name for one in alone] == ["m", "inner", "n", "f", "o", "g"]


def test_an_analyzer_that_is_imported_late_has_the_name_of_the_real_one() -> None:
    for one in all_analyzers():
        assert one.name == vars(one).get("_real", one._real).name  # pyright: ignore
