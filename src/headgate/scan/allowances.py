"""Findings that a comment in the code allows: `# headgate: allow RULE until=2027-01-01 because …`.

The comment stands on a line of the finding's statement, or alone on the lines right above it. A
comment that cannot be used is a finding itself: whoever wrote it believes that it works.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date

from headgate.model.finding import Confidence, Finding, Severity, Span
from headgate.model.record import record
from headgate.scan.late import late
from headgate.scan.rules.known import is_known_rule
from headgate.scan.text import Text, printable

UNUSABLE = "suppression/unusable"

_PROSE = (".md", ".rst", ".txt", ".adoc")
_MARK = "headgate:"
_COMMENT = late(
    r"(?P<open>#|//|/\*|<!--|--|\{#|;|%|'|\brem\b)\s*headgate:\s*(?P<verb>\w+)\b(?P<rest>.*)",
    re.IGNORECASE,
)
_CLOSE = late(r"\s*(?:\*/|-->|#\})\s*.*$")
_BECAUSE = late(r"\bbecause\b[\s:]*(?P<why>.*)$", re.IGNORECASE)
_OPTION = late(r"^(?P<name>[a-z]+)=(?P<value>\S*)$", re.IGNORECASE)
_FORM = "Write `headgate: allow RULE until=2027-01-31 because REASON`; until= may be left out."


@record
class Allowance:
    """What one comment allows."""

    line: int
    rules: frozenset[str]
    reason: str
    until: date | None
    owner: str
    alone: bool
    """Whether nothing but the comment is on its line: then it is about what follows."""

    @property
    def words(self) -> str:
        """As a report tells it."""
        until = f" (until {self.until})" if self.until else ""
        by = f" (owner {self.owner})" if self.owner else ""
        return f"{printable(self.reason)}{until}{by}"


@record
class Allowances:
    """The comments of one file."""

    usable: tuple[Allowance, ...] = ()
    unusable: tuple[Finding, ...] = ()

    def of(self, rule: str, first: int, last: int) -> Allowance | None:
        """What allows a finding of this rule in a statement on these lines."""
        if not self.usable:
            return None
        by_line = {one.line: one for one in self.usable}
        lines = list(range(first, last + 1))
        above = first - 1
        while above in by_line and by_line[above].alone:
            lines.append(above)
            above -= 1
        return next((by_line[n] for n in lines if n in by_line and rule in by_line[n].rules), None)


def allowances(
    path: str, text: Text, today: date, known: Callable[[str], bool] = is_known_rule
) -> Allowances:
    """Every comment of a file that allows something, or tries to."""
    usable: list[Allowance] = []
    unusable: list[Finding] = []
    prose = path.lower().endswith(_PROSE)
    for number, line in enumerate(text.lines, 1):
        if _MARK not in line.lower():
            continue
        match = _COMMENT.search(line)
        if match is None or (prose and match["open"] != "<!--"):
            continue
        read = _parse(match["rest"], match["verb"], number, not line[: match.start()].strip())
        problems = [read] if isinstance(read, str) else list(_problems(read, today, known))
        if problems or isinstance(read, str):
            span = Span(path, number, match.start() + 1, number, len(line.rstrip()) + 1)
            unusable.append(_unusable(span, " ".join(problems)))
        else:
            usable.append(read)
    return Allowances(tuple(usable), tuple(unusable))


def _parse(rest: str, verb: str, line: int, alone: bool) -> Allowance | str:
    if verb.lower() != "allow":
        return f"`headgate: {printable(verb)}` is no instruction; only `allow` is."
    rest = _CLOSE.sub("", rest)
    because = _BECAUSE.search(rest)
    reason = because["why"].strip() if because else ""
    head = rest[: because.start()] if because else rest
    rules: list[str] = []
    until: date | None = None
    owner = ""
    for word in head.replace(",", " ").split():
        option = _OPTION.match(word)
        if option is None:
            rules.append(word)
        elif option["name"].lower() == "until":
            try:
                until = date.fromisoformat(option["value"])
            except ValueError:
                return f"until={printable(option['value'])} is no date like 2027-01-31."
        elif option["name"].lower() == "owner" and option["value"]:
            owner = option["value"]
        else:
            return f"`{printable(word)}` is not known here."
    if not rules:
        return "It names no rule."
    if not reason:
        return "It gives no reason: `because …` is missing."
    return Allowance(line, frozenset(rules), reason, until, owner, alone)


def _problems(one: Allowance, today: date, known: Callable[[str], bool]) -> Iterator[str]:
    for rule in sorted(one.rules):
        if not known(rule):
            yield f"There is no rule {printable(rule)}."
    if one.until is not None and one.until < today:
        yield f"It was allowed until {one.until}, which is past."


def _unusable(span: Span, why: str) -> Finding:
    return Finding(
        rule=UNUSABLE,
        title="Comment that allows nothing",
        message=f"This comment is meant to allow a finding, and does not. {why}",
        remedy=_FORM,
        severity=Severity.LOW,
        confidence=Confidence.HIGH,
        span=span,
        check="source",
    )
