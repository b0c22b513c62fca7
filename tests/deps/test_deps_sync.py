"""Bringing the database of advisories up to date, and what is said where it is not."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from advisory_records import export, fixed, heap, introduced, osv
from deps_desk import DAY, LIB, NEW, NOW, Desk, garbled, hows

from headgate.deps.advisories import sync as sync_module
from headgate.deps.advisories.matcher import Advisor
from headgate.deps.advisories.verdict import Package
from headgate.deps.advisories.writer import AdvisoryWriter
from headgate.model.errors import BadInput


def test_a_heap_of_files_is_read_and_read_again(desk: Desk) -> None:
    heap(desk.source / "deep/er", LIB, osv("G-1", "mod", introduced(), ecosystem="Go"))
    (desk.source / "readme.txt").write_text("not a record")
    assert hows(desk.sync()) == [("", "whole", 2, 0)]
    assert desk.count() == {"Go": 1, "PyPI": 1}
    assert desk.ask("1.0").advisories == ("A-1",)
    assert desk.ask("1.5").reason == "none of the 1 advisories on PyPI concerns it."
    (desk.source / "deep/er/A-1.json").unlink()
    heap(desk.source, NEW)
    assert hows(desk.sync()) == [("", "whole", 2, 1)]
    assert (desk.ask("1.0").verdict, desk.ask("2.0").verdict) == ("clean", "affected")


def test_names_of_files_may_be_any_bytes(desk: Desk) -> None:
    desk.source = desk.source / "h\udcffeap"
    heap(desk.source, LIB)
    (desk.source / "A\udcff.json").write_text("{")
    desk.sync()
    assert desk.ask("1.0").verdict == "affected"
    assert "A\\udcff.json, which may be about it" in desk.ask("1.5").reason


def test_two_heaps_are_kept_beside_each_other(desk: Desk, tmp_path: Path) -> None:
    heap(desk.source, LIB)
    desk.sync()
    desk.sync(source=heap(tmp_path / "other", NEW))
    assert desk.ask("1.0").advisories == ("A-1",)
    assert desk.ask("2.0").advisories == ("A-2",)


def test_a_zip_of_records(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "all.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("a/A-1.json", json.dumps(LIB))
        file.writestr("README.md", "no record")
    assert hows(desk.sync(source=path)) == [("", "whole", 1, 0)]
    assert desk.ask("1.0").verdict == "affected"
    heap(tmp_path / "zips", NEW)
    path.rename(tmp_path / "zips/all.zip")
    desk.sync(source=tmp_path / "zips")
    assert desk.count() == {"PyPI": 2}  # What the zip has not is read from the files.
    (tmp_path / "zips/all.zip").rename(tmp_path / "zips/pypi.zip")
    desk.sync(source=tmp_path / "zips")
    assert desk.count() == {"PyPI": 2}


def test_what_lies_beside_the_exports_is_read_too(desk: Desk) -> None:
    export(desk.source, "npm", osv("N-1", "lib", introduced(), ecosystem="npm"))
    desk.sync()
    heap(desk.source / "PyPI", LIB)
    heap(desk.source, osv("G-1", "lib", introduced(), ecosystem="Go"))
    assert hows(desk.sync()) == [("", "whole", 3, 0)]
    found = [desk.ask("1.0", ecosystem=one).verdict for one in ("npm", "PyPI", "Go")]
    assert found == ["affected"] * 3


@pytest.mark.parametrize("folder", ["pypi", "PyPI", "dump"])
def test_a_directory_may_have_any_name(desk: Desk, folder: str) -> None:
    export(desk.source, folder, LIB, files=False)
    desk.sync()
    assert desk.ask("1.0").advisories == ("A-1",)
    assert desk.ask("1.5").verdict == "clean"


def test_a_record_that_exports_keep_twice_says_all_that_both_of_them_say(desk: Desk) -> None:
    export(desk.source, "PyPI", LIB)
    export(desk.source, "npm", osv("A-1", "mod", introduced(), fixed("3"), ecosystem="npm"))
    for listing in desk.source.glob("*/modified_id.csv"):
        listing.unlink()
    for _ in range(2):
        desk.sync()
        assert desk.ask("1.0").advisories == ("A-1",)
        assert desk.ask("1.0", "mod", "npm").advisories == ("A-1",)


@pytest.mark.parametrize("names", [("a", "b"), ("b", "a")])
def test_of_two_copies_of_a_record_the_later_one_counts(desk: Desk, names: tuple[str, str]) -> None:
    later = osv("A-1", "lib", introduced(), fixed("1.4"), modified="2026-02-01T00:00:00Z")
    same = osv("A-1", "lib", introduced("3.0"), modified="2026-02-01T00:00:00Z")
    withdrawn = LIB | {"withdrawn": "2026-03-01T00:00:00Z", "modified": "2026-03-01T00:00:00Z"}
    for name, record in zip(names, (LIB, later), strict=True):
        heap(desk.source / name, record)
    desk.sync()
    assert [desk.ask(one).verdict for one in ("1.3", "1.4")] == ["affected", "clean"]
    heap(desk.source / "c", same)
    desk.sync()
    assert [desk.ask(one).verdict for one in ("1.3", "3.1")] == ["affected", "affected"]
    heap(desk.source / "aa", withdrawn)
    desk.sync()
    assert desk.ask("1.3").verdict == "clean"


def test_what_is_no_record_leaves_only_its_ecosystem_in_doubt(desk: Desk) -> None:
    heap(desk.source / "PyPI", LIB)
    heap(desk.source / "Go", osv("G-1", "mod", introduced(), ecosystem="Go"))
    (desk.source / "Go/bad.json").write_text("no JSON")
    desk.sync()
    assert desk.ask("1.5").verdict == "clean"
    assert desk.ask("1.0", "other", "Go").verdict == "unknown"


def test_an_export_is_read_once_and_then_only_what_changed(desk: Desk) -> None:
    export(desk.source, "PyPI", LIB)
    export(desk.source, "npm", osv("N-1", "lib", introduced(), ecosystem="npm"))
    assert hows(desk.sync()) == [("PyPI", "whole", 1, 0), ("npm", "whole", 1, 0)]
    assert hows(desk.sync()) == [("PyPI", "unchanged", 0, 0), ("npm", "unchanged", 0, 0)]
    export(desk.source, "PyPI", LIB, NEW)
    (desk.source / "PyPI" / "all.zip").unlink()  # It is not read again.
    assert hows(desk.sync("pypi")) == [("PyPI", "changes", 1, 0)]
    assert desk.ask("2.0").advisories == ("A-2",)


def test_a_change_that_was_listed_late_is_seen_within_the_hour(desk: Desk) -> None:
    export(desk.source, "PyPI", NEW)
    desk.sync()
    late = osv("A-3", "lib", introduced("3.0"), modified="2026-01-04T23:30:00Z")
    early = osv("A-4", "lib", introduced("4.0"), modified="2026-01-04T22:30:00Z")
    export(desk.source, "PyPI", NEW, late, early)
    assert hows(desk.sync()) == [("PyPI", "changes", 1, 0)]
    assert desk.ask("3.0").advisories == ("A-3",)
    desk.now += 8 * DAY  # Once a week all of the list is read.
    assert hows(desk.sync()) == [("PyPI", "changes", 1, 0)]
    assert desk.ask("4.0").advisories == ("A-3", "A-4")


def test_what_left_the_export_leaves_the_database_within_the_week(desk: Desk) -> None:
    export(desk.source, "PyPI", LIB, NEW)
    desk.sync()
    export(desk.source, "PyPI", NEW)
    desk.sync()
    assert desk.ask("1.0").verdict == "affected"
    desk.now += 8 * DAY
    assert hows(desk.sync()) == [("PyPI", "changes", 0, 1)]
    assert desk.ask("1.0").verdict == "clean"


def test_what_is_withdrawn_concerns_nothing_any_more(desk: Desk) -> None:
    export(desk.source, "PyPI", LIB)
    desk.sync()
    gone = LIB | {"modified": "2026-01-06T00:00:00Z", "withdrawn": "2026-01-06T00:00:00Z"}
    export(desk.source, "PyPI", gone)
    desk.sync()
    assert desk.ask("1.0").verdict == "clean"


def test_a_record_that_is_listed_and_nowhere_is_not_taken_for_gone(desk: Desk) -> None:
    export(desk.source, "PyPI", LIB)
    desk.sync()
    listing = desk.source / "PyPI/modified_id.csv"
    listing.write_text(f"2026-03-01T00:00:00Z,A-7\n{listing.read_text()}")
    (found,) = desk.sync()
    assert found.problem.endswith("lists A-7 of PyPI, which it does not have.")
    assert desk.ask("1.0").verdict == "affected"
    with zipfile.ZipFile(desk.source / "PyPI/all.zip", "a") as file:
        file.writestr("A-7.json", json.dumps(LIB | {"id": "A-7"}))
    assert hows(desk.sync()) == [("PyPI", "changes", 1, 0)]
    assert desk.ask("1.0").advisories == ("A-1", "A-7")


def test_many_changes_take_the_whole_export(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sync_module, "MOST_CHANGES", 1)
    export(desk.source, "PyPI", LIB)
    desk.sync()
    more = [osv(f"B-{n}", "lib", introduced(), modified=f"2026-02-0{n}T00:00:00Z") for n in (1, 2)]
    export(desk.source, "PyPI", LIB, *more, files=False)
    assert hows(desk.sync()) == [("PyPI", "whole", 3, 0)]
    assert desk.ask("1.0").advisories == ("A-1", "B-1", "B-2")


def test_a_sync_that_broke_off_leaves_each_ecosystem_whole_or_unknown(desk: Desk) -> None:
    export(desk.source, "Go", osv("G-1", "mod", introduced(), ecosystem="Go"))
    export(desk.source, "PyPI", LIB)
    (desk.source / "PyPI" / "all.zip").write_bytes(b"PK\x03\x04 cut off")
    found = desk.sync()
    assert [one.how for one in found] == ["whole", "failed"]
    assert "is not a whole zip archive" in found[1].problem
    assert desk.ask("1.0", "mod", "Go").verdict == "affected"
    answer = desk.ask("1.0")
    assert answer.verdict == "unknown"
    assert "the first sync of PyPI has not ended" in answer.reason
    export(desk.source, "PyPI", LIB)
    assert hows(desk.sync()) == [("Go", "unchanged", 0, 0), ("PyPI", "whole", 1, 0)]
    assert desk.ask("1.0").verdict == "affected"


def test_an_ecosystem_that_could_not_be_read_again_keeps_its_data_and_its_age(desk: Desk) -> None:
    export(desk.source, "PyPI", LIB)
    desk.sync()
    (desk.source / "PyPI/modified_id.csv").write_text("2026-01-01T00:00:00Z A-1\n")
    desk.now += DAY
    (found,) = desk.sync()
    assert "modified_id.csv, line 1: '2026-01-01T00:00:00Z A-1'" in found.problem
    assert desk.ask("1.5").verdict == "clean"
    desk.now += 7 * DAY
    assert desk.ask("1.5").reason == (
        "the advisories on PyPI are 8 days old: run `headgate deps sync`."
    )
    assert desk.ask("1.0").verdict == "affected"  # That stays true.


def test_the_database_does_not_know_the_ecosystem(desk: Desk) -> None:
    heap(desk.source, LIB, osv("D-1", "lib", introduced(), fixed("2"), ecosystem="Debian:12"))
    desk.sync()
    assert "no advisories on npm" in desk.ask("1.0", ecosystem="npm").reason
    assert (
        "no ecosystem is named 'PyPy', did you mean PyPI?" in desk.ask("1", ecosystem="PyPy").reason
    )
    assert desk.ask("1", ecosystem="PyPy").verdict == "unknown"
    other = desk.ask("3", "other", "Debian:99")
    assert (other.verdict, other.reason) == (
        "unknown",
        "the database has no advisories on Debian:99.",
    )
    assert desk.ask("3", "other", "Debian:12").verdict == "clean"


def test_a_record_that_cannot_be_read_leaves_its_packages_unknown(desk: Desk) -> None:
    heap(desk.source, LIB, osv("A-2", "fine", introduced(), fixed("1")))
    broken = json.dumps(osv("A-9", "lib", introduced("9.0")))[:-20]
    (desk.source / "A-9.json").write_text(broken)
    desk.sync()
    answer = desk.ask("9.0")
    assert answer.verdict == "unknown"
    assert f"{desk.source}/A-9.json, which may be about it, could not be read" in answer.reason
    assert desk.ask("9.0", "fine").verdict == "clean"
    heap(desk.source, osv("A-9", "lib", introduced("9.0")))
    desk.sync()
    assert desk.ask("9.0").advisories == ("A-9",)
    assert desk.ask("8.0").verdict == "clean"


def test_a_record_that_names_nothing_leaves_all_unknown_until_it_is_accepted(desk: Desk) -> None:
    heap(desk.source, LIB)
    (desk.source / "X-1.json").write_text("{")
    desk.sync()
    assert desk.ask("1.5").verdict == "unknown"
    assert desk.ask("1.0").verdict == "affected"
    with AdvisoryWriter.open(desk.db) as store:
        ((document, reason),) = store.quarantined()
        assert "it is not JSON" in reason
        with pytest.raises(BadInput, match="is no document that could not be read"):
            store.accept(["other"])
        store.accept([document])
    assert desk.ask("1.5").verdict == "clean"


def test_a_change_that_cannot_be_read_leaves_its_package_unknown(desk: Desk) -> None:
    export(desk.source, "PyPI", LIB)
    desk.sync()
    export(desk.source, "PyPI", LIB, NEW)
    whole = (desk.source / "PyPI/A-2.json").read_text()
    (desk.source / "PyPI/A-2.json").write_text(whole[:-5])
    desk.sync()
    assert desk.ask("1.5").verdict == "unknown"
    (desk.source / "PyPI/A-2.json").write_text(whole)
    desk.sync()
    assert desk.ask("1.5").verdict == "clean"


def test_the_database_is_one_file_that_others_read_while_it_is_written(desk: Desk) -> None:
    heap(desk.source, LIB)
    desk.sync()
    assert [path.name for path in desk.db.parent.iterdir()] == ["advisories.db"]
    with AdvisoryWriter.open(desk.db) as writing, writing.transaction():
        writing.drop(["A-1"])
        assert desk.ask("1.0").verdict == "affected"
    assert desk.ask("1.0").verdict == "clean"


def test_an_advisor_always_answers(desk: Desk) -> None:
    package = Package("PyPI", "lib", "1.0")
    assert "There is no database" in Advisor(desk.db, NOW).answer(package).reason
    heap(desk.source, LIB)
    desk.sync()
    assert Advisor(desk.db, NOW).answer(package).verdict == "affected"
    garbled(desk.db)
    assert Advisor(desk.db, NOW).answer(package).verdict == "unknown"
