"""The `[pipelines.NAME]` tables of policy.toml."""

from __future__ import annotations

import re
from collections.abc import Mapping

from headgate.model.cron import parse_cron
from headgate.model.pipeline import (
    Entrance,
    Manager,
    PipelinePolicy,
    Precedence,
    Report,
    Trigger,
    TriggerKind,
)
from headgate.model.toml.job_tables import BACKTRACKING
from headgate.model.toml.names import check_name
from headgate.model.toml.reader import Table, nearest

_OLDEST = 30 * 86400.0
_ARGUMENT = {TriggerKind.COMMENT: "comment:REGEX", TriggerKind.CRON: "cron:0 3 * * *"}
_OF_A_CHANGE = frozenset({TriggerKind.PUSH, TriggerKind.COMMENT})
_OF_THE_GATE = frozenset({TriggerKind.PUSH, TriggerKind.COMMENT, TriggerKind.ELSEWHERE})
_GATE_DEFAULT = (Trigger(TriggerKind.PUSH), Trigger(TriggerKind.ELSEWHERE))


def read_pipelines(root: Table) -> tuple[PipelinePolicy, ...]:
    """Every pipeline, in order. Raises BadInput with file, line and key."""
    table = root.table("pipelines")
    if table is None:
        return ()
    found: dict[str, PipelinePolicy] = {}
    tables: dict[str, Table] = {}
    gates: dict[tuple[str, str], str] = {}
    for name in table.names():
        check_name(table, name, "pipeline")
        one = table.table(name)
        if one is None:
            continue
        found[name] = _pipeline(one, name)
        tables[name] = one
        _check_gate(one, found[name], gates)
    for name, one in tables.items():
        if required := one.table("require"):
            _check_checks(required, name, found)
    return tuple(found.values())


def _pipeline(table: Table, name: str) -> PipelinePolicy:
    if not table.has("manager"):
        table.fail("", "has no `manager`.", f"Say which: {', '.join(Manager)}.")
    manager = Manager(table.choice("manager", tuple(Manager), ""))
    triggers = tuple(_trigger(table, i, text) for i, text in enumerate(table.texts("on")))
    if not triggers and manager is Manager.DEPENDENT:
        triggers = _GATE_DEFAULT
    if not triggers:
        table.fail("", "has no `on`.", 'Say what makes it run, e.g. on = ["push"].')
    pipeline = PipelinePolicy(
        name=name,
        manager=manager,
        triggers=triggers,
        projects=table.texts("projects"),
        branches=table.texts("branches"),
        jobs=table.texts("jobs"),
        require=_entrance(table),
        report=_reports(table),
        precedence=Precedence(table.choice("precedence", tuple(Precedence), "normal")),
    )
    table.done()
    if not pipeline.projects:
        table.fail("", "has no `projects`.", 'Name some, e.g. projects = ["*"].')
    for index, trigger in enumerate(triggers):
        if manager is Manager.DEPENDENT and trigger.kind not in _OF_THE_GATE:
            table.fail(
                "on",
                f"`{trigger}` is nothing that a dependent pipeline, a gate, can wait for.",
                "Use push, comment:REGEX or landed-elsewhere, or another manager.",
                index,
            )
    if manager is Manager.DEPENDENT and table.has("precedence"):
        table.fail("precedence", "a dependent pipeline has none.", "It goes by its queue.")
    if pipeline.require.asks and not any(t.kind in _OF_A_CHANGE for t in triggers):
        table.fail(
            "require",
            "nothing that this pipeline runs on is a change that could wait.",
            "Take it out, or run it on push or comment:REGEX.",
        )
    return pipeline


def _trigger(table: Table, index: int, text: str) -> Trigger:
    word, colon, argument = text.partition(":")
    kinds = tuple(TriggerKind)
    if word not in kinds:
        table.fail("on", f"`{text}` is none of {', '.join(kinds)}.", nearest(word, kinds), index)
    kind = TriggerKind(word)
    argument = argument.strip()
    if kind not in _ARGUMENT:
        if colon:
            table.fail("on", f"`{word}` takes nothing behind it.", f'Write "{word}".', index)
        return Trigger(kind)
    if not argument:
        table.fail("on", f"`{text}` says not what.", f'E.g. "{_ARGUMENT[kind]}".', index)
    try:
        if kind is TriggerKind.CRON:
            parse_cron(argument)
        else:
            re.compile(argument)
            if BACKTRACKING.search(argument):
                table.fail(
                    "on",
                    f"`{argument[:60]}` looks around or back, which is not supported.",
                    "Match the line itself.",
                    index,
                )
    except ValueError as error:
        table.fail("on", f"{error}.", "It is MINUTE HOUR DAY MONTH WEEKDAY, in UTC.", index)
    except re.error as error:
        table.fail("on", f"`{argument}` is no regular expression: {error}.", "", index)
    return Trigger(kind, argument)


def _entrance(table: Table) -> Entrance:
    required = table.table("require")
    if required is None:
        return Entrance()
    found = Entrance(
        required.integer("approvals", 0, 0, 20),
        required.texts("checks"),
        required.seconds("age", 0.0, _OLDEST),
    )
    required.done()
    return found


def _reports(table: Table) -> tuple[Report, ...]:
    given = table.texts("report")
    for index, word in enumerate(given):
        if word not in tuple(Report):
            table.fail(
                "report",
                f"`{word}` is none of {', '.join(Report)}.",
                nearest(word, tuple(Report)),
                index,
            )
    if table.has("report"):
        return tuple(dict.fromkeys(Report(word) for word in given))
    return (Report.MESSAGE, Report.STATUS)


def _check_gate(table: Table, pipeline: PipelinePolicy, taken: dict[tuple[str, str], str]) -> None:
    if pipeline.manager is not Manager.DEPENDENT:
        return
    for project in pipeline.projects:
        for branch in pipeline.branches or ("*",):
            other = taken.setdefault((project, branch), pipeline.name)
            if other != pipeline.name:
                table.fail(
                    "projects",
                    f"{branch} of {project} already has the gate {other}.",
                    "A branch has one gate: take it out of one of them.",
                )


def _check_checks(required: Table, name: str, pipelines: Mapping[str, PipelinePolicy]) -> None:
    """What is required to have passed must be able to pass before."""
    known = [
        p.name
        for p in pipelines.values()
        if p.manager is not Manager.DEPENDENT and any(t.kind in _OF_A_CHANGE for t in p.triggers)
    ]
    for index, check in enumerate(pipelines[name].require.checks):
        if check not in known:
            required.fail(
                "checks",
                f"there is no pipeline `{check}` that runs on push or comment.",
                nearest(check, known) or f"Add [pipelines.{check}].",
                index,
            )
        if name in _needed_by(check, pipelines):
            required.fail(
                "checks", f"`{check}` waits for {name} itself.", "Take one of them out.", index
            )


def _needed_by(name: str, pipelines: Mapping[str, PipelinePolicy]) -> set[str]:
    """A pipeline and all that it waits for."""
    found: set[str] = set()
    look = [name]
    while look:
        one = look.pop()
        if one not in found and one in pipelines:
            found.add(one)
            look += pipelines[one].require.checks
    return found
