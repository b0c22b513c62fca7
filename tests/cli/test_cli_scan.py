"""`headgate scan` and what is below it, as they are used in a work tree."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from test_cli_check import SHELL, Place, made_up


@pytest.fixture
def place(tmp_path: Path, cache: Path) -> Place:
    place = Place(tmp_path, cache)
    place.git("init", "-q", "-b", "main")
    return place


PASSWORD = "Zq" + made_up(12) + "+7"


def test_a_file_with_the_name_of_a_command_is_meant_by_its_path(place: Place) -> None:
    place.commit("secrets/a.py", SHELL)
    done = place.headgate("scan", "./secrets", "--json")
    assert done.returncode == 1, done.stderr
    assert json.loads(done.stdout)["findings"] == {"high": 1}
    shown = place.headgate("scan", "--help").stdout
    assert "--base" in shown
    assert "secrets" in shown


def test_commands_below_are_called_without_the_paths_of_the_one_above(place: Place) -> None:
    for below in ("secrets", "import"):
        shown = place.headgate("scan", below, "--help").stdout
        assert shown.startswith(f"Usage: headgate scan {below} [OPTIONS]")


@pytest.mark.parametrize(
    ("output", "why"),
    [
        (".", ". is a directory"),
        ("/", "/ is a directory"),
        ("missing/x.json", "No such file or directory"),
        ("x" * 300, "File name too long"),
    ],
)
def test_a_result_that_cannot_be_written_is_one_sentence(
    place: Place, output: str, why: str
) -> None:
    place.commit("a.py", "x = 1\n")
    done = place.headgate("scan", "a.py", "-o", output)
    assert done.returncode == 3
    assert why in done.stderr
    assert done.stderr.count("\n") == 1


def test_secrets_alone_and_those_of_the_history(place: Place) -> None:
    place.commit("a.py", f"{SHELL}\npassword = '{PASSWORD}'\n")
    first = place.git("rev-parse", "HEAD")
    done = place.headgate("scan", "secrets", "--json")
    assert done.returncode == 1
    (check,) = json.loads(done.stdout)["checks"]
    assert [f["rule"] for f in check["findings"]] == ["secret/hard-coded-password"]
    place.commit("a.py", SHELL)
    place.git("checkout", "-q", "-b", "side", first)
    token = "ghp" + "_" + made_up(36)
    place.git("commit", "-q", "--allow-empty", "-m", f"Use {token}")
    place.git("checkout", "-q", "main")
    done = place.headgate("scan", "secrets", "--history", "--json")
    assert done.returncode == 1, done.stderr
    (check,) = json.loads(done.stdout)["checks"]
    told = {f["rule"]: f for f in check["findings"]}
    password = told.pop("secret/hard-coded-password")
    assert f"came in with commit {first[:10]}" in password["message"]
    assert password["path"] == "a.py"
    (other,) = told.values()
    assert other["path"].startswith("(message of commit ")
    for secret in (PASSWORD, token):
        assert secret not in done.stdout + done.stderr


def test_history_needs_a_repository_and_no_base(place: Place) -> None:
    assert (
        "leave --base out" in place.headgate("scan", "secrets", "--history", "--base", "x").stderr
    )
    outside = Place(place.path.parent / f"{place.path.name}-outside", place.cache)
    outside.path.mkdir()
    outside.write("a.py", "x = 1\n")
    done = outside.headgate("scan", "secrets", "--history")
    assert done.returncode == 2
    assert "not in a git repository" in done.stderr


def sarif(*results: dict[str, object]) -> str:
    run = {"tool": {"driver": {"name": "lint"}}, "results": list(results)}
    return json.dumps({"version": "2.1.0", "runs": [run]})


def hit(uri: str, line: int) -> dict[str, object]:
    where = {"artifactLocation": {"uri": uri}, "region": {"startLine": line}}
    return {
        "ruleId": "no-system",
        "level": "error",
        "message": {"text": "No system"},
        "locations": [{"physicalLocation": where}],
    }


def test_sarif_of_another_tool_is_told_like_our_own(place: Place) -> None:
    code = SHELL.replace("os.system(", f"secret = '{PASSWORD}'; os.system(")
    place.commit("src/a.py", code)
    # What it says of elsewhere is refused, and then the answer is not complete.
    place.write("log.sarif", sarif(hit("../x.py", 1), hit("gone.py", 1), hit("src/a.py", 5)))
    done = place.headgate("scan", "import", "log.sarif")
    assert done.returncode == 3, done.stderr
    assert "src/a.py:5:1: high [lint/no-system], medium confidence" in done.stdout
    assert PASSWORD not in done.stdout
    assert "1 result of lint: the file is outside of the project" in done.stdout
    assert "gone.py" in done.stdout


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"nonsense", "is not JSON"),
        (b'{"version": "1"}', "only SARIF 2.1.0"),
        (b'{"version": "2.1.0", "runs": []}', "the list is empty"),
        (b'{"version": "2.1.0", "runs": [null]}', "one of them is no object"),
        (b'{"version": "2.1.0", "runs": ' + b"9" * 5000 + b"}", "a number of too many digits"),
        (None, "no such file"),
    ],
)
def test_bad_logs_get_one_sentence(place: Place, content: bytes | None, why: str) -> None:
    place.commit("a.py", "x = 1\n")
    if content is not None:
        place.write("log.sarif", content)
    done = place.headgate("scan", "import", "log.sarif")
    assert done.returncode == 2
    assert done.stdout == ""
    assert why in done.stderr
    assert done.stderr.count("\n") == 1
