"""Bad disks, bad files, newer programs and second servers: each said in one clear sentence."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from store_world import World, all_events, happened

from headgate.ledger.chain import seal, verify
from headgate.model.errors import Conflict, CouldNotRun, ExitCode
from headgate.store.database import Database
from headgate.store.lock import lock_data
from headgate.store.schema import bring_up_apart
from warm import lay_database

HERE = Path(__file__).parent
ENVIRONMENT = os.environ | {"PYTHONPATH": str(HERE)}


def opened(path: Path) -> Database:
    return Database.open(path, seal=seal)


def run(program: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """A program in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), *map(str, arguments)],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


# -- files that are not what they should be ------------------------------------------------------


@pytest.mark.parametrize("content", [b"a text, for sure\n" * 300, os.urandom(8192)], ids=len)
def test_a_file_that_is_no_database_is_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "headgate.db"
    path.write_bytes(content)
    with pytest.raises(CouldNotRun, match=r"headgate\.db.*no database") as caught:
        opened(path)
    assert caught.value.remedy
    assert caught.value.exit_code is ExitCode.NOT_RUN
    assert path.read_bytes() == content


def test_a_database_of_another_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "headgate.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE bookmarks (url TEXT)")
    other.close()
    with pytest.raises(CouldNotRun, match="not one of Headgate's") as caught:
        opened(path)
    assert caught.value.remedy


def test_a_database_with_a_destroyed_beginning_is_refused(world: World, tmp_path: Path) -> None:
    world.db.close()
    path = tmp_path / "headgate.db"
    with path.open("r+b") as file:
        file.write(b"\0" * 100)
    with pytest.raises(CouldNotRun, match="damaged"):
        opened(path)


