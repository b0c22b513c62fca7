"""Sealed secrets: only the key opens them, and only for what they were sealed for."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from headgate.authority.sealing import Sealer
from headgate.model.errors import CouldNotRun


def sealer(place: Path) -> Sealer:
    return Sealer(place / "secrets.key", os.urandom)


def test_what_is_sealed_can_be_opened_again_by_a_later_process(tmp_path: Path) -> None:
    sealed = sealer(tmp_path).seal("tok-ümlaut", "app/pypi")
    assert "tok" not in sealed
    assert sealer(tmp_path).open(sealed, "app/pypi") == "tok-ümlaut"
    assert stat.S_IMODE((tmp_path / "secrets.key").stat().st_mode) == 0o600
    assert sealer(tmp_path).seal("tok-ümlaut", "app/pypi") != sealed
    assert [path.name for path in tmp_path.iterdir()] == ["secrets.key"]


def test_a_secret_of_one_project_cannot_be_made_one_of_another(tmp_path: Path) -> None:
    sealed = sealer(tmp_path).seal("token", "app/pypi")
    with pytest.raises(CouldNotRun, match="The secret evil/pypi cannot be opened"):
        sealer(tmp_path).open(sealed, "evil/pypi")


def test_a_key_that_is_gone_other_or_damaged_is_told(tmp_path: Path) -> None:
    key = tmp_path / "secrets.key"
    sealed = sealer(tmp_path).seal("token", "a/b")
    kept = key.read_bytes()
    key.unlink()
    with pytest.raises(CouldNotRun, match="is gone"):
        sealer(tmp_path).open(sealed, "a/b")
    key.write_bytes(os.urandom(32))
    key.chmod(0o600)
    with pytest.raises(CouldNotRun, match="cannot be opened with the key"):
        sealer(tmp_path).open(sealed, "a/b")
    key.write_bytes(b"short")
    with pytest.raises(CouldNotRun, match="is damaged"):
        sealer(tmp_path).open(sealed, "a/b")
    key.write_bytes(kept)
    assert sealer(tmp_path).open(sealed, "a/b") == "token"


def test_a_key_that_others_may_read_is_not_used(tmp_path: Path) -> None:
    sealed = sealer(tmp_path).seal("token", "a/b")
    (tmp_path / "secrets.key").chmod(0o640)
    with pytest.raises(CouldNotRun, match=r"may be read by others \(mode 0640\)"):
        sealer(tmp_path).open(sealed, "a/b")


def test_a_place_where_no_key_can_be_is_told(tmp_path: Path) -> None:
    with pytest.raises(CouldNotRun, match="cannot be used: No such file"):
        sealer(tmp_path / "nowhere").seal("token", "a/b")
