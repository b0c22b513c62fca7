"""Environments: what jobs find at /env, set up once for each content of its inputs."""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from headgate.jobs.dispatch.area import (
    copy_plain,
    give,
    make_area,
    publish,
    regular_files,
    remove,
)
from headgate.jobs.dispatch.interface import Retry
from headgate.jobs.dispatch.slots import Slots
from headgate.jobs.dispatch.threads import in_thread, to_the_end
from headgate.jobs.logs import JobLog, last_lines
from headgate.jobs.packages import PackageSettings, tool_for
from headgate.jobs.sandbox.host import base_digest
from headgate.jobs.sandbox.interface import (
    Access,
    Command,
    Limits,
    Mount,
    Network,
    Sandbox,
)
from headgate.model.job import EnvironmentDefinition

SETUPS_AT_ONCE = 2

_MEMORY = 4 << 30


def digest_of_setup(script: str) -> str:
    """What an operator approves: `sha256:` and the digest of the set-up script."""
    return "sha256:" + hashlib.sha256(script.encode("utf-8", "surrogateescape")).hexdigest()


@dataclass(frozen=True, slots=True)
class Ready:
    """An environment that can be mounted."""

    directory: Path
    key: str
    built: bool
    """It was set up just now, for this request or one at the same time."""


@dataclass(frozen=True, slots=True)
class NotReady:
    """Why there is none."""

    reason: str
    log: Path | None
    retry: Retry


@dataclass(slots=True)
class _Build:
    task: asyncio.Task[Ready | NotReady]
    waiting: int = field(default=0)


