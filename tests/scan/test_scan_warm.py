"""What a scan takes over from the one before it, and that nobody can tell from its result."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from headgate.scan import bundle, kept
from headgate.scan.bundle import Bundle
from headgate.scan.front import lowered

FILES = {f"p/m{number}.py": b"import m%d\nx = %d\n" % (number, number) for number in range(40)}


def plain(files: dict[str, bytes], cache: Path | None) -> list[object]:
    return [
        (path, one.data, one.digest, one.imports, one.broken, one.mentions, one.module())
        for path, one in lowered.lowered(files, cache).items()
    ]


def test_heads_of_many_files_are_one_file_and_their_trees_are_read_when_they_are_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cold = plain(FILES, None)
    assert plain(FILES, tmp_path) == cold
    taken: list[Path] = []

    def take(place: Path) -> bytes | None:
        taken.append(place)
        return kept.take(place)

    monkeypatch.setattr(lowered, "take", take)
    warm = lowered.lowered(FILES, tmp_path)
    assert [one.imports for one in warm.values()] == [(f"m{path[3:-3]}",) for path in warm]
    assert not taken
    assert warm["p/m7.py"].module() == lowered.lowered(FILES, None)["p/m7.py"].module()
    assert len(taken) == 1
    assert plain({**FILES, "p/m7.py": b"import new\n"}, tmp_path) == plain(
        {**FILES, "p/m7.py": b"import new\n"}, None
    )
    # A tree that is gone, or was written by somebody else, is made anew.
    for number, place in enumerate(tmp_path.rglob("*")):
        if place.is_file() and not place.name.startswith("many-"):
            place.unlink() if number % 2 else place.chmod(0o666)
    assert plain(FILES, tmp_path) == cold


def test_a_bundle_keeps_what_is_used_and_some_of_what_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundle, "_SPARE", 2)
    paths = ["a.py", "b.py"]
    first = Bundle(tmp_path, paths)
    for number in range(9):
        first.put(b"%d" % number, number + 1)
    assert first.keep()
    assert not first.keep(), "nothing is new"
    again = Bundle(tmp_path, reversed(paths))
    assert [again.get(b"%d" % number) for number in range(3)] == [1, 2, 3]
    assert again.get(b"x") is None
    assert not again.keep()
    again.put(b"new", [1])
    assert again.keep()
    last = Bundle(tmp_path, paths)
    there = [key for key in (*(b"%d" % n for n in range(9)), b"new") if last.get(key) is not None]
    assert there == [b"0", b"1", b"2", b"5", b"6", b"7", b"8", b"new"]
    (place,) = tmp_path.iterdir()
    assert place.stat().st_mode & 0o777 == 0o600
    os.utime(place, (0, 0))
    assert not last.keep()
    assert place.stat().st_mtime > 0, "what is used does not get old"
    for spoilt in (place.read_bytes()[:-1], b"", b"x" * 50):
        place.write_bytes(spoilt)
        assert Bundle(tmp_path, paths).get(b"0") is None
    kept.keep_values(place, [1, 2])
    assert Bundle(tmp_path, paths).get(b"0") is None
    place.chmod(0o644)
    assert Bundle(tmp_path / "none", []).get(b"0") is None
