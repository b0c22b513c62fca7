"""When a schedule comes next."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.model.cron import parse_cron


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def told(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M")


@pytest.mark.parametrize(
    ("schedule", "after", "comes"),
    [
        ("0 3 * * *", "2026-03-01 02:59", "2026-03-01 03:00"),
        ("0 3 * * *", "2026-03-01 03:00", "2026-03-02 03:00"),
        ("*/15 * * * *", "2026-03-01 03:01", "2026-03-01 03:15"),
        ("5/20 9-17 * * mon-fri", "2026-02-27 17:50", "2026-03-02 09:05"),
        ("0 0 29 feb *", "2097-01-01 00:00", "2104-02-29 00:00"),
        ("0 0 13 * fri", "2026-03-08 00:00", "2026-03-13 00:00"),
        ("0 0 13 * fri", "2026-03-13 00:00", "2026-03-20 00:00"),
        ("30 6 * * 7", "2026-03-02 00:00", "2026-03-08 06:30"),
        ("@daily", "2026-12-31 12:00", "2027-01-01 00:00"),
        ("0 0 1 1,jul *", "2026-01-01 00:00", "2026-07-01 00:00"),
    ],
)
def test_it_comes_when_cron_would_say(schedule: str, after: str, comes: str) -> None:
    assert told(parse_cron(schedule).next_after(at(after))) == comes


@pytest.mark.parametrize(
    ("schedule", "why"),
    [
        ("0 3 * *", "has 4 fields"),
        ("60 3 * * *", "`60` is no minute from 0 to 59"),
        ("0 x * * *", "`x` is no hour"),
        ("0 3 */0 * *", "step of the day"),
        ("0 5-3 * * *", "ends before it begins"),
        ("0 3 30 2 *", "never comes"),
        ("0 3 - * *", "`-` is no day"),
        ("0 3 * * montag", "`montag` is no weekday"),
        ("@never", "has 1 fields"),
        ("٣ 3 * * *", "is no minute"),
    ],
)
def test_what_is_no_schedule_is_refused(schedule: str, why: str) -> None:
    with pytest.raises(ValueError, match=why.replace("*", "\\*")):
        parse_cron(schedule)


NUMBERS = st.sampled_from(["*", "*/7", "3", "10-20", "5,59", "0-30/9"])
HOURS = st.sampled_from(["*", "3", "8-18/5", "0,23"])
DAYS = st.sampled_from(["*", "1", "28-31", "*/10"])
WEEKDAYS = st.sampled_from(["*", "0", "mon-wed", "6,7"])


@settings(deadline=None, max_examples=60)
@given(NUMBERS, HOURS, DAYS, WEEKDAYS, st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)))
def test_nothing_fits_between_a_time_and_what_comes_next(
    minute: str, hour: str, day: str, weekday: str, start: datetime
) -> None:
    cron = parse_cron(f"{minute} {hour} {day} * {weekday}")
    begin = start.replace(tzinfo=UTC)
    found = datetime.fromtimestamp(cron.next_after(begin.timestamp()), UTC)
    assert found > begin

    def fits(moment: datetime) -> bool:
        by_day = moment.day in cron.days
        by_weekday = moment.isoweekday() % 7 in cron.weekdays
        both = by_day or by_weekday if cron.either else by_day and by_weekday
        return moment.minute in cron.minutes and moment.hour in cron.hours and both

    assert fits(found)
    moment = begin.replace(second=0, microsecond=0) + timedelta(minutes=1)
    for _ in range(3000):
        if moment >= found:
            break
        assert not fits(moment)
        moment += timedelta(minutes=1)
