"""A draft of dependencies.toml, with what a person still has to say."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from headgate.model.dependency_policy import LONGEST_EXCEPTION

TODO = "TODO"
"""What stands where another tool has no word for what ours wants to know."""


@dataclass(frozen=True, slots=True)
class Excepted:
    """One exception of another tool."""

    package: str
    """A package URL, or a pattern of them; empty: the other tool excepts the advisory everywhere.
    """
    advisories: tuple[str, ...]
    reason: str = ""
    expires: date | None = None
    versions: str = ""
    justification: str = ""


@dataclass(frozen=True, slots=True)
class Denied:
    """One denial of another tool."""

    package: str
    reason: str = ""
    versions: str = ""
    use_instead: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """What one file of another tool says."""

    exceptions: tuple[Excepted, ...] = ()
    denials: tuple[Denied, ...] = ()
    licences_allowed: tuple[str, ...] = ()
    licences_denied: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    """What has no counterpart here, in words."""

    def toml(self, file: str, today: date) -> str:
        """As a dependencies.toml; what a person has to fill in says TODO."""
        parts = [f"# From {file}. Fill in every {TODO}, then `headgate deps policy check`."]
        if self.licences_allowed or self.licences_denied:
            parts.append("[licences]")
            for key, names in (("allow", self.licences_allowed), ("deny", self.licences_denied)):
                if names:
                    parts.append(f"{key} = {_list(names)}")
        for one in self.denials:
            parts += ["", "[[deny]]", f"package = {_text(one.package)}"]
            if one.versions:
                parts.append(f"versions = {_text(one.versions)}")
            if one.use_instead:
                parts.append(f"use-instead = {_text(one.use_instead)}")
            parts.append(f"reason = {_text(one.reason or TODO)}")
        for one in self.exceptions:
            parts += ["", *_exception(one, today)]
        return "\n".join(parts) + "\n"


def _exception(one: Excepted, today: date) -> list[str]:
    latest = today + timedelta(days=LONGEST_EXCEPTION)
    lines = ["[[exceptions]]", f"package = {_text(one.package or f'pkg:{TODO}/{TODO}')}"]
    if one.versions:
        lines.append(f"versions = {_text(one.versions)}")
    lines.append(f"advisories = {_list(one.advisories)}")
    if one.justification:
        lines.append(f"justification = {_text(one.justification)}")
    lines += [
        f"owner = {_text(TODO)}",
        f"approvers = {_list((TODO,))}",
        f"reason = {_text(one.reason or TODO)}",
        f"since = {today}",
    ]
    if one.expires is None:
        lines.append(f"expires = {latest}  # the other tool knows no end")
    elif one.expires > latest:
        lines.append(f"expires = {latest}  # there: {one.expires}")
    elif one.expires <= today:
        lines.append(f"expires = {today + timedelta(days=1)}  # there: {one.expires}, over")
    else:
        lines.append(f"expires = {one.expires}")
    return lines


def _text(text: str) -> str:
    return json.dumps(" ".join(text.split()), ensure_ascii=False)


def _list(texts: tuple[str, ...]) -> str:
    return f"[{', '.join(_text(one) for one in texts)}]"


def day_of(value: object) -> date | None:
    """The day that a value of TOML or YAML means; None when it means none."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).date() if value.tzinfo else value.date()
    if isinstance(value, date):
        return value
    if isinstance(value, str):
        try:
            return datetime.fromisoformat(value).date()
        except ValueError:
            return None
    return None
