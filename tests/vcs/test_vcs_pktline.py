"""The framing that hooks and git use between them."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.vcs.hosting.pktline import FLUSH, BadPacket, packet, read_packet, read_section


async def section(data: bytes) -> list[bytes]:
    reader = asyncio.StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    return await read_section(reader)


@given(st.lists(st.binary(max_size=200)))
def test_what_is_framed_is_read_again(lines: list[bytes]) -> None:
    framed = b"".join(packet(line) for line in lines) + FLUSH
    wanted = [line.removesuffix(b"\n") for line in lines]
    assert asyncio.run(section(framed)) == wanted


@pytest.mark.parametrize("data", [b"zzzz", b"0001", b"0002", b"-001"])
async def test_nonsense_is_no_packet(data: bytes) -> None:
    with pytest.raises(BadPacket):
        await section(data)


async def test_a_stream_that_ends_early_is_noticed() -> None:
    reader = asyncio.StreamReader()
    reader.feed_data(b"0010abc")
    reader.feed_eof()
    with pytest.raises(asyncio.IncompleteReadError):
        await read_packet(reader)


def test_a_line_can_be_too_long() -> None:
    with pytest.raises(ValueError, match="65516 bytes"):
        packet(b"x" * 65517)
