"""`headgate deps`: what is printed, and which exit codes tell it."""

from __future__ import annotations

import gzip
import io
import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from cli_support import Said, Say

LIB: dict[str, Any] = {
    "id": "PYSEC-1",
    "modified": "2026-01-01T00:00:00Z",
    "aliases": ["CVE-2026-1"],
    "summary": "Reads beyond the end",
    "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "lib"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.5"}]}],
        }
    ],
}


@pytest.fixture
def db(say: Say, tmp_path: Path) -> Path:
    """A database with one record."""
    (tmp_path / "records").mkdir()
    (tmp_path / "records/PYSEC-1.json").write_text(json.dumps(LIB))
    path = tmp_path / "advisories.db"
    say("deps", "sync", "--from", tmp_path / "records", "--db", path)
    return path


def stdin(monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    data = io.BytesIO("".join(f"{line}\n" for line in lines).encode())
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(data))


def asked(name: str, version: str, **more: str) -> str:
    return json.dumps({"ecosystem": "PyPI", "name": name, "version": version} | more)


def answers(said: Said) -> list[dict[str, Any]]:
    return [json.loads(line) for line in said.out.splitlines()]


@pytest.mark.parametrize(
    ("ecosystem", "a", "b", "sign"),
    [
        ("PyPI", "1.0rc1", "1.0", "<"),
        ("pypi", "1.0", "1", "="),
        ("Debian:12", "1:0.1", "9", ">"),
        ("Maven", "1-ga", "1.0", "="),
    ],
)
def test_two_versions_are_compared(say: Say, ecosystem: str, a: str, b: str, sign: str) -> None:
    assert say("deps", "compare", ecosystem, a, b).out == f"{sign}\n"
    assert say("deps", "compare", "--json", ecosystem, a, b).object["order"] == sign


def test_what_cannot_be_compared_is_bad_input(say: Say) -> None:
    assert "'latest' is not a version" in say("deps", "compare", "npm", "latest", "1", code=2).err
    assert "has no order of versions" in say("deps", "compare", "OSS-Fuzz", "1", "2", code=2).err


def test_one_package(say: Say, db: Path) -> None:
    found = say("deps", "match", "--db", db, "--json", "PyPI", "Lib", "1.4", code=1).object
    assert found["verdict"] == "affected"
    assert found["advisories"] == ["PYSEC-1"]
    assert found["name"] == "Lib"
    assert found["fixes"] == ["1.5"]
    assert found["reason"] == "PYSEC-1: Reads beyond the end; fixed in 1.5."
    said = say("deps", "match", "--db", db, "PyPI", "lib", "1.4", code=1).out
    assert "PYSEC-1, CVE-2026-1  critical  9.8  fixed in 1.5" in said
    assert say("deps", "match", "--db", db, "PyPI", "lib", "1.5").out == (
        "PyPI lib 1.5: clean: none of the 1 advisories on PyPI concerns it.\n"
    )


