"""What a change waits for in its queue, which futures were built for it, and why it left."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from headgate.cli.change_text import JOB_HEAD, job_row
from headgate.cli.output import printable, table

_RED = frozenset({"failed", "timed out"})

_SHOWN = 12
"""So many changes that can affect each other are named; one to headgate.toml affects all."""


def explanation(view: dict[str, Any]) -> dict[str, Any]:
    """The answer of `queue why` as an object, made of a change's page."""
    change, builds = view["change"], view["builds"]
    item = builds["item"]
    waits = [
        {"change": other["number"], "state": other["state"], "title": other["title"]}
        for other in view["depends_on"]
        if other["state"] != "landed"
    ]
    waits += [
        {"address": one["address"], "state": "not fulfilled"}
        for one in view["external"]
        if not one["satisfied"]
    ]
    nodes: list[dict[str, Any]] = builds["nodes"]
    decisive = next((node for node in nodes if node["state"] != "dropped"), None)
    runs: list[dict[str, Any]] = [] if decisive is None else decisive["jobs"]
    passed = decisive is not None and decisive["state"] == "passed"
    evidence = [
        {"run": run["id"], "project": run["project"], "job": run["job"], "state": run["state"]}
        for run in runs
        if passed or run["state"] in _RED
    ]
    return {
        "change": change["number"],
        "state": change["state"],
        "reason": change["reason"],
        "queue": None if item is None else item["queue"],
        "item": None if item is None else {k: item[k] for k in ("state", "reason")},
        "waits_for": waits,
        "lanes": view["lanes"],
        "futures": nodes,
        "more_futures": builds["more"],
        "evidence": evidence,
    }


def why_lines(found: dict[str, Any]) -> Iterator[str]:
    """The same in words."""
    reason = f": {printable(found['reason'])}" if found["reason"] else ""
    yield f"#{found['change']} is {found['state']}{reason}"
    item = found["item"]
    if item is None:
        yield "It has never been in a queue."
    else:
        told = f": {printable(item['reason'])}" if item["reason"] else ""
        yield f"queue {found['queue']}  {item['state']}{told}"
    for other in found["waits_for"]:
        named = f"#{other['change']}" if "change" in other else printable(other["address"])
        yield f"waits for {named}, which is {other['state']}"
    yield from _lanes(found["lanes"])
    if found["futures"]:
        yield ""
        yield "Futures, the newest first:"
    for node in found["futures"]:
        why = f": {printable(node['reason'])}" if node["reason"] else ""
        yield f"  future {node['id']} ({printable(node['assumed'])})  {node['state']}{why}"
        if node["together"]:
            others = ", ".join(f"#{number}" for number in node["together"])
            yield f"    {'in one build' if node['trial'] else 'together'} with {others}"
        yield from _trial(node["trial"])
        yield from (f"    {line}" for line in _runs(node))
    if found["more_futures"]:
        yield f"  and {found['more_futures']} before these"
    if found["evidence"]:
        runs = ", ".join(str(run["run"]) for run in found["evidence"])
        yield ""
        yield (
            f"Evidence: job run{'s' if len(found['evidence']) > 1 else ''} {runs}; "
            f"`headgate job log {found['evidence'][0]['run']}`"
        )


def _lanes(lanes: dict[str, Any] | None) -> Iterator[str]:
    """What its queue of lanes makes of it."""
    if lanes is None:
        return
    if lanes["waits"]:
        yield f"not tested now: {printable(lanes['waits'])}"
    if lanes["chance"]:
        parts = ", ".join(f"{printable(r['feature'])} {r['weight']:+.2f}" for r in lanes["because"])
        because = f" ({parts})" if parts else ""
        yield f"expected to pass with {lanes['chance']:.0%}{because}"
    # Those that it waits for say more than those that wait for it.
    beside = sorted(lanes["beside"], key=lambda other: not other["ahead"])
    for other in beside[:_SHOWN]:
        place = "ahead of it" if other["ahead"] else "behind it"
        how = printable(other["why"])
        yield f"can affect #{other['change']} {place}, or be affected: {how}"
    if len(beside) > _SHOWN:
        ahead = sum(other["ahead"] for other in beside[_SHOWN:])
        more = len(beside) - _SHOWN
        yield f"and {more} more, {ahead} of them ahead of it; `--json` names them all"
    if lanes["hidden"]:
        yield f"and {lanes['hidden']} more in projects that you may not read"
    if not lanes["beside"] and not lanes["hidden"]:
        yield "nothing else in the queue can affect it"


def _trial(trial: dict[str, Any] | None) -> Iterator[str]:
    """How a future of a queue of lanes was tested."""
    if trial is None:
        return
    if trial["purpose"] == "confirmation":
        yield "    a confirmation: others had landed since it was tested"
    if trial["reused"]:
        runs = ", ".join(str(run) for run in trial["reused"])
        yield f"    nothing had changed for what passed in job run {runs}"
    if trial["blamed"] is not None and len(trial["members"]) > 1:
        yield f"    traced to {', '.join(f'#{number}' for number in trial['blamed'])}"
    for run in trial["baseline"]:
        job = f"job run {run['run']} ({printable(run['job'])})"
        yield f"    asked of the branch without any change: {job} {run['state']}"


def _runs(node: dict[str, Any]) -> list[str]:
    rows = [job_row(job) for job in node["jobs"]]
    return table(JOB_HEAD, rows) if rows else []
