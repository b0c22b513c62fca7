"""What a scan of one file does not load, and what is kept between runs so that it need not."""

from __future__ import annotations

import json
import os
import pickle
import re
import subprocess
import sys
import sysconfig
from importlib import import_module
from pathlib import Path
from typing import Any, TypeGuard

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate import scan
from headgate.model.finding import Severity
from headgate.scan import kept, late
from headgate.scan.analyzers import beside
from headgate.scan.analyzers.compose import Compose
from headgate.scan.analyzers.dockerfile import Dockerfile
from headgate.scan.analyzers.github_actions import GitHubActions
from headgate.scan.analyzers.gitlab_ci import GitLabCI
from headgate.scan.analyzers.infrastructure import all_analyzers
from headgate.scan.analyzers.kubernetes import Kubernetes
from headgate.scan.analyzers.settings import Settings
from headgate.scan.analyzers.shell import Shell
from headgate.scan.analyzers.templates import Templates
from headgate.scan.analyzers.terraform import Terraform
from headgate.scan.front import lowered
from headgate.scan.packs import shipped
from headgate.scan.rules import shipped as tables

REAL = (
    Shell, GitHubActions, Dockerfile, Compose, Kubernetes, Terraform, GitLabCI, Settings, Templates,
)  # fmt: skip
PARTS = st.sampled_from(
    [
        "app", "settings", "Config", "Dockerfile", "compose", ".env", ".github/workflows", "action",
        ".gitlab-ci", "main", ".py", ".yml", ".sh", ".html", ".tf", ".js", ".tsx", "/", "-", ".",
        "e\u0301",
    ]
)  # fmt: skip
STARTS = st.sampled_from(
    [b"", b"#!/bin/sh\n", b"\xef\xbb\xbf#!/bin/bash\n", b"#!/usr/bin/python\n", b"x = 1\n"]
)


@given(path=st.lists(PARTS, min_size=1, max_size=5).map("".join), start=STARTS)
def test_an_analyzer_that_is_imported_late_wants_the_same_files(path: str, start: bytes) -> None:
    late = [one.wants(path, start) for one in all_analyzers()]
    assert late == [make(Severity.MEDIUM).wants(path, start) for make in REAL]


NEEDLESS = (
    "kingfisher_sdk", "yaml", "asyncio", "tree_sitter", "tomllib", "tempfile", "difflib",
    "headgate.vcs.repository", "headgate.model.job", "headgate.scan.absence.lacks",
    "headgate.scan.flow.javascript", "headgate.scan.front.python", "headgate.scan.infra",
    "headgate.scan.patterns.schema", "headgate.scan.reviewer", "headgate.deps.lockfiles",
    "headgate.model.config",
)  # fmt: skip
"""Modules that take their time, and that a scan of a file of plain Python has no use for."""
LOOK = """
import gc, json, re, sys
from headgate.cli import main
def collections():
    return sum(one["collections"] for one in gc.get_stats())
before = collections()
code = main.main()
def ours():
    for module in list(sys.modules.values()):
        if module.__name__.partition(".")[0] == "headgate":
            for name, value in vars(module).items():
                yield module.__name__ + "." + name, module, value
print(json.dumps({
    "code": code,
    "loaded": sorted(sys.modules),
    "compiled": [name for name, _, value in ours() if isinstance(value, re.Pattern)],
    "dataclasses": [
        name for name, module, value in ours()
        if isinstance(value, type) and value.__module__ == module.__name__
        and "__dataclass_params__" in vars(value)
    ],
    "collections": collections() - before,
    "frozen": gc.get_freeze_count(),
}))
"""


def test_a_file_of_plain_python_is_examined_without_what_others_need(
    tmp_path: Path, rules: Path
) -> None:
    (tmp_path / "cache" / "headgate").mkdir(parents=True)
    (tmp_path / "cache" / "headgate" / "rules").symlink_to(rules)
    (tmp_path / "app.py").write_text("import os\n\ndef f(x):\n    return os.path.join('a', x)\n")
    told = [
        subprocess.run(
            [sys.executable, "-c", LOOK, command, "app.py"],
            cwd=tmp_path,
            env={"XDG_CACHE_HOME": str(tmp_path / "cache"), "PATH": "/usr/bin:/bin"},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        ).stdout
        for command in ("scan", "scan", "check")
    ]
    # The first one keeps what the others take over.
    for found in (json.loads(one.splitlines()[-1]) for one in told[1:]):
        assert_light(found)


def assert_light(found: dict[str, Any]) -> None:
    assert found["code"] == 0
    assert set(NEEDLESS).isdisjoint(found["loaded"])
    assert found["compiled"] == [], "`late` compiles an expression when it is first used"
    assert found["dataclasses"] == [], "`record` makes the same in a twentieth of the time"
    assert found["collections"] < 5
    assert found["frozen"] > 1000


def test_every_expression_that_is_compiled_late_can_be() -> None:
    folder = Path(scan.__file__).parent
    names = [
        ".".join(("headgate.scan", *place.relative_to(folder).with_suffix("").parts))
        for place in folder.rglob("*.py")
        if "import late" in place.read_text("utf-8")
    ]
    found = [
        value for name in names for value in vars(import_module(name)).values() if is_late(value)
    ]
    assert len(found) > 50
    for one in found:
        empty = one.pattern[:0]
        real = re.compile(one.pattern, one.flags)
        assert (one.search(empty) is None) == (real.search(empty) is None)


def is_late(value: object) -> TypeGuard[re.Pattern[Any]]:
    return isinstance(value, type(late.late("")))


