"""The policy about packages without a server: checked, exported, taken over from other tools."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from headgate.cli.main import run

DAY = 86_400.0


def day(ahead: float) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(time.time() + ahead * DAY))


def exception(since: float, expires: float, package: str = "pkg:pypi/x") -> str:
    return (
        f'[[exceptions]]\npackage = "{package}"\nadvisories = ["CVE-1"]\nowner = "ada"\n'
        f'approvers = ["bea"]\nreason = "For now."\n'
        f"since = {day(since)}\nexpires = {day(expires)}\n"
    )


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    (tmp_path / "policy.toml").write_text("")
    return tmp_path


def test_a_policy_without_remarks(policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (policy / "dependencies.toml").write_text(exception(-10, 100))
    assert run(["deps", "policy", "check", str(policy)]) == 0
    assert "1 exceptions, 0 remarks" in capsys.readouterr().out
    assert run(["deps", "exceptions", "list", "--policy", str(policy)]) == 0


def test_what_is_odd_about_a_policy(policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = 'approved = {pypi = ["old"]}\n'
    text += '[licences]\nallow = ["MIT", "permissive", "Mitt"]\n'
    text += '[[allow]]\npackage = "pkg:pypi/older"\n'
    text += '[[deny]]\npackage = "pkg:pypi/old*"\nreason = "Old."\n'
    text += 'use-instead = "pkg:pypi/oldest"\n'
    text += exception(-40, -3) + exception(-40, 3)
    (policy / "dependencies.toml").write_text(text)
    assert run(["deps", "policy", "check", str(policy), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert "dependencies.licences" in [one["place"] for one in found["remarks"]]
    words = [remark["message"] for remark in found["remarks"]]
    assert found["ok"] is False
    assert len(words) == 6
    for part in (
        "`Mitt` in `allow` is neither a licence nor a category",
        "pkg:pypi/older is allowed here and denied at dependencies.toml:6",
        "`old` is denied here and in the approved list of pypi",
        "pkg:pypi/oldest is to be used instead, and denied",
        "ended on",
        "ends on",
    ):
        assert any(part in word for word in words), (part, words)
    assert run(["deps", "exceptions", "list", "--policy", str(policy)]) == 1


def test_vex_goes_out_and_comes_in(policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (policy / "dependencies.toml").write_text(
        exception(-10, 100) + 'justification = "component_not_present"\n'
    )
    assert run(["deps", "exceptions", "export", "--policy", str(policy)]) == 0
    document = capsys.readouterr().out
    (policy / "vex").mkdir()
    (policy / "vex" / "ours.json").write_text(document)
    (policy / "dependencies.toml").write_text("")
    assert run(["deps", "exceptions", "list", "--policy", str(policy), "--json"]) == 0
    (one,) = json.loads(capsys.readouterr().out)["exceptions"]
    assert (one["package"], one["advisories"]) == ("pkg:pypi/x", ["CVE-1"])
    (policy / "vex" / "ours.json").write_text("{}")
    assert run(["deps", "policy", "check", str(policy)]) == 2
    assert "vex/ours.json is not an OpenVEX document" in capsys.readouterr().err
    (policy / "vex" / "ours.json").write_bytes(b"\xff")
    assert run(["deps", "policy", "check", str(policy)]) == 2


def test_the_file_of_another_tool(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "deny.toml"
    file.write_text('[bans]\ndeny = ["openssl"]\n[sources]\nx = 1\n')
    assert run(["deps", "import", str(file)]) == 0
    told = capsys.readouterr()
    assert 'package = "pkg:cargo/openssl"' in told.out
    assert "Left out: sources" in told.err
    assert run(["deps", "import", str(file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["denials"] == 1
    file.write_bytes(b"\xff")
    assert run(["deps", "import", str(file)]) == 2
    assert run(["deps", "import", str(tmp_path / "none.toml")]) == 2


def test_a_policy_that_cannot_be_read(policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (policy / "dependencies.toml").write_text("human = 'deny'")
    assert run(["deps", "policy", "check", str(policy)]) == 2
    assert "dependencies.toml:1: human: unknown key. Did you mean" in capsys.readouterr().err
