"""What a text has to hold before any of Kingfisher's rules can match it.

To load its rules takes a third of a second, and most files hold nothing that comes near to a token.
Every rule is a regular expression; from each we derive what every match of it holds: some literals,
and a wider expression without its anchors, over bytes. A text without them has no match. What we do
not understand of a rule makes it match anything: then Kingfisher looks, as it does when in doubt.
"""

from __future__ import annotations

import re
import warnings
from base64 import b64decode
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from typing import Any

from headgate.scan.late import late

Run = tuple[bytes, int]
"""A class of bytes, and how many of it are in a row in every match."""
Form = tuple[str, tuple[tuple[bytes, ...], ...], Run | None, bytes, int]
"""A pattern of paths that the rule is for, empty for all; groups of literals in lower case, of each
of which one is in every match; a run; an expression that every match begins with; and in how many
ways that may be tried at one place."""
Forms = tuple[Form, ...]

VERSION = 2
LARGEST = 64 << 10
"""Bytes; for more it is faster to let Kingfisher look."""
_TRIES = 30_000_000
"""Ways to match the expressions that are worth being tried in one text."""
_ENDLESS = 1_000
"""Ways that a repetition without an end counts for."""
_MOST = 20_000
"""Ways at one place that count: more are not tried where letters have to be in a row."""
_GROUPS = 4
_FEW = 8
"""Letters of a class that count as literals."""
_FOLDED = late("[\u017f\u212a]")
"""Letters that a rule without regard to case takes for an s or a k."""
_ENCODED = late(rb"[A-Za-z0-9+/_-]{11,}")
_READABLE = late(rb"[\t\n\r -~]{8,}")
_DEEPEST = 2
"""Layers of Base64 that Kingfisher looks through."""
_OPAQUE = late(
    r"\\b\{|&&|~~|(?<!\\)\[\[(?!:)|\(\?x\).*\[\^[^\]]*\s|\\[pPxXGHRKCNQE](?!\d|[0-9a-fA-F]{2})"
)
_ASCII = {"alnum": "A-Za-z0-9", "alpha": "A-Za-z", "digit": "0-9", "xdigit": "A-Fa-f0-9"}
_ANY = frozenset(range(128))
_WORD = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
_DIGIT = frozenset(b"0123456789")
_SPACE = frozenset(b" \t\n\r\f\v\x1c\x1d\x1e\x1f")


def derive(rules: Iterable[Mapping[str, Any]]) -> Forms | None:
    """The forms of rules, as `Rules.detail` gives them; None when one of them could match
    anything."""
    out: dict[Form, None] = {}
    for rule in rules:
        form = _form(rule["pattern"], rule["path"] or "")
        if form is None or rule["detection_regex"] != rule["pattern"]:
            return None
        out[form] = None
    return tuple(out)


def possible(forms: Forms, path: str, text: str) -> bool:
    """Whether any rule may match the text, or what is encoded in it. `path`: as it is told to
    Kingfisher."""
    if _FOLDED.search(text):
        return True
    wanted = [form for form in forms if not form[0] or re.search(form[0], path)]
    return _possible(wanted, text.encode("utf-8", "replace"), 0)


def _possible(forms: Sequence[Form], data: bytes, depth: int) -> bool:
    lower = data.lower()
    tries = 0
    runs: dict[Run, bool] = {}
    for _, groups, run, pattern, ways in forms:
        if not all(any(one in lower for one in group) for group in groups):
            continue
        if run is not None:
            if run not in runs:
                runs[run] = re.search(run[0] + b"{%d}" % run[1], data) is not None
            if not runs[run]:
                continue
        tries += ways * sum(lower.count(one) for one in groups[0])
        if tries > _TRIES or re.search(pattern, data, re.IGNORECASE):
            return True
    if depth == _DEEPEST:
        return False
    return any(_possible(forms, one, depth + 1) for one in _decoded(data))


def _decoded(data: bytes) -> Iterable[bytes]:
    """What may be encoded in Base64, wherever in a run of its letters it begins."""
    for run in set(_ENCODED.findall(data)):
        for start in range(4):
            part = run[start:]
            part = part[: len(part) & ~3] if len(part) % 4 == 1 else part + b"=" * (-len(part) % 4)
            found = b64decode(part, b"-_") if b"-" in part or b"_" in part else b64decode(part)
            if _READABLE.search(found):
                yield found


# From a rule to its form


