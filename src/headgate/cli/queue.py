"""`headgate queue`."""

from __future__ import annotations

import sys
from typing import Any

import click

from headgate.cli.client import Client, connect, segment
from headgate.cli.main import Run
from headgate.cli.output import current, duration, emit, json_option, printable, table
from headgate.model.errors import NotFound

HEAD = ("PLACE", "CHANGE", "STATE", "BRANCH", "OWNER", "JOBS", "WAITED", "TITLE")


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def queue(ctx: click.Context) -> None:
    """Watch the queues, freeze them, promote what waits.

    On a terminal the board moves until Ctrl-C; in a pipe it is printed once.
    """
    ctx.ensure_object(Run)
    if ctx.invoked_subcommand is None:
        _watch("")


@queue.command()
@click.argument("name", default="")
@json_option
def show(name: str) -> None:
    """Watch one queue, or all of them."""
    _watch(name)


@queue.command()
@click.argument("name")
@click.option("--reason", required=True, help="Why, for everybody to read.")
@json_option
def freeze(name: str, reason: str) -> None:
    """Let nothing land from a queue until it is thawed."""
    answer = connect().post(f"/api/queues/{segment(name)}/freeze", {"reason": reason})
    emit(answer, f"Queue {name} is frozen; `headgate queue thaw {name}` lets it land again.")


@queue.command()
@click.argument("name")
@json_option
def thaw(name: str) -> None:
    """Let a frozen queue land again."""
    answer = connect().post(f"/api/queues/{segment(name)}/thaw")
    emit(answer, f"Queue {name} is {answer['queue']['state']}.")


NUMBER = click.argument("number", type=click.IntRange(1))


@queue.command()
@NUMBER
@json_option
def why(number: int) -> None:
    """Say what a change waits for, which futures were built for it, and why it left."""
    from headgate.cli.queue_why import explanation, why_lines

    found = explanation(connect().get(f"/changes/{number}.json"))
    emit(found, *why_lines(found))


@queue.command()
@NUMBER
@json_option
def promote(number: int) -> None:
    """Put a change before all others of its queue."""
    _on_change(number, "promote", {}, "is first in its queue")


@queue.command()
@NUMBER
@json_option
def dequeue(number: int) -> None:
    """Take a change out of its queue; `headgate change enqueue` lets it in again."""
    _on_change(number, "dequeue", {}, "is out of its queue")


@queue.command()
@NUMBER
@click.option("--reason", default="", help="Why, for everybody to read.")
@json_option
def hold(number: int, reason: str) -> None:
    """Let a change keep its place, and go no further until it is released."""
    _on_change(number, "pause", {"reason": reason or None}, "is held in its place")


@queue.command()
@NUMBER
@json_option
def release(number: int) -> None:
    """Let a change that is held in its place go on."""
    _on_change(number, "resume", {}, "goes on")


def _on_change(number: int, action: str, body: dict[str, Any], what: str) -> None:
    client = connect()
    answer = client.post(f"/api/changes/{number}/{action}", body)
    emit(answer, f"Change {number} {what}.", f"{client.target.url}/changes/{number}")


def read_board(client: Client, name: str) -> dict[str, Any]:
    """The board, or one queue of it. Raises NotFound."""
    if name:
        return client.get(f"/queues/{segment(name)}.json")
    return client.get("/queues.json")


def _watch(name: str) -> None:
    client = connect()
    board = read_board(client, name)
    if name and not board["queues"]:
        raise NotFound(f"There is no queue {name}.", "See `headgate queue`.")
    if current().json or not sys.stdout.isatty():
        emit(board, *board_lines(board))
        return
    from headgate.cli.queue_live import watch

    watch(client, name, board)


def pace(queue: dict[str, Any]) -> str:
    """How much of a queue is tested at once."""
    slots = queue.get("slots")
    return f"lanes, slots {slots}" if slots else f"window {queue['window']}"


def board_lines(board: dict[str, Any]) -> list[str]:
    """The board as plain text."""
    lines: list[str] = []
    for shown in board["queues"]:
        frozen = f", frozen: {printable(shown['reason'])}" if shown["state"] == "frozen" else ""
        lines.append(f"queue {shown['name']}  {pace(shown)}{frozen}")
        if shown["items"]:
            lines += table(HEAD, [item_row(item) for item in shown["items"]])
            lines += [
                f"  #{item['change']} {item['state']}: {printable(item['reason'])}"
                for item in shown["items"]
                if item["change"] is not None and item["reason"]
            ]
        else:
            lines.append("nothing waits")
        for item in shown["finished"][:5]:
            why = f": {printable(item['reason'])}" if item["reason"] else ""
            lines.append(f"  #{item['change']} {item['state']}{why}  {printable(item['title'])}")
        lines.append("")
    if not lines:
        return ["There is no queue yet; `headgate project add` makes the first."]
    return lines[:-1]


def item_row(item: dict[str, Any]) -> tuple[object, ...]:
    """An item as cells under HEAD; one of a project that may not be read shows its place only."""
    if item["change"] is None:
        return (item["position"], "", item["state"], "", "", "", "", "(not yours to read)")
    return (
        item["position"],
        f"#{item['change']}",
        state_of(item),
        f"{item['project']}:{item['branch']}",
        item["owner"]["name"],
        f"{item['jobs_done']}/{item['jobs_total']}" if item["jobs_total"] else "",
        duration(item["waited"]),
        item["title"],
    )


def state_of(item: dict[str, Any]) -> str:
    """State, with a note of a few words; a reason has a line of its own below the table."""
    note = item["note"]
    return f"{item['state']} ({printable(note)})" if note else str(item["state"])
