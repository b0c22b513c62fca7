"""What `headgate rules` does."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from headgate.cli.output import emit, printable, table
from headgate.model.errors import BadInput
from headgate.model.finding import Severity
from headgate.scan.fixes.changes import CHANGES
from headgate.scan.packs.examples import failures, marked
from headgate.scan.packs.load import (
    kinds_with,
    load_folder,
    packs_with,
    parse_pack,
    shipped,
    shipped_kinds,
)
from headgate.scan.packs.schema import Kind, KindName, Pack
from headgate.scan.text import plural

_LANGUAGE = "python"
_LANGUAGES = ("python", "javascript")
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,60}")
_TEMPLATE = """# What Headgate has to know of {name}: https://…
pack: {name}
language: python
version: 1
when: [{module}]  # counts for projects that import it
sources:
  - call: {module}.Request.parameter  # where data comes in
    label: web
    what: a parameter of the request
sinks:
  - call: {module}.Database.query  # where it does harm
    args: [0]
    kind: sql-injection
sanitizers:
  - call: {module}.escape  # what makes it safe, and for which kinds
    safe_for: [sql-injection]
tests:
  - bad: |
      import {module}

      def search(request: {module}.Request, database: {module}.Database):
          name = request.parameter("name")
          database.query("SELECT * FROM item WHERE name = '" + name + "'")  # BAD: sql-injection
    good: |
      import {module}

      def search(request: {module}.Request, database: {module}.Database):
          name = {module}.escape(request.parameter("name"))
          database.query("SELECT * FROM item WHERE name = '" + name + "'")
models:
  - type: {module}.Request
  - type: {module}.Database
