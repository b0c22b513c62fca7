"""Where hooks ask: the server's end of their unix socket."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import structlog

from headgate.model.errors import CouldNotRun, HeadgateError
from headgate.vcs.git import decode_path, encode_path
from headgate.vcs.hosting.pktline import FLUSH, BadPacket, packet, read_section

log = structlog.get_logger()

_LARGEST_HEAD = 1 << 20
_GRACE = 10.0
"""Seconds that proposals being taken in get to finish when the server stops."""

_FAILED = "Headgate failed while it looked at this push; its log says why. Nothing was changed."


@dataclass(frozen=True, slots=True)
class Push:
    """One push, as its hooks tell of it."""

    push_id: str
    """Given to git when the push began; proves that it came through the server."""
    repository: Path
    quarantine: Mapping[str, str] = field(default_factory=dict[str, str])
    """Environment in which git sees the pushed objects before they are accepted."""


@dataclass(frozen=True, slots=True)
class RefUpdate:
    """A wish to move a ref; ids of forty zeros mean that it is not there."""

    old: str
    new: str
    ref: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a ref may not be moved; one is enough to refuse the whole push."""

    ref: str
    message: str


@dataclass(frozen=True, slots=True)
class CommandResult:
    """What became of one proposal; `message` says why it is not ok."""

    ref: str
    ok: bool
    message: str


class ReceiveHandler(Protocol):
    """Decides about pushes. A HeadgateError that it raises refuses, with its text."""

    async def pre_receive(self, push: Push, updates: list[RefUpdate]) -> list[Refusal]:
        """Look at a push before anything of it is accepted."""
        ...

    async def proc_receive(
        self,
        push: Push,
        commands: list[RefUpdate],
        options: list[str],
        say: Callable[[str], None],
    ) -> list[CommandResult]:
        """Take in what was pushed to refs/for/*. `say` sends a line to the pusher at once."""
        ...


