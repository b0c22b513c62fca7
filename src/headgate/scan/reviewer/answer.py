"""Reads what the endpoint answered: by the schema or not at all, and nothing that was not shown."""

from __future__ import annotations

import functools
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Any, NoReturn, cast

from headgate.model.finding import Confidence, Severity
from headgate.model.reviewer import ReviewerPolicy
from headgate.scan.outline import squeezed
from headgate.scan.reviewer.interface import Material
from headgate.scan.text import printable

MOST_CLAIMS = 200
"""Findings above which an answer is no answer."""
_LONGEST = {"title": 160, "explanation": 1500, "remedy": 600, "code": 500, "path": 4096}
"""Characters of a text that are kept."""
_NEAR = 3
"""Lines by which the number of a quoted line may be off."""
_SPAN = 50
"""Lines of the longest statement that is pointed at."""
_KEYS = frozenset(
    {"path", "line", "end_line", "code", "cwe", "severity", "confidence", "title", "explanation"}
    | {"remedy"}
)

UNKNOWN_FILE = "about a file that was not shown"
UNKNOWN_LINE = "about a line that was not shown"
OTHER_CODE = "quoting code that is not there"
NO_CWE = "with a CWE that does not exist"
EMPTY = "without a title or an explanation"
TWICE = "said twice"
TOO_UNSURE = "less sure than the policy asks"
TOO_MANY = "beyond the most that the policy takes"
_MEANT = frozenset({TWICE, TOO_UNSURE, TOO_MANY})
"""Why what could be used is discarded all the same."""


class Malformed(Exception):
    """The answer is not what was asked for; the text says why, in a few words."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What the reviewer says of one place, checked against what it was shown."""

    path: str
    line: int
    end_line: int
    cwe: int
    severity: Severity
    confidence: Confidence
    title: str
    explanation: str
    remedy: str


@dataclass(slots=True)
class Answer:
    """What can be used of an answer, and how much cannot, by reason."""

    claims: list[Claim] = field(default_factory=list[Claim])
    discarded: Counter[str] = field(default_factory=Counter[str])

    @property
    def lost(self) -> bool:
        """Whether it says something that cannot be used."""
        return not self.discarded.keys() <= _MEANT

    @property
    def words(self) -> str:
        """`3 discarded: 2 about a line that was not shown, 1 said twice`; empty for none."""
        if not self.discarded:
            return ""
        parts = ", ".join(f"{count} {why}" for why, count in sorted(self.discarded.items()))
        return f"{self.discarded.total()} discarded: {parts}"


@functools.cache
def cwe_numbers() -> frozenset[int]:
    """The numbers of all weaknesses, from `rules/cwe_numbers.txt`."""
    text = resources.files("headgate.scan.rules").joinpath("cwe_numbers.txt").read_text("ascii")
    lines = (line for line in text.splitlines() if not line.startswith("#"))
    found: set[int] = set()
    for part in " ".join(lines).split():
        first, _, last = part.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return frozenset(found)


def read_answer(text: str, material: Material, policy: ReviewerPolicy) -> Answer:
    """The claims of an answer. Raises Malformed for anything that the schema does not allow."""
    given = _findings(text)
    shown: dict[str, dict[int, str]] = {}
    names: dict[str, str] = {}
    for piece in material.pieces:
        lines = shown.setdefault(piece.path, {})
        # Spaces as in every text of an answer.
        names[" ".join(printable(piece.path).split())] = piece.path
        lines.update((line.number, line.text) for line in piece.lines if line.number)
    answer = Answer()
    seen: set[tuple[str, int, int]] = set()
    for index, one in enumerate(given):
        claim = _claim(one, f"findings[{index}]", shown, names)
        if isinstance(claim, str):
            answer.discarded[claim] += 1
        elif (claim.path, claim.line, claim.cwe) in seen:
            answer.discarded[TWICE] += 1
        elif claim.confidence < policy.min_confidence:
            answer.discarded[TOO_UNSURE] += 1
        else:
            seen.add((claim.path, claim.line, claim.cwe))
            answer.claims.append(claim)
    answer.claims.sort(key=lambda one: (-one.severity, -one.confidence))
    if (more := len(answer.claims) - policy.max_findings) > 0:
        answer.discarded[TOO_MANY] += more
        del answer.claims[policy.max_findings :]
    return answer


