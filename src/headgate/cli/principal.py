"""`headgate principal`, and its shorter ways `headgate human` and `headgate agent`."""

from __future__ import annotations

from typing import Any

import click

from headgate.cli.client import connect, segment
from headgate.cli.output import emit, json_option, printable, table


@click.group()
def principal() -> None:
    """Humans, agents and services."""


@click.group()
def human() -> None:
    """Add humans and look at them."""


@click.group()
def agent() -> None:
    """Add agents and look at them."""


@click.command()
@click.argument("name")
@click.option("--display", default="", help="The name that people read.")
@click.option("--email", default="", help="As in the human's commits.")
@json_option
def add_human(name: str, display: str, email: str) -> None:
    """Add a human."""
    body = {"name": name, "display": display or None, "email": email or None}
    answer = connect().post("/api/humans", body)
    emit(
        answer,
        f"Human {name} is known now.",
        f"Next: headgate token issue {name}, or headgate signin-link {name}",
    )


@click.command()
@click.argument("name")
@click.option("--sponsor", required=True, help="Name of the human who answers for the agent.")
@click.option("--display", default="", help="The name that people read.")
@json_option
def add_agent(name: str, sponsor: str, display: str) -> None:
    """Add an agent, bound to the human who answers for it."""
    body = {"name": name, "sponsor": sponsor, "display": display or None}
    answer = connect().post("/api/agents", body)
    emit(
        answer,
        f"Agent {name} is known now; {sponsor} answers for it.",
        f"Next: headgate token issue {name}",
    )


def _listed(kind: str) -> None:
    answer = connect().get("/principals.json")
    people: list[dict[str, Any]] = [
        p for p in answer["principals"] if not kind or p["kind"] == kind
    ]
    rows = [
        (
            p["name"],
            p["kind"],
            p["sponsor"] or "",
            ", ".join(p["groups"]),
            printable(p["display"]),
            "disabled" if p["disabled"] else "",
        )
        for p in people
    ]
    head = ("NAME", "KIND", "SPONSOR", "GROUPS", "DISPLAY", "STATE")
    emit({"principals": people}, *table(head, rows))


@click.command("list")
@json_option
def list_all() -> None:
    """List everybody who can act."""
    _listed("")


@click.command("list")
@json_option
def list_humans() -> None:
    """List humans."""
    _listed("human")


@click.command("list")
@json_option
def list_agents() -> None:
    """List agents and their sponsors."""
    _listed("agent")


@click.command()
@click.argument("name")
@json_option
def disable(name: str) -> None:
    """End a principal's rights at once; its history stays."""
    answer = connect().post(f"/api/principals/{segment(name)}/disable")
    emit(answer, f"{name} is disabled; its tokens and sessions count no more.")


principal.add_command(add_human, "add-human")
principal.add_command(add_agent, "add-agent")
principal.add_command(list_all)
principal.add_command(disable)
human.add_command(add_human, "add")
human.add_command(list_humans)
human.add_command(disable)
agent.add_command(add_agent, "add")
agent.add_command(list_agents)
agent.add_command(disable)
