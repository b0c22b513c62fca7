"""What `scan import` does: reads SARIF, and reports or records what is in it."""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path

from headgate import __version__
from headgate.cli.output import current, emit
from headgate.model.errors import BadInput, ExitCode
from headgate.model.finding import CheckResult, Outcome
from headgate.scan.analyzers.interface import SourceFile
from headgate.scan.engine import Request, analyzers, examine
from headgate.scan.format import Report
from headgate.scan.hub.sarif_in import MOST_BYTES, ForeignRun, read_sarif
from headgate.scan.hub.taking import taken
from headgate.scan.rules.table import rule_cache
from headgate.scan.text import printable
from headgate.scan.tree import find_root, read_file, select


def read_log(file: str) -> bytes:
    """The bytes of a log. Raises BadInput when there is none, or it is too large."""
    path = Path(file)
    try:
        with path.open("rb") as handle:
            data = handle.read(MOST_BYTES + 1)
    except OSError as error:
        why = (error.strerror or "it cannot be read").lower()
        raise BadInput(
            f"{printable(file)} cannot be read: {why}.", "Name the SARIF file of a tool."
        ) from error
    if len(data) > MOST_BYTES:
        raise BadInput(
            f"{printable(file)} is larger than {MOST_BYTES >> 20} MB.",
            "Run the tool on a part of the project, or without code snippets.",
        )
    return data


def import_here(file: str, chosen: str, output: str) -> int:
    """Report what a log says of the work tree; the exit code. Raises HeadgateError."""
    from headgate.cli.inspection import publish

    root = asyncio.run(find_root(Path.cwd()))
    runs = read_sarif(read_log(file), printable(file), str(root.path.resolve()))
    names = set(asyncio.run(select(root, (), "", ())).paths)
    wanted = {one.span.path for run in runs for one in run.findings} & names
    files = _read(root.path, wanted)
    tools = analyzers(secrets.token_bytes(32), rule_cache())
    known = {one.path for one in files}
    results: list[CheckResult] = []
    for run in runs:
        foreign = tuple(one for one in run.findings if one.span.path in known)
        source, _ = examine(Request(files, foreign=foreign), tools)
        results.append(taken(run, source, {one.span.path for one in run.findings} - known))
    report = Report(tuple(results), str(root.path), "", __version__, len(files))
    publish(report, "json" if current().json and chosen == "text" else chosen, output)
    return int(report.exit_code)


def _read(root: Path, paths: set[str]) -> tuple[SourceFile, ...]:
    read = ((path, read_file(root, path)) for path in sorted(paths))
    return tuple(SourceFile(path, data) for path, data in read if isinstance(data, bytes))


def import_there(file: str, project: str, branch: str) -> int:
    """Record what a log says of a branch of the server's; the exit code. Raises HeadgateError."""
    from headgate.cli.client import connect, segment

    log = read_log(file)
    # Read here first: a sentence about the file is better than one about a request.
    runs: tuple[ForeignRun, ...] = read_sarif(log, printable(file))
    body = {"sarif": log.decode("utf-8-sig"), "branch": branch or None}
    answer = connect().post(f"/api/projects/{segment(project)}/findings", body)
    lines: list[str] = []
    for told in answer["tools"]:
        why = f": {printable(told['reason'])}" if told["reason"] else ""
        lines.append(
            f"{told['tool']} {told['outcome']}, {told['findings']} findings, {told['new']} new, "
            f"{told['fixed']} fixed{why}"
        )
    emit(answer, *(lines or [f"{len(runs)} runs, and nothing in them."]))
    outcomes = {Outcome(told["outcome"]) for told in answer["tools"]}
    if outcomes & {Outcome.NOT_RUN, Outcome.UNKNOWN}:
        return int(ExitCode.NOT_RUN)
    return int(ExitCode.FINDINGS if Outcome.FAILED in outcomes else ExitCode.CLEAN)
