"""What a job comes to with all that it extends and its variants, and the job that this makes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

from headgate.model.job import JobDefinition, Step
from headgate.model.job_table import JobTable, Setting, Settings, fail
from headgate.model.patterns import name_matches
from headgate.model.toml.reader import nearest

DEPTH = 32
"""Jobs in a chain of `extends`."""

_MERGED = frozenset({"env", "caches", "secrets"})
"""Keys whose tables are laid over each other; every other value is replaced as a whole."""


def settings_on(
    tables: Mapping[str, JobTable], table: JobTable, branch: str, laid: dict[str, Settings]
) -> Settings:
    """What a job comes to with everything that it extends, base first.

    `laid` keeps what was found, for those that extend the same.
    """
    found: dict[str, Setting] = {}
    for one in reversed(_bases(tables, table)):
        if one.name in laid:
            found = dict(laid[one.name])
            continue
        _lay(found, one.settings)
        for variant in one.variants:
            if branch and name_matches(branch, variant.branches):
                _lay(found, variant.settings)
        laid[one.name] = dict(found)
    return found


def _bases(tables: Mapping[str, JobTable], table: JobTable) -> list[JobTable]:
    """The job and what it extends, nearest first."""
    chain = [table]
    while chain[-1].extends:
        last = chain[-1]
        at = Setting(None, last.extends_line, f"jobs.{last.name}.extends")
        base = tables.get(last.extends)
        if base is None:
            fail(last, at, f"there is no job `{last.extends}`.", nearest(last.extends, tables))
        if base in chain:
            shown = " → ".join(one.name for one in (*chain, base))
            fail(last, at, f"the jobs extend each other: {shown}.", "Take one `extends` out.")
        chain.append(base)
        if len(chain) > DEPTH:
            fail(table, at, f"leads through more than {DEPTH} jobs.", "Make the chain shorter.")
    return chain


def _lay(found: dict[str, Setting], over: Settings) -> None:
    for key, setting in over.items():
        below = found.get(key)
        if key in _MERGED and below is not None:
            merged = {
                **cast("Mapping[str, str]", below.value),
                **cast("Mapping[str, str]", setting.value),
            }
            found[key] = replace(setting, value=merged)
        else:
            found[key] = setting
    # The command is one thing, however it is written.
    if "run" in over and "ansible" not in over:
        found.pop("ansible", None)
    if "ansible" in over and "run" not in over:
        found.pop("run", None)


def definition(table: JobTable, settings: Settings, fail_fast: bool) -> JobDefinition:
    """One job of what its keys came to. Raises BadInput."""

    def texts(key: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        return cast("tuple[str, ...]", settings[key].value) if key in settings else default

    def pairs(key: str) -> Mapping[str, str]:
        return cast("Mapping[str, str]", settings[key].value) if key in settings else {}

    def flag(key: str, default: bool) -> bool:
        return cast("bool", settings[key].value) if key in settings else default

    def number(key: str, default: float) -> float:
        return cast("float", settings[key].value) if key in settings else default

    def text(key: str) -> str:
        return cast("str", settings[key].value) if key in settings else ""

    def step(key: str) -> Step | None:
        return cast("Step | None", settings[key].value) if key in settings else None

    run, playbooks = step("run"), texts("ansible")
    if run is not None and playbooks:
        fail(table, settings["ansible"], "and `run` are both given.", "Keep one of them.")
    if run is None and not playbooks:
        where = Setting(None, table.line, f"jobs.{table.name}")
        fail(
            table,
            where,
            "has no `run`.",
            'Give a command, e.g. run = ["python3", "-m", "pytest"], or a script as one string; '
            "or say abstract = true when it is only a base for others.",
        )
    both = sorted(pairs("env").keys() & pairs("secrets").keys())
    if both:
        fail(table, settings["secrets"], f"`{both[0]}` is in `env` too.", "Keep one of them.")
    if run is None:
        # With `compat` there is an inventory.
        own = () if text("compat") else ("-i", "localhost,", "-c", "local")
        run = Step(("ansible-playbook", *own, *playbooks))
    timeout = number("timeout", 600.0)
    return JobDefinition(
        name=table.name,
        argv=run.argv,
        script=run.script,
        files=texts("files"),
        irrelevant_files=texts("irrelevant-files"),
        needs=texts("needs"),
        timeout=timeout,
        attempts=int(number("attempts", 1)),
        voting=flag("voting", True),
        reuse=flag("reuse", True),
        required_projects=texts("required-projects"),
        environment=text("environment"),
        env=pairs("env"),
        artifacts=texts("artifacts"),
        caches=pairs("caches"),
        network=flag("network", False),
        memory=int(number("memory", 2 << 30)),
        line=table.line,
        after=texts("after"),
        chooses=texts("chooses"),
        fail_fast=flag("fail-fast", fail_fast),
        pre=step("pre"),
        post=step("post"),
        pre_timeout=number("pre-timeout", timeout),
        post_timeout=number("post-timeout", timeout),
        reads=texts("reads"),
        provides=texts("provides"),
        requires=texts("requires"),
        semaphores=tuple(sorted(texts("semaphores"))),
        label=text("label"),
        secrets=pairs("secrets"),
        fail_on_output=texts("fail-on-output"),
        pause=flag("pause", False),
        pipelines=texts("pipelines", ("gate",)),
        compat=text("compat"),
        nodes=pairs("nodes"),
        playbooks=playbooks,
        origin=table.name,
    )
