"""`headgate fix` and `headgate rules`, as they are used in a work tree."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from headgate.cli.fix import fix
from headgate.cli.rules import rules
from headgate.model.errors import HeadgateError

BAD = """\
import sqlite3
from flask import Flask, request
app = Flask(__name__)

@app.post("/")
def index():
    db = sqlite3.connect("app.db")
    db.execute("SELECT * FROM item WHERE name = '" + request.form["name"] + "'")
    db.execute("SELECT * FROM " + request.form["name"])
    return {}
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "app.py").write_text(BAD)
    return tmp_path


def call(command: object, *arguments: str) -> Result:
    return CliRunner().invoke(command, arguments)  # type: ignore[arg-type]


def complaint(result: Result) -> HeadgateError:
    assert isinstance(result.exception, HeadgateError)
    return result.exception


def test_a_patch_is_printed_and_git_can_apply_it(place: Path) -> None:
    result = call(fix, "--json")
    told = json.loads(result.stdout)
    assert result.exit_code == 1
    assert [(one["path"], one["line"], one["rule"]) for one in told["fixes"]] == [
        ("app.py", 8, "python/sql-injection")
    ]
    assert told["left"] == 1
    assert (place / "app.py").read_text() == BAD
    subprocess.run(["git", "apply", "-"], input=told["patch"], text=True, check=True)
    assert 'name = ?", (request.form["name"],))' in (place / "app.py").read_text()


def test_files_are_written_with_their_mode_and_nothing_is_left_behind(place: Path) -> None:
    (place / "app.py").chmod(0o750)
    result = call(fix, "--write", "app.py")
    assert result.exit_code == 1
    assert "1 change made, 1 finding without a mechanical change." in result.stdout
    assert (place / "app.py").stat().st_mode & 0o777 == 0o750
    assert [one.name for one in place.iterdir()] == ["app.py"]
    again = call(fix)
    assert "0 changes suggested" in again.stdout


def test_only_the_rules_that_are_named_are_looked_at(place: Path) -> None:
    assert json.loads(call(fix, "--rule", "python/insecure-cookie", "--json").stdout)["left"] == 0
    error = complaint(call(fix, "--rule", "python/xss"))
    assert error.message == "There is no mechanical change for python/xss."
    assert "sql-injection" in error.remedy


def test_what_is_clean_ends_with_zero(place: Path) -> None:
    (place / "app.py").write_text("print('hello')\n")
    assert call(fix).exit_code == 0


def test_a_place_that_is_not_there_is_said(place: Path) -> None:
    assert complaint(call(fix, "nowhere.py")).message == "There is no nowhere.py."


def test_a_new_pack_passes_its_own_examples(place: Path) -> None:
    assert call(rules, "new", "acme-web").exit_code == 0
    result = call(rules, "test", "acme-web.yaml")
    assert result.exit_code == 0, result.stdout
    assert "1 pack, 1 example: 0 failed." in result.stdout
    error = complaint(call(rules, "new", "acme-web"))
    assert error.message == "acme-web.yaml exists."
    assert "no name of a pack" in complaint(call(rules, "new", "Acme Web")).message


def test_an_example_that_does_not_hold_is_told_with_its_place(place: Path) -> None:
    call(rules, "new", "acme")
    pack = place / "acme.yaml"
    pack.write_text(pack.read_text().replace("safe_for: [sql-injection]", "safe_for: [xss]"))
    result = call(rules, "test", "acme.yaml")
    assert result.exit_code == 1
    assert "good: line 5 of app.py is taken for sql-injection." in result.stdout
    told = json.loads(call(rules, "test", str(place), "--json").stdout)
    assert told["failed"][0]["false"] == [["app.py", 5, "sql-injection"]]


@pytest.mark.parametrize(
    ("text", "part"),
    [
        (
            "pack: a\nlanguage: python\nversion: 1\nsinks:\n  - {call: x, kind: nothing}\n",
            "a.yaml:5",
        ),
        ("pack: a\nlanguage: python\nversion: 1\nsurprise: 1\n", "surprise"),
        ("- a\n- b\n", "has to be a mapping"),
        ("pack: [\n", "not valid YAML"),
    ],
)
def test_a_broken_pack_is_told_with_file_line_and_key(place: Path, text: str, part: str) -> None:
    (place / "a.yaml").write_text(text)
    assert part in complaint(call(rules, "test", "a.yaml")).message


def test_a_rule_is_explained_with_examples(place: Path) -> None:
    result = call(rules, "explain", "python/path-traversal")
    assert "CWE-22" in result.stdout
    assert "# BAD: path-traversal" in result.stdout
    told = json.loads(call(rules, "explain", "missing-owner-check", "--json").stdout)
    assert (told["cwe"], told["fixable"]) == (639, False)
    assert (
        "There is no rule python/nothing."
        in complaint(call(rules, "explain", "python/nothing")).message
    )


def test_every_kind_that_packs_know_has_an_example(place: Path) -> None:
    told = json.loads(call(rules, "coverage", "--json").stdout)
    assert told["without_example"] == []
    assert len(told["packs"]) >= 20


def test_the_command_is_there_for_the_shell(place: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "headgate", "rules", "explain", "nothing"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "There is no rule nothing." in done.stderr


def test_packs_of_your_own_count_when_they_are_named(place: Path) -> None:
    from headgate.cli.scan import scan

    call(rules, "new", "acme")
    (place / "app.py").write_text(
        "import acme\n\n\ndef search(request: acme.Request, database: acme.Database):\n"
        '    database.query("SELECT " + request.parameter("name"))\n'
    )
    assert call(scan, "app.py").exit_code == 0
    result = call(scan, "--rules", "acme.yaml", "app.py")
    assert result.exit_code == 1
    assert "app.py:5:" in result.stdout
    assert "[python/sql-injection]" in result.stdout
    assert "nowhere.yaml cannot be read" in complaint(call(scan, "--rules", "nowhere.yaml")).message
