"""`headgate deps match`."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from headgate.cli.deps_database import database, database_option, max_age_option
from headgate.cli.output import current, json_option, printable
from headgate.model.errors import BadInput

if TYPE_CHECKING:
    from headgate.deps.advisories.matcher import Advisor
    from headgate.deps.advisories.verdict import Answer

_KEYS = ("ecosystem", "name", "version")
_CODES = {"affected": 1, "unknown": 3, "clean": 0}
"""Exit codes by verdict, the one that counts first where there are several."""


@click.command()
@click.argument("package", nargs=-1, metavar="[ECOSYSTEM NAME VERSION]")
@click.option(
    "--stdin", is_flag=True, help="Read one JSON object a line, and answer each with one."
)
@max_age_option("How old the advisories may be for anything to be called clean.")
@database_option
@json_option
@click.pass_context
def match(
    ctx: click.Context, package: tuple[str, ...], stdin: bool, max_age: float, db: Path | None
) -> None:
    """Say which advisories concern a version of a package.

    ECOSYSTEM is named as OSV names it (`PyPI`, `Debian:12`). With --stdin, each line is an object
    `{"ecosystem": …, "name": …, "version": …}` and is answered by itself with `verdict` (`clean`,
    `affected` or `unknown`), `advisories` and `reason`.

    Exit codes: 0 all are clean, 1 one is affected, 2 wrong usage, 3 none is affected and one is
    unknown: without a database, with one that is too old, for a version nobody can place.
    """
    if stdin == bool(package) or (package and len(package) != 3):
        raise BadInput(
            "One package is asked about with ECOSYSTEM NAME VERSION, many with --stdin.",
            "See `headgate deps match --help`.",
        )
    from headgate.deps.advisories.matcher import Advisor

    with Advisor(database(db), time.time(), max_age * 86_400) as advisor:
        if stdin:
            ctx.exit(_many(advisor))
        found = _answered(advisor, dict(zip(_KEYS, package, strict=True)))
    if current().json:
        print(json.dumps(found))
    else:
        print("\n".join(_lines(found)))
    ctx.exit(_CODES[found["verdict"]])


def _many(advisor: Advisor) -> int:
    """Answer standard input line by line; gives the exit code."""
    verdicts: set[str] = set()
    for asked in _asked():
        found = _answered(advisor, asked) if isinstance(asked, dict) else _unknown({}, asked)
        verdicts.add(found["verdict"])
        print(json.dumps(found), flush=True)  # Who asks may wait for it.
    return next((code for verdict, code in _CODES.items() if verdict in verdicts), 0)


def _asked() -> Iterator[dict[str, Any] | str]:
    """The objects on standard input, and what is wrong with lines that are none.

    Who asks counts the answers: an empty line has one too, but for those at the end.
    """
    empty: list[int] = []
    for number, line in enumerate(sys.stdin.buffer, 1):
        if not line.strip():
            empty.append(number)
            continue
        yield from (f"line {one} of standard input is empty" for one in empty)
        empty.clear()
        try:
            found = json.loads(line, parse_constant=_no_json)
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, dict):
            yield cast("dict[str, Any]", found)
        else:
            yield f"line {number} of standard input is not a JSON object"


def _no_json(word: str) -> None:
    """Refuse NaN and the infinities, which Python would read and write back."""
    raise ValueError(word)


def _answered(advisor: Advisor, asked: dict[str, Any]) -> dict[str, Any]:
    from headgate.deps.advisories.verdict import Package

    texts = [asked.get(key, "") for key in _KEYS]
    if not all(isinstance(text, str) for text in texts):
        return _unknown(asked, "ecosystem, name and version must be texts")
    return _object(asked, advisor.answer(Package(*texts)))


def _unknown(asked: dict[str, Any], reason: str) -> dict[str, Any]:
    return {**asked, "verdict": "unknown", "advisories": [], "reason": reason}


def _object(asked: dict[str, Any], answer: Answer) -> dict[str, Any]:
    return {
        **asked,
        "verdict": answer.verdict.value,
        "advisories": list(answer.advisories),
        "reason": answer.reason,
        "doubts": list(answer.doubts),
        "fixes": list(answer.fixes),
        "known": [
            {
                "ids": list(one.ids),
                "aliases": list(one.aliases),
                "summary": one.summary,
                "score": one.score,
                "rating": one.rating,
                "malicious": one.malicious,
                "exploited": one.exploited,
                "epss": one.epss,
                "fixed": list(one.fixed),
            }
            for one in answer.known
        ],
    }


def _lines(found: dict[str, Any]) -> Iterator[str]:
    what = f"{found['ecosystem']} {found['name']} {found['version']}"
    yield f"{printable(what)}: {found['verdict']}: {printable(found['reason'])}"
    for one in found.get("known", ()):
        words = [", ".join((*one["ids"], *one["aliases"])), one["rating"]]
        if one["score"] is not None:
            words.append(f"{one['score']}")
        words += ["malicious"] * one["malicious"] + ["exploited"] * one["exploited"]
        if one["epss"] is not None:
            words.append(f"EPSS {one['epss']:.1%}")
        if one["fixed"]:
            words.append(f"fixed in {', '.join(one['fixed'])}")
        yield "  " + printable("  ".join(word for word in words if word))
        if one["summary"]:
            yield f"    {printable(one['summary'])}"
