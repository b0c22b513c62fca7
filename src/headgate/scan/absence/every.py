"""Every check of what is not there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from headgate.scan.flow.findings import Found
from headgate.scan.flow.program import Program
from headgate.scan.flow.project import Source
from headgate.scan.flow.rules import Rules
from headgate.scan.ir.nodes import Module
from headgate.scan.kept import digest_of
from headgate.scan.packs.schema import KindName, Kinds, Pack

if TYPE_CHECKING:
    from headgate.scan.absence.facts import Known
    from headgate.scan.absence.lacks import Lack


def every_lack(
    program: Program,
    rules: Rules,
    documents: Mapping[str, bytes] | None = None,
    known: Known | None = None,
) -> list[Lack]:
    """What a program lacks, by place. `documents`: YAML and JSON files of the project, of which
    those in OpenAPI name routes; `known`: what is known of its files. Never raises for the
    program's content."""
    from headgate.scan.absence import declared, lacks, objects, secrets, validation
    from headgate.scan.absence.facts import Known

    checks = (
        *lacks.CHECKS,
        *objects.CHECKS,
        *secrets.CHECKS,
        *validation.CHECKS,
        *declared.CHECKS,
    )
    if known is None:
        known = Known(program, rules, secrets.own_answers, secrets.of_settings)
    return lacks.lacks_of(program, rules, known, checks, documents or {})


def lacking(
    files: Mapping[str, Source],
    packs: Sequence[Pack],
    kinds: Kinds,
    documents: Mapping[str, bytes] | None = None,
    cache: Path | None = None,
) -> list[Found]:
    """What the routes in the files lack, as findings that end in a question. Without any import
    of a framework that has routes there is nothing to ask. `cache`: a private directory for what
    is known of files; None: none."""
    tops = {name.lstrip(".").partition(".")[0] for file in files.values() for name in file.imports}
    active = [pack for pack in packs if not pack.when or tops.intersection(pack.when)]
    if not any(pack.entries for pack in active):
        return []
    # Where nothing has routes, nothing of this is needed.
    from headgate.scan.absence import secrets
    from headgate.scan.absence.facts import Known
    from headgate.scan.absence.whole import Whole

    rules = Rules(active, kinds)
    read: dict[str, None] = {}

    def tree(path: str) -> Module:
        read[path] = None
        return files[path].module()

    program = Program(tree, files)
    known = Known(program, rules, secrets.own_answers, secrets.of_settings, files, cache)
    whole = Whole(cache, files)
    if not whole.keeps:
        return as_found(every_lack(program, rules, documents, known), kinds)
    # What is found depends on what makes us look into files, and on the trees that were read.
    settings = known.settings, active, dict(kinds), dict(documents or {})
    key = digest_of(*settings, list(files), known.selected())

    def methods() -> bytes:
        return digest_of(known.every_method())

    found = whole.take(key, methods)
    if found is None:
        found = every_lack(program, rules, documents, known)
        asked = methods() if known.methods_asked else b""
        whole.keep(key, found, files if known.names_asked else read, asked)
    return as_found(found, kinds)


def as_found(lacks: Iterable[Lack], kinds: Kinds) -> list[Found]:
    """What is missing, as findings that end in the question."""
    found: list[Found] = []
    for one in lacks:
        kind = kinds[KindName(one.kind)]
        message = kind.message.format(source="what the caller sends", sink=f"`{one.subject}`")
        found.append(
            Found(
                kind.name, one.path, one.start, one.end, kind.severity, one.confidence,
                f"{message} {one.question}",
            )
        )  # fmt: skip
    return found
