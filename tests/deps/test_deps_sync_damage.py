"""A sync of what is damaged, made to do harm, or broken off."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from advisory_records import export, heap, introduced, osv
from deps_desk import DAY, LIB, NEW, Desk, garbled, hows
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headgate.deps.advisories import archive
from headgate.deps.advisories import sync as sync_module
from headgate.deps.advisories.exploits import read_epss, read_kev
from headgate.deps.advisories.sources.listing import read_listing
from headgate.model.errors import BadInput, CouldNotRun


def packed(path: Path, names: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in names.items():
            file.writestr(name, data)


@pytest.mark.parametrize("name", ["../A-1.json", "/etc/A-1.json", "a\\..\\..\\b.json", "C:/x.json"])
def test_a_path_that_leads_out_of_a_zip_is_refused(desk: Desk, tmp_path: Path, name: str) -> None:
    packed(tmp_path / "bad.zip", {name: json.dumps(LIB).encode()})
    with pytest.raises(BadInput, match="a path that leads out of it"):
        desk.sync(source=tmp_path / "bad.zip")
    assert desk.ask("9.9").verdict == "unknown"


def test_a_zip_bomb_is_refused(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "_FREE", 1 << 20)
    packed(
        tmp_path / "bomb.zip", {"A-1.json": json.dumps(LIB).encode(), "B.json": b" " * (4 << 20)}
    )
    with pytest.raises(BadInput, match=r"unpacks to far more than advisories do, at 'B\.json'"):
        desk.sync(source=tmp_path / "bomb.zip")
    assert desk.ask("9.9").verdict == "unknown"


def test_a_zip_that_lies_about_its_contents_is_refused(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "lie.zip"
    packed(path, {"A-1.json": json.dumps(LIB).encode()})
    data = bytearray(path.read_bytes())
    data[50] ^= 0xFF  # In what is packed.
    path.write_bytes(data)
    with pytest.raises(BadInput, match="is not a whole zip archive"):
        desk.sync(source=path)


def test_a_zip_that_is_packed_in_an_unusual_way_is_refused(desk: Desk, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_LZMA) as file:
        file.writestr("A-1.json", json.dumps(LIB))
    with pytest.raises(BadInput, match="in another way than exports do"):
        desk.sync(source=tmp_path / "x.zip")


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    changes=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=4),
    end=st.integers(0, 500),
)
def test_a_damaged_zip_is_read_or_told(
    tmp_path: Path, changes: list[tuple[int, int]], end: int
) -> None:
    path = tmp_path / "damaged.zip"
    packed(path, {"A-1.json": json.dumps(LIB).encode(), "B-1.json": b"{}"})
    data = bytearray(path.read_bytes())
    for at, value in changes:
        data[at % len(data)] = value
    path.write_bytes(data[:end] if end < 450 else data)
    with suppress(BadInput):
        list(archive.documents(path, "it"))


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(text=st.text(st.sampled_from('cve,eps prntilCVE-20.1#\n"{}[]:\x00')))
def test_any_text_is_a_listing_or_scores_or_told_to_be_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "any.csv"
    path.write_text(text)
    for read in (lambda: list(read_listing([text], "it")), lambda: read_epss(path)):
        with suppress(BadInput):
            read()
    with suppress(BadInput):
        read_kev(path)


def test_a_source_without_records_is_refused(desk: Desk, tmp_path: Path) -> None:
    desk.source.mkdir()
    with pytest.raises(BadInput, match="holds no record of an advisory"):
        desk.sync()
    with pytest.raises(BadInput, match="There is no directory and no file"):
        desk.sync(source=tmp_path / "nowhere")
    export(desk.source, "PyPI", LIB)
    with pytest.raises(BadInput, match="has no export of npm"):
        desk.sync("npm")
    with pytest.raises(BadInput, match="does not keep ecosystems apart"):
        desk.sync("npm", source=heap(tmp_path / "heap", LIB))


def test_no_database(desk: Desk) -> None:
    with pytest.raises(CouldNotRun, match="There is no database of advisories at"):
        desk.ask("1.0")


def not_sqlite(path: Path) -> None:
    path.write_bytes(b"something else entirely " * 400)


def another(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE other (x)")


def empty(path: Path) -> None:
    path.write_bytes(b"")


def older(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("UPDATE meta SET value = '0'")


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:6000])


@pytest.mark.parametrize("damage", [not_sqlite, another, empty, older, truncated, garbled])
def test_a_database_that_is_none(desk: Desk, damage: Callable[[Path], None]) -> None:
    heap(desk.source, LIB)
    desk.sync()
    damage(desk.db)
    with pytest.raises(CouldNotRun, match="advisories") as caught:
        desk.ask("1.0")
    assert "headgate deps sync" in caught.value.remedy


def test_an_export_that_lost_most_of_its_records_is_not_believed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync_module, "MOST_LEAVE", 0)
    export(desk.source, "PyPI", LIB, NEW)
    desk.sync()
    desk.now += 8 * DAY
    export(desk.source, "PyPI", osv("B-1", "other", introduced()))
    (found,) = desk.sync()
    assert "lacks 2 of 3 records of PyPI it had" in found.problem
    (desk.source / "PyPI/modified_id.csv").write_text("")
    (found,) = desk.sync()
    assert "lists nothing of PyPI" in found.problem
    assert desk.ask("1.0").verdict == "affected"


KILLED = """
import os, signal, sys
from contextlib import suppress
from pathlib import Path
from headgate.deps.advisories.sources.local import DirectorySource
from headgate.deps.advisories.sync import sync
from headgate.deps.advisories.writer import AdvisoryWriter
def stop(ecosystem, count):
    if ecosystem == "PyPI":
        os.kill(os.getpid(), signal.SIGKILL)
with AdvisoryWriter.open(Path(sys.argv[2])) as store:
    sync(store, DirectorySource(Path(sys.argv[1])), 1_800_000_000.0, progress=stop)
"""


def test_a_sync_that_is_killed_goes_on_in_the_next_one(desk: Desk) -> None:
    export(desk.source, "Go", osv("G-1", "mod", introduced(), ecosystem="Go"))
    many = [osv(f"A-{n}", f"lib-{n}", introduced()) for n in range(1000)]
    export(desk.source, "PyPI", *many, files=False)
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(desk.source), str(desk.db)], check=False
    )
    assert done.returncode == -signal.SIGKILL
    assert desk.ask("1.0", "mod", "Go").verdict == "affected"
    assert "the first sync of PyPI has not ended" in desk.ask("1.0", "other").reason
    assert hows(desk.sync()) == [("Go", "unchanged", 0, 0), ("PyPI", "whole", 1000, 0)]
    assert desk.ask("1.0", "lib-999").verdict == "affected"
