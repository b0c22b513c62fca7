"""Versions of Alpine's packages, and of all that apk orders. Source: apk-package(5)."""

from __future__ import annotations

import re

from headgate.deps.versions.interface import LONGEST, bad

Token = tuple[int, int, str]

_VERSION = re.compile(
    r"([0-9]+)((?:\.[0-9]+)*)((?:[a-z][0-9]*)?)((?:_[a-z]+[0-9]*)*)(?:~([0-9a-f]+))?(?:-r([0-9]*))?",
    re.ASCII,
)
_SUFFIX = re.compile(r"_([a-z]+)([0-9]*)", re.ASCII)
_BEFORE = {"alpha": 0, "beta": 1, "pre": 2, "rc": 3}
_AFTER = {"cvs": 0, "svn": 1, "git": 2, "hg": 3, "p": 4}

_PRE, _END, _REVISION, _HASH, _SUFFIX_NUMBER, _POST, _LETTER, _ZERO, _DIGITS = range(9)
"""Of two versions that are alike so far, the one whose next token stands first here is lower."""


class Apk:
    """Numbers, a letter, suffixes, a revision; `_rc` and its like come before the release.

    A number behind the first that begins with 0 counts as a fraction, as in Gentoo.
    """

    def key(self, version: str) -> tuple[Token, ...]:
        """The tokens, by rank and value; raises BadVersion."""
        found = _VERSION.fullmatch(version) if len(version) <= LONGEST else None
        if found is None:
            raise bad(version, "apk packages")
        first, numbers, letter, suffixes, commit, revision = found.groups()
        tokens: list[Token] = [(_DIGITS, int(first), "")]
        for part in numbers.split(".")[1:]:
            tokens.append((_ZERO, 0, part) if part[0] == "0" else (_DIGITS, int(part), ""))
        if letter:
            tokens.append((_LETTER, 0, letter[0]))
            if letter[1:]:  # Not in the grammar; sudo's `1.8.1p1` was published all the same.
                tokens.append((_SUFFIX_NUMBER, int(letter[1:]), ""))
        for name, number in _SUFFIX.findall(suffixes):
            if name in _BEFORE:
                tokens.append((_PRE, _BEFORE[name], ""))
            elif name in _AFTER:
                tokens.append((_POST, _AFTER[name], ""))
            else:
                raise bad(version, "apk packages")
            if number:
                tokens.append((_SUFFIX_NUMBER, int(number), ""))
        if commit:
            tokens.append((_HASH, 0, commit))
        if revision is not None:
            tokens.append((_REVISION, int(revision or 0), ""))
        return (*tokens, (_END, 0, ""))
