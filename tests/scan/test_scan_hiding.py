"""Ways to keep something from being examined, and that none of them counts as passed."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scan_work import Work, github_token, made_up, password

from headgate.model.finding import CheckResult, Confidence, Finding, Outcome, Severity
from headgate.model.ids import Commit
from headgate.scan.analyzers.interface import Analyzer, SourceFile
from headgate.scan.analyzers.secrets import Secrets
from headgate.scan.change import scan_change
from headgate.scan.engine import analyzers
from headgate.scan.readings import readings
from headgate.scan.runner import ScanRunner
from headgate.scan.text import decode
from headgate.scan.tree import find_root, run, select

TOKEN = github_token()
LINE = f'token = "{TOKEN}"\n'
SHELL = 'import os\n\n\ndef show(name):\n    os.system(f"ls {name}")\n'
KEY = (
    "-----BEGIN RSA PRIV" + "ATE KEY-----\n" + "\n".join(made_up(64, n) for n in range(12)) + "\n"
    "-----END RSA PRIV" + "ATE KEY-----\n"
)


async def scan(
    work: Work, base: str, head: str, runner: ScanRunner, *exclude: str
) -> tuple[CheckResult, CheckResult]:
    source, secrets = await scan_change(
        work.repository, Commit(base), Commit(head), exclude=exclude, runner=runner
    )
    assert TOKEN not in repr((source, secrets))
    return source, secrets


def blocks(finding: Finding) -> bool:
    return finding.severity >= Severity.HIGH and finding.confidence >= Confidence.MEDIUM


def rules_of(result: CheckResult) -> list[str]:
    return [finding.rule for finding in result.findings if blocks(finding)]


WIDE = LINE.encode("utf-16-le")
HIDDEN = {
    "a NUL after it": LINE.encode() + b"\0",
    "a NUL before it": b"\0" + LINE.encode(),
    "NULs on both sides": b"\0" * 9000 + LINE.encode() + b"\0",
    "NULs in the line": b'token\0= "' + TOKEN.encode() + b'"\0',
    "UTF-16 without a mark": ("# text\n" * 5 + LINE).encode("utf-16-le"),
    "UTF-16, the other order": ("# text\n" * 5 + LINE).encode("utf-16-be"),
    "UTF-16 with a mark": LINE.encode("utf-16"),
    "UTF-32": LINE.encode("utf-32"),
    "UTF-32 without a mark": LINE.encode("utf-32-le"),
    "UTF-16 after text": b"plain text\n" * 900 + WIDE,
    "UTF-16 at an odd place": b"plain text.\n" * 900 + b"." + WIDE,
    "a mark that lies": b"\xff\xfe" + LINE.encode() + b"\n" * (len(LINE) % 2),
    "a mark of the other order": b"\xff\xfe" + LINE.encode("utf-16-be"),
    "text after UTF-16": "wide text\n".encode("utf-16-le") * 900 + LINE.encode(),
    "bytes around it": bytes(range(256)) * 40 + b"\n" + LINE.encode() + bytes(range(256)) * 40,
    "above 2 MB": b"x = 1\n" * 400_000 + LINE.encode() + b"x = 1\n" * 400_000,
    "across chunks": b"y" * ((4 << 20) - 30) + b"\n" + LINE.encode() + b"z = 1\n" * 100_000,
    "on one long line": b"x = 1; " * 400_000 + LINE.encode(),
}


@pytest.fixture(scope="module")
def secrets(rules: Path) -> Secrets:
    """The search for secrets, whose rules are loaded once."""
    return Secrets(b"key", rules)


@pytest.mark.parametrize("how", HIDDEN)
def test_a_token_is_found_however_it_is_hidden(how: str, secrets: Secrets) -> None:
    data = HIDDEN[how]
    analysis = secrets.scan([SourceFile("settings.bin", data)])
    assert analysis.outcome is Outcome.PASSED
    found = [hit.finding for hit in analysis.hits if blocks(hit.finding)]
    assert {finding.rule for finding in found} == {"secret/github-pat"}
    assert len(found) == 1
    lines = decode(data).count("\n") + 1
    assert all(1 <= span.line <= lines for span in analysis.hidden)


@pytest.mark.parametrize("name", ["a.png", "a.svg", "a.woff", "a.ttf", "a.min.js", "a.lock", "a"])
def test_no_name_keeps_a_token_from_being_found(name: str, secrets: Secrets) -> None:
    analysis = secrets.scan([SourceFile(name, LINE.encode())])
    assert [hit.finding.rule for hit in analysis.hits] == ["secret/github-pat"]


def test_a_private_key_in_tests_is_no_less_a_key(secrets: Secrets) -> None:
    analysis = secrets.scan([SourceFile("tests/server.pem", KEY.encode())])
    assert any(blocks(hit.finding) for hit in analysis.hits)


@given(st.binary(max_size=200), st.integers(0, 199))
def test_places_of_another_reading_are_in_the_text(data: bytes, at: int) -> None:
    text = decode(data).split("\n")
    for reading in readings(data):
        if at < len(reading.text):
            ((line, column),) = reading.places([at]).values()
            assert 1 <= line <= len(text)
            assert 1 <= column <= len(text[line - 1]) + 2


@given(st.text(alphabet="ab\n\r=é", min_size=2, max_size=60), st.integers(0, 59))
def test_a_place_in_utf_16_is_the_place_in_its_text(text: str, at: int) -> None:
    raw = b"\xff\xfe" + text.encode("utf-16-le")
    at = min(at, len(text) - 1)
    if text[at] == "\n" and text[:at].endswith("\r"):
        return
    reading = next(iter(readings(raw)))
    before = text[:at].replace("\r\n", "\n").replace("\r", "\n")
    expected = before.count("\n") + 1, len(before) - before.rfind("\n")
    assert reading.places([2 + 2 * at])[2 + 2 * at] == expected


async def test_a_large_python_file_with_both_does_not_land(work: Work, runner: ScanRunner) -> None:
    base = work.commit({"app.py": "x = 1\n"})
    head = work.commit({"app.py": SHELL + LINE + "x = 1\n" * 360_000})
    source, secrets = await scan(work, base, head, runner)
    assert source.outcome is Outcome.UNKNOWN
    assert "app.py: larger than 2 MB" in source.reason
    assert "[checks] exclude" in source.reason
    assert secrets.outcome is Outcome.FAILED
    assert rules_of(secrets) == ["secret/github-pat"]
    assert "****" in secrets.findings[0].excerpt


@pytest.mark.parametrize("tail", [b"\0", b"\n" * 9000 + b"# \0"])
async def test_python_with_a_nul_is_unknown(work: Work, runner: ScanRunner, tail: bytes) -> None:
    base = work.commit({"app.py": "x = 1\n"})
    head = work.commit({"app.py": SHELL.encode() + LINE.encode() + tail})
    source, secrets = await scan(work, base, head, runner)
    assert source.outcome is Outcome.UNKNOWN
    assert "app.py: binary" in source.reason
    assert rules_of(secrets) == ["secret/github-pat"]


async def test_python_that_nobody_can_read_is_unknown(work: Work, runner: ScanRunner) -> None:
    base = work.commit({"app.py": "x = 1\n"})
    head = work.commit({"broken.py": "def f(:\n"})
    source, _ = await scan(work, base, head, runner)
    assert source.outcome is Outcome.UNKNOWN
    assert "broken.py: not valid Python (line 1)" in source.reason
    assert [finding.rule for finding in source.findings] == ["python/does-not-parse"]


async def test_what_is_excluded_or_unchanged_is_not_asked_for(
    work: Work, runner: ScanRunner
) -> None:
    large = "x = 1\n" * 400_000
    base = work.commit({"gen/a.py": "x = 1\n", "big.py": large, "data.txt": large + "#"})
    head = work.commit({"gen/a.py": large + "y = 2\n"})
    source, _ = await scan(work, base, head, runner, "gen/**")
    assert source.outcome is Outcome.PASSED
    work.git("mv", "big.py", "moved.py")
    moved = work.commit({})
    source, _ = await scan(work, head, moved, runner)
    assert source.outcome is Outcome.PASSED
    work.git("mv", "data.txt", "data.py")
    now_python = work.commit({})
    source, _ = await scan(work, moved, now_python, runner)
    assert source.outcome is Outcome.UNKNOWN


async def test_a_file_beyond_the_limit_of_a_push_is_unknown(work: Work, runner: ScanRunner) -> None:
    base = work.commit({"app.py": "x = 1\n"})
    head = work.commit({"huge.bin": b"\0" * 50_000_001})
    source, secrets = await scan(work, base, head, runner)
    assert secrets.outcome is Outcome.UNKNOWN
    assert "huge.bin: larger than 50 MB" in secrets.reason
    assert source.outcome is Outcome.PASSED


async def test_a_script_without_ending_is_python_by_its_first_line(
    work: Work, runner: ScanRunner
) -> None:
    base = work.commit({"app.py": "x = 1\n"})
    head = work.commit(
        {
            "deploy": "#!/usr/bin/env python3\n" + SHELL,
            "release": "#!/usr/bin/env -S uv run --script\n" + SHELL,
            "notes": "a python text\n" + SHELL,
        }
    )
    source, _ = await scan(work, base, head, runner)
    places = [(finding.rule, finding.span.path) for finding in source.findings]
    assert places == [("python/shell-injection", name) for name in ("deploy", "release")]
    large = work.commit({"deploy": "#!/usr/bin/python3\n" + "x = 1\n" * 400_000})
    source, _ = await scan(work, head, large, runner)
    assert source.outcome is Outcome.UNKNOWN


async def test_no_folder_switches_the_checks_off(work: Work, runner: ScanRunner) -> None:
    base = work.commit({"app.py": "x = 1\n"})
    folders = ("docs", "doc", "examples", "spec", "scripts")
    files = {f"{name}/a.py": SHELL + f'PASSWORD = "{password()}"\n' for name in folders}
    head = work.commit(files | {"tests/test_a.py": SHELL})
    source, secrets = await scan(work, base, head, runner)
    assert rules_of(source) == ["python/shell-injection"] * 6
    assert rules_of(secrets) == ["secret/hard-coded-password"] * 5


async def test_a_secret_in_a_message_is_told(work: Work, runner: ScanRunner) -> None:
    base = work.commit({"app.py": "x = 1\n"})
    work.write({"app.py": "x = 2\n"})
    message = f'Rotate\n\nThe old one was {TOKEN}.\nDB_PASSWORD="{password()}"\n'
    work.git("commit", "-q", "-a", "-m", message)
    leak = work.git("rev-parse", "HEAD")
    head = work.commit({"app.py": "x = 3\n"})
    _, secrets = await scan(work, base, head, runner)
    assert rules_of(secrets) == ["secret/github-pat", "secret/hard-coded-password"]
    finding = secrets.findings[0]
    assert finding.span.path == f"(message of commit {leak[:10]})"
    assert (finding.span.line, finding.span.column) == (3, 17)
    assert finding.excerpt == f"The old one was {'*' * len(TOKEN)}."
    assert "message" in finding.message
    assert "--amend" in finding.remedy
    assert password() not in repr(secrets)
    _, later = await scan(work, leak, head, runner)
    assert later.outcome is Outcome.PASSED


async def test_a_secret_in_the_target_of_a_link_is_told(work: Work, runner: ScanRunner) -> None:
    base = work.commit({"app.py": "x = 1\n"})
    (work.path / "link").symlink_to(f"a/{TOKEN}/b")
    leak = work.commit({})
    (work.path / "link").unlink()
    (work.path / "link").symlink_to("app.py")
    head = work.commit({})
    _, secrets = await scan(work, base, leak, runner)
    assert [(f.rule, f.span.path) for f in secrets.findings] == [("secret/github-pat", "link")]
    _, later = await scan(work, base, head, runner)
    (finding,) = later.findings
    assert leak[:10] in finding.message
    _, gone = await scan(work, leak, head, runner)
    assert gone.outcome is Outcome.PASSED


async def test_a_secret_in_a_name_is_told_and_the_name_is_masked(
    work: Work, runner: ScanRunner
) -> None:
    base = work.commit({"app.py": "x = 1\n"})
    name = f"keys/{TOKEN}.py"
    leak = work.commit({name: SHELL + "\0"})
    source, secrets = await scan(work, base, leak, runner)
    (finding,) = secrets.findings
    assert finding.rule == "secret/github-pat"
    assert finding.span.path == f"keys/{'*' * len(TOKEN)}.py"
    assert "name" in finding.message
    assert source.outcome is Outcome.UNKNOWN
    assert "keys/****" in source.reason
    work.git("mv", name, "keys/plain.py")
    head = work.commit({})
    _, later = await scan(work, base, head, runner)
    (finding,) = later.findings
    assert leak[:10] in finding.message
    _, moved = await scan(work, leak, head, runner)
    assert moved.outcome is Outcome.PASSED


async def test_a_file_with_the_name_of_a_note_is_a_file(work: Work, runner: ScanRunner) -> None:
    base = work.commit({"app.py": "x = 1\n"})
    head = work.commit({"(names of files)": LINE, f"{TOKEN}.txt": "x\n"})
    _, secrets = await scan(work, base, head, runner)
    assert len(secrets.findings) == 2
    assert all("****" in finding.excerpt for finding in secrets.findings)


async def test_a_work_tree_is_examined_as_closely(work: Work, rules: Path) -> None:
    work.commit({"app.py": "x = 1\n"})
    work.write({"wide.txt": ("# text\n" * 5 + LINE).encode("utf-16-le"), "b.py": SHELL + "\0"})
    (work.path / "link").symlink_to(f"a/{TOKEN}")
    (work.path / f"{TOKEN}.bin").write_bytes(b"\0")
    root = await find_root(work.path)
    for base in ("", "HEAD"):
        selection = await select(root, (), base, ())
        source, secrets = run(selection, _tools(rules), ())
        assert source.outcome is Outcome.UNKNOWN
        assert rules_of(secrets) == ["secret/github-pat"] * 3
        assert TOKEN not in repr((source, secrets))


def _tools(rules: Path) -> tuple[Analyzer, ...]:
    return analyzers(b"key", rules)
