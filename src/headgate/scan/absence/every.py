"""Every check of what is not there."""

from __future__ import annotations

from collections.abc import Mapping

from headgate.scan.absence import declared, lacks, objects, secrets
from headgate.scan.absence.lacks import Lack
from headgate.scan.flow.program import Program
from headgate.scan.flow.rules import Rules


def every_lack(
    program: Program, rules: Rules, documents: Mapping[str, bytes] | None = None
) -> list[Lack]:
    """What a program lacks, by place. `documents`: YAML and JSON files of the project, of which
    those in OpenAPI name routes. Never raises for the program's content."""
    checks = (*lacks.CHECKS, *objects.CHECKS, *secrets.CHECKS, *declared.CHECKS)
    return lacks.lacks_of(program, rules, checks, documents or {})
