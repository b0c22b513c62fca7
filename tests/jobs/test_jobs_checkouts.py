"""Checkouts that many jobs want are copies of one that no job can touch."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from jobs_bench import Bench, Git

from headgate.jobs.dispatch.checkouts import Room, SharedCheckouts
from headgate.jobs.dispatch.export import RepositoryExporter
from headgate.model.errors import HeadgateError
from headgate.model.ids import Commit
from headgate.model.job import JobDefinition, RunState


class Counted:
    """Exports from repositories, and tells how often."""

    def __init__(self) -> None:
        self.times = 0
        self._exporter = RepositoryExporter()

    async def export(
        self, repository: str, commit: Commit, directory: Path, patterns: tuple[str, ...] = ()
    ) -> None:
        self.times += 1
        await self._exporter.export(repository, commit, directory, patterns)


def empty(place: Path, name: str) -> Path:
    (place / name).mkdir()
    return place / name


def contents(root: Path) -> Mapping[str, tuple[int, bytes | str]]:
    """Mode and content of all that is below a directory."""
    found: dict[str, tuple[int, bytes | str]] = {}
    for path in root.rglob("*"):
        info = path.lstat()
        content = b"" if path.is_dir() else path.read_bytes() if not path.is_symlink() else b""
        name = str(path.relative_to(root))
        found[name] = (info.st_mode, str(path.readlink()) if path.is_symlink() else content)
    return found


@pytest.mark.parametrize("files", [3, 500])
async def test_a_copy_is_what_an_export_is(place: Path, git: Git, files: int) -> None:
    many = {f"d{n % 7}/f{n}": f"{n}\n" * n for n in range(files)}
    checkout = git.project("tool", many, {"d0/out": "/etc/passwd", "in": "d0", "gone": "nowhere"})
    exporter = Counted()
    shared = SharedCheckouts(empty(place, "kept"), exporter)
    for number in range(4):
        await shared.export(checkout.repository, checkout.commit, empty(place, str(number)))
    assert exporter.times == 2
    assert contents(place / "0")
    for number in range(1, 4):
        assert contents(place / str(number)) == contents(place / "0")
    # Copies, not names of the same files.
    assert len({(place / str(n) / "d1" / "f1").stat().st_ino for n in range(4)}) == 4


async def test_those_who_ask_at_once_share_an_export(place: Path, git: Git) -> None:
    checkout = git.project("tool", {"a": "b"})
    exporter = Counted()
    shared = SharedCheckouts(empty(place, "kept"), exporter)
    targets = [empty(place, str(number)) for number in range(8)]
    await asyncio.gather(
        *(shared.export(checkout.repository, checkout.commit, target) for target in targets)
    )
    assert exporter.times == 2
    assert all((target / "a").read_text() == "b" for target in targets)


async def test_one_who_gives_up_does_not_spoil_it_for_the_others(place: Path, git: Git) -> None:
    checkout = git.project("tool", {"a": "b"})
    shared = SharedCheckouts(empty(place, "kept"), Counted())
    await shared.export(checkout.repository, checkout.commit, empty(place, "first"))

    def start(name: str) -> asyncio.Task[None]:
        return asyncio.create_task(
            shared.export(checkout.repository, checkout.commit, empty(place, name))
        )

    hasty, patient = start("hasty"), start("patient")
    await asyncio.sleep(0)
    hasty.cancel()
    await patient
    assert hasty.cancelled()
    assert (place / "patient" / "a").read_text() == "b"


async def test_only_so_much_is_kept(place: Path, git: Git) -> None:
    kept = empty(place, "kept")
    exporter = Counted()
    shared = SharedCheckouts(kept, exporter, Room(trees=2, files=40, size=4000))
    small = [git.project(f"p{number}", {"a": str(number)}) for number in range(3)]
    many = git.project("many", {f"f{number}": "" for number in range(11)})
    large = git.project("large", {"a": "x" * 1001})
    for number, checkout in enumerate((*small, many, large) * 3):
        target = empty(place, str(number))
        await shared.export(checkout.repository, checkout.commit, target)
        assert list(target.iterdir())
        assert len(list(kept.iterdir())) <= 2
    # Of each: once at first, once to keep it, once more because it had to go or does not fit; and
    # that the two large ones do not fit was found out by trying.
    assert exporter.times == 3 * 5 + 2
    assert len(list(kept.iterdir())) == 2


async def test_a_commit_that_is_not_there_is_told_every_time(place: Path, git: Git) -> None:
    checkout = git.project("tool", {"a": "b"})
    kept = empty(place, "kept")
    shared = SharedCheckouts(kept, RepositoryExporter())
    for number in range(3):
        with pytest.raises(HeadgateError):
            await shared.export(checkout.repository, Commit("1" * 40), empty(place, str(number)))
    assert list(kept.iterdir()) == []


async def test_closing_ends_an_export(place: Path, git: Git) -> None:
    checkout = git.project("tool", {"a": "b"})
    kept = empty(place, "kept")
    shared = SharedCheckouts(kept, RepositoryExporter())
    await shared.export(checkout.repository, checkout.commit, empty(place, "first"))
    task = asyncio.create_task(
        shared.export(checkout.repository, checkout.commit, empty(place, "second"))
    )
    await asyncio.sleep(0)
    await shared.close()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert list(kept.iterdir()) == []


async def test_what_a_job_does_to_its_checkout_no_other_job_sees(bench: Bench) -> None:
    checkout = bench.git.project("tool", {"a": "untouched\n", "d/b": "untouched\n"})
    kept = bench.place / "data" / "jobs" / "checkouts"
    spoil = JobDefinition(
        "spoil",
        script=f"grep untouched a d/b && ! ls {kept} && echo spoiled | tee a d/b && rm a; touch c",
    )
    for _ in range(4):
        result, log = await bench.run(bench.request(spoil, checkouts=(checkout,)))
        assert result.state is RunState.PASSED, log
    (tree,) = kept.iterdir()
    assert (tree / "a").read_text() == (tree / "d" / "b").read_text() == "untouched\n"
    assert sorted(path.name for path in tree.iterdir()) == ["a", "d"]
    assert tree.parent.stat().st_mode & 0o077 == 0
    assert tree.stat().st_uid == os.geteuid()


async def test_every_run_gets_an_area_of_its_own(bench: Bench) -> None:
    spares = bench.place / "data" / "jobs" / "spare"
    for _ in range(6):
        result, log = await bench.sh(
            'test -z "$(find /work/home /work/artifacts /tmp -mindepth 1)"; test ! -e /work/left; '
            "touch /work/left ~/left /tmp/left /work/artifacts/left; chmod 700 /tmp ~"
        )
        assert result.state is RunState.PASSED, log
        for spare in spares.iterdir():
            assert [path for path in spare.rglob("*") if not path.is_dir()] == []
    assert 0 < len(list(spares.iterdir())) <= 2 * bench.dispatcher.slots
    await bench.dispatcher.close()
    assert list(spares.iterdir()) == []
