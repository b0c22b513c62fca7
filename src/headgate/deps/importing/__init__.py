"""Exceptions and denials of other tools, as a draft of ours: one module per format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import PurePath

from headgate.deps.importing.deny_toml import read_deny
from headgate.deps.importing.draft import Draft
from headgate.deps.importing.osv_scanner import read_osv_scanner
from headgate.deps.importing.snyk import read_snyk
from headgate.deps.importing.trivy import read_trivy
from headgate.deps.importing.vex import read_vex
from headgate.model.errors import BadInput

Reader = Callable[[str, str], Draft]
"""From the text and the name of a file to a draft. Raises BadInput naming the file."""

READERS: Mapping[str, Reader] = {
    "osv-scanner.toml": read_osv_scanner,
    "deny.toml": read_deny,
    ".trivyignore.yaml": read_trivy,
    ".trivyignore.yml": read_trivy,
    ".snyk": read_snyk,
}
"""By the name that the tool looks for."""


def read_foreign(name: str, text: str) -> Draft:
    """The draft that a file of another tool makes. Raises BadInput for a file of no known one."""
    base = PurePath(name).name
    if base in READERS:
        return READERS[base](text, name)
    if base.endswith((".openvex.json", ".vex.json")) or '"https://openvex.dev/ns' in text[:2000]:
        return read_vex(text, name)
    raise BadInput(
        f"{name} is of no tool that is known, by its name.",
        f"Known: {', '.join(READERS)} and *.openvex.json.",
    )
