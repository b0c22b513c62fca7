"""Streams: content at once, updates when something happens, and an end when it is time."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from pages_serving import serving
from pages_story import Story
from pages_world import World

from headgate.model.job import RunState
from headgate.server.pages.live import Pulse, Shared, follow
from headgate.server.pages.logs import whole_part
from headgate.server.pages.stream import message


@contextmanager
def listening(address: str, headers: dict[str, str] | None = None) -> Iterator[Iterator[str]]:
    """The events of a stream, one text each."""
    with (
        httpx.Client(timeout=10) as client,
        client.stream("GET", address, headers=headers) as stream,
    ):
        assert stream.status_code == 200
        assert stream.headers["content-type"].startswith("text/event-stream")

        def events() -> Iterator[str]:
            lines: list[str] = []
            for line in stream.iter_lines():
                if line:
                    lines.append(line)
                elif lines:
                    yield "\n".join(lines)
                    lines = []

        yield events()


def test_the_board_moves_when_a_job_ends(story: Story) -> None:
    with serving(story.world, story.ada) as url, listening(f"{url}/live?queue=main") as events:
        begun = time.monotonic()
        first = next(events)
        assert time.monotonic() - begun < 1.0
        assert 'data-state="running"' in first
        assert "Escape lazily" in first
        begun = time.monotonic()
        story.finish(6)  # type: ignore[arg-type]
        second = next(events)
        assert 0.05 < time.monotonic() - begun < 1.5
        assert second != first


def test_a_burst_of_events_becomes_few_updates(story: Story) -> None:
    with serving(story.world, story.ada) as url, listening(f"{url}/live") as events:
        next(events)
        for n in range(60):
            story.world.event("test.noise", "queue/main", number=n)
        story.finish(6)  # type: ignore[arg-type]
        got = 0
        deadline = time.monotonic() + 5
        for _ in events:
            got += 1
            with story.world.db.read() as tx:
                done = tx.builds.run(6).state is RunState.PASSED  # type: ignore[arg-type]
            if done:
                break
            assert time.monotonic() < deadline
        assert got <= 10


def test_a_change_page_follows_its_change(story: Story) -> None:
    with serving(story.world, story.ada) as url, listening(f"{url}/live?change=7") as events:
        assert "queued" in next(events)
        with story.world.db.read() as tx:
            item = tx.items.live_of(7)  # type: ignore[arg-type]
        assert item is not None
        story.eject(item.id, "the tests failed")
        assert "the tests failed" in next(events)


def test_a_log_streams_until_its_job_ends_and_goes_on_after_a_break(story: Story) -> None:
    log = story.world.log_path(4)  # type: ignore[arg-type]
    with story.world.db.read() as tx:
        running = next(r for r in tx.builds.unfinished() if r.state is RunState.RUNNING)
    log = story.world.log_path(running.id)
    log.write_bytes("erste Zeile äöü\nhalf a li".encode())
    with serving(story.world, story.ada) as url:
        address = f"{url}/jobs/{running.id}/live"
        with listening(address) as events:
            assert "job-status" in next(events)
            event = next(events)
            assert "data: erste Zeile äöü" in event
            assert "half" not in event, "a line is shown once it is whole"
            offset = next(line for line in event.split("\n") if line.startswith("id: "))[4:]
        with log.open("ab") as file:
            file.write(b"ne <b>\n")
        with listening(address, {"Last-Event-ID": offset}) as events:
            next(events)
            event = next(events)
            assert "data: half a line &lt;b&gt;" in event
            assert "erste" not in event
            with log.open("ab") as file:
                file.write(b"the end, without a newline")
            story.finish(running.id)
            rest = list(events)
        assert any("the end, without a newline" in e for e in rest)
        assert any("passed" in e for e in rest)
        assert rest[-1].startswith("event: done")


def test_streams_end_when_the_server_stops_and_when_the_reader_leaves(story: Story) -> None:
    world: World = story.world
    ended: list[float] = []
    with serving(world, story.ada) as url:
        with listening(f"{url}/live") as events:
            next(events)
        got = threading.Event()

        def stay() -> None:
            with listening(f"{url}/live") as events:
                next(events)
                got.set()
                for _ in events:
                    pass
            ended.append(time.monotonic())

        thread = threading.Thread(target=stay)
        thread.start()
        assert got.wait(5)
        stopping = time.monotonic()
    thread.join(5)
    assert ended
    assert ended[0] - stopping < 1.0


async def test_readers_that_leave_are_forgotten(world: World) -> None:
    pulse = Pulse(world.db)
    rendered: list[int] = []

    def render() -> str:
        rendered.append(len(rendered))
        return f"<p>{len(rendered)}</p>"

    stream = follow(pulse, render, heartbeat=0.05)
    assert b"<p>1</p>" in await anext(stream)
    assert pulse.readers == 1
    assert await anext(stream) == b": beat\n\n", "silence is filled, so that the dead are noticed"
    await asyncio.to_thread(world.event, "test.happened", "queue/main")
    while b"<p>2</p>" not in await anext(stream):
        pass
    await stream.aclose()  # type: ignore[attr-defined]
    assert pulse.readers == 0
    world.event("test.happened", "queue/main")
    await asyncio.sleep(0.01)
    assert rendered == [0, 1]


def test_what_many_see_is_rendered_once() -> None:
    now = [0.0]
    made: list[str] = []

    def render() -> str:
        made.append("x")
        return str(len(made))

    shared = Shared(lambda: now[0])
    assert [shared.get("main", 1, render) for _ in range(3)] == ["1", "1", "1"]
    assert shared.get("other", 1, render) == "2"
    assert shared.get("main", 2, render) == "3"
    now[0] = 60.0
    assert shared.get("main", 2, render) == "4"


@pytest.mark.parametrize(
    ("html", "sent"),
    [
        ("a\nb", b"id: 7\ndata: a\ndata: b\n\n"),
        ("a\r\n\nevent: x", b"id: 7\ndata: a\ndata: \ndata: event: x\n\n"),
    ],
)
def test_no_content_can_end_its_event(html: str, sent: bytes) -> None:
    assert message(html, id="7") == sent


def test_a_very_long_line_is_cut_between_characters() -> None:
    data = b"x" + "ä".encode() * 40_000
    part = whole_part(data[: 64 * 1024], final=False)
    assert part
    part.decode("utf-8")
    assert whole_part(b"no end", final=False) == b""
    assert whole_part(b"no end", final=True) == b"no end"