class _Opaque(Exception):
    """Something in an expression whose meaning is not known."""


def _form(pattern: str, path: str) -> Form | None:
    parser: Any = import_module("re._parser")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            spaced = re.VERBOSE if pattern.startswith("(?x)") else 0
            tree: Any = parser.parse(_in_python(pattern), spaced)
            re.compile(path)
        groups = _groups(tree)
        beginning, _ = _beginning(tree)
    except (re.error, FutureWarning, DeprecationWarning, _Opaque, OverflowError):
        return None
    if not groups:
        return None
    groups.sort(key=lambda group: (-min(map(len, group)), len(group)))
    run = max(_runs(tree), key=lambda one: one[1], default=None)
    return path, tuple(groups[:_GROUPS]), run, beginning, _ways(tree)


def _in_python(pattern: str) -> str:
    """The expression as Python reads it, without regard to case. Raises _Opaque."""
    for name, letters in _ASCII.items():
        pattern = pattern.replace(f"[:{name}:]", letters)
    pattern = pattern.replace("\\z", "\\Z").replace("(?<", "(?P<")
    flags = re.findall(r"\(\?([a-zA-Z-]+)[:)]", pattern)
    if _OPAQUE.search(pattern) or any(set(one) - set("imsx-") for one in flags):
        raise _Opaque
    if "x" in "".join(flags) and not pattern.startswith("(?x)"):
        raise _Opaque
    return re.sub(r"\(\?[imsx-]+\)", "", pattern)


def _groups(items: Any) -> list[tuple[bytes, ...]]:
    """Of each, one is in every match."""
    found: list[tuple[bytes, ...]] = []
    run = bytearray()

    def end() -> None:
        if run:
            found.append((bytes(run),))
            run.clear()

    for op, value in items:
        name = str(op)
        if name == "LITERAL" and value < 128:
            run += chr(value).lower().encode()
            continue
        if name == "AT":
            continue
        end()
        if name == "SUBPATTERN":
            found += _groups(value[3])
        elif name == "BRANCH":
            branches = [_groups(one) for one in value[1]]
            if all(branches):
                best = [max(one, key=lambda group: min(map(len, group))) for one in branches]
                found.append(tuple(dict.fromkeys(text for group in best for text in group)))
        elif name in ("MAX_REPEAT", "MIN_REPEAT") and value[0] > 0:
            found += _groups(value[2])
        elif name == "IN":
            letters, wide = _letters(name, value)
            if not wide and len(letters) <= _FEW:
                found.append(tuple(sorted({bytes([one]).lower() for one in letters})))
    end()
    return found


def _runs(items: Any) -> list[Run]:
    """All of them are in every match."""
    found: list[Run] = []
    for op, value in items:
        name = str(op)
        if name == "SUBPATTERN":
            found += _runs(value[3])
        elif name in ("MAX_REPEAT", "MIN_REPEAT") and value[0] > 0:
            inner = value[2]
            if len(inner) == 1 and str(inner[0][0]) == "IN":
                found.append((_class(*_letters("IN", inner[0][1])), value[0]))
            else:
                found += _runs(inner)
    return found


def _beginning(items: Any) -> tuple[bytes, bool]:
    """An expression over bytes that matches at least the beginnings of what these match, and
    whether it is for the whole of them: it ends where trying would take long."""
    parts: list[bytes] = []
    for op, value in items:
        part, whole = _item(str(op), value)
        parts.append(part)
        if not whole:
            return b"".join(parts), False
    return b"".join(parts), True


def _item(name: str, value: Any) -> tuple[bytes, bool]:
    if name == "AT":
        return b"", True
    if name == "SUBPATTERN":
        inner, whole = _beginning(value[3])
        return b"(?:" + inner + b")", whole
    if name == "BRANCH":
        branches = [_beginning(one) for one in value[1]]
        joined = b"|".join(one for one, _ in branches)
        return b"(?:" + joined + b")", all(whole for _, whole in branches)
    if name in ("MAX_REPEAT", "MIN_REPEAT"):
        return _repeat(*value)
    if name == "LITERAL" and value < 128:
        return re.escape(bytes([value])), True
    letters, wide = _letters(name, value)
    return _class(letters, wide) + (b"{1,4}" if wide else b""), True


