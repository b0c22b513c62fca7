"""`headgate findings`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from headgate.cli.client import connect, segment
from headgate.cli.output import emit, json_option, moment, printable, say, table

HEAD = ("RANK", "SEVERITY", "STATE", "PLACE", "RULE", "OWNER", "IDENTITY")
_STATES = ("open", "new", "reopened", "suppressed", "accepted", "fixed", "all")
_SEVERITIES = ("critical", "high", "medium", "low", "info")

IDENTITY = click.argument("identity")
BECAUSE = click.option(
    "--because", "reason", required=True, metavar="TEXT", help="Why, for everybody to read."
)


@click.group()
def findings() -> None:
    """List the findings of branches, silence or dispute them."""


@findings.command("list")
@click.argument("project", default="")
@click.option("--branch", default="", help="Of this branch only.")
@click.option("--state", type=click.Choice(_STATES), default="open", help="`open` by default.")
@click.option(
    "--suppressed",
    is_flag=True,
    help="Those that are silenced, and by what: a comment, a human, or the policy.",
)
@click.option("--severity", type=click.Choice(_SEVERITIES), default=None, help="The least.")
@click.option("--rule", default="", help="Of this rule only.")
@click.option("--owner", default="", help="Of this owner only.")
@click.option("--path", "text", default="", help="Where the path has this text.")
@click.option("--page", type=click.IntRange(1), default=1, help="Fifty a page, by rank.")
@json_option
def list_(
    project: str,
    branch: str,
    state: str,
    suppressed: bool,
    severity: str | None,
    rule: str,
    owner: str,
    text: str,
    page: int,
) -> None:
    """List findings, those first that deserve it most."""
    if suppressed:
        state = "suppressed"
    query = {
        "project": project,
        "branch": branch,
        "state": state,
        "severity": severity or "",
        "rule": rule,
        "owner": owner,
        "q": text,
        "page": str(page),
    }
    answer = connect().get("/findings.json", {k: v for k, v in query.items() if v})
    if project and project not in answer["projects"]:
        say(f"There is no project {project} that you may read; see `headgate project list`.")
    rows = [
        (
            f["rank"], f["severity"], f["state"], f"{f['path']}:{f['line']}", f["rule"],
            f["owner"], f["identity"][:12],
        )
        for f in answer["findings"]
    ]  # fmt: skip
    head: tuple[str, ...] = HEAD
    if suppressed:
        head = (*HEAD[:-1], "BY", "BECAUSE", HEAD[-1])
        rows = [
            (*row[:-1], f["silenced_by"], printable(f["reason"]), row[-1])
            for row, f in zip(rows, answer["findings"], strict=True)
        ]
    lines = table(head, rows) if rows else ["No finding fits."]
    lines += [
        f"{printable(f['path'])}:{f['line']}: the suppression at "
        f"{printable(f['lapsed'])} has ended."
        for f in answer["findings"]
        if f["lapsed"]
    ]
    if answer["pages"] > 1:
        lines.append(f"Page {answer['page']} of {answer['pages']}, {answer['total']} in all.")
    emit(answer, *lines)


@findings.command()
@IDENTITY
@json_option
def show(identity: str) -> None:
    """Show one finding: its trace over the code, its rank, and what was said of it."""
    answer = connect().get(f"/findings/{segment(identity)}.json")
    emit(answer, *_lines(answer))


def _lines(answer: dict[str, Any]) -> Iterator[str]:
    f = answer["finding"]
    cwe = f" (CWE-{f['cwe']})" if f["cwe"] else ""
    yield f"{printable(f['path'])}:{f['line']}  {f['severity']}  {f['rule']}{cwe}  {f['state']}"
    yield f"{printable(f['title'])}. {printable(f['message'])}"
    if f["reason"]:
        yield f"{f['state']} by {printable(f['silenced_by'])} because {printable(f['reason'])}"
    if f["lapsed"]:
        yield f"The suppression at {printable(f['lapsed'])} has ended."
    for step in answer["steps"]:
        yield ""
        yield f"{step['role']}  {printable(step['path'])}:{step['line']}  {printable(step['text'])}"
        width = len(str(step["code"][-1]["number"])) if step["code"] else 1
        for line in step["code"]:
            mark = ">" if line["marked"] else " "
            yield f"{mark} {line['number']:>{width}} | {printable(line['text'])}"
    yield ""
    if f["remedy"]:
        yield f"Remedy: {printable(f['remedy'])}"
    rank = answer["rank"]
    factors = ", ".join(f"{one['why']} {one['points']}" for one in rank["factors"] if one["points"])
    yield f"Rank {rank['score']}: {factors}"
    owner = f"{printable(f['owner'])} (by {f['owner_source']})" if f["owner"] else "unknown"
    yield f"Owner {owner}; first seen {moment(f['first_seen'])}, last {moment(f['last_seen'])}"
    branches = ", ".join(f"{printable(b['branch'])} {b['state']}" for b in answer["branches"])
    yield f"Branches: {branches}"
    for act in answer["acts"]:
        held = "" if act["holds"] else " (ended)"
        until = f" until {moment(act['expires'])}" if act["expires"] else ""
        yield f"{act['kind']} by {act['by']['name']}{until}{held}: {printable(act['reason'])}"
    yield f"Identity {f['identity']}"


@findings.command()
@IDENTITY
@BECAUSE
@click.option("--until", default="", metavar="DATE", help="The last day; at most a year away.")
@click.option("--accept", is_flag=True, help="It is real, and the risk is taken.")
@json_option
def suppress(identity: str, reason: str, until: str, accept: bool) -> None:
    """Silence a finding for a time; it comes back when that has passed."""
    body = {"reason": reason, "until": until, "as": "accepted" if accept else "suppressed"}
    answer = connect().post(f"/api/findings/{segment(identity)}/suppress", body)
    act = answer["act"]
    done = "accepted" if accept else "suppressed"
    emit(answer, f"{act['finding'][:12]} is {done} until {moment(act['expires'])}.")


@findings.command()
@IDENTITY
@BECAUSE
@json_option
def dispute(identity: str, reason: str) -> None:
    """Say that a finding is false; it counts in the record of its rule."""
    answer = connect().post(f"/api/findings/{segment(identity)}/dispute", {"reason": reason})
    act = answer["act"]
    told = f"{act['finding'][:12]} is disputed, and counts against {act['rule']}."
    if not act["silences"]:
        told = f"{act['finding'][:12]} is disputed; a human who may approve decides."
    emit(answer, told)


@findings.command()
@IDENTITY
@BECAUSE
@json_option
def reopen(identity: str, reason: str) -> None:
    """End what silences a finding."""
    answer = connect().post(f"/api/findings/{segment(identity)}/reopen", {"reason": reason})
    emit(answer, f"{identity[:12]} is open again.")


@findings.command()
@click.argument("project")
@click.option("--branch", default="", help="By default the project's own.")
@json_option
def scan(project: str, branch: str) -> None:
    """Scan the whole tree of a branch soon, whatever landed since."""
    answer = connect().post(f"/api/projects/{segment(project)}/scan", {"branch": branch or None})
    emit(answer, f"{answer['branch']} of {project} is being scanned; see `headgate findings list`.")


@findings.command()
@json_option
def rules() -> None:
    """Show the record of every rule: how often it was right here."""
    answer = connect().get("/rules.json")
    rows = [
        (
            r["rule"], r["open"], r["fixed"], r["accepted"], r["suppressed"], r["disputed"],
            "" if r["precision"] is None else f"{100 * r['precision']:.0f} %",
        )
        for r in answer["rules"]
    ]  # fmt: skip
    head = ("RULE", "OPEN", "FIXED", "ACCEPTED", "SUPPRESSED", "DISPUTED", "RIGHT")
    emit(answer, *(table(head, rows) if rows else ["No rule has found anything yet."]))
