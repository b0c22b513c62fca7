"""The board on a terminal, redrawn whenever something happens."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import Any

from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from headgate.cli.client import Client
from headgate.cli.output import duration, printable
from headgate.cli.queue import pace, read_board
from headgate.model.errors import HeadgateError

STYLES = {
    "landing": "bold green",
    "passed": "green",
    "testing": "cyan",
    "starting": "cyan",
    "failing": "bold red",
    "conflict": "bold red",
    "broken": "bold red",
    "waiting": "dim",
    "landed": "green",
    "ejected": "red",
    "withdrawn": "dim",
}
AT_MOST_EVERY = 0.1
"""Seconds between two drawings while much happens."""
AT_LEAST_EVERY = 2.0
"""Seconds between two drawings while nothing happens: times go on, and a lost event is found."""


def watch(client: Client, name: str, board: dict[str, Any]) -> None:
    """Draw the board until Ctrl-C, which raises KeyboardInterrupt as everywhere."""
    woken = threading.Event()
    listener = threading.Thread(target=listen, args=(client, woken), daemon=True)
    listener.start()
    problem = ""
    with Live(draw(board, problem), auto_refresh=False, transient=False) as live:
        while True:
            woken.wait(AT_LEAST_EVERY)
            woken.clear()
            try:
                board, problem = read_board(client, name), ""
            except HeadgateError as error:
                problem = str(error)
            live.update(draw(board, problem), refresh=True)
            time.sleep(AT_MOST_EVERY)


def listen(client: Client, woken: threading.Event) -> None:
    """Wake the drawing at every message of the server's stream of events."""
    while True:
        with (
            contextlib.suppress(HeadgateError),  # the drawing says what is wrong
            client.stream("/live", accept="text/event-stream", timeout=60) as stream,
        ):
            for line in stream.lines():
                if line.startswith(b"data:"):
                    woken.set()
        time.sleep(1.0)


def draw(board: dict[str, Any], problem: str) -> RenderableType:
    """The board as something that rich prints."""
    parts: list[RenderableType] = []
    for queue in board["queues"]:
        parts.extend(_queue(queue))
    if not board["queues"]:
        parts.append(Text("There is no queue yet.", style="dim"))
    slots = board["slots"]
    foot = f"{slots['busy']} of {slots['total']} slots busy · Ctrl-C leaves"
    parts.append(Text(problem, style="bold red") if problem else Text(foot, style="dim"))
    return Group(*parts)


def _queue(queue: dict[str, Any]) -> list[RenderableType]:
    title = Text(f"{queue['name']}", style="bold")
    title.append(f"  {pace(queue)}", style="dim")
    if queue["state"] == "frozen":
        title.append(f"  FROZEN {printable(queue['reason'])}", style="bold red")
    table = Table(box=None, pad_edge=False, show_header=False, expand=False)
    for _ in range(5):
        table.add_column(overflow="ellipsis", no_wrap=True)
    for item in queue["items"]:
        if item["change"] is None:
            table.add_row(str(item["position"]), "", Text("not yours to read", "dim"), "", "")
            continue
        table.add_row(
            str(item["position"]),
            f"#{item['change']}",
            Text(item["state"], STYLES.get(item["state"], "")),
            _progress(item),
            Text(f"{printable(item['title'])}  {item['project']} · {item['owner']['name']}"),
        )
    parts: list[RenderableType] = [title, table if queue["items"] else Text("  empty", "dim")]
    for item in queue["finished"][:5]:
        line = Text(f"  #{item['change']} ")
        line.append(item["state"], STYLES.get(item["state"], ""))
        why = f" {printable(item['reason'])}" if item["reason"] else ""
        line.append(f"  {printable(item['title'])}{why}", "dim")
        line.truncate(200)
        parts.append(line)
    parts.append(Text(""))
    return parts


def _progress(item: dict[str, Any]) -> Text:
    text = Text()
    for job in item["jobs"]:
        mark, style = {
            "passed": ("●", "green"),
            "running": ("◐", "cyan"),
            "queued": ("○", "dim"),
            "skipped": ("–", "dim"),
            "cancelled": ("–", "dim"),
        }.get(job["state"], ("●", "red"))
        text.append(mark, style)
    if item["jobs"]:
        text.append(f" {item['jobs_done']}/{item['jobs_total']}", "dim")
    text.append(f" {duration(item['waited'])}", "dim")
    return text
