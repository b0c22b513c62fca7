"""`headgate project`."""

from __future__ import annotations

from pathlib import Path

import click

from headgate.cli.client import connect, segment
from headgate.cli.output import emit, json_option, moment, printable, table


@click.group()
def project() -> None:
    """Add projects and look at them."""


@project.command()
@click.argument("name")
@click.option("--from", "source", default="", help="Address or path of a repository to copy.")
@click.option("--branch", default="", help="Default branch; by default that of the source.")
@json_option
def add(name: str, source: str, branch: str) -> None:
    """Begin gating a repository: an empty one, or a copy."""
    if source and "://" not in source and Path(source).exists():
        source = str(Path(source).absolute())  # the server's working directory is another
    body = {"name": name, "source": source or None, "branch": branch or None}
    answer = connect().post("/api/projects", body)
    added = answer["project"]
    emit(
        answer,
        f"Project {added['name']} is gated; its branch is {printable(added['default_branch'])}.",
        f"Push a change: git push {added['git']} HEAD:refs/for/{added['default_branch']}",
    )


@project.command("list")
@json_option
def list_() -> None:
    """List the projects that you may read."""
    answer = connect().get("/projects.json")
    rows = [
        (p["name"], p["default_branch"], p["open"], ", ".join(p["queues"]), p["url"])
        for p in answer["projects"]
    ]
    emit(answer, *table(("PROJECT", "BRANCH", "OPEN", "QUEUES", "ADDRESS"), rows))


@project.command()
@click.argument("name")
@json_option
def show(name: str) -> None:
    """Show a project: its branches, queues and newest changes."""
    answer = connect().get(f"/projects/{segment(name)}.json")
    shown = answer["project"]
    lines = [
        f"{shown['name']}  {shown['url']}",
        f"added {moment(shown['created'])}"
        + (f" from {printable(shown['source'])}" if shown["source"] else ""),
    ]
    if answer["problem"]:
        lines.append(f"problem: {printable(answer['problem'])}")
    branches = [(b["name"], b["commit"][:12]) for b in answer["branches"]]
    lines += ["", *table(("BRANCH", "COMMIT"), branches)]
    changes = [
        (f"#{c['number']}", c["state"], c["owner"]["name"], c["title"]) for c in answer["changes"]
    ]
    if changes:
        lines += ["", *table(("CHANGE", "STATE", "OWNER", "TITLE"), changes)]
    emit(answer, *lines)
