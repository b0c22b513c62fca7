"""The chain of events: whatever is done to a written entry is found, and named."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.ledger.chain import START, seal, verify
from headgate.model.event import Event, Json, NewEvent

words = st.text(st.characters(codec="utf-8"), max_size=12)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=5,
)
news = st.builds(NewEvent, words, words, words, st.dictionaries(words, values, max_size=3))


def chain(happenings: list[NewEvent], began: int = 1_700_000_000_000_000) -> list[Event]:
    """The entries that a log would hold, one microsecond apart."""
    entries: list[Event] = []
    previous = START
    for id, new in enumerate(happenings, 1):
        _, hash = seal(previous, id, began + id, new)
        entries.append(
            Event(id, began + id, new.kind, new.actor, new.subject, new.data, previous, hash)
        )
        previous = hash
    return entries


def reseal(entry: Event) -> Event:
    """The entry as a forger would leave it: its own hash made to fit."""
    new = NewEvent(entry.kind, entry.actor, entry.subject, entry.data)
    return replace(entry, hash=seal(entry.previous, entry.id, entry.time, new)[1])


chains = st.lists(news, min_size=2, max_size=6).map(chain)


def test_an_empty_log_verifies() -> None:
    found = verify([])
    assert (found.entries, found.head, found.problem) == (0, START, "")


@given(chains)
def test_a_log_nobody_touched_verifies(entries: list[Event]) -> None:
    found = verify(entries)
    assert found.problem == ""
    assert found.entries == len(entries)
    assert found.head == entries[-1].hash


@given(chains, st.data())
def test_an_edit_of_any_field_is_found(entries: list[Event], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(entries) - 1))
    entry = entries[at]
    field = data.draw(st.sampled_from(["kind", "actor", "subject", "data", "time", "hash", "id"]))
    forged: Event
    if field == "data":
        forged = replace(entry, data={**entry.data, "forged": len(entry.data)})
    elif field == "time":
        forged = replace(entry, time=entry.time + 1)
    elif field == "id":
        forged = replace(entry, id=entry.id + 1)
    elif field == "hash":
        forged = replace(entry, hash=("1" if entry.hash[0] == "0" else "0") + entry.hash[1:])
    else:
        forged = replace(entry, **{field: getattr(entry, field) + "x"})
    found = verify([*entries[:at], forged, *entries[at + 1 :]])
    assert found.problem
    assert found.entries == at
    assert str(at + 1) in found.problem


@given(chains, st.data())
def test_an_edit_with_its_hash_made_to_fit_breaks_the_next_entry_or_the_head(
    entries: list[Event], data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(entries) - 1))
    forged = reseal(replace(entries[at], actor=entries[at].actor + "x"))
    found = verify([*entries[:at], forged, *entries[at + 1 :]])
    if at + 1 < len(entries):
        assert found.problem
        assert found.entries == at + 1
    else:
        assert found.head != entries[-1].hash


@given(chains, st.data())
def test_a_deleted_entry_is_found(entries: list[Event], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(entries) - 2))
    found = verify([*entries[:at], *entries[at + 1 :]])
    assert found.entries == at
    assert str(at + 1) in found.problem


@given(chains, st.data())
def test_renumbering_after_a_deletion_does_not_hide_it(
    entries: list[Event], data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(entries) - 2))
    rest = [replace(entry, id=entry.id - 1) for entry in entries[at + 1 :]]
    assert verify([*entries[:at], *rest]).problem


@given(chains)
def test_a_tail_cut_off_shows_in_entries_and_head(entries: list[Event]) -> None:
    """The chain alone cannot know its end: who kept the head can."""
    found = verify(entries[:-1])
    assert found.entries == len(entries) - 1
    assert found.head != verify(entries).head


@given(chains, st.data())
def test_entries_in_another_order_are_found(entries: list[Event], data: st.DataObject) -> None:
    order = data.draw(st.permutations(entries))
    assert bool(verify(order).problem) == (order != entries)


@given(chains, news, st.data())
def test_an_inserted_entry_is_found(
    entries: list[Event], new: NewEvent, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(entries) - 1))
    before = entries[at]
    extra = reseal(
        Event(
            before.id, before.time, new.kind, new.actor, new.subject, new.data, before.previous, ""
        )
    )
    assert verify([*entries[:at], extra, *entries[at:]]).problem


@given(news)
def test_the_canonical_form_does_not_depend_on_the_order_of_keys(new: NewEvent) -> None:
    backwards = replace(new, data=dict(reversed(list(new.data.items()))))
    assert seal(START, 1, 1, new) == seal(START, 1, 1, backwards)


def test_an_entry_earlier_than_the_one_before_is_found() -> None:
    first, second = chain([NewEvent("a.b", "ada", "x/1", {})] * 2)
    back = reseal(replace(second, time=first.time - 1))
    assert "2" in verify([first, back]).problem


def test_the_same_moment_twice_is_in_order() -> None:
    first, second = chain([NewEvent("a.b", "ada", "x/1", {})] * 2)
    assert verify([first, reseal(replace(second, time=first.time))]).problem == ""


@pytest.mark.parametrize(
    "data",
    [{"n": 2**60}, {"n": float("nan")}, {"n": object()}, {1: "a"}],
    ids=["large", "nan", "object", "key"],
)
def test_data_without_a_canonical_form_is_refused(data: dict[str, Json]) -> None:
    with pytest.raises((ValueError, TypeError)):
        seal(START, 1, 1, NewEvent("a.b", "ada", "x/1", data))
