"""Semaphores of the whole server: counted, fair, and never a reason to wait for ever."""

from __future__ import annotations

import asyncio
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.jobs.semaphores import Semaphores


async def soon() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_so_many_hold_it_and_the_next_one_waits() -> None:
    semaphores = Semaphores({"db": 2}.__getitem__)
    await semaphores.take(["db"])
    await semaphores.take(["db"])
    third = asyncio.create_task(semaphores.take(["db"]))
    await soon()
    assert not third.done()
    semaphores.give(["db"])
    await third
    assert semaphores.held("db") == 2


async def test_without_names_nobody_waits() -> None:
    await Semaphores().take([])


async def test_the_line_is_kept_even_by_those_who_want_less() -> None:
    semaphores = Semaphores()
    await semaphores.take(["a"])
    both = asyncio.create_task(semaphores.take(["a", "b"]))
    await soon()
    one = asyncio.create_task(semaphores.take(["b"]))
    other = asyncio.create_task(semaphores.take(["c"]))
    await soon()
    assert not one.done(), "b is free, but somebody ahead needs it together with a"
    assert other.done()
    semaphores.give(["a"])
    await both
    assert not one.done()
    semaphores.give(["a", "b"])
    await one


async def test_lower_priorities_come_first() -> None:
    semaphores = Semaphores()
    await semaphores.take(["a"])
    late = asyncio.create_task(semaphores.take(["a"], priority=9))
    await soon()
    early = asyncio.create_task(semaphores.take(["a"], priority=1))
    await soon()
    semaphores.give(["a"])
    await early
    assert not late.done()
    semaphores.give(["a"])
    await late


async def test_who_gives_up_does_not_hold_up_the_line() -> None:
    semaphores = Semaphores()
    await semaphores.take(["a"])
    both = asyncio.create_task(semaphores.take(["a", "b"]))
    await soon()
    one = asyncio.create_task(semaphores.take(["b"]))
    await soon()
    both.cancel()
    await one
    handed = asyncio.create_task(semaphores.take(["a"]))
    await soon()
    semaphores.give(["a"])
    handed.cancel()  # In the moment in which it is handed over.
    await asyncio.gather(handed, return_exceptions=True)
    assert semaphores.held("a") == 0


async def test_a_new_capacity_counts_when_the_line_is_looked_at() -> None:
    capacity = {"a": 1}
    semaphores = Semaphores(capacity.__getitem__)
    await semaphores.take(["a"])
    second = asyncio.create_task(semaphores.take(["a"]))
    await soon()
    capacity["a"] = 2
    semaphores.look_again()
    await second
    capacity["a"] = 0  # Not a way to stop everything.
    semaphores.give(["a"])
    semaphores.give(["a"])
    await semaphores.take(["a"])


_RUNS = st.lists(
    st.tuples(
        st.sets(st.sampled_from("abc"), max_size=3),
        st.integers(0, 2),
        st.integers(0, 3),
        st.booleans(),
    ),
    max_size=12,
)


@settings(deadline=None)
@given(_RUNS, st.fixed_dictionaries({name: st.integers(1, 3) for name in "abc"}))
def test_whoever_comes_everybody_gets_a_turn_and_no_count_is_exceeded(
    runs: list[tuple[set[str], int, int, bool]], capacity: dict[str, int]
) -> None:
    async def story() -> None:
        semaphores = Semaphores(capacity.__getitem__)
        holding: Counter[str] = Counter()

        async def run(names: set[str], priority: int, steps: int) -> None:
            await semaphores.take(names, priority)
            holding.update(names)
            assert all(holding[name] <= capacity[name] for name in names)
            for _ in range(steps):
                await asyncio.sleep(0)
            holding.subtract(names)
            semaphores.give(names)

        tasks = [asyncio.create_task(run(n, p, s)) for n, p, s, _ in runs]
        await asyncio.sleep(0)
        for task, (_, _, _, gone) in zip(tasks, runs, strict=True):
            if gone and not holding:
                task.cancel()
        async with asyncio.timeout(5):
            await asyncio.gather(*tasks, return_exceptions=True)
        for task in tasks:
            assert task.cancelled() or task.exception() is None
        assert all(semaphores.held(name) == 0 for name in "abc")

    asyncio.run(story())
