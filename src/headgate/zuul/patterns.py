"""Zuul's regular expressions over paths and branches as patterns that mean the same."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from headgate.model import patterns
from headgate.zuul.expressions import SEQUENCES, Any_, Irregular, Sequence_, Token, take_apart


@lru_cache(maxsize=1 << 12)
def path_patterns(expression: str) -> tuple[str, ...]:
    """Patterns that together match the paths that the expression matches from their start.

    The one liberty is that of every pattern: what names a file also covers what is below a
    directory of that name. Raises Irregular when there are none.
    """
    union = take_apart(expression)
    if union.negated:
        raise Irregular("(?!…): patterns cannot be negated")
    written: dict[str, None] = {}
    for sequence in union.sequences:
        for pattern in _paths(sequence):
            if (shown := _pattern(pattern)) is not None:
                written[shown] = None
    if not written:
        raise Irregular("it matches no path of a file")
    if len(written) > SEQUENCES:
        raise Irregular("more alternatives than can be written out")
    return tuple(written)


def _paths(sequence: Sequence_) -> list[str]:
    """A sequence as patterns below the root, in which `.` may be a slash."""
    found: list[str] = [""]
    for index, token in enumerate(sequence):
        rest = sequence[index + 1 :]
        found = [text + piece for text in found for piece in _pieces(text, token, rest)]
        if len(found) > SEQUENCES:
            raise Irregular("more alternatives than can be written out")
    return found


def _pieces(text: str, token: Token, rest: Sequence_) -> tuple[str, ...]:
    at_start = not text or text.endswith("/")
    match token:
        case Any_.ONE if at_start and rest[:1] == (Any_.MANY,) and rest[1:2] in ((), ("/",)):
            return ("",)  # `.+` for whole components, which are never empty.
        case Any_.ONE:
            return ("?", "/")
        case Any_.ONE_HERE:
            return ("?",)
        case Any_.MANY_HERE:
            return ("*",)
        case Any_.MANY if at_start:
            return ("**/*",) if rest else ("**",)
        case Any_.MANY if not rest:
            return ("*",)  # And all below, as for every pattern.
        case Any_.MANY:
            return ("*", "*/**/*")
        case str() if token in "*?\\":
            raise Irregular(f"a literal `{token}`")
        case str():
            return (token,)


def _pattern(path: str) -> str | None:
    """A path below the root as a pattern; None when no file has such a path."""
    while "**/**/" in path:
        path = path.replace("**/**/", "**/")
    components = path.split("/")
    if path == "**":
        return "**"
    if path.endswith("/**"):
        path = path.removesuffix("**")  # All that is below a directory.
        components = components[:-1]
    if not components or "" in components or "." in components or ".." in components:
        return None
    if components[0] == "**" and len(components) == 2 and not path.endswith("/"):
        shown = components[1]  # Without a slash it is for any depth.
    elif len(components) == 1 and not path.endswith("/"):
        shown = f"/{path}"
    else:
        shown = path
    if len(components) == 1 and path.endswith("/"):
        shown = f"/{path}"
    if why := patterns.problem(shown):
        raise Irregular(why)
    return shown


@dataclass(frozen=True, slots=True)
class BranchSet:
    """Branches that an expression matches, as patterns; or all but those."""

    patterns: tuple[str, ...]
    negated: bool = False


def branch_patterns(expression: str) -> BranchSet:
    """The branches that an expression matches from their start. Raises Irregular."""
    union = take_apart(expression)
    written: dict[str, None] = {}
    for sequence in union.sequences:
        text = ""
        for token in sequence:
            match token:
                case Any_.ONE:
                    text += "?"
                case Any_.MANY:
                    text += "*"
                case Any_():
                    raise Irregular("[^/]: in patterns over branches * crosses every character")
                case str() if token in "*?":
                    raise Irregular(f"a literal `{token}`")
                case str():
                    text += token
        if text.strip() != text:
            raise Irregular("a space at the end")
        if text:
            written[text] = None
    return BranchSet(tuple(written), union.negated)


@lru_cache(maxsize=1 << 16)
def covers(wide: str, narrow: str) -> bool:
    """Whether every branch that fits `narrow` surely fits `wide`."""
    # Read `narrow` as a text in which `*` and `?` only fit themselves or something wider.
    reach = {0}
    reach |= _stars(wide, reach)
    for mark in narrow:
        after: set[int] = set()
        for at in reach:
            if at == len(wide):
                continue
            want = wide[at]
            if want == "*":
                after.add(at)
            elif want == mark or (want == "?" and mark != "*"):
                after.add(at + 1)
        reach = after | _stars(wide, after)
    return len(wide) in reach


def _stars(wide: str, reach: set[int]) -> set[int]:
    more: set[int] = set()
    for at in reach:
        while at < len(wide) and wide[at] == "*":
            at += 1
            more.add(at)
    return more


def overlap(one: str, other: str) -> bool:
    """Whether some branch fits both patterns."""
    seen: set[tuple[int, int]] = set()
    look = [(0, 0)]
    while look:
        a, b = look.pop()
        if (a, b) in seen:
            continue
        seen.add((a, b))
        if a == len(one) and b == len(other):
            return True
        left = one[a] if a < len(one) else ""
        right = other[b] if b < len(other) else ""
        if left == "*":
            look.append((a + 1, b))
            if right:
                look.append((a, b + 1))
        if right == "*":
            look.append((a, b + 1))
            if left:
                look.append((a + 1, b))
        if left and right and "*" not in (left, right) and (left == right or "?" in (left, right)):
            look.append((a + 1, b + 1))
    return False