"""


def test_packs(given: Sequence[str]) -> int:
    """Run the examples of packs; the exit code. Raises BadInput."""
    own = read_packs(given)
    packs = own or [pack for language in _LANGUAGES for pack in shipped(language)]
    together = {language: packs_with(own, language) for language in _LANGUAGES}
    kinds = kinds_with(own)
    failed = [one for pack in packs for one in failures(pack, together[pack.language], kinds)]
    examples = sum(len(pack.tests) for pack in packs)
    bare = [pack.name for pack in packs if not pack.tests]
    lines = [one.sentence() for one in failed]
    lines += [f"{name}: has no examples." for name in bare]
    lines.append(
        f"{plural(len(packs), 'pack')}, {plural(examples, 'example')}: {len(failed)} failed."
    )
    emit(
        {
            "packs": [pack.name for pack in packs],
            "examples": examples,
            "without_examples": bare,
            "failed": [
                {"pack": one.pack, "file": one.file, "line": one.line, "side": one.side,
                 "missed": [list(p) for p in one.missed], "false": [list(p) for p in one.false]}
                for one in failed
            ],
        },
        *lines,
    )  # fmt: skip
    return 1 if failed or bare else 0


def read_packs(given: Sequence[str]) -> list[Pack]:
    """The rule packs in files and folders. Raises BadInput that names file, line and key."""
    out: list[Pack] = []
    for one in given:
        path = Path(one)
        if path.is_dir():
            out += load_folder(path, shipped_kinds())
            continue
        try:
            data = path.read_bytes()
        except OSError as error:
            raise BadInput(
                f"{printable(one)} cannot be read: {error.strerror}.", "Name a file of rules."
            ) from error
        out.append(parse_pack(data, path.name, shipped_kinds()))
    if given and not out:
        raise BadInput("There are no rule packs there.", "Packs are files named *.yaml.")
    return out


def new_pack(name: str, output: str) -> int:
    """Write a pack to begin with; the exit code. Raises BadInput."""
    if not _NAME.fullmatch(name):
        raise BadInput(
            f"{printable(name)} is no name of a pack.", "Use small letters, digits, `-` and `_`."
        )
    path = Path(output or f"{name}.yaml")
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(_TEMPLATE.format(name=name, module=name.replace("-", "_")))
    except FileExistsError as error:
        raise BadInput(f"{printable(path)} exists.", "Choose another name with -o.") from error
    except OSError as error:
        raise BadInput(f"{printable(path)} cannot be written: {error.strerror}.", "") from error
    emit(
        {"file": str(path)},
        f"{printable(path)} is written.",
        f"Change it, then run `headgate rules test {printable(path)}`.",
    )
    return 0


def explain_rule(rule: str) -> int:
    """Say what a rule is about; the exit code. Raises BadInput."""
    language, _, name = rule.rpartition("/")
    kind = shipped_kinds().get(KindName(name))
    if kind is None or language not in ("", _LANGUAGE):
        known = ", ".join(sorted(shipped_kinds()))
        raise BadInput(f"There is no rule {printable(rule)}.", f"There are: {known}.")
    bad, good = example_of(kind)
    packs = [pack.name for pack in shipped(_LANGUAGE) if _concerns(pack, kind)]
    labels = {
        label: severity.word for label, severity in kind.labels.items() if severity is not None
    }
    fixed = name in CHANGES
    lines = [
        f"{_LANGUAGE}/{name}: {kind.title} (CWE-{kind.cwe})",
        "",
        kind.message.format(source="Data", sink="the sink"),
        f"To do: {kind.remedy}",
        f"Severity: {_severity(kind.severity, labels)}; at most {kind.confidence.word} confidence.",
        f"Known to the packs: {', '.join(packs) or 'none; it is asked of routes'}.",
        "Fix: `headgate fix` can change it." if fixed else "Fix: by hand.",
    ]
    for title, text in (("Found:", bad), ("Not found:", good)):
        if text:
            lines += ["", title, *("  " + line for line in text.rstrip().split("\n"))]
    emit(
        {
            "rule": f"{_LANGUAGE}/{name}", "title": kind.title, "cwe": kind.cwe,
            "message": kind.message, "remedy": kind.remedy, "severity": kind.severity.word,
            "by_label": labels, "confidence": kind.confidence.word, "packs": packs,
            "fixable": fixed, "bad": bad, "good": good,
        },
        *lines,
    )  # fmt: skip
    return 0


def _severity(severity: Severity, labels: dict[str, str]) -> str:
    if not labels:
        return severity.word
    return ", ".join(f"{word} for {label} data" for label, word in labels.items())


def example_of(kind: Kind) -> tuple[str, str]:
    """The part of an example that shows a kind, and its harmless twin: the shortest one."""
    best: tuple[str, str] = ("", "")
    for pack in shipped(_LANGUAGE):
        for example in pack.tests:
            for path, text in example.bad.items():
                for _, line, shown in sorted(marked({path: text})):
                    part = _part(text, line) if shown == kind.name else ""
                    if part and (not best[0] or len(part) < len(best[0])):
                        best = (part, _same(example.good.get(path, ""), part))
    return best


def _blocks(text: str) -> Iterator[str]:
    """The statements at the top of a file, with their decorators."""
    lines = text.split("\n")
    for node in ast.parse(text).body:
        decorators: list[ast.expr] = getattr(node, "decorator_list", [])
        first = min((one.lineno for one in decorators), default=node.lineno)
        yield "\n".join(lines[first - 1 : node.end_lineno])


def _part(text: str, line: int) -> str:
    at = text.split("\n")[line - 1]
    return next((block for block in _blocks(text) if at in block.split("\n")), "")


def _same(text: str, part: str) -> str:
    """What stands in the harmless twin where the part stands."""
    head = next((one for one in part.split("\n") if not one.startswith("@")), "")
    head = re.split(r"[(=:#]", head)[0].strip()
    return next((block for block in _blocks(text) if head and head in block), "")


def _concerns(pack: Pack, kind: Kind) -> bool:
    return any(one.kind == kind.name for one in (*pack.sinks, *pack.literals, *pack.absences))


def count_rules() -> int:
    """Count what the packs know; the exit code."""
    packs = shipped(_LANGUAGE)
    rows = [
        (
            pack.name,
            sum(len(one.attr) + len(one.call) + (one.param is not None) for one in pack.sources),
            sum(len(one.call) + len(one.assign) + (one.returned is not None) for one in pack.sinks),
            sum(len(one.call) for one in (*pack.sanitizers, *pack.guards)),
            len(pack.entries),
            sum(len(one.call) + len(one.attr) + len(one.assign) for one in pack.literals),
            len(pack.tests),
        )
        for pack in packs
    ]
    shown = {kind for pack in packs for one in pack.tests for _, _, kind in marked(one.bad)}
    kinds = shipped_kinds()
    ruled = {
        str(kinds[one.kind].told_as or one.kind)
        for pack in packs
        for one in (*pack.sinks, *pack.literals, *pack.absences)
    }
    bare = sorted(ruled - shown)
    head = ("pack", "sources", "sinks", "sanitizers", "entries", "settings", "examples")
    emit(
        {
            "packs": [dict(zip(head, row, strict=True)) for row in rows],
            "kinds": len(shipped_kinds()),
            "without_example": bare,
        },
        *table(head, rows),
        "",
        f"{len(shipped_kinds())} kinds; {len(ruled)} are in packs, the others are asked of routes.",
        f"Without an example: {', '.join(bare) or 'none'}.",
    )
    return 0
