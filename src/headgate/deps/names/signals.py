"""Signals that a name imitates a popular one. A function over names; nothing is looked up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from headgate.deps.names.imports import distribution_of
from headgate.deps.names.popular import Popular, bare, popular, words_of
from headgate.model.purl import normalised


class Likeness(StrEnum):
    """How a name resembles another one."""

    IMPORT = "is what the package is imported as, not what it is called"
    SEPARATOR = "differs only in what separates the words"
    HOMOGLYPH = "looks the same"
    TRANSPOSITION = "has two neighbouring letters exchanged"
    DOUBLED = "doubles or halves a letter"
    KEYBOARD = "has a letter's neighbour on the keyboard"
    VOWEL = "has another vowel"
    OMISSION = "lacks a letter"
    INSERTION = "has a letter more"
    PLURAL = "is its plural or singular"
    EDIT = "has one letter changed"
    ORDER = "has the same words in another order"
    AFFIX = "adds a word that sounds official"


@dataclass(frozen=True, slots=True)
class Signal:
    """A name that resembles a popular one."""

    likeness: Likeness
    target: str

    @property
    def words(self) -> str:
        """As part of a sentence about the name."""
        if self.likeness is Likeness.IMPORT:
            return f"is what `{self.target}` is imported as, not what it is called"
        return f"resembles the popular `{self.target}`: it {self.likeness.value}"


_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
_VOWELS = frozenset("aeiouy")
_ROWS = ("1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm")
_LOOKS = (("rn", "m"), ("vv", "w"), ("cl", "d"), ("0", "o"), ("1", "l"), ("i", "l"), ("5", "s"))
_AFFIXED = 200
"""How many of the most popular names are defended against added words."""
_EDITED = 1000
_AFFIXES = frozenset(
    {
        "official", "secure", "security", "fix", "fixed", "patched", "new", "latest", "real",
        "original", "python", "python3", "py", "py3", "lib", "libs", "dev", "test", "tests", "pro",
        "plus", "updated", "update", "v2", "2", "3", "install", "installer", "node", "js", "npm",
        "pip", "pypi", "package", "module", "helper", "helpers", "beta", "nightly", "stable",
        "free", "tool", "tools", "wrapper",
    }
)  # fmt: skip


def similar(ecosystem: str, name: str, known: Popular | None = None) -> Signal | None:
    """The strongest signal that a name imitates a popular one; None when there is none.

    `known` replaces the lists that are shipped. A name that is popular itself imitates nobody.
    """
    name = normalised(ecosystem, name)
    table = popular(ecosystem) if known is None else known
    if table.target(name):
        return None
    # Packages that squat on what is imported may be downloaded a lot, just for that.
    if (meant := distribution_of(ecosystem, name)) and meant != name:
        return Signal(Likeness.IMPORT, meant)
    if table.rank(name):
        return None
    scope = name.partition("/")[0] if name.startswith("@") else "\0"
    found = [
        signal
        for signal in (*_whole(name, table), *_edits(name, table), *_affixed(name, table))
        # Whoever owns a scope names what is in it; nobody else can imitate it there.
        if not signal.target.startswith(f"{scope}/")
    ]
    order = list(Likeness)
    found.sort(key=lambda s: (order.index(s.likeness), table.rank(s.target)))
    return found[0] if found else None


def _whole(name: str, table: Popular) -> Iterator[Signal]:
    """Likeness of the whole name: its separators, its looks, the order of its words."""
    spelt = bare(name)
    if len(spelt) >= 5 and (target := table.bare.get(spelt)):
        yield Signal(Likeness.SEPARATOR, target)
    for target in _look_alikes(name):
        if len(name) >= 4 and table.target(target):
            yield Signal(Likeness.HOMOGLYPH, target)
    words = words_of(name)
    if len(words) > 1 and (target := table.words.get(tuple(sorted(words)))):
        yield Signal(Likeness.ORDER, target)


def _look_alikes(name: str) -> Iterator[str]:
    for one, other in _LOOKS:
        for old, new in ((one, other), (other, one)):
            at = name.find(old)
            while at >= 0:
                yield name[:at] + new + name[at + len(old) :]
                at = name.find(old, at + 1)


def _edits(name: str, table: Popular) -> Iterator[Signal]:
    """Names that one edit away are popular."""
    size = len(bare(name))
    if size < 4:
        return
    for at in range(len(name) - 1):
        if name[at] != name[at + 1]:
            other = name[:at] + name[at + 1] + name[at] + name[at + 2 :]
            if size >= 5 and table.target(other):
                yield Signal(Likeness.TRANSPOSITION, other)
    for at in range(len(name)):
        shorter = name[:at] + name[at + 1 :]
        if table.target(shorter):
            yield from _judged(_removed(name, at), shorter, name, table)
        for letter in _LETTERS:
            # Of names that count, such as `-cu11` and `-cu12`, both are meant.
            if letter != name[at] and not (letter.isdigit() and name[at].isdigit()):
                other = name[:at] + letter + name[at + 1 :]
                if table.target(other):
                    yield from _judged(_replaced(name[at], letter), other, name, table)
    for at in range(len(name) + 1):
        for letter in _LETTERS:
            longer = name[:at] + letter + name[at:]
            if table.target(longer):
                yield from _judged(_removed(longer, at, Likeness.OMISSION), longer, name, table)


def _removed(name: str, at: int, plain: Likeness = Likeness.INSERTION) -> Likeness:
    """What it is when the longer of two names has one letter more at a place."""
    letter = name[at]
    if letter in (name[at - 1 : at], name[at + 1 : at + 2]):
        return Likeness.DOUBLED
    if at == len(name) - 1 and letter == "s":
        return Likeness.PLURAL
    return plain


def _replaced(now: str, meant: str) -> Likeness:
    if _beside(now, meant):
        return Likeness.KEYBOARD
    return Likeness.VOWEL if {now, meant} <= _VOWELS else Likeness.EDIT


def _beside(one: str, other: str) -> bool:
    """Whether two keys touch, on a keyboard that begins with QWERTY."""
    for number, row in enumerate(_ROWS):
        if one not in row:
            continue
        at = row.index(one)
        for near, shift in ((number, (-1, 1)), (number - 1, (0, 1)), (number + 1, (-1, 0))):
            if 0 <= near < len(_ROWS):
                line = _ROWS[near]
                if any(0 <= at + s < len(line) and line[at + s] == other for s in shift):
                    return True
    return False


_LEAST = {Likeness.DOUBLED: 5, Likeness.EDIT: 7}
"""Letters that a target has at least; shorter names are alike by accident."""


def _judged(likeness: Likeness, target: str, name: str, table: Popular) -> Iterator[Signal]:
    if len(bare(target)) < _LEAST.get(likeness, 6):
        return
    if likeness is Likeness.EDIT and table.rank(target) > _EDITED:
        return
    yield Signal(likeness, target)


def _affixed(name: str, table: Popular) -> Iterator[Signal]:
    """A name of the most popular ones, with a word before or behind it."""
    words = words_of(name)
    for affix, rest in ((words[:1], words[1:]), (words[-1:], words[:-1])):
        if rest and affix[0] in _AFFIXES:
            target = table.bare.get("".join(rest), "")
            if target and table.rank(target) <= _AFFIXED:
                yield Signal(Likeness.AFFIX, target)
