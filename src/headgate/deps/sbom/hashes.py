"""Hashes as documents write them: an algorithm and hexadecimal digits."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Sequence

_LENGTHS = {"MD5": 32, "SHA-1": 40, "SHA-256": 64, "SHA-384": 96, "SHA-512": 128}
_NAMES = {
    "md5": "MD5",
    "sha1": "SHA-1",
    "sha256": "SHA-256",
    "sha384": "SHA-384",
    "sha512": "SHA-512",
}
_HEX = re.compile(r"[0-9a-fA-F]+")


def one_per_algorithm(given: Iterable[str]) -> list[tuple[str, str]]:
    """The hashes of a single artifact; none when they are of several, or of no known kind."""
    found: dict[str, str] = {}
    for one in given:
        read = _read(one)
        if read is None or read[0] in found:
            return []
        found[read[0]] = read[1]
    return sorted(found.items())


def spelled(algorithm: str, digits: str) -> str:
    """A hash as lockfiles write it: `sha256:…`."""
    return f"{algorithm.lower().replace('-', '')}:{digits.lower()}"


def _read(one: str) -> tuple[str, str] | None:
    for mark in (":", "-"):
        word, found, value = one.partition(mark)
        name = _NAMES.get(word)
        if not found or name is None:
            continue
        if mark == "-":
            try:
                value = base64.b64decode(value.partition("?")[0], validate=True).hex()
            except (binascii.Error, ValueError):
                return None
        if len(value) == _LENGTHS[name] and _HEX.fullmatch(value):
            return name, value.lower()
    return None


def leftover(given: Sequence[str], written: Sequence[tuple[str, str]]) -> list[str]:
    """The hashes that a document has no field for."""
    return [] if written else list(given)
