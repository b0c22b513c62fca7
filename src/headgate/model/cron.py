"""When something is due that is due again and again: the five fields of cron, in UTC."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day", 1, 31, ()),
    ("month", 1, 12, _MONTHS),
    ("weekday", 0, 7, _DAYS),
)
_ALIASES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
}
_PART = re.compile(r"(?:(?P<all>\*)|(?P<low>\w+)(?:-(?P<high>\w+))?)(?:/(?P<step>\d{1,3}))?\Z")
_FARTHEST = 366 * 8 + 2
"""Days: 29 February comes at least once in eight years."""


@dataclass(frozen=True, slots=True)
class Cron:
    """A schedule. As cron has it, a day fits by day of the month *or* by weekday when both are
    given, and by both otherwise."""

    text: str
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    """0 is Sunday."""
    either: bool
    """Whether day of the month and weekday are both given."""

    def next_after(self, time: float) -> float:
        """The first time after `time`, both in seconds since the epoch."""
        start = datetime.fromtimestamp(time // 60 * 60, UTC) + timedelta(minutes=1)
        day = start.replace(hour=0, minute=0)
        for _ in range(_FARTHEST):
            if self._fits(day):
                for hour in sorted(self.hours):
                    for minute in sorted(self.minutes):
                        found = day.replace(hour=hour, minute=minute)
                        if found >= start:
                            return found.timestamp()
            day += timedelta(days=1)
        raise ValueError(f"{self.text} never comes")

    def _fits(self, day: datetime) -> bool:
        if day.month not in self.months:
            return False
        by_day, by_weekday = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return by_day or by_weekday if self.either else by_day and by_weekday


def parse_cron(text: str) -> Cron:
    """`MINUTE HOUR DAY MONTH WEEKDAY`, or one of @hourly, @daily, @weekly, @monthly and @yearly.

    Raises ValueError with a sentence that says which field is wrong.
    """
    fields = _ALIASES.get(text.strip(), text).split()
    if len(fields) != len(_FIELDS):
        raise ValueError(f"`{text}` has {len(fields)} fields, not MINUTE HOUR DAY MONTH WEEKDAY")
    minutes, hours, days, months, weekdays = (
        _field(given, *field) for given, field in zip(fields, _FIELDS, strict=True)
    )
    either = not fields[2].startswith("*") and not fields[4].startswith("*")
    weekdays = frozenset(day % 7 for day in weekdays)
    found = Cron(text, minutes, hours, days, months, weekdays, either)
    found.next_after(0.0)
    return found


def _field(text: str, name: str, least: int, most: int, words: tuple[str, ...]) -> frozenset[int]:
    values: set[int] = set()
    for part in text.split(","):
        match = _PART.match(part)
        if match is None:
            raise ValueError(f"`{part}` is no {name}")
        step = int(match["step"] or 1)
        if step < 1:
            raise ValueError(f"the step of the {name} `{part}` must be at least 1")
        if match["all"]:
            low, high = least, most
        else:
            low = _value(match["low"], name, least, most, words)
            # As in cron, `5/10` means from 5 on.
            last = most if match["step"] else low
            high = _value(match["high"], name, least, most, words) if match["high"] else last
        if high < low:
            raise ValueError(f"the {name} `{part}` ends before it begins")
        values.update(range(low, high + 1, step))
    return frozenset(values)


def _value(text: str, name: str, least: int, most: int, words: tuple[str, ...]) -> int:
    if text.lower() in words:
        return words.index(text.lower()) + least
    if not text.isascii() or not text.isdecimal() or not least <= int(text[:4]) <= most:
        raise ValueError(f"`{text}` is no {name} from {least} to {most}")
    return int(text)
