"""Finding out, by doing it, how well jobs can be contained on this machine."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from headgate.jobs.sandbox.bubblewrap import Bubblewrap
from headgate.jobs.sandbox.host import jobs_root
from headgate.jobs.sandbox.interface import Access, Command, Mount, Sandbox, Strength
from headgate.model.errors import CouldNotRun

_SCRIPT = """
test "$(id -u)" != 0 || { echo 'it ran as uid 0'; exit 3; }
test ! -e /etc/shadow || { echo 'it saw /etc/shadow of the host'; exit 3; }
test ! -e "$1" || { echo 'it saw files of the host'; exit 3; }
test ! -e "/proc/$2" || test "$2" -lt 20 || { echo 'it saw processes of the host'; exit 3; }
if unshare --user true 2>/dev/null; then echo 'the system-call filter does not hold'; exit 3; fi
touch /work/written || { echo 'its work area is not writable'; exit 3; }
if touch /usr/written 2>/dev/null; then echo 'the system was writable'; exit 3; fi
command -v python3 >/dev/null || echo 'no python3'
echo fine
"""

_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class SandboxReport:
    """What a machine has for containing jobs."""

    strength: Strength | None
    """None: nothing that holds."""
    name: str
    problems: tuple[str, ...]
    remedy: str
    sandbox: Sandbox | None

    def at_least(self, word: str) -> bool:
        """Whether this is as strong as `degraded`, `standard` or `strict`.

        Raises ValueError for any other word.
        """
        wanted = {strength.word: strength for strength in Strength}
        if word not in wanted:
            raise ValueError(f"{word!r} is no strength of a sandbox: {', '.join(wanted)}")
        return self.strength is not None and self.strength >= wanted[word]


def probe(data: Path, *, make: Callable[[Path], Sandbox] = Bubblewrap) -> SandboxReport:
    """Run one sandbox, check that it holds, and report.

    `data` is the data directory: what sandboxes share is kept below it. Takes about 50 ms; may be
    called with or without a running event loop.
    """
    try:
        sandbox = make(sandbox_state(data))
    except CouldNotRun as error:
        return SandboxReport(None, "none", (error.message.rstrip("."),), error.remedy, None)
    except OSError as error:
        problem = f"the data directory {data} cannot be used: {error.strerror}"
        return SandboxReport(None, "none", (problem,), "Choose another with --data.", None)
    trouble, notes = _in_a_thread(lambda: _try(sandbox, sandbox_state(data)))
    if trouble:
        return SandboxReport(None, sandbox.name, (trouble,), _remedy(trouble), None)
    remedy = ""
    if notes:
        remedy = "Install the package python3, so that environments can be set up."
    return SandboxReport(sandbox.strength, sandbox.name, notes, remedy, sandbox)


def sandbox_state(data: Path) -> Path:
    """Where sandboxes of this data directory keep what they share. OSError when it cannot be."""
    from headgate.jobs.sandbox.bubblewrap import FIRST_UID
    from headgate.jobs.sandbox.interface import Owner

    uid = os.geteuid() or FIRST_UID
    return jobs_root(data, Owner(uid, uid if os.geteuid() == 0 else os.getegid())) / "sandbox"


def _in_a_thread(work: Callable[[], tuple[str, tuple[str, ...]]]) -> tuple[str, tuple[str, ...]]:
    result: list[tuple[str, tuple[str, ...]]] = []
    thread = threading.Thread(target=lambda: result.append(work()), name="sandbox-probe")
    thread.start()
    thread.join()
    return result[0] if result else ("trying a sandbox failed", ())


def _try(sandbox: Sandbox, state: Path) -> tuple[str, tuple[str, ...]]:
    """Why it does not hold (empty: it does), and what is merely missing."""
    with tempfile.TemporaryDirectory(prefix=".probe-", dir=state) as place:
        area = Path(place) / "work"
        area.mkdir()
        owner = sandbox.owner(0)
        Path(place).chmod(0o711)
        if os.geteuid() == 0:
            os.chown(area, owner.uid, owner.gid)
        said = bytearray()
        command = Command(
            ("/bin/sh", "-c", _SCRIPT, "probe", place, str(os.getpid())),
            "/work",
            {"PATH": ":".join(sandbox.toolbox())},
            (Mount(area, "/work", Access.WRITE),),
        )
        try:
            code, trouble = asyncio.run(_run(sandbox, command, said.extend))
        except OSError as error:
            return f"no process can be started: {error.strerror}", ()
        finally:
            shutil.rmtree(area, ignore_errors=True)
    lines = said.decode("utf-8", "replace").splitlines()
    if code is None:
        return trouble, ()
    if code != 0 or not lines or lines[-1] != "fine":
        return (f"the sandbox does not hold: {lines[-1] if lines else f'exit code {code}'}", ())
    notes = ("there is no python3 that jobs can read",) if "no python3" in lines else ()
    return "", notes


async def _run(
    sandbox: Sandbox, command: Command, output: Callable[[bytes], None]
) -> tuple[int | None, str]:
    process = sandbox.start(command, 0, output)
    try:
        ended = await asyncio.wait_for(process.wait(), _SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()
        return None, f"the sandbox did not end within {_SECONDS:g} s"
    return ended.code, ended.trouble


def _remedy(trouble: str) -> str:
    lowered = trouble.lower()
    if "namespace" in lowered or "uid map" in lowered or "permission denied" in lowered:
        return (
            "Allow unprivileged user namespaces: as root, "
            "`sysctl kernel.unprivileged_userns_clone=1` (Debian) or "
            "`sysctl kernel.apparmor_restrict_unprivileged_userns=0` (Ubuntu); in a container, "
            "start it with the right to create namespaces."
        )
    return "Run `headgate doctor` after mending it."
