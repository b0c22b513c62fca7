"""Environments: set up once for each content of their inputs, mounted read-only into jobs."""

from __future__ import annotations

import asyncio
import functools
import http.server
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from jobs_bench import Bench, MakeBench

from headgate.jobs.dispatch.interface import Retry
from headgate.jobs.environments import digest_of_setup
from headgate.jobs.packages import SYSTEM_CERTIFICATES, PackageSettings, find_uv, package_settings
from headgate.model.job import EnvironmentDefinition, JobDefinition, RunState

pytestmark = pytest.mark.sandbox

SETUP = """
mkdir -p $HEADGATE_ENV/bin
cat version > $HEADGATE_ENV/version
date +%s%N > $HEADGATE_ENV/stamp
printf '#!/bin/sh\\ncat /env/version\\n' > $HEADGATE_ENV/bin/show
chmod +x $HEADGATE_ENV/bin/show
"""
STAMP = JobDefinition("stamp", argv=("cat", "/env/stamp"))


def environment(setup: str = SETUP, **changes: object) -> EnvironmentDefinition:
    values: dict[str, object] = {"inputs": ("version",), **changes}
    return EnvironmentDefinition("py", setup, **values)  # type: ignore[arg-type]


@pytest.fixture
def bench(bench: Bench) -> Bench:
    bench.approved.add(digest_of_setup(SETUP))
    return bench


async def stamp(bench: Bench, files: dict[str, str], project: str = "tool") -> str:
    checkout = bench.git.project(project, files)
    result, log = await bench.run(
        bench.request(STAMP, checkouts=(checkout,), environment=environment())
    )
    assert result.state is RunState.PASSED, log
    return log.splitlines()[-2]


async def test_a_job_finds_its_environment_first_on_its_path(bench: Bench) -> None:
    checkout = bench.git.project("tool", {"version": "3.1\n"})
    job = JobDefinition("show", script="show; if touch /env/x; then exit 9; fi")
    result, log = await bench.run(
        bench.request(job, checkouts=(checkout,), environment=environment())
    )
    assert result.state is RunState.PASSED, log
    assert "\n3.1\n" in log
    assert "environment py is being set up" in log
    assert "Read-only file system" in log


async def test_it_is_set_up_once_for_each_content_of_its_inputs(bench: Bench) -> None:
    first = await stamp(bench, {"version": "1", "other": "a"})
    assert await stamp(bench, {"version": "1", "other": "b"}) == first
    second = await stamp(bench, {"version": "2", "other": "b"})
    assert second != first
    assert await stamp(bench, {"version": "1", "other": "c"}) == first
    assert await stamp(bench, {"version": "1"}, project="another") != first


async def test_requests_at_the_same_time_share_a_set_up(bench: Bench) -> None:
    stamps = await asyncio.gather(*(stamp(bench, {"version": "5"}) for _ in range(2)))
    assert len(set(stamps)) == 1


async def test_a_new_dispatcher_finds_what_was_set_up(bench: Bench, make_bench: MakeBench) -> None:
    first = await stamp(bench, {"version": "1"})
    await bench.dispatcher.close()
    again = make_bench()
    again.runs = 10
    assert await stamp(again, {"version": "1"}) == first


async def test_a_set_up_sees_only_its_inputs(bench: Bench) -> None:
    checkout = bench.git.project(
        "tool", {"version": "1", "src/a.py": "", "deep/version": "2"}, {"link": "/etc/passwd"}
    )
    setup = "find . -type f -o -type l | sort > $HEADGATE_ENV/seen"
    bench.approved.add(digest_of_setup(setup))
    for inputs, seen in (
        (("/version", "link"), "./version\n"),
        ((), ""),
        (("**/version",), "./deep/version\n./version\n"),
    ):
        request = bench.request(
            JobDefinition("cat", argv=("sh", "-c", "echo begin; cat /env/seen; echo end")),
            checkouts=(checkout,),
            environment=environment(setup, inputs=inputs),
        )
        result, log = await bench.run(request)
        assert result.state is RunState.PASSED, log
        assert f"begin\n{seen}end\n" in log


async def test_a_script_that_nobody_approved_does_not_run(bench: Bench) -> None:
    unapproved = environment("touch $HEADGATE_ENV/ran")
    request = bench.request(JobDefinition("j", argv=("true",)), environment=unapproved)
    result, log = await bench.run(request)
    assert result.state is RunState.INFRASTRUCTURE
    assert result.retry is Retry.USELESS
    assert digest_of_setup(unapproved.setup) in result.reason
    assert "headgate environment approve sha256:" in result.reason
    assert result.reason in log


@pytest.mark.parametrize(
    ("changed", "state"), [(False, RunState.INFRASTRUCTURE), (True, RunState.FAILED)]
)
async def test_a_set_up_that_fails_is_the_changes_fault_only_if_it_changed_it(
    bench: Bench, changed: bool, state: RunState
) -> None:
    setup = "echo looking for packages; exit 7"
    bench.approved.add(digest_of_setup(setup))
    request = bench.request(
        JobDefinition("j", argv=("true",)),
        environment=environment(setup),
        environment_changed=changed,
    )
    result, log = await bench.run(request)
    assert result.state is state
    assert result.reason == "The set-up of environment py failed: it ended with exit code 7."
    assert "looking for packages\n" in log
    assert result.started is None
    await bench.idle()