class HookServer:
    """Listens for hooks and lets a handler answer them."""

    def __init__(self, socket: Path, handler: ReceiveHandler) -> None:
        self._socket = socket
        self._handler = handler
        self._server: asyncio.Server | None = None
        self._conversations: set[asyncio.Task[None]] = set()
        self._intakes: set[asyncio.Task[list[CommandResult]]] = set()

    async def start(self) -> None:
        """Begin to listen; a socket left behind is replaced. Raises CouldNotRun."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._socket)  # noqa: PTH108
        before = os.umask(0o177)
        try:
            self._server = await asyncio.start_unix_server(self._accept, self._socket)
        except OSError as error:
            raise CouldNotRun(
                f"The socket for hooks {self._socket} cannot be opened: {error}.",
                "Use a data directory with a shorter path that can be written.",
            ) from error
        finally:
            os.umask(before)

    async def stop(self) -> None:
        """Listen no more; proposals that are being taken in get some time to finish."""
        if self._server is None:
            return
        self._server.close()
        if self._intakes:
            await asyncio.wait(self._intakes, timeout=_GRACE)
        for task in [*self._intakes, *self._conversations]:
            task.cancel()
        await asyncio.gather(*self._intakes, *self._conversations, return_exceptions=True)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._socket)  # noqa: PTH108
        self._server = None

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._converse(reader, writer))
        self._conversations.add(task)
        task.add_done_callback(self._conversations.discard)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answer = _Answer(writer)
        try:
            code = await self._answer(reader, answer)
            answer.frame(b"x", bytes([code]))
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            log.info("push.broken_off")
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, answer: _Answer) -> int:
        try:
            about = await _read_head(reader)
            push = _push(about)
            match about.get("hook"):
                case "pre-receive":
                    return await self._pre_receive(push, reader, answer)
                case "proc-receive":
                    return await self._proc_receive(push, reader, answer)
                case other:
                    answer.say(f"Headgate knows no hook {other!r}.")
                    return 1
        except HeadgateError as error:
            answer.say(str(error))
        except (BadPacket, ValueError) as error:
            log.warning("push.not_understood", error=str(error))
            answer.say("Headgate did not understand git's hook; use git 2.38 or later.")
        except (ConnectionError, asyncio.IncompleteReadError):
            raise
        except Exception:
            log.exception("push.failed")
            answer.say(_FAILED)
        return 1

    async def _pre_receive(self, push: Push, reader: asyncio.StreamReader, answer: _Answer) -> int:
        updates = [_update(line) for line in (await reader.read()).split(b"\n") if line]
        refusals = await self._handler.pre_receive(push, updates)
        for refusal in refusals:
            answer.say(refusal.message)
        return 1 if refusals else 0

    async def _proc_receive(self, push: Push, reader: asyncio.StreamReader, answer: _Answer) -> int:
        greeting = (await read_section(reader) or [b""])[0]
        version, _, features = greeting.partition(b"\0")
        if version != b"version=1":
            raise BadPacket(f"git speaks {version!r}")
        with_options = b"push-options" in features.split()
        reply = b"version=1" + (b"\0push-options" if with_options else b"")
        answer.frame(b"o", packet(reply) + FLUSH)
        commands = [_update(line) for line in await read_section(reader)]
        given = await read_section(reader) if with_options else []
        options = [option.decode("utf-8", "replace") for option in given]
        # What has begun to be recorded is finished, even when the pusher goes away.
        results = await self._finish(
            self._handler.proc_receive(push, commands, options, answer.say)
        )
        lines = [_report(result) for result in results]
        answer.frame(b"o", b"".join(packet(line) for line in lines) + FLUSH)
        return 0

    async def _finish(self, work: Coroutine[Any, Any, list[CommandResult]]) -> list[CommandResult]:
        task = asyncio.ensure_future(work)
        self._intakes.add(task)
        task.add_done_callback(self._intakes.discard)
        return await asyncio.shield(task)


class _Answer:
    """Frames for one hook."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    def frame(self, kind: bytes, data: bytes) -> None:
        if not self._writer.is_closing():
            self._writer.write(kind + len(data).to_bytes(4, "big") + data)

    def say(self, text: str) -> None:
        """Send lines to the pusher's terminal, without what could confuse one."""
        lines = printable(text).splitlines() or [""]
        self.frame(b"e", "".join(f"{line}\n" for line in lines).encode("utf-8"))


def printable(text: str) -> str:
    """Text that cannot steer a terminal: only printable characters and newlines are kept."""
    whole = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return "".join(
        c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in whole
    )


async def _read_head(reader: asyncio.StreamReader) -> dict[str, str]:
    length = int.from_bytes(await reader.readexactly(4), "big")
    if length > _LARGEST_HEAD:
        raise BadPacket(f"a head of {length} bytes")
    pairs = (item.partition(b"=") for item in (await reader.readexactly(length)).split(b"\0"))
    return {decode_path(key): decode_path(value) for key, _, value in pairs}


def _push(about: Mapping[str, str]) -> Push:
    quarantine = {key: value for key, value in about.items() if key.startswith("GIT_")}
    where = Path(about.get("cwd", ""))
    # Hooks run in the repository, and name their object directories relative to it.
    for key in ("GIT_QUARANTINE_PATH", "GIT_OBJECT_DIRECTORY"):
        if key in quarantine:
            quarantine[key] = str(where / quarantine[key])
    return Push(about.get("HEADGATE_PUSH", ""), where, quarantine)


def _update(line: bytes) -> RefUpdate:
    old, new, ref = line.split(b" ", 2)
    return RefUpdate(old.decode("ascii"), new.decode("ascii"), decode_path(ref))


def _report(result: CommandResult) -> bytes:
    if result.ok:
        return b"ok " + encode_path(result.ref)
    why = " ".join(printable(result.message).split())[:1000] or "refused"
    return b"ng " + encode_path(result.ref) + b" " + why.encode("utf-8")
