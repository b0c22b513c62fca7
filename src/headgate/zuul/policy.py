"""Pipelines, queues and semaphores of Zuul as the tables of a policy.toml."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from headgate.zuul.losses import Losses, Place
from headgate.zuul.names import ProjectNames, plain
from headgate.zuul.objects import Layout, Named, Stanza
from headgate.zuul.triggers import Asked, requirements_of, triggers_of
from headgate.zuul.yaml_text import Block

Tables = dict[str, dict[str, dict[str, Any]]]
"""`queues` and `pipelines`: name → keys; `semaphores` under the empty name."""

MANAGERS = ("independent", "dependent", "serial", "supercedent")
_UNBOUND = 1000
_WINDOW = (("window", 20), ("window-floor", 3), ("window-ceiling", _UNBOUND))
_RATES = {
    "window-increase-type": "linear",
    "window-increase-factor": 1,
    "window-decrease-type": "exponential",
    "window-decrease-factor": 2,
}
_REPORTERS = (
    *("success", "failure", "start", "enqueue", "merge-conflict", "merge-failure", "config-error"),
    *("no-jobs", "dequeue", "disabled"),
)
_TOLD = frozenset({"success", "failure", "merge-conflict", "merge-failure", "config-error"})
"""Outcomes that Headgate tells of anyway."""

_FORGES = frozenset({"gerrit", "github", "gitlab", "pagure"})
_CARRIED = frozenset(
    {"name", "description", "manager", "trigger", "require", "reject"}
) | frozenset({"precedence", "post-review", *(key for key, _ in _WINDOW), *_RATES, *_REPORTERS})


def gate_of(layout: Layout) -> str:
    """The pipeline through which changes land: the first dependent one; empty when none is."""
    return next(
        (n for n, p in layout.pipelines.items() if p.keys.get("manager") == "dependent"), ""
    )


def policy_tables(
    layout: Layout,
    projects: Mapping[str, Sequence[Stanza]],
    names: ProjectNames,
    losses: Losses,
) -> Tables:
    """The tables for all projects (by their names in Zuul) with what is said of each."""
    tables: Tables = {"queues": {}, "pipelines": {}, "semaphores": {}}
    gated: set[str] = set()
    for name, pipeline in layout.pipelines.items():
        users = [
            names[project]
            for project, stanzas in projects.items()
            if any(name in stanza.pipelines for stanza in stanzas)
        ]
        if pipeline.keys.get("manager") == "dependent":
            users = _one_gate(pipeline, users, gated, losses)
        if users is not None and (table := _pipeline(pipeline, layout, users, losses)) is not None:
            tables["pipelines"][plain(name)] = table
    gate = layout.pipelines.get(gate_of(layout))
    if gate is not None:
        tables["queues"] = _queues(gate, layout, projects, names, losses)
    held = {plain(name): _limit(one, losses) for name, one in layout.semaphores.items()}
    if held:
        tables["semaphores"][""] = held
    return tables


def _one_gate(
    pipeline: Named, users: list[str], gated: set[str], losses: Losses
) -> list[str] | None:
    """Those projects that no gate before has taken; None when that leaves nothing."""
    left = [name for name in users or ["*"] if name not in gated and "*" not in gated]
    if left != (users or ["*"]):
        losses.lost(
            pipeline.place,
            f"pipeline {pipeline.name}: manager dependent",
            "a project has one gate, and another pipeline is it already.",
            "Put the jobs of both into one gate.",
        )
    gated.update(left)
    return left or None


def _pipeline(
    pipeline: Named, layout: Layout, users: list[str], losses: Losses
) -> dict[str, Any] | None:
    shown = f"pipeline {pipeline.name}"
    manager = str(pipeline.keys.get("manager", ""))
    if manager not in MANAGERS:
        losses.lost(
            pipeline.at("manager"),
            f"{shown}: manager {manager}".rstrip(),
            f"it is none of {', '.join(MANAGERS)}.",
            "Write the pipeline by hand.",
        )
        return None
    asked = Asked()
    triggers_of(pipeline, asked, layout.pipelines, losses)
    requirements_of(pipeline, asked, layout.pipelines, losses)
    if manager == "dependent":
        _gate_only(pipeline, asked, losses)
    _rest(pipeline, losses)
    if not asked.on:
        losses.lost(
            pipeline.at("trigger"), shown, "nothing that is left makes it run.", "Say `on` by hand."
        )
        return None
    table: dict[str, Any] = {"manager": manager, "on": asked.on, "projects": users or ["*"]}
    require: dict[str, Any] = {}
    if asked.approvals:
        require["approvals"] = asked.approvals
    checks = [plain(name) for name in asked.checks if _can_pass(name, layout)]
    if checks:
        require["checks"] = checks
    of_a_change = any(on == "push" or on.startswith("comment:") for on in asked.on)
    if require and of_a_change:
        table["require"] = require
    precedence = str(pipeline.keys.get("precedence", "normal"))
    if precedence in ("high", "low") and manager != "dependent":
        table["precedence"] = precedence
    elif precedence != "normal":
        losses.lost(
            pipeline.at("precedence"), f"{shown}: precedence", "a gate has none.", "Nothing to do."
        )
    if not _told_anywhere(pipeline):
        table["report"] = []
    return table


def _can_pass(name: str, layout: Layout) -> bool:
    return layout.pipelines[name].keys.get("manager") != "dependent"


def _gate_only(pipeline: Named, asked: Asked, losses: Losses) -> None:
    kept: list[str] = []
    for on in asked.on:
        if on in ("push", "landed-elsewhere") or on.startswith("comment:"):
            kept.append(on)
        else:
            losses.lost(
                pipeline.at("trigger"),
                f"pipeline {pipeline.name}: trigger: {on}",
                "a gate waits for changes only.",
                "Give it a pipeline of its own.",
            )
    asked.on = kept


def _told_anywhere(pipeline: Named) -> bool:
    for key in ("success", "failure"):
        said = pipeline.keys.get(key)
        if isinstance(said, Block) and any(name not in ("sql", "elasticsearch") for name in said):
            return True
    return False


def _rest(pipeline: Named, losses: Losses) -> None:
    shown = f"pipeline {pipeline.name}"
    for key in _REPORTERS:
        said = pipeline.keys.get(key)
        if not isinstance(said, Block) or not said:
            continue
        if key not in _TOLD:
            losses.lost(
                pipeline.at(key),
                f"{shown}: {key}",
                "only outcomes are reported; where a change stands is on its page.",
                "Nothing to do.",
            )
            continue
        for reporter, details in said.items():
            place = Place(pipeline.place.file, said.lines.get(reporter, pipeline.place.line))
            if isinstance(details, Block) and details.get("comment") is False:
                losses.differs(
                    place, f"{shown}: {key}: {reporter}: comment: false", "it is told in words too."
                )
            if reporter in ("sql", "database"):
                continue  # Headgate keeps every run.
            if reporter in ("smtp", "mqtt", "elasticsearch"):
                losses.lost(
                    place,
                    f"{shown}: {key}: {reporter}",
                    "Headgate reports to the change and its forge.",
                    "Follow the log of events: `headgate audit`.",
                )
    for key in pipeline.keys:
        if key not in _CARRIED:
            reason = "it has no counterpart."
            if key.endswith("-message"):
                reason = "what is reported is written by Headgate."
            losses.lost(pipeline.at(key), f"{shown}: {key}", reason, "Nothing to do.")


# -- queues ----------------------------------------------------------------------------------


def _queues(
    gate: Named,
    layout: Layout,
    projects: Mapping[str, Sequence[Stanza]],
    names: ProjectNames,
    losses: Losses,
) -> dict[str, dict[str, Any]]:
    window = _window(gate, losses)
    members: dict[str, list[str]] = {}
    for project, stanzas in projects.items():
        if not any(gate.name in stanza.pipelines for stanza in stanzas):
            continue
        named = [s.queue for s in stanzas if s.queue]
        named += [
            entry.queue
            for s in stanzas
            if (entry := s.pipelines.get(gate.name)) is not None and entry.queue
        ]
        queue = plain(named[-1]) if named else plain(names[project])
        members.setdefault(queue, []).append(names[project])
    for name, queue in layout.queues.items():
        if plain(name) in members:
            _queue_keys(queue, losses)
    return {
        name: {"projects": found, "branches": ["*"], "mode": "chain", **window}
        for name, found in members.items()
    }


def _queue_keys(queue: Named, losses: Losses) -> None:
    shown = f"queue {queue.name}"
    for key, value in queue.keys.items():
        match key:
            case "name" | "description":
                pass
            case "per-branch":
                if value is True:
                    losses.lost(
                        queue.at(key),
                        f"{shown}: per-branch",
                        "the names of the branches are not in Zuul's configuration.",
                        "Write a [queues.NAME] table for each branch.",
                    )
            case "allow-circular-dependencies" if value is True:
                pass  # Changes that depend on each other land together.
            case "dependencies-by-topic" if value is not True:
                pass
            case "allow-circular-dependencies":
                pass
            case _:
                losses.lost(queue.at(key), f"{shown}: {key}", "it has no counterpart.")


def _window(gate: Named, losses: Losses) -> dict[str, int]:
    found: dict[str, int] = {}
    for key, default in _WINDOW:
        value = gate.keys.get(key, default)
        shown = f"pipeline {gate.name}: {key}"
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            losses.lost(gate.at(key), shown, f"`{value}` is no number.")
            value = default
        if not 0 < value <= _UNBOUND:
            if key in gate.keys:
                losses.differs(gate.at(key), shown, f"it is {_UNBOUND} at most.", "Nothing to do.")
            value = _UNBOUND
        found[key] = value
    found["window-ceiling"] = max(found["window-ceiling"], found["window-floor"])
    found["window"] = min(max(found["window"], found["window-floor"]), found["window-ceiling"])
    for key, default in _RATES.items():
        if gate.keys.get(key, default) != default:
            losses.lost(
                gate.at(key),
                f"pipeline {gate.name}: {key}",
                "the window grows by one and halves.",
                "Nothing to do.",
            )
    return found


def _limit(semaphore: Named, losses: Losses) -> int:
    value = semaphore.keys.get("max", 1)
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    losses.lost(
        semaphore.at("max"),
        f"semaphore {semaphore.name}: max",
        f"`{value}` is no count.",
        "Set it.",
    )
    return 1
