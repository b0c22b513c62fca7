"""Suppressions of the policy that end while the server runs."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from headgate.model.errors import CouldNotRun
from headgate.model.suppression import DAY, Suppression
from headgate.server.flow import branches
from headgate.server.flow.branches import BranchScanner

UNTIL = 1_800_057_600.0


async def test_what_has_ended_is_reopened_also_when_it_cannot_be_written_at_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = Suppression(("r",), (), (), UNTIL, "ann", "because", 3)
    now = [UNTIL + DAY - 1]
    policy = SimpleNamespace(suppressions=(one,))
    house = SimpleNamespace(clock=lambda: now[0], policy=lambda: policy)
    scanner = BranchScanner(cast("Any", house))
    applied: list[float] = []

    def apply() -> None:
        applied.append(now[0])
        if len(applied) == 2:
            raise CouldNotRun("The disk is full.", "Make room.")

    monkeypatch.setattr(scanner, "apply_policy", apply)
    monkeypatch.setattr(branches, "_LOOK", 0)
    task = asyncio.create_task(scanner.end_expired())
    for _ in range(5):
        await asyncio.sleep(0)
    assert applied == [UNTIL + DAY - 1], "on its last day it holds"
    now[0] = UNTIL + DAY
    for _ in range(9):
        await asyncio.sleep(0)
    assert not task.done()
    assert applied == [UNTIL + DAY - 1, UNTIL + DAY, UNTIL + DAY], "once more, and no oftener"
    task.cancel()
