"""The detection rules, read from rules.toml once."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Any

from headgate.model.origin import Evidence, Grade, OriginKind

LONGEST = 1000
"""Characters of one line, name or option that a rule looks at."""


class Look(StrEnum):
    """What a rule is compared with."""

    PERSON = "person"
    TRAILER = "trailer"
    BODY = "body"
    TOPIC = "topic"
    OPTION = "option"


@dataclass(frozen=True, slots=True)
class Rule:
    """One sign of where a commit comes from."""

    id: str
    look: Look
    pattern: re.Pattern[str]
    kind: OriginKind
    grade: Grade
    tool: str
    yes: tuple[str, ...]
    no: tuple[str, ...]

    def evidence(self, text: str, where: str) -> Evidence | None:
        """The evidence in a text, or None; `where` is said of it, e.g. `co-author`."""
        if len(text) > LONGEST:
            return None
        match = self.pattern.fullmatch(text)
        if match is None:
            return None
        named = {key: (value or "").strip() for key, value in match.groupdict().items()}
        model = named.get("model", "")
        return Evidence(
            rule=self.id,
            signal=f"{where} {text}",
            kind=self.kind,
            grade=self.grade,
            tool=named.get("tool") or self.tool,
            # The tool's own name says nothing of the model.
            model="" if model.lower() == self.tool.lower() else model,
            session=named.get("session", ""),
        )


@cache
def rules(look: Look) -> tuple[Rule, ...]:
    """The rules that look at one thing."""
    return tuple(rule for rule in all_rules() if rule.look is look)


@cache
def all_rules() -> tuple[Rule, ...]:
    """Every rule, in the order of the file."""
    text = resources.files("headgate.provenance").joinpath("rules.toml").read_text("utf-8")
    return tuple(_rule(table) for table in tomllib.loads(text)["rule"])


def _rule(table: dict[str, Any]) -> Rule:
    return Rule(
        id=table["id"],
        look=Look(table["look"]),
        pattern=re.compile(table["pattern"], re.IGNORECASE),
        kind=OriginKind(table["kind"]),
        grade=Grade(table["grade"]),
        tool=table.get("tool", ""),
        yes=tuple(table["yes"]),
        no=tuple(table["no"]),
    )
