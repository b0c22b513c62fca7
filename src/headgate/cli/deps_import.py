"""`headgate deps import`."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from headgate.cli.output import current, emit, json_option, printable
from headgate.model.errors import BadInput


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
def import_(file: Path) -> None:
    """Turn another tool's ignore file into a draft of dependencies.toml, on standard output.

    Knows osv-scanner.toml, deny.toml, .trivyignore.yaml, .snyk and OpenVEX documents. Owners,
    approvers and packages that the other tool does not name are left as TODO; what has no
    counterpart is told on standard error.
    """
    from headgate.deps.importing import read_foreign

    try:
        text = file.read_text("utf-8")
    except UnicodeDecodeError:
        raise BadInput(f"{file} is not UTF-8.", "Save it as UTF-8.") from None
    except OSError as error:
        raise BadInput(f"{file} cannot be read: {error.strerror}.") from None
    draft = read_foreign(file.name, text)
    toml = draft.toml(file.name, datetime.now(UTC).date())
    for what in draft.left_out:
        print(f"Left out: {printable(what)}.", file=sys.stderr)
    if current().json:
        emit(
            {
                "dependencies_toml": toml,
                "exceptions": len(draft.exceptions),
                "denials": len(draft.denials),
                "left_out": list(draft.left_out),
            }
        )
    else:
        sys.stdout.write(toml)