def _findings(text: str) -> list[Mapping[str, Any]]:
    try:
        value: Any = json.loads(_unfenced(text), parse_constant=_no_number)
    except RecursionError:
        raise Malformed("it is nested too deeply") from None
    except ValueError:
        raise Malformed("it is not JSON") from None
    top = _object(value, "the answer")
    if set(top) != {"findings"}:
        raise Malformed("it must have `findings` and nothing else")
    given = top["findings"]
    if not isinstance(given, list):
        raise Malformed("`findings` is no list")
    items = cast("list[Any]", given)
    if len(items) > MOST_CLAIMS:
        raise Malformed(f"it has {len(items)} findings, and {MOST_CLAIMS} are the most")
    found: list[Mapping[str, Any]] = []
    for index, one in enumerate(items):
        entry = _object(one, f"findings[{index}]")
        if wrong := sorted(set(entry) ^ _KEYS):
            verb = "lacks" if wrong[0] in _KEYS else "has a strange"
            raise Malformed(f"findings[{index}] {verb} `{printable(wrong[0])[:40]}`")
        found.append(entry)
    return found


def _claim(
    one: Mapping[str, Any],
    where: str,
    shown: Mapping[str, Mapping[int, str]],
    names: Mapping[str, str],
) -> Claim | str:
    """A claim, or why it is discarded. Raises Malformed for values of a wrong type."""
    texts = {key: _text(one[key], f"{where}.{key}", most) for key, most in _LONGEST.items()}
    line, end = (_number(one[key], f"{where}.{key}") for key in ("line", "end_line"))
    cwe = _number(one["cwe"], f"{where}.cwe")
    severity = _word(one["severity"], f"{where}.severity", [s.word for s in Severity])
    confidence = _word(one["confidence"], f"{where}.confidence", [c.word for c in Confidence])
    path = names.get(texts["path"])
    if path is None:
        return UNKNOWN_FILE
    lines = shown[path]
    if line not in lines:
        return UNKNOWN_LINE
    found = _quoted(texts["code"], line, lines)
    if not found:
        return OTHER_CODE
    if cwe not in cwe_numbers():
        return NO_CWE
    if not texts["title"] or not texts["explanation"]:
        return EMPTY
    last = max(found, min(end + found - line, found + _SPAN))
    while last > found and last not in lines:
        last -= 1
    return Claim(
        path=path,
        line=found,
        end_line=last,
        cwe=cwe,
        severity=Severity[severity.upper()],
        confidence=Confidence[confidence.upper()],
        title=texts["title"],
        explanation=texts["explanation"],
        remedy=texts["remedy"],
    )


def _quoted(code: str, line: int, lines: Mapping[int, str]) -> int:
    """The line that the quoted code stands on, near the one that is named; 0: on none."""
    wanted = squeezed(code)
    if len(wanted) < 2:
        return 0
    for distance in range(_NEAR + 1):
        for number in (line - distance, line + distance):
            there = squeezed(lines.get(number, ""))
            # A long line may be quoted in part, and a statement of several lines as a whole.
            if there and (wanted in there or (len(there) > 8 and wanted.startswith(there))):
                return number
    return 0


def _unfenced(text: str) -> str:
    """The text without one code fence round all of it, which many models cannot leave out."""
    bare = text.strip()
    if bare.startswith("```") and bare.endswith("```") and "\n" in bare:
        first, _, rest = bare[:-3].partition("\n")
        if first[3:].strip().lower() in ("", "json"):
            return rest
    return bare


def _object(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise Malformed(f"{what} is no object")
    return cast("dict[str, Any]", value)


def _text(value: Any, what: str, most: int) -> str:
    if not isinstance(value, str):
        raise Malformed(f"{what} is no string")
    text = printable(" ".join(value.split()))
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _number(value: Any, what: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise Malformed(f"{what} is no whole number")
    return value


def _word(value: Any, what: str, words: list[str]) -> str:
    if not isinstance(value, str) or value not in words:
        raise Malformed(f"{what} is none of {', '.join(words)}")
    return value


def _no_number(name: str) -> NoReturn:
    raise ValueError(name)