class EnvironmentStore:
    """Builds environments in the sandbox, with network, and keeps them by key."""

    def __init__(
        self,
        root: Path,
        sandbox: Sandbox,
        *,
        approved: Callable[[str], bool],
        settings: PackageSettings,
        uv: Path | None,
        first_slot: int,
    ) -> None:
        """Keep environments below `root`; the set-ups run in slots from `first_slot` on."""
        self._root = root
        self._sandbox = sandbox
        self._approved = approved
        self._settings = settings
        self._uv = uv
        self._slots = Slots(SETUPS_AT_ONCE)
        self._first_slot = first_slot
        self._base = base_digest()
        self._builds: dict[str, _Build] = {}
        root.mkdir(parents=True, exist_ok=True)
        root.chmod(0o711)
        for leftover in root.glob(".building-*"):
            remove(leftover)

    def key(self, definition: EnvironmentDefinition, project: str, checkout: Path) -> str:
        """SHA-256 over the script, the contents of its inputs, the project and the system.

        Raises OSError when an input cannot be read.
        """
        digest = hashlib.sha256()

        def add(data: bytes) -> None:
            digest.update(len(data).to_bytes(8, "big"))
            digest.update(data)

        for text in (self._base, project, definition.setup):
            add(text.encode("utf-8", "surrogateescape"))
        if definition.inputs:
            for name in regular_files(checkout, definition.inputs):
                add(os.fsencode(name))
                add((checkout / name).read_bytes())
        return digest.hexdigest()

    async def ensure(
        self,
        definition: EnvironmentDefinition,
        project: str,
        checkout: Path,
        say: Callable[[str], None],
    ) -> Ready | NotReady:
        """The environment for a checkout, built if it is not there; requests share a build.

        `checkout` is a fresh export of the project. A build ends when the last request that
        waits for it is cancelled. Raises OSError for trouble of the machine.
        """
        key = await in_thread(self.key, definition, project, checkout)
        place = self._root / key
        if (place / "env").is_dir():
            return Ready(place / "env", key, built=False)
        digest = digest_of_setup(definition.setup)
        if not self._approved(digest):
            return NotReady(
                f"The set-up script of environment {definition.name} is not approved. An operator "
                f"reads it and runs `headgate environment approve {digest}`, or adds the digest "
                "to approved-setups under [environments] of policy.toml.",
                None,
                Retry.USELESS,
            )
        build = self._builds.get(key)
        if build is None:
            say(f"environment {definition.name} is being set up")
            # The requester's checkout may be gone before the build ends: copy the inputs first.
            area = await self._prepared(key, definition, project, checkout)
            if (place / "env").is_dir():
                await in_thread(remove, area)
                return Ready(place / "env", key, built=True)
            build = self._builds.get(key)
            if build is None:
                task = asyncio.create_task(self._build(key, definition, project, area))
                build = self._builds[key] = _Build(task)
                task.add_done_callback(lambda _: self._builds.pop(key, None))
            else:
                await in_thread(remove, area)
        else:
            say(f"environment {definition.name} is being set up for another job: waiting")
        build.waiting += 1
        try:
            return await asyncio.shield(build.task)
        finally:
            build.waiting -= 1
            if build.waiting == 0 and not build.task.done():
                self._builds.pop(key, None)
                build.task.cancel()
                await asyncio.wait([build.task])

    async def close(self) -> None:
        """End all set-ups."""
        tasks = [build.task for build in self._builds.values()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _prepared(
        self, key: str, definition: EnvironmentDefinition, project: str, checkout: Path
    ) -> Path:
        """A work area with the inputs; nothing is left when it cannot be made, or is cancelled."""
        made: list[Path] = []

        def prepare() -> Path:
            parts = (f"work/src/{project}", "work/home", "work/tmp", "env")
            made.append(make_area(self._root, f".building-{key[:16]}", parts))
            self._fill(made[0], definition, made[0] / "work" / "src" / project, checkout)
            return made[0]

        try:
            return await in_thread(prepare)
        except BaseException:
            for area in made:
                await in_thread(remove, area)
            raise

    def _fill(
        self, area: Path, definition: EnvironmentDefinition, source: Path, checkout: Path
    ) -> None:
        if definition.inputs:
            # Only what the key covers: a set-up that saw more would differ under one key.
            for name in regular_files(checkout, definition.inputs):
                copy_plain(checkout / name, source / name)
        self._settings.fill_home(area / "work" / "home")
        (area / "setup").write_text(
            definition.setup, encoding="utf-8", errors="surrogateescape", newline=""
        )
        (area / "setup").chmod(0o644)

    async def _build(
        self, key: str, definition: EnvironmentDefinition, project: str, area: Path
    ) -> Ready | NotReady:
        number = await self._slots.take()
        try:
            return await self._build_in(self._first_slot + number, key, definition, project, area)
        finally:
            self._slots.give(number)
            await in_thread(remove, area)

    async def _build_in(
        self, slot: int, key: str, definition: EnvironmentDefinition, project: str, area: Path
    ) -> Ready | NotReady:
        owner = self._sandbox.owner(slot)
        for part in ("work", "env"):
            await in_thread(give, area / part, owner)
        log_path = self._root / "logs" / f"{key}.log"
        log = JobLog(log_path)
        log.note(
            f"setting up environment {definition.name} of {project} ({key[:16]})\n"
            f"inputs: {', '.join(definition.inputs) or 'none'}; other files are not there\n"
            f"limits: {definition.timeout:g} s, network on"
        )
        command = await in_thread(self._command, definition, project, area, slot)
        began = time.monotonic()
        process = self._sandbox.start(command, slot, log.write)
        try:
            try:
                ended = await asyncio.wait_for(process.wait(), definition.timeout)
            except TimeoutError:
                log.note(f"stopped: longer than its timeout of {definition.timeout:g} s")
                return self._failed(
                    definition, log_path, f"took longer than {definition.timeout:g} s"
                )
            log.note(f"ended after {time.monotonic() - began:.1f} s")
        finally:
            process.kill()
            await to_the_end(asyncio.ensure_future(process.wait()))
            log.close()
        if log.trouble:
            return self._failed(definition, log_path, log.trouble)
        if ended.code is None:
            return self._failed(definition, log_path, ended.trouble)
        if ended.code != 0:
            return self._failed(definition, log_path, f"ended with exit code {ended.code}")
        if not any((area / "env").iterdir()):
            return self._failed(definition, log_path, "put nothing into $HEADGATE_ENV")
        await in_thread(self._keep, area, key, log_path)
        return Ready(self._root / key / "env", key, built=True)

    def _keep(self, area: Path, key: str, log: Path) -> None:
        publish(area / "env")
        kept = make_area(self._root, f".building-{key[:16]}", ())
        (area / "env").rename(kept / "env")
        log.rename(kept / "log")
        kept.rename(self._root / key)

    def _failed(self, definition: EnvironmentDefinition, log: Path, what: str) -> NotReady:
        return NotReady(
            f"The set-up of environment {definition.name} failed: it {what}.", log, Retry.MAY_HELP
        )

    def _command(
        self, definition: EnvironmentDefinition, project: str, area: Path, slot: int
    ) -> Command:
        owner = self._sandbox.owner(slot)
        mounts = [
            *self._settings.mounts(owner),
            Mount(area / "work", "/work", Access.WRITE),
            Mount(area / "work" / "tmp", "/tmp", Access.WRITE),
            Mount(area / "env", "/env", Access.WRITE),
            Mount(area / "setup", "/headgate/setup"),
        ]
        if self._uv is not None:
            program = tool_for(self._uv, self._root.parent / "tools", owner)
            mounts.append(Mount(program, "/headgate/bin/uv"))
        path = ("/env/bin", "/headgate/bin", *self._sandbox.toolbox())
        variables = {
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "UV_PYTHON_DOWNLOADS": "never",
            "UV_LINK_MODE": "copy",
            **self._settings.variables,
            "CI": "true",
            "HEADGATE": "1",
            "HEADGATE_PROJECT": project,
            "HEADGATE_ENV": "/env",
            "HOME": "/work/home",
            "LANG": "C.UTF-8",
            "PATH": ":".join(path),
            "TMPDIR": "/tmp",
        }
        return Command(
            ("/bin/sh", "-eu", "/headgate/setup"),
            f"/work/src/{project}",
            variables,
            tuple(mounts),
            Network.HOST,
            Limits(memory=_MEMORY),
        )


def log_excerpt(outcome: NotReady) -> str:
    """The end of a failed set-up's log, for the log of the job that needed it."""
    return last_lines(outcome.log) if outcome.log is not None else ""
