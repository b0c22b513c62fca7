"""Values with named fields: what `dataclass(slots=True)` makes, in a twentieth of the time.

`dataclasses` writes and compiles four to eight methods for every class when a module is imported,
half a millisecond of processor time each; a command that scans one file imports seventy of them and
pays more for that than for the scan. Here a class is given methods that are the same for all, and
its `__init__` is compiled once several instances are made. Otherwise a record is a dataclass:
`dataclasses.fields`, `replace` and `asdict` take it, and it is compared, hashed, shown, pickled and
matched as one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, Field, FrozenInstanceError, dataclass, field
from operator import attrgetter
from reprlib import recursive_repr
from typing import Any, TypeVar, cast, dataclass_transform, overload

T = TypeVar("T")
Setter = Callable[[Any, Any], None]
"""Writes a field of an instance."""
_FEW = 4
"""So many instances are made in less time than it takes to compile what makes them."""


@overload
def record(cls: type[T], /) -> type[T]: ...


@overload
def record(*, frozen: bool = True, eq: bool = True) -> Callable[[type[T]], type[T]]: ...


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def record(
    cls: type[Any] | None = None, /, *, frozen: bool = True, eq: bool = True
) -> type[Any] | Callable[[type[Any]], type[Any]]:
    """Make a record of a class with annotated fields, like `dataclass(frozen=…, slots=True)`.

    Only what is in use here is supported: no base classes with fields, no `InitVar`, no
    `__post_init__`, no `field(init=False)` or `field(kw_only=True)`. Raises
    TypeError for a class that asks for more, or that has a field without a default behind one that
    has one.
    """

    def make(cls: type[Any]) -> type[Any]:
        return _made(cls, frozen, eq)

    return make if cls is None else make(cls)


def replace(one: T, /, **changes: Any) -> T:
    """A copy of a record with some fields changed, as `dataclasses.replace` makes it."""
    kind = type(one)
    names: tuple[str, ...] = getattr(kind, "__match_args__")  # noqa: B009 - of a record
    for name in names:
        if name not in changes:
            changes[name] = getattr(one, name)
    return kind(**changes)


def _made(cls: type[Any], frozen: bool, eq: bool) -> type[Any]:
    body = dict(cls.__dict__)
    if "__post_init__" in body or cls.__bases__ != (object,):
        raise TypeError(f"{cls.__name__} is more than a record: make a dataclass of it.")
    # As text: whoever imports this asks for annotations that are not evaluated.
    annotated: dict[str, str] = cls.__annotations__
    names = tuple(name for name, what in annotated.items() if not what.startswith("ClassVar"))
    defaults = {name: body.pop(name) for name in names if name in body}
    late = False
    for name in names:
        if not _required(defaults.get(name, MISSING)):
            late = True
        elif late:
            raise TypeError(f"{cls.__name__}.{name} has no default, but one before it has.")
    for name in ("__dict__", "__weakref__"):
        body.pop(name, None)
    setters: list[Setter] = []
    home: list[type[Any]] = []
    body |= {
        "__qualname__": cls.__qualname__,
        "__slots__": names,
        "__match_args__": names,
        "__dataclass_fields__": _Fields(names, annotated, defaults),
        "__init__": _first_init(home, names, defaults, setters),
        **_state(names, setters),
    }
    body.setdefault("__repr__", _repr(_asked(names, defaults, "repr")))
    if eq:
        values = _values(_asked(names, defaults, "compare"))
        body["__eq__"] = _eq(values)
        body["__hash__"] = _hash(values) if frozen else None
    if frozen:
        body |= _frozen(home, frozenset(names))
    made = type(cls.__name__, cls.__bases__, body)
    home.append(made)
    for name in names:
        # Writes what `__setattr__` of a frozen class refuses, and is quicker than any.
        setters.append(getattr(made, name).__set__)
    return made


def _required(default: Any) -> bool:
    """Whether a field has to be given, by what stands behind its `=`, `MISSING` for nothing."""
    if isinstance(default, Field):
        one: Any = cast("Any", default)
        return one.default is MISSING and one.default_factory is MISSING
    return default is MISSING


def _asked(names: Iterable[str], defaults: Mapping[str, object], what: str) -> tuple[str, ...]:
    """The fields that are to be compared or shown: all whose `field(…)` does not deny it."""
    return tuple(name for name in names if getattr(defaults.get(name), what, True) is not False)


def _values(names: tuple[str, ...]) -> Callable[[Any], tuple[Any, ...]]:
    """The values of these fields of an instance."""
    if len(names) > 1:
        return attrgetter(*names)
    return lambda one: tuple(getattr(one, name) for name in names)


def _first_init(
    home: Sequence[type[Any]],
    names: Sequence[str],
    defaults: Mapping[str, Any],
    setters: Sequence[Setter],
) -> Callable[..., None]:
    """An `__init__` for the first few instances, which are often all; the next one, and whoever
    gives it what it does not take, puts the compiled one in its place."""
    left = _FEW

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        nonlocal left
        left -= 1
        values = dict(zip(names, args, strict=False)) | kwargs
        if left >= 0 and len(values) == len(args) + len(kwargs):
            for name, put in zip(names, setters, strict=True):
                if name in values:
                    put(self, values.pop(name))
                elif _required(default := defaults.get(name, MISSING)):
                    break
                else:
                    put(self, _fresh(default))
            else:
                if not values:
                    return
        # Not of the instance's class: that may be one below this, with an `__init__` of its own.
        kind: Any = home[0]
        kind.__init__ = _init(kind, names, defaults, setters)
        kind.__init__(self, *args, **kwargs)

    return __init__


def _fresh(default: Any) -> Any:
    """The value of a field that is not given."""
    if isinstance(default, Field):
        one: Any = cast("Any", default)
        return one.default if one.default_factory is MISSING else one.default_factory()
    return default


def _init(
    cls: Any, names: Sequence[str], defaults: Mapping[str, Any], setters: Sequence[Setter]
) -> Callable[..., None]:
    """What takes the fields in their order, or by their names."""
    given: dict[str, Any] = {"_missing": MISSING}
    parameters, lines = ["self"], ["    pass"]
    for number, (name, put) in enumerate(zip(names, setters, strict=True)):
        given[f"_put{number}"] = put
        value = parameter = name
        default = defaults.get(name, MISSING)
        if not _required(default):
            if getattr(default, "default_factory", MISSING) is not MISSING:
                given[f"_new{number}"] = default.default_factory
                value = f"_new{number}() if {name} is _missing else {name}"
                default = MISSING
            elif isinstance(default, Field):
                default = cast("Any", default).default
            given[f"_default{number}"] = default
            parameter = f"{name}=_default{number}"
        parameters.append(parameter)
        lines.append(f"    _put{number}(self, {value})")
    namespace: dict[str, Any] = {}
    # The text is made of names of fields, which are ours.
    exec("\n".join((f"def __init__({', '.join(parameters)}):", *lines)), given, namespace)
    made = namespace["__init__"]
    made.__qualname__ = f"{cls.__qualname__}.__init__"
    made.__module__ = cls.__module__
    return made


def _repr(names: tuple[str, ...]) -> Callable[[Any], str]:
    @recursive_repr()
    def __repr__(self: Any) -> str:
        fields = ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
        return f"{type(self).__qualname__}({fields})"

    return __repr__


def _eq(values: Callable[[Any], tuple[Any, ...]]) -> Callable[[Any, object], bool]:
    def __eq__(self: Any, other: object) -> bool:
        if other.__class__ is self.__class__:
            return values(self) == values(other)
        return NotImplemented

    return __eq__


def _hash(values: Callable[[Any], tuple[Any, ...]]) -> Callable[[Any], int]:
    def __hash__(self: Any) -> int:
        return hash(values(self))

    return __hash__


def _state(names: tuple[str, ...], setters: Sequence[Setter]) -> dict[str, Callable[..., Any]]:
    """For pickle: the values of all fields, and what puts them into an empty instance."""
    values = _values(names)

    def __getstate__(self: Any) -> tuple[Any, ...]:
        return values(self)

    def __setstate__(self: Any, state: tuple[Any, ...]) -> None:
        for put, value in zip(setters, state, strict=True):
            put(self, value)

    return {"__getstate__": __getstate__, "__setstate__": __setstate__}


def _frozen(home: Sequence[type[Any]], names: frozenset[str]) -> dict[str, Callable[..., None]]:
    def __setattr__(self: Any, name: str, value: Any) -> None:
        if type(self) is home[0] or name in names:
            raise FrozenInstanceError(f"cannot assign to field {name!r}")
        object.__setattr__(self, name, value)

    def __delattr__(self: Any, name: str) -> None:
        if type(self) is home[0] or name in names:
            raise FrozenInstanceError(f"cannot delete field {name!r}")
        object.__delattr__(self, name)

    return {"__setattr__": __setattr__, "__delattr__": __delattr__}


class _Fields:
    """What `dataclasses` knows of a class, worked out when it asks for it."""

    def __init__(
        self, names: Sequence[str], annotated: Mapping[str, str], defaults: Mapping[str, Any]
    ) -> None:
        self._names = names
        self._annotated = annotated
        self._defaults = defaults

    def __get__(self, instance: object, owner: Any) -> Any:
        annotations = {name: self._annotated[name] for name in self._names}
        body = {"__annotations__": annotations, "__module__": owner.__module__, **self._defaults}
        twin: Any = dataclass(init=False, repr=False, eq=False)(type(owner.__name__, (), body))
        owner.__dataclass_fields__ = twin.__dataclass_fields__
        return owner.__dataclass_fields__
