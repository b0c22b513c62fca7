"""Git's pkt-line framing: four hexadecimal digits of length, then the line."""

from __future__ import annotations

import asyncio

FLUSH = b"0000"
_MOST = 65516


class BadPacket(ValueError):
    """What was read is no pkt-line."""


def packet(line: bytes) -> bytes:
    """Frame one line. Raises ValueError when it is too long."""
    if len(line) > _MOST:
        raise ValueError(f"a pkt-line holds {_MOST} bytes, not {len(line)}")
    return f"{len(line) + 4:04x}".encode("ascii") + line


async def read_packet(reader: asyncio.StreamReader) -> bytes | None:
    """Read one line, without a newline at its end; None for a flush packet.

    Raises BadPacket, and IncompleteReadError at the end of the stream.
    """
    head = await reader.readexactly(4)
    try:
        length = int(head, 16)
    except ValueError:
        raise BadPacket(f"{head!r} is no length") from None
    if length == 0:
        return None
    if length < 4:
        raise BadPacket(f"{head!r} is no packet for a hook")
    return (await reader.readexactly(length - 4)).removesuffix(b"\n")


async def read_section(reader: asyncio.StreamReader) -> list[bytes]:
    """Read lines up to a flush packet."""
    lines: list[bytes] = []
    while (line := await read_packet(reader)) is not None:
        lines.append(line)
    return lines