def _repeat(least: int, most: Any, items: Any) -> tuple[bytes, bool]:
    endless = str(most) == "MAXREPEAT"
    if len(items) == 1 and str(items[0][0]) in ("IN", "ANY", "NOT_LITERAL", "LITERAL"):
        letters, wide = _letters(str(items[0][0]), items[0][1])
        if endless and (wide or len(letters) > 100):
            return _class(letters, wide) + b"{%d}" % least, False
        # A letter beyond ASCII has up to four bytes.
        most = b"" if endless else b"%d" % (most * 4 if wide else most)
        return _class(letters, wide) + b"{%d,%b}" % (least, most), True
    inner, whole = _beginning(items)
    if not whole or (_ways(items) > 1 and (endless or most > 1)):
        # Repetitions of what can be matched in several ways are tried in all their products.
        return inner if least else b"", False
    if endless:
        return b"(?:%b){%d}" % (inner, least), False
    return b"(?:%b){%d,%d}" % (inner, least, most), True


def _ways(items: Any, after: frozenset[int] | None = None) -> int:
    """In how many ways a match may be tried from one place, about. `after`: with what goes on
    whatever follows, when that is known."""
    ways = 1
    for index, (op, value) in enumerate(items):
        name = str(op)
        follows = _first(items[index + 1 :], after)
        if name == "SUBPATTERN":
            ways *= _ways(value[3], follows)
        elif name == "BRANCH":
            ways *= sum(_ways(one, follows) for one in value[1])
        elif name in ("MAX_REPEAT", "MIN_REPEAT"):
            least, most, inner = value
            if follows is None or not follows.isdisjoint(_first(inner, None) or _ANY):
                ways *= _ENDLESS if str(most) == "MAXREPEAT" else most - least + 1
            ways *= _ways(inner)
    return min(ways, _MOST)


def _first(items: Any, after: frozenset[int] | None) -> frozenset[int] | None:
    """The letters with which something begins; None when that is not known."""
    for op, value in items:
        name = str(op)
        if name == "SUBPATTERN":
            return _first(value[3], None)
        if name in ("IN", "LITERAL"):
            letters, wide = _letters(name, value)
            return None if wide and name == "LITERAL" else letters
        return None
    return after


def _letters(name: str, value: Any) -> tuple[frozenset[int], bool]:
    """The letters of ASCII that something matches, in either case, and whether it may match
    others. Raises _Opaque."""
    if name == "ANY":
        return _ANY, True
    if name == "LITERAL":
        return (_both(frozenset({value})), False) if value < 128 else (frozenset(), True)
    if name == "NOT_LITERAL":
        return _ANY, True
    if name != "IN":
        raise _Opaque
    letters: set[int] = set()
    negated = wide = False
    for op, one in value:
        kind = str(op)
        if kind == "NEGATE":
            negated = wide = True
        elif kind == "LITERAL":
            letters |= {one} & _ANY
            wide |= one >= 128
        elif kind == "RANGE":
            letters |= set(range(one[0], one[1] + 1)) & _ANY
            wide |= one[1] >= 128
        else:
            letters |= _category(str(one), negated)
            wide = True
    return _both(_ANY - letters if negated else frozenset(letters)), wide


def _category(name: str, negated: bool) -> frozenset[int]:
    """Letters of a category; what is not sure is in it, or out of it where it is negated."""
    base = {"WORD": _WORD, "DIGIT": _DIGIT, "SPACE": _SPACE}.get(name.rpartition("_")[2])
    if base is None:
        raise _Opaque
    if base is _SPACE and ("NOT" in name) != negated:
        base = frozenset(b" \t\n\r\f\v")
    return _ANY - base if "NOT" in name else base


def _both(letters: frozenset[int]) -> frozenset[int]:
    text = bytes(sorted(letters))
    return frozenset(text.lower()) | frozenset(text.upper())


def _class(letters: Sequence[int] | frozenset[int], wide: bool) -> bytes:
    listed = b""
    ordered = sorted(letters)
    while ordered:
        # Ranges: what is short is read and compiled faster, and that is done for every text.
        first = ordered[0]
        count = 1
        while count < len(ordered) and ordered[count] == first + count:
            count += 1
        listed += _letter(first)
        if count > 1:
            listed += b"-" + _letter(first + count - 1)
        del ordered[:count]
    return b"[" + listed + (b"\\x80-\\xff]" if wide else b"]")


def _letter(one: int) -> bytes:
    letter = bytes([one])
    return letter if letter.isalnum() else b"\\x%02x" % one