async def test_a_set_up_that_takes_too_long_is_stopped(bench: Bench) -> None:
    setup = "sleep 100"
    bench.approved.add(digest_of_setup(setup))
    request = bench.request(
        JobDefinition("j", argv=("true",)), environment=environment(setup, timeout=0.3)
    )
    result, _ = await bench.run(request)
    assert result.reason == "The set-up of environment py failed: it took longer than 0.3 s."


async def test_a_set_up_that_makes_nothing_has_failed(bench: Bench) -> None:
    setup = "true"
    bench.approved.add(digest_of_setup(setup))
    request = bench.request(JobDefinition("j", argv=("true",)), environment=environment(setup))
    result, _ = await bench.run(request)
    assert "put nothing into $HEADGATE_ENV" in result.reason


async def test_a_set_up_ends_when_nobody_waits_for_it(bench: Bench) -> None:
    setup = "touch $HEADGATE_ENV/x; sleep 100"
    bench.approved.add(digest_of_setup(setup))
    tasks = [
        asyncio.create_task(
            bench.run(
                bench.request(JobDefinition("j", argv=("true",)), environment=environment(setup))
            )
        )
        for _ in range(2)
    ]
    await asyncio.sleep(0.5)
    for task in tasks:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    kept = bench.place / "data" / "jobs" / "environments"
    assert not [path for path in kept.iterdir() if path.name != "logs"]


async def test_nothing_in_an_environment_can_be_changed_by_a_later_slot(bench: Bench) -> None:
    setup = "umask 0; touch $HEADGATE_ENV/a; chmod 4777 $HEADGATE_ENV/a; chmod 777 $HEADGATE_ENV"
    bench.approved.add(digest_of_setup(setup))
    request = bench.request(JobDefinition("j", argv=("true",)), environment=environment(setup))
    result, log = await bench.run(request)
    assert result.state is RunState.PASSED, log
    kept = [p for p in (bench.place / "data/jobs/environments").iterdir() if p.name != "logs"]
    info = (kept[0] / "env" / "a").stat()
    assert info.st_mode & 0o7777 == 0o755
    assert info.st_uid == os.geteuid()


@pytest.fixture
def index(place: Path) -> Iterator[str]:
    """A package index on the loopback with one wheel, made here."""
    root = place / "index"
    make_wheel(root / "greeting")
    handler = functools.partial(Quiet, directory=str(root))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


def make_wheel(directory: Path) -> None:
    import zipfile

    directory.mkdir(parents=True)
    info = "greeting-1.0.dist-info"
    with zipfile.ZipFile(directory / "greeting-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("greeting.py", "print('hello from a wheel')\n")
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: greeting\nVersion: 1.0\n")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", f"greeting.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n")


async def test_a_python_environment_from_the_configured_index(
    place: Path, make_bench: MakeBench, index: str
) -> None:
    settings = package_settings({"UV_DEFAULT_INDEX": index}, place, etc=place)
    bench = make_bench(packages=settings)
    setup = (
        "uv venv --quiet $HEADGATE_ENV\n"
        "uv pip install --quiet --python $HEADGATE_ENV/bin/python -r requirements.txt\n"
    )
    bench.approved.add(digest_of_setup(setup))
    checkout = bench.git.project("tool", {"requirements.txt": "greeting\n"})
    request = bench.request(
        JobDefinition("hello", argv=("python", "-m", "greeting")),
        checkouts=(checkout,),
        environment=environment(setup, inputs=("requirements.txt",)),
    )
    result, log = await bench.run(request)
    assert result.state is RunState.PASSED, log
    assert "hello from a wheel\n" in log


def test_the_digest_is_that_of_the_script() -> None:
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert digest_of_setup("") == f"sha256:{empty}"


def test_package_configuration_of_the_host_is_found(tmp_path: Path) -> None:
    wheels = tmp_path / "wheels"
    (wheels / "deep").mkdir(parents=True)
    home = tmp_path / "home"
    (home / ".config/pip").mkdir(parents=True)
    (home / ".config/pip/pip.conf").write_text(
        f"[global]\nextra-index-url = file://{wheels}/deep https://pypi.org/simple\n"
        f"find-links = {wheels}\n"
    )
    etc = tmp_path / "etc"
    etc.mkdir()
    (etc / "pip.conf").write_text("[global]\ncert = /etc/ssl/certs/ca-certificates.crt\n")
    settings = package_settings(
        {"https_proxy": "http://proxy:1", "HOME": "/x", "PIP_INDEX_URL": "https://u/usr/simple"},
        home,
        etc,
    )
    assert settings.variables == {
        **SYSTEM_CERTIFICATES,
        "https_proxy": "http://proxy:1",
        "PIP_INDEX_URL": "https://u/usr/simple",
    }
    assert settings.places == (wheels,)
    assert set(settings.home) == {".config/pip/pip.conf"}
    assert set(settings.etc) == {"pip.conf"}
    settings.fill_home(tmp_path / "work")
    assert (tmp_path / "work/.config/pip/pip.conf").read_text().startswith("[global]")


def test_a_local_index_brings_the_files_beside_it(tmp_path: Path) -> None:
    (tmp_path / "index" / "simple").mkdir(parents=True)
    address = f"file://{tmp_path}/index/simple"
    settings = package_settings({"PIP_EXTRA_INDEX_URL": address}, tmp_path, tmp_path)
    assert settings.places == (tmp_path / "index",)


def test_uv_is_there() -> None:
    found = find_uv()
    assert found is not None
    assert os.access(found, os.X_OK)


def test_no_configuration_is_no_trouble(tmp_path: Path) -> None:
    assert package_settings({}, tmp_path, tmp_path) == PackageSettings(
        SYSTEM_CERTIFICATES, {}, {}, ()
    )
