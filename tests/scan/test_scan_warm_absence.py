"""What routes lack, taken over from the scan before, in projects whose files lean on each other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headgate.scan.absence import every
from headgate.scan.absence.every import lacking
from headgate.scan.flow.findings import Found
from headgate.scan.front.lowered import Lowered, lowered
from headgate.scan.packs.shipped import shipped, shipped_kinds

PIECES = {
    "app.py": (
        "from flask import Flask, request, session\nimport db\n"
        "app = Flask(__name__)\nroute = app.route",
        "from views import *",
        "@app.post('/note')\ndef note():\n    db.store(request.form['x'])",
        "@app.post('/pay')\n@login_required\ndef pay():\n    session['user_id']\n    db.commit()",
        "@app.post('/login')\ndef login():\n    return check_password(request.form['password'])",
        "LIMITER = limiter()",
    ),
    "views.py": (
        "from app import app, route as r\nfrom base import Page, Other as Base\nimport app as main",
        "@r('/x/<int:id>')\ndef x(id):\n    return {'password': user.password}",
        "@main.app.delete('/y')\ndef y():\n    log.info(password)\n    helper().frobnicate()",
        "class V(Base):\n    def post(self, request):\n"
        "        self.store(request.form)\n        db.session.commit()",
        "class S:\n    def to_dict(self):\n        return {'token': self.token}",
    ),
    "base.py": (
        "from flask.views import View\nfrom views import V as W",
        "class Page(View):\n    pass",
        "class Other(Page):\n    def store(self, x):\n        db.session.add(x)",
        "class F:\n    def frobnicate(self):\n        db.session.delete(1)",
        "Other = View",
    ),
    "db.py": (
        "def store(x):\n    session.execute('insert into t values (?)', x)\n    session.commit()",
        "def commit():\n    store(1)",
        "class G:\n    def frobnicate(self):\n        pass",
        "from app import app\napp.add_url_rule('/z', view_func=commit)",
    ),
    "settings.py": ("MIDDLEWARE = ['a']", "X = 1", "CSRFProtect(app)"),
}
REST = {f"rest/m{number}.py": b"def f%d(x):\n    return x\n" % number for number in range(30)}
PACKS, KINDS = shipped("python"), shipped_kinds()
PROJECT = st.fixed_dictionaries(
    {path: st.lists(st.sampled_from(all_), unique=True) for path, all_ in PIECES.items()}
)
EDITS = st.lists(
    st.sampled_from([(path, one) for path, all_ in PIECES.items() for one in all_]), max_size=2
)


def project(pieces: dict[str, list[str]]) -> dict[str, Lowered]:
    files = {path: "\n\n".join(all_).encode() + b"\n" for path, all_ in pieces.items()}
    return lowered({**REST, **files}, None)


def words(found: Sequence[Found]) -> list[tuple[object, ...]]:
    return [
        (one.kind, one.path, one.start, one.end, one.severity, one.confidence, one.message)
        for one in found
    ]


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(pieces=PROJECT, rounds=st.lists(EDITS, max_size=4))
def test_what_is_taken_over_is_what_would_be_found(
    pieces: dict[str, list[str]], rounds: list[list[tuple[str, str]]], tmp_path: Path
) -> None:
    for edits in ([], *rounds):
        for path, one in edits:
            (pieces[path].remove if one in pieces[path] else pieces[path].append)(one)
        files = project(pieces)
        wanted = words(lacking(files, PACKS, KINDS))
        assert words(lacking(files, PACKS, KINDS, cache=tmp_path)) == wanted
        assert words(lacking(files, PACKS, KINDS, cache=tmp_path)) == wanted


def test_only_what_concerns_routes_makes_anybody_look_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pieces = {path: list(all_) for path, all_ in PIECES.items()}
    pieces["app.py"].remove("LIMITER = limiter()")
    alone = {"app.py": ["from flask import Flask"], "base.py": ["import os"]}
    first = lacking(project(alone), PACKS, KINDS, cache=tmp_path)
    whole = lacking(project(pieces), PACKS, KINDS, cache=tmp_path)
    assert not first
    assert whole

    def looked(*_: object) -> None:
        raise AssertionError("nobody is to look")

    monkeypatch.setattr(every, "every_lack", looked)
    assert lacking(project(pieces), PACKS, KINDS, cache=tmp_path) == whole
    alone["base.py"].append("def other(x):\n    return x")
    assert lacking(project(alone), PACKS, KINDS, cache=tmp_path) == []
    alone["base.py"].append("@app.post('/x')\ndef x():\n    pass")
    with pytest.raises(AssertionError, match="nobody"):
        lacking(project(alone), PACKS, KINDS, cache=tmp_path)
