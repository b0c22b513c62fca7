"""What `headgate rules convert` does."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from headgate.cli.output import emit, printable
from headgate.cli.whole_file import write_whole
from headgate.model.errors import BadInput
from headgate.scan.convert.result import Carried, Lack
from headgate.scan.convert.semgrep import DIFFERS, convert
from headgate.scan.convert.writing import pack_text
from headgate.scan.packs.load import parse_pack, shipped, shipped_kinds
from headgate.scan.packs.reading import MAX_BYTES
from headgate.scan.text import plural


def convert_rules(files: Sequence[str], output: str, *, partial: bool) -> int:
    """Write packs of the rules in the files; the exit code. Raises HeadgateError."""
    target = Path(output)
    if target.suffix != ".yaml":
        raise BadInput(
            f"{printable(output)} is no file of a pack.", "Packs are files named *.yaml."
        )
    carried = [one for file in files for one in convert(_read(file), printable(Path(file).name))]
    _unlike(carried)
    written = [one for one in carried if one.rules and (partial or not one.lacks)]
    paths = _write(target, written, [printable(Path(file).name) for file in files])
    lines = [sentence for one in carried for sentence in one.sentences()]
    left = [one.name for one in carried if one not in written]
    lines += [f"{printable(name)}: not written." for name in left]
    cut = [one.name for one in written if one.lacks]
    lines += [f"{printable(name)}: written in part, and marked." for name in cut]
    where = ", ".join(printable(str(path)) for path in paths)
    count = f"{len(written)} of {plural(len(carried), 'rule')}"
    lines.append(f"{count} written to {where}." if written else f"{count} written.")
    if written:
        lines.append(DIFFERS)
    emit(
        {
            "files": [str(path) for path in paths],
            "rules": [
                {
                    "name": one.name, "file": one.file, "line": one.line,
                    "written": one in written, "partial": one in written and bool(one.lacks),
                    "languages": sorted(one.rules) if one in written else [],
                    "cannot": _told(one.lacks),
                    "left_out": _told(one.notes),
                }
                for one in carried
            ],
            "differs": DIFFERS,
        },
        *(printable(line) for line in lines),
    )  # fmt: skip
    return 1 if any(one.lacks for one in carried) else 0


def _told(lacks: Sequence[Lack]) -> list[dict[str, object]]:
    return [{"line": one.line, "what": one.what, "why": one.why} for one in lacks]


def _read(file: str) -> bytes:
    try:
        with Path(file).open("rb") as opened:
            # One byte more than is allowed shows that it is too large.
            return opened.read(MAX_BYTES + 1)
    except OSError as error:
        raise BadInput(
            f"{printable(file)} cannot be read: {error.strerror}.", "Name a file of semgrep rules."
        ) from error


def _unlike(carried: Sequence[Carried]) -> None:
    """Raises BadInput when two rules would have one name."""
    seen: dict[str, Carried] = {}
    for one in carried:
        for name in {str(rule["rule"]) for rule in one.rules.values()}:
            other = seen.setdefault(name, one)
            if other is not one:
                raise BadInput(
                    f"{one.file}:{one.line}: the rule {printable(one.name)} would be called "
                    f"own/{name}, like the one in {other.file}:{other.line}.",
                    "Rename one of them.",
                )


def _write(target: Path, written: Sequence[Carried], origin: Sequence[str]) -> list[Path]:
    """One file per language; with two languages their names say which."""
    languages = sorted({language for one in written for language in one.rules})
    texts: dict[Path, str] = {}
    for language in languages:
        path = target
        if len(languages) > 1:
            path = target.with_name(f"{target.stem}-{language}{target.suffix}")
        name = path.stem
        if any(name == pack.name for pack in shipped(language)):
            raise BadInput(
                f"{printable(name)} is the name of a pack that Headgate ships.",
                "Choose another name with -o.",
            )
        rules = [one.rules[language] for one in written if language in one.rules]
        texts[path] = pack_text(name, language, rules, origin)
        # What is written has to be read again.
        parse_pack(texts[path].encode(), path.name, shipped_kinds())
    for path in texts:
        if os.path.lexists(path):
            raise BadInput(
                f"{printable(str(path))} exists.", "Remove it, or choose another name with -o."
            )
    for path, text in texts.items():
        write_whole(path, text)
    return list(texts)
