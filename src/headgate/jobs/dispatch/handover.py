"""What jobs hand to each other: what they return, and the artifacts that others require."""

from __future__ import annotations

import json
import math
import os
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from headgate.jobs.dispatch.area import publish
from headgate.jobs.dispatch.checkouts import copy_tree
from headgate.jobs.dispatch.interface import Returned
from headgate.jobs.redact import Redactor

RESULT = "result.json"
"""Below the work directory; `$HEADGATE_RESULT` inside."""

_LARGEST = 1 << 20
_DEEPEST = 32
_MANY_FILES = 1 << 20
_HOLDS_SECRET = "it holds a secret, which other jobs must not see"


class BadResult(ValueError):
    """What a job returned cannot be used; the text says why."""


def read_result(work: Path, redactor: Redactor) -> Returned:
    """What a job wrote to its result file; nothing when there is none.

    Raises BadResult for what is no such result, OSError for trouble of the machine.
    """
    try:
        fd = os.open(work / RESULT, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return Returned()
    except PermissionError as error:
        raise BadResult(f"it cannot be read: {error.strerror}") from None
    except OSError as error:
        raise BadResult("it is no plain file") from error
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise BadResult("it is no plain file")
    with os.fdopen(fd, "rb") as file:
        data = file.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise BadResult(f"it is larger than {_LARGEST >> 20} MiB")
    if redactor.finds(data):
        raise BadResult(_HOLDS_SECRET)
    try:
        value: object = json.loads(data, parse_constant=_no_constant, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise BadResult(f"it is no JSON: {error}") from None
    if not isinstance(value, dict):
        raise BadResult("it is no JSON object")
    table = cast("dict[str, Any]", value)
    if strange := sorted(table.keys() - {"children", "data"}):
        raise BadResult(f"the key `{strange[0][:40]}` is none of `children` and `data`")
    returned = Returned(_children(table.get("children")), _data(table.get("data", {})))
    # However the job escaped it: this is how other jobs will find it.
    if redactor.finds(json.dumps(table).encode("ascii")):
        raise BadResult(_HOLDS_SECRET)
    return returned


def _no_constant(text: str) -> object:
    raise ValueError(f"{text} is no number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:40]} is too large a number")
    return number


def _children(value: object) -> tuple[str, ...] | None:
    if value is None:
        return None
    items = cast("list[object]", value) if isinstance(value, list) else [None]
    if not all(isinstance(item, str) for item in items):
        raise BadResult("`children` is no list of names")
    return tuple(cast("list[str]", items))


def _data(value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise BadResult("`data` is no object")
    found = cast("dict[str, object]", value)
    if _depth(found) > _DEEPEST:
        raise BadResult(f"`data` nests deeper than {_DEEPEST}")
    return found


def _depth(value: object) -> int:
    deepest, look = 0, [(value, 1)]
    while look:
        one, depth = look.pop()
        deepest = max(deepest, depth)
        if isinstance(one, dict):
            look += [(inner, depth + 1) for inner in cast("dict[str, object]", one).values()]
        elif isinstance(one, list):
            look += [(inner, depth + 1) for inner in cast("list[object]", one)]
    return deepest


def write_data(file: Path, data: Mapping[str, object]) -> None:
    """Lay out for a job what those that it needs returned. OSError."""
    file.write_text(json.dumps(data, sort_keys=True) + "\n", encoding="utf-8")
    file.chmod(0o644)


def lay_out(place: Path, required: Mapping[str, Sequence[Path]]) -> list[str]:
    """Copy required artifacts below a directory, one for each name; returns notes. OSError.

    A name that nobody provides is an empty directory. Of two runs that provide the same file the
    later one's counts.
    """
    notes: list[str] = []
    place.mkdir()
    for name, sources in required.items():
        (place / name).mkdir()
        found = [source for source in sources if source.is_dir()]
        if not found:
            notes.append(f"nobody provides {name}: $HEADGATE_REQUIRED/{name} is empty")
        for number, source in enumerate(found):
            part = place / f".part-{number}"
            part.mkdir()
            copy_tree(source, part, _MANY_FILES)
            _move_into(part, place / name)
            notes.append(f"{name} comes from run {source.name}")
    publish(place)
    return notes


def _move_into(source: Path, target: Path) -> None:
    for parent, _, files in os.walk(source, topdown=False):
        below = target / os.path.relpath(parent, source)
        below.mkdir(parents=True, exist_ok=True)
        for name in files:
            (Path(parent) / name).replace(below / name)
        os.rmdir(parent)  # noqa: PTH106
