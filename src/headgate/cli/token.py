"""`headgate token`."""

from __future__ import annotations

import sys
import time

import click

from headgate.cli.client import connect, segment
from headgate.cli.output import current, emit, json_option, moment, table


@click.group()
def token() -> None:
    """Issue, list and revoke tokens."""


@token.command()
@click.argument("name")
@click.option("--days", type=click.IntRange(1, 36500), help="How long it is valid.")
@click.option("--label", default="", help="What it is for.")
@json_option
def issue(name: str, days: int | None, label: str) -> None:
    """Issue a token for NAME; it is shown this once, on standard output."""
    body = {"label": label or None, "days": days}
    answer = connect().post(f"/api/principals/{segment(name)}/tokens", body)
    until = f"valid for {days} days" if days else "valid until it is revoked"
    if not current().json:
        print(f"Token for {name}, {until}. It is not shown again:", file=sys.stderr, flush=True)
        print(answer["token"])
        return
    emit(answer, f"Token for {name}, {until}.")


@token.command("list")
@click.argument("name", default="")
@json_option
def list_(name: str) -> None:
    """List tokens without their secrets: your own, or everybody's if you administer."""
    answer = connect().get("/api/tokens", {"principal": name})
    now = time.time()

    def state(row: dict[str, float | None]) -> str:
        if row["revoked"] is not None:
            return "revoked"
        expires = row["expires"]
        return "expired" if expires is not None and expires <= now else "valid"

    rows = [
        (
            t["id"],
            t["principal"],
            state(t),
            t["label"],
            moment(t["created"]),
            moment(t["expires"]) or "never",
        )
        for t in answer["tokens"]
    ]
    emit(answer, *table(("ID", "PRINCIPAL", "STATE", "LABEL", "ISSUED", "EXPIRES"), rows))


@token.command()
@click.argument("id", type=click.IntRange(1))
@json_option
def revoke(id: int) -> None:
    """Revoke the token with this number, at once."""
    answer = connect().post(f"/api/tokens/{id}/revoke")
    emit(answer, f"Token {id} is revoked.")
