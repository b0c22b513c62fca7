"""Slots: never more at once than there are, never one lost."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.jobs.dispatch.slots import Slots


def test_there_must_be_one() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Slots(0)


@given(
    st.integers(1, 4),
    st.lists(st.tuples(st.integers(-2, 2), st.integers(0, 3), st.booleans()), max_size=20),
)
def test_whatever_is_cancelled_no_slot_is_lost_or_given_twice(
    count: int, holders: list[tuple[int, int, bool]]
) -> None:
    async def story() -> None:
        slots = Slots(count)
        held: set[int] = set()

        async def hold(priority: int, turns: int) -> None:
            slot = await slots.take(priority)
            try:
                assert slot not in held
                held.add(slot)
                assert len(held) <= count
                for _ in range(turns):
                    await asyncio.sleep(0)
            finally:
                held.discard(slot)
                slots.give(slot)

        tasks = [(asyncio.create_task(hold(p, n)), cancelled) for p, n, cancelled in holders]
        await asyncio.sleep(0)
        for number, (task, cancelled) in enumerate(tasks):
            if cancelled:
                task.cancel()
            if number % 3 == 0:
                await asyncio.sleep(0)
        await asyncio.gather(*(task for task, _ in tasks), return_exceptions=True)
        for task, _ in tasks:
            assert task.cancelled() or task.exception() is None
        assert (slots.taken, slots.waiting) == (0, 0)
        assert sorted([await slots.take() for _ in range(count)]) == list(range(count))

    asyncio.run(story())