def test_a_late_expression_is_the_one_that_re_compiles() -> None:
    mine, its = late.late(r"(?P<a>x+)|y", re.IGNORECASE), re.compile(r"(?P<a>x+)|y", re.IGNORECASE)
    assert (mine.pattern, mine.flags, mine.groups) == (its.pattern, its.flags, its.groups)
    assert [one["a"] for one in mine.finditer("Xx y")] == ["Xx", None]
    assert (mine.sub("-", "xxay"), mine.split("axb")) == ("-a-", its.split("axb"))
    assert mine.fullmatch("xxz") is None
    with pytest.raises(re.error, match="missing \\)"):
        late.late("(").search("")


def test_a_table_is_read_once_and_again_when_it_is_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    place = tmp_path / "words.toml"
    place.write_text("one = ['a']\n")
    assert tables.table(place) == {"one": ["a"]}
    (kept_at,) = (tmp_path / "headgate" / "rules").glob("table-words-*")
    kept.keep_values(kept_at, {"one": ["kept"]})
    assert tables.table(place) == {"one": ["kept"]}
    kept_at.write_bytes(b"damaged")
    assert tables.table(place) == {"one": ["a"]}
    place.write_text("one = ['b', 'c']\n")
    assert tables.table(place) == {"one": ["b", "c"]}


def test_a_table_is_read_without_a_place_to_keep_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_home() -> Path:
        raise RuntimeError

    (tmp_path / "words.toml").write_text("one = 1\n")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", no_home)
    assert tables.table(tmp_path / "words.toml") == {"one": 1}


def test_what_was_kept_is_taken_when_it_is_whole_and_ours(tmp_path: Path) -> None:
    place = tmp_path / "a" / "b"
    kept.keep(place, b"one")
    assert kept.take(place) == b"one"
    assert place.stat().st_mode & 0o777 == 0o600
    assert place.parent.stat().st_mode & 0o777 == 0o700
    assert list(place.parent.iterdir()) == [place]


@given(at=st.integers(0, 45), bit=st.integers(0, 7))
def test_what_was_damaged_is_not_taken(
    tmp_path_factory: pytest.TempPathFactory, at: int, bit: int
) -> None:
    place = tmp_path_factory.getbasetemp() / "kept-damaged"
    kept.keep_values(place, (1, "two", [3.0]))
    whole = bytearray(place.read_bytes())
    at %= len(whole)
    whole[at] ^= 1 << bit
    place.write_bytes(bytes(whole))
    assert kept.take_values(place) is None
    place.write_bytes(bytes(whole)[:at])
    assert kept.take_values(place) is None


def test_what_others_may_write_or_a_link_leads_to_is_not_taken(tmp_path: Path) -> None:
    place = tmp_path / "a"
    kept.keep(place, b"one")
    (tmp_path / "link").symlink_to(place)
    assert kept.take(tmp_path / "link") is None
    place.chmod(0o620)
    assert kept.take(place) is None
    assert kept.take(tmp_path / "nothing") is None
    assert kept.take(tmp_path) is None


def test_a_cache_that_cannot_be_written_is_no_reason_to_fail(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    kept.keep(tmp_path / "file" / "below", b"one")
    assert kept.take(tmp_path / "file" / "below") is None


def test_what_is_old_or_too_much_is_deleted_once_a_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "MOST", 1000)
    root = tmp_path / "rules"
    now = 2_000_000_000.0
    ages = {"v/ab/new": 1, "v/ab/middle": 10, "v/cd/more": 20, "w/ef/old": kept.OLD / 86_400 + 1}
    for name, days in ages.items():
        kept.keep(root / name, b"x" * 400)
        os.utime(root / name, (now - days * 86_400,) * 2)
    kept.tidy(root, now=now)

    def there() -> list[str]:
        return sorted(p.relative_to(root).as_posix() for p in root.rglob("*"))

    assert there() == ["v", "v/ab", "v/ab/middle", "v/ab/new"]
    monkeypatch.setattr(kept, "MOST", 500)
    kept.tidy(root, now=now + 3600)
    assert "v/ab/middle" in there(), "not again on the same day"
    kept.tidy(root, ("pack",), now=now + 90_000)
    assert "v/ab/middle" in there(), "other names are not meant"
    kept.tidy(root, now=now + 180_000)
    assert there() == ["v", "v/ab", "v/ab/new"]
    kept.tidy(tmp_path / "nothing")
    assert not (tmp_path / "nothing").exists()


def test_what_another_program_lowered_is_not_taken_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lowered.lowered({"a.py": b"x = 1\n"}, tmp_path)
    (place,) = (path for path in tmp_path.rglob("*") if path.is_file() and path.name[0] != ".")
    kept.keep(place, lowered.pack("a.py", b"import stale\n"))
    assert lowered.lowered({"a.py": b"x = 1\n"}, tmp_path)["a.py"].imports == ("stale",)
    monkeypatch.setattr(lowered, "program", lambda *_: "f" * 64)
    assert lowered.lowered({"a.py": b"x = 1\n"}, tmp_path)["a.py"].imports == ()
    monkeypatch.undo()
    place.chmod(0o666)
    assert lowered.lowered({"a.py": b"x = 1\n"}, tmp_path)["a.py"].imports == ()


def test_packs_that_were_kept_are_those_of_the_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    read = [shipped.shipped.__wrapped__(name) for name in ("python", "javascript")]
    again = [shipped.shipped.__wrapped__(name) for name in ("python", "javascript")]
    assert again == read
    (place,) = (tmp_path / "headgate" / "rules").glob("packs-python-*")
    kept.keep(place, pickle.dumps(subprocess.run))
    assert shipped.shipped.__wrapped__("python") == read[0], "only packs are made of what was kept"


def test_programs_of_packages_are_where_python_says() -> None:
    assert beside.scripts() == Path(sysconfig.get_path("scripts"))
