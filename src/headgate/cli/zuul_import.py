"""What `headgate zuul import` reads, writes and tells."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from headgate.cli.output import emit, printable
from headgate.model.errors import BadInput, Conflict, CouldNotRun, ExitCode
from headgate.zuul.importing import Imported, convert
from headgate.zuul.losses import Kind, Loss, Losses
from headgate.zuul.sources import finder, gather, given
from headgate.zuul.tenant import Tenant, read_tenant

REPORT = "zuul-import.txt"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line says."""

    paths: Sequence[str]
    tenant: str = ""
    tenant_name: str = ""
    into: str = ""
    host: str = ""
    with_base: bool = False
    force: bool = False


def import_zuul(wanted: Wanted) -> int:
    """Import, write and print; the exit code. Raises HeadgateError, and then writes nothing."""
    losses = Losses()
    tenant = _tenant(wanted, losses)
    sources, roots = gather([given(path) for path in wanted.paths], tenant)
    imported = convert(
        sources,
        tenant,
        finder(roots),
        losses,
        host=wanted.host,
        with_base=wanted.with_base,
    )
    if not imported.files and not imported.losses:
        raise BadInput(
            f"Nothing in {', '.join(printable(path) for path in wanted.paths)} is a job that some "
            "project runs, or a pipeline.",
            "Give the project that has the `project` stanzas and pipelines as PATH too.",
        )
    report = "\n".join(_told(imported.losses)) + "\n"
    _write(Path(wanted.into), {**imported.files, REPORT: report}, wanted.force)
    _print(imported, wanted.into, tenant, len(roots))
    lost = any(loss.kind is Kind.LOST for loss in imported.losses)
    return int(ExitCode.FINDINGS if lost else ExitCode.CLEAN)


def _tenant(wanted: Wanted, losses: Losses) -> Tenant:
    if not wanted.tenant:
        if wanted.tenant_name:
            raise BadInput("--tenant-name names no file.", "Give the file with --tenant.")
        return Tenant()
    path = Path(wanted.tenant)
    try:
        text = path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise BadInput(
            f"{printable(wanted.tenant)} cannot be read: {why}.", "Name the tenant file of Zuul."
        ) from error
    return read_tenant(text, wanted.tenant, wanted.tenant_name, losses)


def _told(losses: Sequence[Loss]) -> Iterator[str]:
    for loss in losses:
        text = f"{loss.place}: {loss.kind.value}: {loss.construct}: {loss.reason} {loss.instead}"
        yield printable(text).rstrip()


def _print(imported: Imported, into: str, tenant: Tenant, read: int) -> None:
    lost = [loss for loss in imported.losses if loss.kind is Kind.LOST]
    differing = len(imported.losses) - len(lost)
    lines = list(_told(imported.losses))
    jobs = sum(imported.jobs.values())
    counted = f"{_plural(jobs, 'job')} of {_plural(len(imported.jobs), 'project')}"
    lines.append(
        f"Written to {printable(into)}: {counted}, {_plural(len(imported.files), 'file')}."
    )
    lines += [f"  {printable(path)}" for path in imported.files]
    outside = len(tenant.projects) - read
    if outside > 0:
        lines.append(f"Not given: {_plural(outside, 'project')} of the tenant.")
    lines.append(
        f"{_plural(len(lost), 'construct')} not carried, {differing} with another meaning; "
        f"listed in {REPORT}."
        if imported.losses
        else "Everything is carried."
    )
    emit(
        {
            "into": into,
            "files": list(imported.files),
            "jobs": dict(imported.jobs),
            "projects": dict(imported.names),
            "not_carried": [_object(loss) for loss in imported.losses],
        },
        *lines,
    )


def _object(loss: Loss) -> dict[str, object]:
    return {
        "file": loss.place.file,
        "line": loss.place.line,
        "kind": loss.kind.value,
        "construct": loss.construct,
        "reason": loss.reason,
        "instead": loss.instead,
    }


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _write(into: Path, files: Mapping[str, str], force: bool) -> None:
    """All files or none: they are written beside their places, then moved there together."""
    there = [name for name in files if os.path.lexists(into / name)]
    if there and not force:
        raise Conflict(
            f"There is {printable(str(into / there[0]))} already.",
            "Say --force to overwrite it, or another directory with --into.",
        )
    parts: dict[Path, Path] = {}
    try:
        for name, text in files.items():
            place = into / name
            place.parent.mkdir(parents=True, exist_ok=True)
            part = place.with_name(f".{place.name}.{os.getpid()}")
            parts[part] = place
            part.write_text(text, "utf-8")
        for part, place in parts.items():
            part.replace(place)
    except OSError as error:
        for part in parts:
            with suppress(OSError):
                part.unlink()
        raise CouldNotRun(
            f"{printable(str(into))} cannot be written: {error.strerror}.",
            "Name a directory that you may write to with --into.",
        ) from error
