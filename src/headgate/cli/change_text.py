"""A change and its diff as lines of text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from headgate.cli.output import duration, moment, printable, table


def change_lines(view: dict[str, Any], url: str) -> list[str]:
    """What `headgate change show` prints: first what is decided, then why, then what was done."""
    change, revision = view["change"], view["revision"]
    owner = change["owner"]
    sponsor = f", sponsor {owner['sponsor']}" if owner["sponsor"] else ""
    reason = f": {printable(change['reason'])}" if change["reason"] else ""
    return [
        f"#{change['number']}  {printable(change['title'])}",
        f"{url}/changes/{change['number']}",
        "",
        f"state     {change['state']}{reason}",
        f"branch    {change['project']}:{printable(change['branch'])}",
        f"owner     {owner['name']} ({owner['kind']}{sponsor})",
        f"origin    {_origin(view['origin'])}",
        f"revision  {revision['number']}, {revision['head'][:12]} on {revision['base'][:12]},"
        f" {moment(revision['created'])}",
        *_verdict(view["verdict"]),
        *_list("missing", view["missing"]),
        *_relations(view),
        *_checks(view["checks"]),
        *_approvals(view["approvals"]),
        *_builds(view["builds"]),
        *_landing(view["landing"]),
        *_pipelines(view["pipelines"]),
        *_said(view["said"]),
    ]


def _pipelines(runs: list[dict[str, Any]]) -> Iterator[str]:
    if runs:
        yield ""
    for run in runs:
        reason = f": {printable(run['reason'])}" if run["reason"] else ""
        yield f"pipeline {run['pipeline']}  run {run['id']} {run['state']}{reason}"


def _said(said: list[dict[str, Any]]) -> Iterator[str]:
    if said:
        yield ""
    for one in said:
        yield f"{moment(one['time'])}  {printable(one['actor'])}: {printable(one['text'])}"


def _origin(origin: dict[str, Any]) -> str:
    parts = [origin["kind"]]
    if origin["grade"]:
        parts.append(f"grade {origin['grade']}")
    parts.extend(printable(origin[key]) for key in ("tool", "model") if origin[key])
    if origin["prompter"]:
        parts.append(f"prompted by {printable(origin['prompter'])}")
    return ", ".join(parts)


def _verdict(verdict: dict[str, Any] | None) -> Iterator[str]:
    if verdict is None:
        yield "verdict   not yet"
        return
    yield f"verdict   {verdict['kind']}, risk {verdict['tier']}"
    for text in verdict["reasons"]:
        yield f"          {printable(text)}"
    for text in verdict["factors"]:
        yield f"          risk: {printable(text)}"


def _list(head: str, texts: list[str]) -> Iterator[str]:
    for index, text in enumerate(texts):
        yield f"{head if index == 0 else '':<9} {printable(text)}"


def _relations(view: dict[str, Any]) -> Iterator[str]:
    for word, key in (("needs", "depends_on"), ("needed by", "dependents")):
        for other in view[key]:
            title = printable(other["title"])
            note = f" ({printable(other['note'])})" if other.get("note") else ""
            yield f"{word:<9} #{other['number']} {other['state']}  {title}{note}"
    for one in view["external"]:
        state = f"fulfilled, said by {one['by']['name']}" if one["satisfied"] else "not fulfilled"
        yield f"{'needs':<9} {printable(one['address'])}  {state}"


def _checks(checks: list[dict[str, Any]]) -> Iterator[str]:
    if checks:
        yield ""
    for check in checks:
        reason = f": {printable(check['reason'])}" if check["reason"] else ""
        advice = " (it only advises)" if check["advisory"] else ""
        yield f"check {check['check']}  {check['outcome']}{advice}{reason}"
        for finding in check["findings"]:
            yield from finding_lines(finding, "  ")


def finding_lines(finding: dict[str, Any], indent: str) -> Iterator[str]:
    """A finding with place, cause and remedy."""
    cwe = f" CWE-{finding['cwe']}" if finding["cwe"] else ""
    place = f"{printable(finding['path'])}:{finding['line']}:{finding['column']}"
    yield f"{indent}{place}  {finding['severity']}  {finding['rule']}{cwe}"
    yield f"{indent}  {printable(finding['message'])}"
    if finding["remedy"]:
        yield f"{indent}  remedy: {printable(finding['remedy'])}"


def _approvals(approvals: list[dict[str, Any]]) -> Iterator[str]:
    if approvals:
        yield ""
    for approval in approvals:
        state = "valid" if approval["valid"] else f"void: {printable(approval['void'])}"
        comment = f"  {printable(approval['comment'])}" if approval["comment"] else ""
        who = approval["approver"]["name"]
        yield f"approved by {who} for {approval['head'][:12]}  {state}{comment}"


def _builds(builds: dict[str, Any]) -> Iterator[str]:
    if builds["item"] is None:
        return
    yield ""
    item = builds["item"]
    reason = f": {printable(item['reason'])}" if item["reason"] else ""
    yield f"queue {item['queue']}  {item['state']}{reason}"
    for node in builds["nodes"][:3]:
        why = f": {printable(node['reason'])}" if node["reason"] else ""
        yield f"  future {node['id']} ({printable(node['assumed'])})  {node['state']}{why}"
        rows = [job_row(job) for job in node["jobs"]]
        if rows:
            yield from (f"    {line}" for line in table(JOB_HEAD, rows))


JOB_HEAD = ("RUN", "JOB", "STATE", "TIME", "WHY")


def job_row(job: dict[str, Any]) -> tuple[object, ...]:
    """A job run as cells of a table under JOB_HEAD."""
    voting = "" if job["voting"] else " (non-voting)"
    again = f" (attempt {job['attempt']})" if job["attempt"] > 1 else ""
    return (
        job["id"],
        f"{job['project']}/{job['job']}{again}{voting}",
        job["state"],
        duration(job["elapsed"]),
        job["reason"],
    )


def _landing(landing: dict[str, Any] | None) -> Iterator[str]:
    if landing is None:
        return
    same = "the tested tree" if landing["equal"] else "NOT the tested tree"
    yield ""
    yield (
        f"landed    {landing['commit'][:12]} on {landing['project']}:"
        f"{printable(landing['branch'])} at {moment(landing['time'])}, tree "
        f"{landing['landed_tree'][:12]} is {same}{_together(landing['together'])}"
    )


def _together(numbers: list[int]) -> str:
    return f", together with {', '.join(f'#{number}' for number in numbers)}" if numbers else ""


def diff_lines(diff: dict[str, Any]) -> Iterator[str]:
    """A unified diff, findings after their lines, marked by `!`."""
    if diff["problem"]:
        yield f"problem: {printable(diff['problem'])}"
    for file in diff["files"]:
        old = f" (was {printable(file['old_path'])})" if file["old_path"] else ""
        path = printable(file["path"])
        yield f"=== {path}{old}  {file['status']}, +{file['added']} -{file['deleted']}"
        if file["binary"]:
            yield "binary"
        for finding in file["unplaced"]:
            yield from finding_lines(finding, "! ")
        for hunk in file["hunks"]:
            old_at = f"-{hunk['old_start']},{hunk['old_lines']}"
            new_at = f"+{hunk['new_start']},{hunk['new_lines']}"
            yield f"@@ {old_at} {new_at} @@ {printable(hunk['heading'])}".rstrip()
            for line in hunk["lines"]:
                mark = {"add": "+", "del": "-"}.get(line["kind"], " ")
                text = "".join(piece[0] for piece in line["pieces"])
                yield mark + _kept(text)
                for finding in line["findings"]:
                    yield from finding_lines(finding, "! ")
        if file["truncated"]:
            yield "… the rest of this file is too long to show"
    for finding in diff["elsewhere"]:
        yield from finding_lines(finding, "! ")


def _kept(text: str) -> str:
    """A line of code: tabs stay."""
    return "\t".join(printable(part) for part in text.split("\t"))
