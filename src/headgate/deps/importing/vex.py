"""OpenVEX documents, as a draft to be owned and approved."""

from __future__ import annotations

from datetime import UTC, datetime

from headgate.deps.importing.draft import Draft, Excepted
from headgate.deps.vex import read_openvex


def read_vex(text: str, file: str) -> Draft:
    """Statements that settle something become exceptions."""
    return Draft(
        tuple(
            Excepted(
                one.package.purl,
                one.advisories,
                one.reason,
                datetime.fromtimestamp(one.expires, UTC).date(),
                one.versions,
                one.justification,
            )
            for one in read_openvex(text, file)
        )
    )