def test_many_packages_a_line_each(say: Say, db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stdin(monkeypatch, asked("lib", "1.5", path="a.txt"), asked("other", "1"), "", "")
    found = answers(say("deps", "match", "--db", db, "--stdin"))
    assert [one["verdict"] for one in found] == ["clean", "clean"]
    assert found[0]["path"] == "a.txt"  # What a line says besides is given back.
    stdin(monkeypatch, asked("lib", "1.0"), "not json", asked("lib", ""), "[]", '{"name": 3}')
    found = answers(say("deps", "match", "--db", db, "--stdin", "--json", code=1))
    assert [one["verdict"] for one in found] == ["affected"] + ["unknown"] * 4
    assert found[1]["reason"] == "line 2 of standard input is not a JSON object"
    assert found[4]["reason"] == "ecosystem, name and version must be texts"
    nan = '{"ecosystem": "PyPI", "name": "lib", "version": "1.5", "weight": NaN}'
    stdin(monkeypatch, asked("lib", "1.5"), "", nan, asked("lib", "1.5"))
    found = answers(say("deps", "match", "--db", db, "--stdin", code=3))
    assert [one["verdict"] for one in found] == ["clean", "unknown", "unknown", "clean"]
    assert found[1]["reason"] == "line 2 of standard input is empty"
    stdin(monkeypatch, asked("lib", ""), asked("lib", "1.5"))
    assert say("deps", "match", "--db", db, "--stdin", code=3).out.count("\n") == 2


def test_halves_of_characters_are_answered_too(
    say: Say, db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    half = '"\\ud800"'
    stdin(
        monkeypatch,
        f'{{"ecosystem": "PyPI", "name": {half}, "version": "1"}}',
        f'{{"ecosystem": {half}, "name": "lib", "version": "1"}}',
        f'{{"ecosystem": "PyPI", "name": "lib", "version": {half}}}',
        f'{{"ecosystem": "PyPI", "name": "lib", "version": "1.5", {half}: {half}}}',
    )
    found = answers(say("deps", "match", "--db", db, "--stdin", code=3))
    assert [one["verdict"] for one in found] == ["unknown", "unknown", "unknown", "clean"]


def test_without_a_database_all_is_unknown(
    say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stdin(monkeypatch, asked("lib", "1.0"))
    (found,) = answers(say("deps", "match", "--db", tmp_path / "none.db", "--stdin", code=3))
    assert found["verdict"] == "unknown"
    assert "There is no database of advisories at" in found["reason"]
    monkeypatch.setenv("HEADGATE_DATA", str(tmp_path))
    said = say("deps", "match", "PyPI", "lib", "1.0", code=3).out
    assert f"{tmp_path}/advisories.db" in said


@pytest.mark.parametrize("size", [0, 3000, 9000])
def test_a_damaged_database_says_so_of_every_package(
    say: Say, db: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    db.write_bytes(db.read_bytes()[:size])
    stdin(monkeypatch, asked("lib", "1.0"), asked("other", "1.0"))
    found = answers(say("deps", "match", "--db", db, "--stdin", code=3))
    assert [one["verdict"] for one in found] == ["unknown", "unknown"]
    assert all("headgate deps sync" in one["reason"] for one in found)


def test_a_database_that_is_too_old(say: Say, db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    later = time.time() + 3 * 86_400
    monkeypatch.setattr(time, "time", lambda: later)
    args = ("deps", "match", "--db", db)
    assert say(*args, "PyPI", "lib", "1.5").out.count("clean")
    said = say(*args, "--max-age", "2", "PyPI", "lib", "1.5", code=3)
    assert "the advisories on PyPI are 3 days old" in said.out
    assert say(*args, "--max-age", "2", "PyPI", "lib", "1.0", code=1).out.count("affected")


def test_how_it_is_called_wrongly(say: Say, db: Path) -> None:
    for wrong in ((), ("PyPI", "lib"), ("--stdin", "PyPI", "lib", "1")):
        assert "ECOSYSTEM NAME VERSION" in say("deps", "match", "--db", db, *wrong, code=2).err


def test_a_sync_says_what_it_read_and_what_it_could_not(say: Say, tmp_path: Path) -> None:
    records = tmp_path / "records"
    records.mkdir()
    (records / "PYSEC-1.json").write_text(json.dumps(LIB))
    (records / "PYSEC-2.json").write_text("{")
    args = ("deps", "sync", "--from", records, "--db", tmp_path / "a.db")
    found = say(*args, "--json", code=3).object
    assert found["synced"] == [
        {"ecosystem": None, "how": "whole", "records": 1, "left": 0, "problem": ""}
    ]
    (state,) = found["ecosystems"]
    assert (state["ecosystem"], state["records"]) == ("PyPI", 1)
    assert state["source"] == str(records)
    ((document, reason),) = [tuple(one.values()) for one in found["quarantined"]]
    assert document == f"{records}/PYSEC-2.json"
    assert "is not JSON" in reason
    said = say(*args, code=3).out
    assert f"NOT a record: {document}: it is not JSON" in said
    assert "1 records read, 0 left." in said
    say("deps", "match", "--db", tmp_path / "a.db", "PyPI", "lib", "1.5", code=3)
    say("deps", "sync", "--db", tmp_path / "a.db", "--accept", document)
    say("deps", "match", "--db", tmp_path / "a.db", "PyPI", "lib", "1.5")
    assert say(*args).out.count("NOT") == 0


def test_how_the_database_stands(
    say: Say, db: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = say("deps", "status", "--db", db, "--json").object
    assert (found["not_fresh"], found["quarantined"]) == ([], [])
    assert [one["ecosystem"] for one in found["ecosystems"]] == ["PyPI"]
    assert say("deps", "status", "--db", db).out.startswith("ECOSYSTEM  RECORDS  AGE\nPyPI")
    later = time.time() + 9 * 86_400
    monkeypatch.setattr(time, "time", lambda: later)
    said = say("deps", "status", "--db", db, code=3).out
    assert "NOT whole, or older than 7 d: PyPI." in said
    (tmp_path / "records/B.json").write_text("{")
    say("deps", "sync", "--from", tmp_path / "records", "--db", db, code=3)
    assert "NOT a record" in say("deps", "status", "--db", db, code=3).out
    assert "no database" in say("deps", "status", "--db", tmp_path / "none.db", code=3).err


def test_a_sync_from_nowhere(say: Say, tmp_path: Path) -> None:
    said = say("deps", "sync", "--from", tmp_path / "none", "--db", tmp_path / "a.db", code=2)
    assert said.err.startswith("headgate: There is no directory and no file")
    (tmp_path / "dir.db").mkdir()
    (tmp_path / "records").mkdir()
    (tmp_path / "records/A.json").write_text(json.dumps(LIB))
    said = say("deps", "sync", "--from", tmp_path / "records", "--db", "/dev/null/a.db", code=3)
    assert "cannot be used" in said.err


def test_what_is_exploited_is_told(say: Say, db: Path, tmp_path: Path) -> None:
    scores = tmp_path / "epss.csv.gz"
    scores.write_bytes(
        gzip.compress(b"#model_version:v2026\ncve,epss,percentile\nCVE-2026-1,0.9312,0.99\n")
    )
    kev = tmp_path / "kev.json"
    kev.write_text(
        json.dumps({"vulnerabilities": [{"cveID": "CVE-2026-1", "dateAdded": "2026-02-01"}]})
    )
    say("deps", "sync", "--db", db, "--epss", scores, "--kev", kev)
    found = say("deps", "match", "--db", db, "--json", "PyPI", "lib", "1.0", code=1).object
    assert (found["known"][0]["epss"], found["known"][0]["exploited"]) == (0.9312, True)
    said = say("deps", "match", "--db", db, "PyPI", "lib", "1.0", code=1).out
    assert "exploited  EPSS 93.1%" in said


@pytest.mark.parametrize(
    ("option", "name", "text", "told"),
    [
        ("--epss", "a.csv", "cve,score\n", "line 1: the columns are not cve, epss, percentile"),
        ("--epss", "a.csv", "cve,epss,percentile\nCVE-1,2,0\n", "line 2: 'CVE-1,2,0' is not"),
        ("--epss", "a.csv", "cve,epss,percentile\n", "has no scores"),
        ("--epss", "a.csv.gz", "not gzip", "cannot be read"),
        ("--kev", "a.json", "[]", "is not CISA's catalogue"),
        ("--kev", "a.json", '{"vulnerabilities": [{}]}', "is not CISA's catalogue"),
    ],
)
def test_files_about_exploitation_that_are_none(
    say: Say, tmp_path: Path, option: str, name: str, text: str, told: str
) -> None:
    path = tmp_path / name
    path.write_text(text)
    assert told in say("deps", "sync", "--db", tmp_path / "a.db", option, path, code=2).err
    assert not (tmp_path / "a.db").exists()


def test_a_mistyped_command_is_told_with_the_nearest(say: Say) -> None:
    assert "Did you mean 'match'?" in say("deps", "mtach", code=2).err
