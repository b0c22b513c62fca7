"""Versions of PHP's packages. Sources: composer/semver's VersionParser; PHP's version_compare."""

from __future__ import annotations

import re

from headgate.deps.versions.interface import LONGEST, bad

Token = tuple[int, int]

_MODIFIER = r"[._-]?(?:(stable|beta|b|RC|alpha|a|patch|pl|p)((?:[.-]?[0-9]+)*)?)?([.-]?dev)?"
_CLASSICAL = re.compile(
    rf"v?([0-9]{{1,5}})(\.[0-9]+)?(\.[0-9]+)?(\.[0-9]+)?{_MODIFIER}", re.ASCII | re.IGNORECASE
)
_DATE = re.compile(
    rf"v?([0-9]{{4}}(?:[.:-]?[0-9]{{2}}){{1,6}}(?:[.:-]?[0-9]{{1,3}}){{0,2}}){_MODIFIER}",
    re.ASCII | re.IGNORECASE,
)
_BRANCH = re.compile(r"v?([0-9]+)((?:\.(?:[0-9]+|[xX*])){0,3})[.-]?dev", re.ASCII | re.IGNORECASE)
_BUILD = re.compile(r"([^,\s+]+)\+\S+")
_SEPARATORS = re.compile(r"[-_+.]+")
_TOKEN = re.compile(r"[0-9]+|[^0-9.]+", re.ASCII)

_FORMS = (
    ("dev", 0), ("alpha", 1), ("a", 1), ("beta", 2), ("b", 2), ("RC", 3), ("rc", 3),
    ("#", 4), ("pl", 5), ("p", 5),
)  # fmt: skip
_LONG = {"a": "alpha", "b": "beta", "p": "patch", "pl": "patch", "rc": "RC"}
_END: Token = (4, -1)


class Packagist:
    """Versions as Composer writes them out (`1.0` is `1.0.0.0`), ordered as PHP orders them.

    What Composer would not take is ordered by PHP as it stands; branches come before versions,
    but for `1.x-dev`, which comes after all of `1`.
    """

    def key(self, version: str) -> tuple[Token, ...]:
        """(kind, number) of each part; raises BadVersion."""
        text = version.strip()
        if not text or len(version) > LONGEST:
            raise bad(version, "Packagist")
        built = _BUILD.fullmatch(text)
        if built is not None:
            text = built[1]
        return _tokens(_written_out(text) or text.removeprefix("v").removeprefix("V"))


def _written_out(text: str) -> str:
    if (found := _CLASSICAL.fullmatch(text)) is not None:
        first, second, third, fourth, stability, number, dev = found.groups()
        version = f"{first}{second or '.0'}{third or '.0'}{fourth or '.0'}"
    elif (found := _DATE.fullmatch(text)) is not None:
        first, stability, number, dev = found.groups()
        version = re.sub("[^0-9]", ".", first)
    elif (found := _BRANCH.fullmatch(text)) is not None:
        parts = [*f"{found[1]}{found[2]}".split("."), "x", "x", "x"][:4]
        return ".".join(p if p.isdecimal() else "9999999" for p in parts) + "-dev"
    else:
        return ""
    if stability:
        word = stability.lower()
        if word == "stable":
            return version
        version += f"-{_LONG.get(word, word)}{(number or '').lstrip('.-')}"
    return f"{version}-dev" if dev else version


def _tokens(text: str) -> tuple[Token, ...]:
    parts = _TOKEN.findall(_SEPARATORS.sub(".", text))
    return (*((4, int(part)) if part.isdecimal() else (_form(part), 0) for part in parts), _END)


def _form(word: str) -> int:
    return next((rank for name, rank in _FORMS if word.startswith(name)), -1)