def test_a_database_with_destroyed_pages_says_so_when_they_are_read(tmp_path: Path) -> None:
    path = tmp_path / "headgate.db"
    db = opened(path)
    with db.write() as tx:
        for n in range(3000):
            tx.events.append(happened(n=n))
    db.close()
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(size // 2 // 4096 * 4096)
        file.write(os.urandom(40 * 4096))

    def read() -> None:
        db = opened(path)
        try:
            with db.read() as tx:
                found = verify(tx.events.iterate())
                assert found.problem
                raise CouldNotRun(f"damaged, by the chain: {found.problem}")
        finally:
            db.close()

    with pytest.raises(CouldNotRun, match="damaged"):
        read()


def test_damage_is_found_before_anybody_reads_the_place(world: World, tmp_path: Path) -> None:
    world.db.close()
    path = tmp_path / "headgate.db"
    with sqlite3.connect(path) as raw:
        [[root]] = raw.execute("SELECT rootpage FROM sqlite_master WHERE name='ix_events_kind'")
    raw.close()
    with path.open("r+b") as file:
        file.seek((root - 1) * 4096)
        file.write(os.urandom(4096))
    with pytest.raises(CouldNotRun, match="damaged") as caught:
        opened(path)
    assert "restore" in caught.value.remedy


def test_a_cut_off_database_is_refused_or_read_no_further(world: World, tmp_path: Path) -> None:
    world.db.close()
    path = tmp_path / "headgate.db"
    os.truncate(path, 4096)
    with pytest.raises(CouldNotRun, match="damaged"):
        world_again(path)


def world_again(path: Path) -> None:
    db = opened(path)
    try:
        with db.read() as tx:
            tx.changes.select()
            tx.projects.all()
            tx.events.last()
    finally:
        db.close()


def test_a_database_of_a_newer_program_is_not_touched(world: World, tmp_path: Path) -> None:
    world.db.close()
    path = tmp_path / "headgate.db"
    with sqlite3.connect(path) as future:
        future.execute("UPDATE alembic_version SET version_num = '9999'")
    future.close()
    with pytest.raises(CouldNotRun, match=r"newer Headgate.*9999") as caught:
        opened(path)
    assert "newer" in caught.value.remedy
    with sqlite3.connect(path) as future:
        assert future.execute("SELECT version_num FROM alembic_version").fetchall() == [("9999",)]
    future.close()


def test_a_database_whose_making_was_cut_off_is_made_again(tmp_path: Path) -> None:
    """Alembic makes its table first; a machine may stop before the row is in it."""
    path = tmp_path / "headgate.db"
    with sqlite3.connect(path) as half:
        half.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
    half.close()
    World(opened(path)).db.close()


def test_a_directory_in_its_place_is_said(tmp_path: Path) -> None:
    path = tmp_path / "headgate.db"
    path.mkdir()
    with pytest.raises(CouldNotRun, match=r"headgate\.db") as caught:
        opened(path)
    assert caught.value.remedy


def test_a_missing_directory_is_said(tmp_path: Path) -> None:
    with pytest.raises(CouldNotRun, match=r"headgate\.db"):
        opened(tmp_path / "missing" / "headgate.db")


@pytest.mark.parametrize("name", ["a?b=c", "per%cent%20", "#hash", "spa ce", "uñi", "a'b;c"])
def test_any_directory_will_do(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    World(opened(tmp_path / name / "headgate.db")).db.close()
    assert (tmp_path / name / "headgate.db").stat().st_size > 0


def test_no_other_account_may_read_it(world: World, tmp_path: Path) -> None:
    files = list(tmp_path.glob("headgate.db*"))
    assert len(files) == 3
    assert {stat.S_IMODE(f.stat().st_mode) for f in files} == {0o600}


def test_what_was_written_is_there_when_it_is_opened_again(world: World, tmp_path: Path) -> None:
    world.db.close()
    db = opened(tmp_path / "headgate.db")
    with db.read() as tx:
        assert tx.projects.by_name("jinja") == world.project
    db.close()


def test_no_process_is_started_for_tables_that_are_up_to_date(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no-python"))
    bring_up_apart(lay_database(tmp_path / "headgate.db"))
    with pytest.raises(FileNotFoundError):
        bring_up_apart(tmp_path / "another.db")


def test_opening_what_is_up_to_date_does_not_load_alembic(world: World, tmp_path: Path) -> None:
    world.db.close()
    done = run(
        """
        import sys
        from pathlib import Path
        from headgate.ledger.chain import seal
        from headgate.store.database import Database
        Database.open(Path(sys.argv[1]), seal=seal).close()
        print("alembic" in sys.modules)
        """,
        tmp_path / "headgate.db",
    )
    assert (done.stdout, done.stderr) == ("False\n", "")


# -- no room -------------------------------------------------------------------------------------

FILL = """
    import resource, signal, sys
    from pathlib import Path
    from store_world import World, happened
    from headgate.ledger.chain import seal
    from headgate.model.errors import CouldNotRun
    from headgate.store.database import Database

    if len(sys.argv) > 2:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        limit = int(sys.argv[2])
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    db = Database.open(Path(sys.argv[1]), seal=seal)
    written = 0
    try:
        while True:
            with db.write() as tx:
                tx.projects.add(f"p{written}", "main", "x" * 3000)
                tx.events.append(happened("project.added"))
            written += 1
    except CouldNotRun as error:
        print(error.message)
        print(written)
    if len(sys.argv) > 2:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        with db.write() as tx:
            tx.projects.add("more", "main", "")
            tx.events.append(happened("project.added"))
        print("went on")
"""


def whole(path: Path, written: int) -> None:
    """As many projects as events, none half written."""
    db = opened(path)
    with db.read() as tx:
        assert len(tx.projects.all()) == written
        found = verify(tx.events.iterate())
    assert (found.entries, found.problem) == (written, "")
    db.close()


def test_a_disk_without_room_writes_nothing_by_halves(tmp_path: Path) -> None:
    """RLIMIT_FSIZE: the file cannot grow; with room again, the same server goes on."""
    path = tmp_path / "headgate.db"
    opened(path).close()
    done = run(FILL, path, 600_000)
    message, written, after = done.stdout.splitlines()
    assert "cannot be" in message
    assert "Nothing was changed" in message
    assert after == "went on", done.stderr
    whole(path, int(written) + 1)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of two megabytes; only root can make one."""
    if os.geteuid() != 0:
        pytest.skip("mounting a file system needs root")
    disk = tmp_path / "disk"
    disk.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", disk], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip(f"no tmpfs here: {done.stderr.decode()}")
    yield disk
    subprocess.run(["umount", disk], check=True)


def test_a_full_disk_is_said_and_nothing_is_lost(small_disk: Path) -> None:
    path = small_disk / "headgate.db"
    done = run(FILL, path)
    message, written = done.stdout.splitlines()
    assert "disk is full" in message, done
    assert int(written) > 10
    whole(path, int(written))


def test_a_disk_with_no_room_for_a_new_database_is_said(small_disk: Path) -> None:
    (small_disk / "full").write_bytes(b"x" * (2 * 2**20 - 8192))
    with pytest.raises(CouldNotRun, match="disk is full"):
        opened(small_disk / "headgate.db")
    (small_disk / "full").unlink()
    World(opened(small_disk / "headgate.db")).db.close()


# -- two servers ---------------------------------------------------------------------------------

HOLD = """
    import sys, time
    from pathlib import Path
    from headgate.store.lock import lock_data
    with lock_data(Path(sys.argv[1])):
        print("held", flush=True)
        time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(HOLD), tmp_path], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_second_server_is_refused_and_told_whose_it_is(
    holder: subprocess.Popen[str], tmp_path: Path
) -> None:
    with pytest.raises(Conflict, match=rf"\b{holder.pid}\b") as caught, lock_data(tmp_path):
        pass
    assert caught.value.remedy


def test_a_killed_server_holds_nothing(holder: subprocess.Popen[str], tmp_path: Path) -> None:
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with lock_data(tmp_path), pytest.raises(Conflict, match=str(os.getpid())), lock_data(tmp_path):
        pass
    with lock_data(tmp_path):
        pass


def test_a_directory_that_cannot_be_locked_is_said(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("not a directory")
    with pytest.raises(CouldNotRun, match="run"), lock_data(tmp_path):
        pass


def test_another_process_that_reads_is_no_trouble(world: World, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "headgate.db") as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM events").fetchall()
        with world.db.write() as tx:
            tx.events.append(happened())
        assert reader.execute("SELECT count(*) FROM events").fetchone() == (0,)
    reader.close()
    assert len(all_events(world.db)) == 1
