"""A record is a dataclass with slots, made faster."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.model.record import record, replace


@record
class Ours:
    """Words."""

    KNOWN: ClassVar[int] = 7
    name: str
    hidden: bytes = field(repr=False)
    size: int = 0
    ways: list[int] = field(default_factory=list[int])
    mark: str = field(default="m", compare=False)
    unannotated = "constant"

    @property
    def double(self) -> int:
        return 2 * self.size


@dataclass(frozen=True, slots=True)
class Theirs:
    """Words."""

    KNOWN: ClassVar[int] = 7
    name: str
    hidden: bytes = field(repr=False)
    size: int = 0
    ways: list[int] = field(default_factory=list[int])
    mark: str = field(default="m", compare=False)
    unannotated = "constant"

    @property
    def double(self) -> int:
        return 2 * self.size


@record(frozen=False)
class Open:
    count: int = 0


@record(frozen=False, eq=False)
class Itself:
    count: int = 0


@record
class Single:
    one: str


@record
class Empty:
    pass


GIVEN = st.fixed_dictionaries(
    {"name": st.sampled_from(["a", "b"]), "hidden": st.sampled_from([b"", b"x"])},
    optional={
        "size": st.integers(0, 1),
        "ways": st.lists(st.integers(0, 1), max_size=2),
        "mark": st.sampled_from(["m", "n"]),
    },
)


@given(one=GIVEN, other=GIVEN)
def test_a_record_is_compared_shown_changed_and_taken_apart_as_a_dataclass(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    mine, its = Ours(**one), Theirs(**one)
    assert repr(mine) == repr(its).replace("Theirs", "Ours")
    assert dataclasses.asdict(mine) == dataclasses.asdict(its)
    assert (mine == Ours(**other)) == (its == Theirs(**other))
    assert mine != its
    changed = {name: value for name, value in other.items() if name != "name"}
    expected = dataclasses.asdict(dataclasses.replace(its, **changed))
    assert dataclasses.asdict(replace(mine, **changed)) == expected
    assert dataclasses.asdict(dataclasses.replace(mine, **changed)) == expected
    assert mine.double == its.double


@given(one=GIVEN)
def test_a_record_is_pickled_and_copied(one: dict[str, Any]) -> None:
    mine = Ours(**one)
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        again = pickle.loads(pickle.dumps(mine, protocol))
        assert dataclasses.asdict(again) == dataclasses.asdict(mine)
    assert copy.deepcopy(mine) == copy.copy(mine) == mine
    assert copy.deepcopy(mine).ways is not mine.ways


@given(given=st.lists(GIVEN, min_size=1, max_size=8), places=st.integers(0, 2))
def test_the_first_instances_are_made_as_the_later_ones(
    given: list[dict[str, Any]], places: int
) -> None:
    @record
    class Fresh:
        name: str
        hidden: bytes = field(repr=False)
        size: int = 0
        ways: list[int] = field(default_factory=list[int])
        mark: str = field(default="m", compare=False)

    for one in given:
        # Some by their places, the rest by their names.
        rest = dict(one)
        first = [rest.pop(name) for name in ("name", "hidden")[:places]]
        assert dataclasses.asdict(Fresh(*first, **rest)) == dataclasses.asdict(Theirs(**one))


def test_equal_records_have_one_hash() -> None:
    assert hash(Single("a")) == hash(Single("a"))
    assert len({Single("a"), Single("a"), Single("b")}) == 2
    assert Empty() == Empty()
    with pytest.raises(TypeError, match="unhashable"):
        hash(Open())
    assert Open(1) == Open(1)
    assert Itself(1) != Itself(1)
    assert len({Itself(1), Itself(1)}) == 2


def test_a_record_stays_as_it_is_unless_it_may_change() -> None:
    mine = Ours("a", b"")
    for name in ("size", "unheard_of"):
        with pytest.raises(dataclasses.FrozenInstanceError, match=f"cannot assign to .*'{name}'"):
            setattr(mine, name, 1)
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot delete field 'size'"):
        delattr(mine, "size")
    free = Open()
    free.count += 1
    assert free == Open(1)
    with pytest.raises(AttributeError):
        free.other = 1  # type: ignore[attr-defined]


def test_every_instance_has_a_default_of_its_own() -> None:
    one, other = Ours("a", b""), Ours("a", b"")
    one.ways.append(1)
    assert other.ways == []


def test_a_record_is_matched_by_its_fields() -> None:
    match Ours("a", b"x", 3):
        case Ours(name, _, size=3):
            assert name == "a"
        case _:
            pytest.fail("it is one")


def test_what_dataclasses_know_of_a_record_is_what_they_know_of_their_own() -> None:
    assert dataclasses.is_dataclass(Ours)
    assert str(dataclasses.fields(Ours)) == str(dataclasses.fields(Theirs))
    for _ in range(10):
        Ours("a", b"")
    assert list(inspect.signature(Ours).parameters) == list(inspect.signature(Theirs).parameters)
    assert (Ours.__doc__, Ours.KNOWN, Ours.unannotated) == ("Words.", 7, "constant")
    assert (Ours.__module__, Ours.__qualname__) == (__name__, "Ours")


def test_a_class_below_a_record_has_its_own_ways() -> None:
    @record(frozen=False)
    class Above:
        count: int
        names: list[str] = field(default_factory=list[str])

    class Below(Above):
        def __init__(self, more: str) -> None:
            super().__init__(len(more))
            self.more = more

    for _ in range(10):
        one = Below("abc")
        assert (one.count, one.names, one.more) == (3, [], "abc")
    assert Above(1) == Above(1)

    @record
    class Fixed:
        count: int

    class Wider(Fixed):
        pass

    for _ in range(10):
        wide: Any = Wider(1)
        wide.more = 2
        assert (wide.count, wide.more) == (1, 2)
        with pytest.raises(dataclasses.FrozenInstanceError):
            wide.count = 2


WRONG = [
    ((), {}, "missing 2 required positional arguments: 'name' and 'hidden'"),
    (("a",), {"size": 1}, "missing 1 required positional argument: 'hidden'"),
    (("a", b""), {"nothing": 1}, "unexpected keyword argument 'nothing'"),
    (("a", b""), {"name": "b"}, "multiple values for argument 'name'"),
    (("a", b"", 0, [], "", ""), {}, "takes from 3 to 6 positional arguments but 7 were given"),
]


@pytest.mark.parametrize(("places", "names", "words"), WRONG)
@pytest.mark.parametrize("before", [0, 10])
def test_a_record_says_what_it_is_given_wrongly(
    places: tuple[Any, ...], names: dict[str, Any], words: str, before: int
) -> None:
    @record
    class Fresh:
        name: str
        hidden: bytes = field(repr=False)
        size: int = 0
        ways: list[int] = field(default_factory=list[int])
        mark: str = field(default="m", compare=False)

    for _ in range(before):
        Fresh("a", b"")
    with pytest.raises(TypeError, match=rf"Fresh\.__init__\(\).*{words}"):
        Fresh(*places, **names)
    with pytest.raises(TypeError, match="nothing"):
        replace(Fresh("a", b""), nothing=1)


def test_what_is_more_than_a_record_is_refused() -> None:
    class Behind:
        one: int = 0
        two: str

    class After:
        one: int

        def __post_init__(self) -> None:
            """Would not be called."""

    class Below(Open):
        more: int

    with pytest.raises(TypeError, match=r"Behind\.two has no default, but one before it has\."):
        record(Behind)
    for cls in (After, Below):
        with pytest.raises(TypeError, match=f"{cls.__name__} is more than a record"):
            record(cls)
