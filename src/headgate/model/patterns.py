"""Path patterns: the small part of gitignore's language that a person keeps in the head.

`*` stands for anything inside one path component, `?` for one character, `**` as a whole
component for any number of components. A pattern with a slash before its end begins at the root
of the project; one without may match at any depth. What matches a directory matches everything
below it; a trailing slash matches only what is below. Everything else, `[` included, is literal,
and upper and lower case differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum
from functools import lru_cache

_ANY_DEPTH = "**"


def matches(path: str, patterns: Iterable[str]) -> bool:
    """Whether any pattern matches the `/`-separated path of a file."""
    components = path.split("/")
    return any(_matches_sequence(components, _parsed(pattern)) for pattern in patterns)


class Coverage(Enum):
    """How much of what is below a directory the patterns match, whatever is there."""

    ALL = "all"
    SOME = "some"
    NONE = "none"


def coverage(directory: str, patterns: Iterable[str]) -> Coverage:
    """What patterns can match below a `/`-separated directory (empty: the root)."""
    components = directory.split("/") if directory else []
    found = Coverage.NONE
    for pattern in patterns:
        parsed = _parsed(pattern)
        rests = _rests(components, parsed)
        if any(_takes_everything(parsed[at:]) for at in rests):
            return Coverage.ALL
        if any(at < len(parsed) for at in rests):
            found = Coverage.SOME
    return found


def _rests(components: Sequence[str], pattern: Sequence[str]) -> set[int]:
    """Places in the pattern that may be reached when the components are used up."""
    places = {0}
    for component in components:
        places = _passing(places, pattern)
        places = {at for at in places if at < len(pattern) and pattern[at] == _ANY_DEPTH} | {
            at + 1
            for at in places
            if at < len(pattern)
            and pattern[at] != _ANY_DEPTH
            and _matches_component(component, pattern[at])
        }
    return _passing(places, pattern)


def _passing(places: set[int], pattern: Sequence[str]) -> set[int]:
    """With the places behind a `**`, which may stand for nothing."""
    found = set(places)
    for at in places:
        while at < len(pattern) and pattern[at] == _ANY_DEPTH:
            at += 1
            found.add(at)
    return found


def _takes_everything(rest: Sequence[str]) -> bool:
    """Whether whatever is at least one component long matches."""
    several = [part for part in rest if part == _ANY_DEPTH]
    single = [part for part in rest if part != _ANY_DEPTH]
    return bool(several) and all(part == "*" for part in single) and len(single) <= 1


def name_matches(name: str, patterns: Iterable[str]) -> bool:
    """Whether any pattern matches a whole name; here `*` crosses every character.

    For names of path classes (`critical.*`), of projects, and `project/job` pairs.
    """
    return any(_matches_component(name, pattern) for pattern in patterns)


def problem(pattern: str) -> str:
    """Why a path pattern cannot be used; empty when it can."""
    if not pattern.strip("/"):
        return "it is empty"
    if pattern != pattern.strip():
        return "it begins or ends with a space"
    if "\\" in pattern:
        return "a backslash has no meaning in patterns; separate directories with /"
    if pattern.startswith("!"):
        return "patterns cannot be negated with !"
    components = pattern.strip("/").split("/")
    if ".." in components or "." in components:
        return "`.` and `..` never occur in the paths it is compared with"
    if "" in components:
        return "it has two slashes in a row"
    if any(_ANY_DEPTH in c and c != _ANY_DEPTH for c in components):
        return "** must be a whole path component, as in src/**/test.py"
    return ""


@lru_cache(maxsize=4096)
def _parsed(pattern: str) -> tuple[str, ...]:
    """The components to match, in which only `**` stands for several."""
    below_only = pattern.endswith("/")
    anchored = "/" in pattern.rstrip("/")
    components = pattern.strip("/").split("/")
    if components == [""]:
        return ("",)  # Matches no path.
    if components[-1] == _ANY_DEPTH:
        # At the end, `**` is whatever is below; with a slash, whatever is below a directory there.
        while components and components[-1] == _ANY_DEPTH:
            components.pop()
        if below_only:
            components.append("*")
        below_only = True
    if not anchored and components:
        components.insert(0, _ANY_DEPTH)
    tail = ["*", _ANY_DEPTH] if below_only else [_ANY_DEPTH]
    return (*components, *tail)


def _matches_sequence(components: Sequence[str], pattern: Sequence[str]) -> bool:
    # Going back to the latest `**` only is enough: what stands between two of them has a fixed
    # length, so its leftmost place leaves the most room. This keeps the cost a product, never an
    # exponential, whatever a pushed file says.
    at, want, star, resume = 0, 0, -1, 0
    while at < len(components):
        if want < len(pattern) and pattern[want] == _ANY_DEPTH:
            star, resume = want, at
            want += 1
        elif want < len(pattern) and _matches_component(components[at], pattern[want]):
            at += 1
            want += 1
        elif star >= 0:
            resume += 1
            at, want = resume, star + 1
        else:
            return False
    return all(rest == _ANY_DEPTH for rest in pattern[want:])


def _matches_component(text: str, pattern: str) -> bool:
    if "*" not in pattern:
        return _same(text, pattern)
    first, *middle, last = pattern.split("*")
    if len(text) < len(first) + len(last) or not _same(text[: len(first)], first):
        return False
    end = len(text) - len(last)
    if not _same(text[end:], last):
        return False
    at = len(first)
    for piece in middle:
        found = _find(text, piece, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return True


def _same(text: str, literal: str) -> bool:
    if "?" not in literal:
        return text == literal
    return len(text) == len(literal) and all(
        want in ("?", have) for have, want in zip(text, literal, strict=True)
    )


def _find(text: str, piece: str, start: int, end: int) -> int:
    if "?" not in piece:
        return text.find(piece, start, end)
    for at in range(start, end - len(piece) + 1):
        if _same(text[at : at + len(piece)], piece):
            return at
    return -1
