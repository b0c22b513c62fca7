"""The pure parts of the walls: limits, host names, paths to go back to."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.server.api.body import local_path
from headgate.server.auth.hosts import HostMiddleware, host_name
from headgate.server.auth.limiter import AttemptLimiter, Limit, TooManyAttempts
from headgate.server.metrics import AREAS, area_of
from headgate.server.settings import Settings


@given(st.text() | st.text("/\\.:@ \t\nevil", max_size=12))
def test_a_path_to_go_back_to_stays_here(text: str) -> None:
    path = local_path(text)
    assert path in ("", text)
    if path:
        parts = urlsplit(path)
        assert not parts.scheme
        assert not parts.netloc
        assert path[0] == "/"
        assert path[1:2] not in ("/", "\\")


@given(st.lists(st.sampled_from(["fail", "wait"]), max_size=60))
def test_never_more_failures_than_the_limit_in_any_window(story: list[str]) -> None:
    now = 0.0
    limiter = AttemptLimiter(lambda: now, Limit(3, 60.0), Limit(1000, 60.0))
    failures: list[float] = []
    for step in story:
        if step == "wait":
            now += 25.0
            continue
        try:
            limiter.check("1.2.3.4", "form")
        except TooManyAttempts:
            continue
        limiter.failed("1.2.3.4", "form")
        failures.append(now)
        assert len([t for t in failures if t > now - 60.0]) <= 3
    now += 61.0
    limiter.check("1.2.3.4", "form")


def test_one_address_is_limited_over_all_that_it_tries() -> None:
    limiter = AttemptLimiter(lambda: 5.0, Limit(10, 60.0), Limit(4, 60.0))
    for number in range(4):
        limiter.failed("1.2.3.4", f"token {number}")
    with pytest.raises(TooManyAttempts):
        limiter.check("1.2.3.4", "another")
    limiter.check("5.6.7.8", "another")


def test_the_limiter_does_not_grow_for_ever() -> None:
    limiter = AttemptLimiter(lambda: 0.0, remembered=50)
    for number in range(1000):
        limiter.failed(f"10.0.{number // 256}.{number % 256}", "form")
    assert limiter.remembered <= 50


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("Example.ORG", "example.org"),
        ("example.org:80", "example.org"),
        ("example.org.", "example.org"),
        ("[::1]:8417", "::1"),
        ("[::1]", "::1"),
        ("", ""),
    ],
)
def test_host_names(header: str, name: str) -> None:
    assert host_name(header) == name


def wall(tmp_path: Path, **given: object) -> HostMiddleware:
    async def nothing(*_: object) -> None: ...

    return HostMiddleware(nothing, Settings(data=tmp_path, **given))  # type: ignore[arg-type]


def test_the_public_name_is_answered(tmp_path: Path) -> None:
    behind = wall(tmp_path, public_url="https://gate.example.org/")
    assert behind.allows("gate.example.org")
    assert behind.allows("localhost:8417")
    assert not behind.allows("example.org")
    assert not behind.allows("192.0.2.1")


def test_listening_everywhere_answers_to_addresses_but_not_to_names(tmp_path: Path) -> None:
    everywhere = wall(tmp_path, host="0.0.0.0", allow_network=True)
    assert everywhere.allows("192.0.2.1:8417")
    assert everywhere.allows("[2001:db8::1]:8417")
    assert not everywhere.allows("evil.example")
    assert not everywhere.allows("")


@given(st.text())
def test_few_areas_whatever_is_asked_for(path: str) -> None:
    assert area_of(path) in AREAS | {"other"}
