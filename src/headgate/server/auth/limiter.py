"""Slows down whoever guesses credentials."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

from headgate.model.errors import NotSignedIn


class TooManyAttempts(NotSignedIn):
    """Too many failed sign-ins; `retry_after` is in whole seconds."""

    status = 429

    def __init__(self, retry_after: int) -> None:
        super().__init__("Too many failed sign-ins.", f"Wait {retry_after} seconds and try again.")
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `failures` in any `seconds`."""

    failures: int
    seconds: float


PER_SUBJECT = Limit(10, 60.0)
"""For one token or one form, from one address."""
PER_CLIENT = Limit(60, 300.0)
"""For everything from one address; on loopback many principals share it, so it is wide."""


class AttemptLimiter:
    """Counts failures in memory, by address and by what was tried from it."""

    def __init__(
        self,
        clock: Callable[[], float],
        per_subject: Limit = PER_SUBJECT,
        per_client: Limit = PER_CLIENT,
        remembered: int = 10_000,
    ) -> None:
        self._clock = clock
        self._limits = (per_subject, per_client)
        self._most = remembered
        self._failures: OrderedDict[tuple[str, str], deque[float]] = OrderedDict()

    @property
    def remembered(self) -> int:
        """How many addresses and things tried are kept in memory."""
        return len(self._failures)

    def check(self, client: str, subject: str) -> None:
        """Raises TooManyAttempts while the limit is reached."""
        now = self._clock()
        waits = [
            self._wait(key, limit, now)
            for key, limit in zip(_keys(client, subject), self._limits, strict=True)
        ]
        longest = max(waits)
        if longest > 0:
            raise TooManyAttempts(ceil(longest))

    def failed(self, client: str, subject: str) -> None:
        """Record one failure."""
        now = self._clock()
        for key, limit in zip(_keys(client, subject), self._limits, strict=True):
            times = self._failures.setdefault(key, deque(maxlen=limit.failures))
            times.append(now)
            self._failures.move_to_end(key)
        while len(self._failures) > self._most:
            self._failures.popitem(last=False)

    def _wait(self, key: tuple[str, str], limit: Limit, now: float) -> float:
        """Seconds until the oldest of the last `failures` leaves the window; 0: may try."""
        times = self._failures.get(key)
        if times is None or len(times) < limit.failures:
            return 0.0
        return max(0.0, times[0] + limit.seconds - now)


def _keys(client: str, subject: str) -> tuple[tuple[str, str], tuple[str, str]]:
    return (client, subject), (client, "")
