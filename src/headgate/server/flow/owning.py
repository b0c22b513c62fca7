"""To whom findings belong: the code owners, or who wrote the line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from headgate.model.finding import Finding
from headgate.model.ids import Commit
from headgate.model.tracked import (
    Owner,
)
from headgate.scan.findings.owners import PLACES, CodeOwners, parse_owners
from headgate.scan.text import decode
from headgate.vcs.past import author_of_line
from headgate.vcs.repository import Repository

MOST_BLAMED = 100
"""New findings of one scan whose author git is asked for."""


async def owners_of(repository: Repository, tip: Commit) -> CodeOwners:
    """The code owners that a commit names."""
    for place in PLACES:
        content = await repository.file(tip, place)
        if content is not None:
            return parse_owners(decode(content))
    return CodeOwners()


async def whose(
    repository: Repository,
    tip: Commit,
    findings: Sequence[Finding],
    owners: CodeOwners,
    people: Mapping[str, str],
) -> list[Owner]:
    """To whom each finding belongs; `people`: address in small letters → name."""
    found: list[Owner] = []
    asked = 0
    for finding in findings:
        named = owners.of(finding.span.path)
        if named:
            found.append(Owner(" ".join(named), "CODEOWNERS"))
            continue
        author = None
        if asked < MOST_BLAMED:
            asked += 1
            author = await author_of_line(repository, tip, finding.span.path, finding.span.line)
        if author is None:
            found.append(Owner())
        else:
            who = people.get(author.email.lower(), author.name or author.email)
            found.append(Owner(who, "history"))
    return found
