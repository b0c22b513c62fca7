"""Regular expressions taken apart, as far as they say no more than a pattern can.

Zuul matches from the start of the text and does not mind what follows (`re.match`), so an
expression without `$` means everything that begins so. The result is a union of sequences of
tokens; what is not regular enough gives none, and is never approximated.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

SEQUENCES = 64
"""The largest union that is written out."""

_CLASS = 12
"""Characters of the largest `[…]` that is written out."""


class Any_(Enum):
    """A token that stands for more than itself."""

    ONE = auto()
    """`.`"""
    MANY = auto()
    """`.*`"""
    ONE_HERE = auto()
    """`[^/]`"""
    MANY_HERE = auto()
    """`[^/]*`"""


_STARS = (Any_.MANY, Any_.MANY_HERE)

Token = str | Any_
"""A single character, or one of Any_."""

Sequence_ = tuple[Token, ...]


class Irregular(Exception):
    """Says what the expression holds that no pattern can say."""


@dataclass(frozen=True, slots=True)
class Union:
    """Texts that an expression matches: those that any sequence matches as a whole."""

    sequences: tuple[Sequence_, ...]
    negated: bool = False
    """Every text but those: the expression was nothing but `(?!…)`."""


def take_apart(expression: str) -> Union:
    """What the expression matches. Raises Irregular."""
    text = expression
    if text.startswith("(?i)"):
        raise Irregular("(?i): patterns tell upper from lower case")
    body = text.removeprefix("^")
    if body.startswith("(?!"):
        return _negated(body)
    parser = _Parser(text)
    found = [sequence if ended else (*sequence, Any_.MANY) for sequence, ended in parser.whole()]
    return Union(_tidy(found))


def _negated(body: str) -> Union:
    """`^(?!X)` and `^(?!X).*$` match what X does not."""
    close = _closing(body)
    inner, rest = body[3:close], body[close + 1 :]
    if rest not in ("", ".*", ".*$", "$.*"):
        raise Irregular("(?!…) followed by something")
    parser = _Parser(inner)
    return Union(
        _tidy([s if ended else (*s, Any_.MANY) for s, ended in parser.whole()]), negated=True
    )


def _closing(text: str) -> int:
    depth = 0
    at = 0
    while at < len(text):
        if text[at] == "\\":
            at += 1
        elif text[at] == "(":
            depth += 1
        elif text[at] == ")":
            depth -= 1
            if depth == 0:
                return at
        at += 1
    raise Irregular("a parenthesis that is not closed")


def _tidy(found: list[Sequence_]) -> tuple[Sequence_, ...]:
    tidied: list[Sequence_] = []
    for sequence in found:
        short: list[Token] = []
        for token in sequence:
            if token in _STARS and short and short[-1] in _STARS:
                # What crosses directories takes in what does not.
                short[-1] = Any_.MANY if Any_.MANY in (token, short[-1]) else token
                continue
            short.append(token)
        tidied.append(tuple(short))
    return tuple(dict.fromkeys(tidied))


_Ended = tuple[Sequence_, bool]
"""A sequence, and whether `$` closed it."""


def _followed(left: _Ended, right: _Ended) -> list[_Ended]:
    """One after the other; after `$` only what can be empty, and nothing remains of it."""
    if not left[1]:
        return [((*left[0], *right[0]), right[1])]
    empty = all(token in _STARS for token in right[0])
    return [left] if empty else []


class _Parser:
    """Recursive descent; a value is a union of sequences that may each be closed by `$`."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def whole(self) -> list[_Ended]:
        found = self._alternatives(start=True)
        if self._at < len(self._text):
            raise Irregular("a parenthesis too many")
        return found

    def _alternatives(self, *, start: bool) -> list[_Ended]:
        found: list[_Ended] = []
        while True:
            found += self._sequence(start=start)
            self._limit(found)
            if self._peek() != "|":
                return found
            self._at += 1

    def _sequence(self, *, start: bool) -> list[_Ended]:
        found: list[_Ended] = [((), False)]
        first = start
        while (mark := self._peek()) and mark not in "|)":
            if mark == "^":
                if not first:
                    raise Irregular("^ in the middle")
                self._at += 1
                continue
            if mark == "$":
                self._at += 1
                found = [(sequence, True) for sequence, _ in found]
                continue
            piece = self._repeated(first=first)
            found = [one for left in found for right in piece for one in _followed(left, right)]
            first = False
            self._limit(found)
        return found

    def _repeated(self, *, first: bool) -> list[_Ended]:
        piece = self._atom(first=first)
        mark = self._peek()
        if mark not in ("*", "+", "?", "{"):
            return piece
        if mark == "{":
            raise Irregular("{…}")
        self._at += 1
        if self._peek() == "?":  # Lazy or not, the whole matches the same texts.
            self._at += 1
        if mark == "?":
            return [*piece, ((), False)]
        if piece == [((Any_.ONE,), False)]:
            many: list[_Ended] = [((Any_.MANY,), False)]
            return many if mark == "*" else [((Any_.ONE, Any_.MANY), False)]
        if piece == [((Any_.ONE_HERE,), False)]:
            here: list[_Ended] = [((Any_.MANY_HERE,), False)]
            return here if mark == "*" else [((Any_.ONE_HERE, Any_.MANY_HERE), False)]
        raise Irregular(f"`{mark}` after something other than `.` or `[^/]`")

    def _atom(self, *, first: bool) -> list[_Ended]:
        mark = self._text[self._at]
        self._at += 1
        if mark == ".":
            return [((Any_.ONE,), False)]
        if mark == "\\":
            return [((one,), False) for one in self._escaped()]
        if mark == "[":
            return self._set()
        if mark == "(":
            if self._text.startswith("?:", self._at):
                self._at += 2
            elif self._peek() == "?":
                raise Irregular(f"`({self._text[self._at : self._at + 2]}…`")
            found = self._alternatives(start=first)
            if self._peek() != ")":
                raise Irregular("a parenthesis that is not closed")
            self._at += 1
            return found
        if mark in "*+?{":
            raise Irregular(f"`{mark}` with nothing before it")
        return [((mark,), False)]

    def _escaped(self) -> str:
        mark = self._peek()
        self._at += 1
        if mark == "d":
            return "0123456789"
        if not mark or mark.isalnum():
            raise Irregular(f"`\\{mark}`")
        return mark

    def _set(self) -> list[_Ended]:
        if self._text.startswith("^/]", self._at):
            self._at += 3
            return [((Any_.ONE_HERE,), False)]
        if self._peek() == "^":
            raise Irregular("[^…]")
        held: list[str] = []
        while (mark := self._peek()) != "]" or not held:
            if not mark:
                raise Irregular("a [ that is not closed")
            self._at += 1
            one = self._escaped() if mark == "\\" else mark
            after = self._text[self._at : self._at + 2]
            if len(one) == 1 and after[:1] == "-" and after[1:] not in ("]", "", "\\"):
                self._at += 2
                if ord(after[1]) - ord(one) > _CLASS:
                    raise Irregular(f"[{one}{after}]: too many characters")
                held += [chr(code) for code in range(ord(one), ord(after[1]) + 1)]
            else:
                held += one
        self._at += 1
        if len(held) > _CLASS:
            raise Irregular("[…] with many characters")
        return [((one,), False) for one in dict.fromkeys(held)]

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _limit(self, found: list[_Ended]) -> None:
        if len(found) > SEQUENCES:
            raise Irregular("more alternatives than can be written out")
