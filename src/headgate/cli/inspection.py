"""What `check` and `scan` do: choose the files, run the checks, print the report."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from headgate import __version__
from headgate.cli.output import current, say
from headgate.cli.where import Where
from headgate.model.errors import BadInput, CouldNotRun
from headgate.model.files import PROJECT_FILE
from headgate.model.finding import CheckResult, Confidence, Finding, Outcome, Severity, Span
from headgate.model.record import record, replace
from headgate.scan.format import Report, by_name
from headgate.scan.root import Root
from headgate.scan.text import plural, printable
from headgate.scan.tree import (
    Selection,
    contents,
    inside,
    read_file,
    run,
    select,
    whole,
)

if TYPE_CHECKING:
    from headgate.model.config import ProjectConfig
    from headgate.scan.packs.schema import Pack


@record
class Effort:
    """How the source is analysed."""

    mode: str = "auto"
    """`auto`, `application` or `library`."""
    jobs: int = 1
    """Processes at once."""
    cached: bool = True


_USUAL = Effort()


def inspect(
    where: Where,
    base: str,
    chosen: str,
    output: str,
    checks: Sequence[str],
    effort: Effort = _USUAL,
    rules: Sequence[str] = (),
) -> int:
    """Run the checks named and print the report; the exit code. `rules`: files and folders of rule
    packs that count besides those that Headgate ships. Raises HeadgateError."""
    root = where.root()
    configured, configuration = _configuration(root)
    selection = _selected(root, where.places, base, configured)
    results: list[CheckResult] = []
    if "configuration" in checks:
        results.append(configuration)
    scanned = _scan(selection, configured, checks, effort, rules)
    results += [result for result in scanned if result.check in checks]
    if "dependencies" in checks:
        results.append(_dependencies(selection, _exclude(configured)))
    report = Report(
        results=tuple(results),
        root=str(root.path),
        base=base,
        version=__version__,
        files=len(selection.paths),
    )
    name = "json" if current().json and chosen == "text" else chosen
    publish(report, name, output)
    return int(report.exit_code)


def _selected(
    root: Root, places: Sequence[Path], base: str, configured: ProjectConfig | None
) -> Selection:
    if not base:
        return whole(root, places)
    import asyncio

    return asyncio.run(select(root, places, base, _exclude(configured)))


def _exclude(configured: ProjectConfig | None) -> Sequence[str]:
    return () if configured is None else configured.exclude


def inspect_history(where: Where, chosen: str, output: str) -> int:
    """Look for secrets in every commit, and print the report; the exit code."""
    from headgate.scan.engine import analyzers
    from headgate.scan.past import search_history
    from headgate.scan.rules.table import rule_cache

    root = where.root()
    if root.repository is None:
        raise BadInput(
            f"{printable(str(root.path))} is not in a git repository, so it has no history.",
            "Leave --history out.",
        )
    live = sys.stderr.isatty()

    def progress(done: int, total: int) -> None:
        if live:
            print(f"\r{done} of {total} contents searched", end="", file=sys.stderr, flush=True)

    tools = analyzers(os.urandom(32), rule_cache())
    wanted = inside(root, where.places)
    result, count = search_history(root.repository, tools, wanted, progress)
    if live:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)
    report = Report((result,), str(root.path), "", __version__, count)
    publish(report, "json" if current().json and chosen == "text" else chosen, output)
    return int(report.exit_code)


def configuration_of(root: Root) -> tuple[ProjectConfig, CheckResult]:
    """headgate.toml of a work tree, and what the check of it says."""
    from headgate.model.config import ProjectConfig

    configured, result = _configuration(root)
    return configured or ProjectConfig(), result


def _configuration(root: Root) -> tuple[ProjectConfig | None, CheckResult]:
    """As `configuration_of`; None when the project asks for nothing."""
    content = read_file(root.path, PROJECT_FILE)
    if isinstance(content, str):
        if os.path.lexists(root.path / PROJECT_FILE):
            why = f"{PROJECT_FILE}: {content}"
            return None, CheckResult("configuration", Outcome.NOT_RUN, why)
        return None, CheckResult("configuration", Outcome.PASSED)
    from headgate.model.toml.project_file import parse_project

    try:
        parsed = parse_project(content.decode("utf-8", "replace"))
    except BadInput as error:
        return None, _broken(error)
    return parsed, CheckResult("configuration", Outcome.PASSED)


def _broken(error: BadInput) -> CheckResult:
    # The parser's sentence begins with the file and the line.
    place = error.message.removeprefix(f"{PROJECT_FILE}:").partition(":")[0]
    finding = Finding(
        rule="configuration/unusable",
        title="Configuration that cannot be used",
        message=error.message,
        remedy=error.remedy,
        severity=Severity.HIGH,
        confidence=Confidence.HIGH,
        span=Span(PROJECT_FILE, int(place) if place.isdecimal() else 1),
        check="configuration",
    )
    return CheckResult("configuration", Outcome.FAILED, "1 finding", (finding,))


def _scan(
    selection: Selection,
    config: ProjectConfig | None,
    checks: Sequence[str],
    effort: Effort,
    rules: Sequence[str],
) -> tuple[CheckResult, ...]:
    from headgate.scan.analyzers.flow import Mode
    from headgate.scan.engine import analyzers
    from headgate.scan.rules.table import rule_cache

    own: Sequence[Pack] = ()
    if rules:
        from headgate.cli.rule_packs import read_packs

        own = read_packs(rules)
    if config is not None and config.rules and "source" in checks:
        own = [*_project_rules(selection.root.path, config), *own]
    total = len(selection.paths)
    live = sys.stderr.isatty() and total > 50
    if live:
        print(f"Examining {plural(total, 'file')} …", end="", file=sys.stderr, flush=True)

    def progress(done: int) -> None:
        if live:
            print(f"\r{done} of {total} files examined", end="", file=sys.stderr, flush=True)

    tools = analyzers(
        os.urandom(32),
        rule_cache(),
        own,
        mode=Mode(effort.mode),
        jobs=effort.jobs,
        keep=effort.cached,
    )
    if config is not None and config.tools:
        from headgate.scan.analyzers.adapters import adapters

        tools = (*tools, *adapters(_tools(selection.root.path, config)))
    tools = tuple(tool for tool in tools if tool.check in checks)
    try:
        return run(selection, tools, _exclude(config), progress)
    finally:
        if live:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def _project_rules(root: Path, config: ProjectConfig) -> list[Pack]:
    """The rule packs that headgate.toml names. Raises BadInput."""
    from headgate.scan.analyzers.interface import SourceFile
    from headgate.scan.project_rules import project_packs

    files: list[SourceFile] = []
    for path in config.rules:
        place = root / path
        inner = sorted(place.glob("*.yaml")) if place.is_dir() else [place]
        for one in inner:
            name = one.relative_to(root).as_posix()
            data = read_file(root, name)
            if isinstance(data, str):
                raise BadInput(
                    f"{PROJECT_FILE}: checks: rules: {printable(name)}: {data}.",
                    "Correct the path, or take it out of `rules`.",
                )
            files.append(SourceFile(name, data))
        if not inner:
            raise BadInput(
                f"{PROJECT_FILE}: checks: rules: there are no packs in {printable(path)}.",
                "Packs are files named *.yaml.",
            )
    return project_packs(files)


def _tools(root: Path, config: ProjectConfig) -> dict[str, str]:
    """The tools of others that the project asks for, as `adapters` takes them."""
    found: dict[str, str] = {}
    for name in config.tools:
        path = config.tool_files.get(name, "")
        if name == "eslint":
            found[name] = str(root / path)
        elif path:
            data = read_file(root, path)
            if isinstance(data, str):
                raise BadInput(
                    f"{PROJECT_FILE}: checks: {printable(path)}, the rules of {name}: {data}.",
                    "Correct the path, or take the tool out of `tools`.",
                )
            found[name] = data.decode("utf-8", "surrogateescape")
        else:
            found[name] = ""
    return found


def _dependencies(selection: Selection, exclude: Sequence[str]) -> CheckResult:
    from headgate.deps.manifests import may_declare

    began = time.perf_counter()
    if not any(may_declare(path) for path in _paths(selection)):
        return CheckResult("dependencies", Outcome.PASSED, seconds=time.perf_counter() - began)
    from headgate.deps.compare import Files, read_files
    from headgate.deps.lockfiles import manifest_for
    from headgate.deps.tree import check_files
    from headgate.deps.worktree import read_directory

    if selection.request is None:
        after = read_directory(selection.root.path, selection.paths, exclude)
        before = Files({})
    else:
        files, base_files = contents(selection, lambda path: manifest_for(path) is not None)
        after, before = read_files(files), read_files(base_files)
    return replace(check_files(after, before), seconds=time.perf_counter() - began)


def _paths(selection: Selection) -> Iterable[str]:
    """Of the files that are examined, and of those that they are compared with."""
    request = selection.request
    if request is None:
        return selection.paths
    return (file.path for file in (*request.head, *(request.base or ())))


def publish(report: Report, name: str, output: str) -> None:
    """Print a report, or write it to a file. Raises CouldNotRun."""
    what = plural(report.counts().total(), "finding")
    hand_out(by_name(name)(report), output, what)


def hand_out(text: str, output: str, what: str) -> None:
    """Print a text, or write it to a file and say so: `WHAT written to …`. Raises CouldNotRun."""
    if not output:
        sys.stdout.write(text)
        return
    path = Path(output)
    # A directory has no name to put a part of it beside: `.`, `/`.
    part = path.parent / f".{path.name}.{os.getpid()}"
    try:
        if path.is_dir():
            raise CouldNotRun(f"{printable(output)} is a directory.", "Name a file in it.")
        part.write_text(text, "utf-8")
        part.replace(path)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        raise CouldNotRun(
            f"{printable(output)} could not be written: {error.strerror}.",
            "Name a file in a directory that exists and that you may write to.",
        ) from error
    say(f"{what} written to {printable(output)}.")
