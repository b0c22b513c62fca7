"""`headgate scan review`, against an endpoint that answers by a script."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cli_support import Say
from test_cli_check import Place, made_up

from headgate.cli import reviewing
from headgate.scan.analyzers.interface import Analyzer
from headgate.scan.engine import analyzers
from warm import compiled_rules

sys.path.insert(0, str(Path(__file__).parent.parent / "scan"))
from review_endpoint import Answer, ScriptedEndpoint, finding, says

APP = """\
import sqlite3


def rows(sql):
    return sqlite3.connect("app.db").execute(sql).fetchall()
"""
INVOICES = """\
from app import rows


def invoice(number):
    return rows(f"SELECT * FROM invoices WHERE id = {number}")
"""
SQL = finding(
    "invoices.py", 5, 'return rows(f"SELECT * FROM invoices WHERE id = {number}")',
    cwe=89, title="SQL is put together from a parameter", explanation="Any number becomes SQL.",
    remedy="Bind the number.",
)  # fmt: skip


@pytest.fixture(scope="module")
def tools(cache: Path) -> tuple[Analyzer, ...]:
    """The real ones, whose rules are compiled once."""
    return analyzers(b"k" * 32, compiled_rules(cache))


@pytest.fixture
def place(
    tmp_path: Path,
    cache: Path,
    tools: tuple[Analyzer, ...],
    monkeypatch: pytest.MonkeyPatch,
    say: Say,
) -> Place:
    """A project `app` with a change that is not committed."""
    folder = tmp_path / "app"
    folder.mkdir()
    place = Place(folder, cache)
    place.git("init", "-q", "-b", "main")
    place.commit("app.py", APP)
    place.write("invoices.py", INVOICES)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    monkeypatch.setattr(reviewing, "analyzers", lambda *_: tools)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("HEADGATE_DATA", str(tmp_path / "no-server"))
    return place


@pytest.fixture
def endpoint() -> Iterator[ScriptedEndpoint]:
    with ScriptedEndpoint([says(SQL, sent=1200, received=90)]) as found:
        yield found


def policy_of(place: Place, url: str, *more: str) -> str:
    file = place.path.parent / "policy.toml"
    lines = [
        "[reviewer]",
        f'endpoint = "{url}"',
        'model = "scripted-1"',
        'projects = ["app"]',
        'paths = ["**"]',
        "price-sent = 2.5",
        "price-received = 10",
        *more,
    ]
    file.write_text("\n".join(lines) + "\n")
    return str(file)


def test_without_a_reviewer_one_sentence_says_how_to_switch_it_on(place: Place, say: Say) -> None:
    found = say("scan", "review", code=2)
    assert found.err.startswith("headgate: No reviewer is switched on, and nothing is sent.")
    assert "[reviewer]" in found.err
    assert "--policy" in found.err
    assert found.err.count("\n") == 1


def test_a_change_is_reviewed_and_its_cost_is_told(
    place: Place, say: Say, endpoint: ScriptedEndpoint
) -> None:
    policy = policy_of(place, endpoint.url)
    found = say("scan", "review", "--policy", policy, code=1)
    assert "invoices.py:5:" in found.out
    assert "[reviewer/cwe-89]" in found.out
    assert "SQL is put together from a parameter. Any number becomes SQL." in found.out
    assert "1,200 tokens sent and 90 received, 0.0039 USD" in found.out
    assert "498,710 of 500,000 tokens left today" in found.out
    # The definition that the change calls went along, and nothing else did.
    assert "def rows(sql):" in endpoint.shown()
    assert endpoint.paths == ["/v1/chat/completions"]
    (sent, answered) = (
        json.loads(line)
        for line in (place.path.parent / "state/headgate/reviews.jsonl").read_text().splitlines()
    )
    assert [one["path"] for one in sent["files"]] == ["app.py", "invoices.py"]
    assert sent["endpoint"] == endpoint.url
    assert answered["tokens"] == 1290


def test_every_format_has_the_findings_and_words_go_elsewhere(
    place: Place, say: Say, endpoint: ScriptedEndpoint
) -> None:
    policy = policy_of(place, endpoint.url)
    found = say("scan", "review", "--policy", policy, "--json", code=1)
    told: dict[str, Any] = json.loads(found.out)
    (check,) = told["checks"]
    assert check["check"] == "review"
    assert check["findings"][0]["confidence"] == "medium"
    assert "reviewer:scripted-1" in check["findings"][0]["engines"]
    assert told["review"]["tokens"]["sent"] == 1200
    assert told["review"]["cost"]["micros"] == 3900
    assert "tokens sent" in found.err
    found = say("scan", "review", "--policy", policy, "--format", "sarif", code=1)
    (run,) = json.loads(found.out)["runs"]
    (result,) = run["results"]
    assert result["ruleId"] == "reviewer/cwe-89"
    assert "CWE-89" in run["tool"]["driver"]["rules"][0]["properties"]["tags"]


def test_a_dry_run_shows_the_exact_bytes_and_sends_nothing(
    place: Place, say: Say, endpoint: ScriptedEndpoint, tmp_path: Path
) -> None:
    token = "ghp" + "_" + made_up(36)
    place.write("settings.py", f'TOKEN = "{token}"\n')
    place.write("keys/private.txt", "not for others\n")
    policy = policy_of(place, endpoint.url, 'never = ["keys/"]')
    found = say("scan", "review", "--policy", policy, "--dry-run")
    assert endpoint.asked == []
    assert "     5 +     return rows(" in found.out
    assert "Nothing was sent." in found.out
    assert (
        "Withheld: keys/private.txt: the policy says that it never leaves (`never`)." in found.out
    )
    assert "Secrets are masked in 1 line." in found.out
    assert "not for others" not in found.out
    assert token not in found.out
    file = tmp_path / "body.json"
    say("scan", "review", "--policy", policy, "--dry-run", "-o", str(file))
    told = json.loads(say("scan", "review", "--policy", policy, "--dry-run", "--json").out)
    assert told["body"] == file.read_text()
    say("scan", "review", "--policy", policy, code=1)
    assert endpoint.asked == [file.read_bytes()]
    # Of what is not to be looked at nothing is shown, and it is not taken for deleted.
    place.write("app.py", APP + "# more\n")
    options = ("settings.py", "--policy", policy, "--dry-run", "--json")
    told = json.loads(say("scan", "review", *options).out)
    assert [one["path"] for one in told["files"]] == ["settings.py"]


def test_what_fails_is_not_run_in_one_sentence(place: Place, say: Say) -> None:
    with ScriptedEndpoint([Answer(status=401)]) as endpoint:
        policy = policy_of(place, endpoint.url)
        found = say("scan", "review", "--policy", policy, code=3)
    assert "review not run: The endpoint 127.0.0.1:" in found.out
    assert "refused us, as no key is configured with 401" in found.out


def test_the_budget_of_the_day_is_kept_between_calls(
    place: Place, say: Say, endpoint: ScriptedEndpoint
) -> None:
    bounds = ("tokens-per-review = 15000", "tokens-per-day = 16000")
    policy = policy_of(place, endpoint.url, *bounds)
    say("scan", "review", "--policy", policy, code=1)
    found = say("scan", "review", "--policy", policy, code=3)
    assert "the budget of the day is used up" in found.out
    assert len(endpoint.asked) == 1


@pytest.mark.parametrize(
    ("lines", "options", "code", "why"),
    [
        ((), ("--project", "other"), 1, "does not let the code of other be sent"),
        ((), ("--base", "nowhere"), 2, "There is no revision 'nowhere'"),
        (('key-secret = "reviewer"',), (), 3, "which only the server can open"),
        (('key-env = "NO_SUCH_KEY"',), (), 3, "The variable NO_SUCH_KEY"),
        (("tokens = 1",), (), 2, "policy.toml:8: reviewer.tokens: unknown key."),
    ],
)
def test_what_cannot_be_is_one_sentence(
    place: Place,
    say: Say,
    lines: tuple[str, ...],
    options: tuple[str, ...],
    code: int,
    why: str,
) -> None:
    policy = policy_of(place, "http://127.0.0.1:9/v1", *lines)
    found = say("scan", "review", "--policy", policy, *options, code=code)
    assert why in found.err
    assert found.err.count("\n") == 1


def test_a_configuration_that_cannot_be_used_is_told_by_its_line(place: Place, say: Say) -> None:
    place.write("headgate.toml", "[checks]\nexclude = 5\n")
    policy = policy_of(place, "http://127.0.0.1:9/v1")
    found = say("scan", "review", "--policy", policy, "--dry-run", code=2)
    assert found.err.startswith("headgate: headgate.toml:2: checks.exclude: expected a list")
    assert found.err.count("\n") == 1


def test_a_change_without_lines_is_told(place: Place, say: Say) -> None:
    (place.path / "invoices.py").unlink()
    policy = policy_of(place, "http://127.0.0.1:9/v1")
    found = say("scan", "review", "--policy", policy, code=2)
    assert "Nothing is different from HEAD." in found.err
    found = say("scan", "review", "--policy", str(place.path / "none.toml"), code=2)
    assert "none.toml cannot be read: no such file" in found.err


def test_the_key_is_sent_and_never_shown(
    place: Place, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = "key" + "-" + made_up(20)
    monkeypatch.setenv("REVIEWER_KEY", key)
    error = json.dumps({"error": {"message": f"no such key: {key}"}}).encode()
    with ScriptedEndpoint([Answer(status=401, raw=error)]) as endpoint:
        policy = policy_of(place, endpoint.url, 'key-env = "REVIEWER_KEY"')
        found = say("scan", "review", "--policy", policy, code=3)
    assert endpoint.headers[0]["Authorization"] == f"Bearer {key}"
    assert "no such key: ***" in found.out
    assert key not in found.out + found.err


def test_other_scans_load_nothing_of_it() -> None:
    code = (
        "import sys; from headgate.cli.main import run; run(['scan', '--help']);"
        "import headgate.cli.inspection, headgate.scan.engine, headgate.scan.worker;"
        "print([one for one in sys.modules if one == 'httpx' or one.startswith("
        "'headgate.scan.reviewer.') and not one.endswith('.interface')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
