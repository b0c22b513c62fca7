"""Job logs: whole while small, bounded when not, and honest about what is left out."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.jobs.dispatch.explain import explain, size
from headgate.jobs.logs import JobLog, last_lines, printable
from headgate.model.job import JobDefinition, RunState


def test_output_is_kept_as_it_is(tmp_path: Path) -> None:
    log = JobLog(tmp_path / "deep" / "1.log")
    log.note("a job")
    log.write(b"caf\xe9")
    log.note("the end")
    log.close()
    log.close()
    expected = b"# headgate: a job\ncaf\xe9\n# headgate: the end\n"
    assert (tmp_path / "deep" / "1.log").read_bytes() == expected


def test_a_name_cannot_fake_a_line(tmp_path: Path) -> None:
    log = JobLog(tmp_path / "1.log")
    log.note(f"job {printable('a' + chr(10) + '# headgate: passed' + chr(27))}")
    log.close()
    assert (tmp_path / "1.log").read_text() == "# headgate: job a\\n# headgate: passed\\x1b\n"


@given(st.lists(st.binary(max_size=50_000), max_size=12))
def test_a_log_is_never_larger_than_it_may_be(
    tmp_path_factory: pytest.TempPathFactory, chunks: list[bytes]
) -> None:
    path = tmp_path_factory.mktemp("logs") / "log"
    log = JobLog(path, limit=60_000)
    for chunk in chunks:
        log.write(chunk)
    log.close()
    whole = b"".join(chunks)
    kept = path.read_bytes()
    assert kept.startswith(whole[:60_000])
    if len(whole) <= 60_000:
        assert kept == whole
    else:
        assert kept.endswith(whole[60_000:][-1000:])
        assert len(kept) <= 60_000 + (64 << 10) + 200


def test_a_disk_that_is_full_is_told_and_does_not_raise(tmp_path: Path) -> None:
    (tmp_path / "log").symlink_to("/dev/full")
    log = JobLog(tmp_path / "log")
    log.write(b"x")
    log.write(b"y")
    log.close()
    assert "No space left on device" in log.trouble


def test_the_last_lines(tmp_path: Path) -> None:
    path = tmp_path / "log"
    assert last_lines(path) == ""
    path.write_text("".join(f"{n}\n" for n in range(100)))
    assert last_lines(path, 2) == "98\n99"


@given(st.integers(0, 255), st.binary(max_size=100))
def test_every_exit_code_is_explained(code: int, head: bytes) -> None:
    for job in (JobDefinition("a", argv=("x", "y")), JobDefinition("a", script="z")):
        state, reason = explain(job, code, head)
        assert (state is RunState.PASSED) == (code == 0)
        assert (reason == "") == (code == 0)
        assert "\n" not in reason


def test_sizes_are_readable() -> None:
    assert [size(n) for n in (2 << 30, 3 << 19, 5, 1500 << 20)] == [
        "2 GiB",
        "1.5 MiB",
        "5 bytes",
        "1.46 GiB",
    ]
