"""Licences: SPDX expressions from what packages state, and whether rules allow them.

Expressions follow Annex D of SPDX 2.3; categories are those of the ScanCode licence list, which
comes with `license-expression`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from importlib import import_module
from typing import Any, cast

_LONGEST = 500

_CLASSIFIERS = {
    "Academic Free License (AFL)": "AFL-3.0",
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "CC0 1.0 Universal (CC0 1.0) Public Domain Dedication": "CC0-1.0",
    "Eclipse Public License 1.0 (EPL-1.0)": "EPL-1.0",
    "Eclipse Public License 2.0 (EPL-2.0)": "EPL-2.0",
    "GNU Affero General Public License v3": "AGPL-3.0-only",
    "GNU Affero General Public License v3 or later (AGPLv3+)": "AGPL-3.0-or-later",
    "GNU General Public License (GPL)": "GPL-1.0-or-later",
    "GNU General Public License v2 (GPLv2)": "GPL-2.0-only",
    "GNU General Public License v2 or later (GPLv2+)": "GPL-2.0-or-later",
    "GNU General Public License v3 (GPLv3)": "GPL-3.0-only",
    "GNU General Public License v3 or later (GPLv3+)": "GPL-3.0-or-later",
    "GNU Lesser General Public License v2 (LGPLv2)": "LGPL-2.0-only",
    "GNU Lesser General Public License v2 or later (LGPLv2+)": "LGPL-2.0-or-later",
    "GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0-only",
    "GNU Lesser General Public License v3 or later (LGPLv3+)": "LGPL-3.0-or-later",
    "GNU Library or Lesser General Public License (LGPL)": "LGPL-2.0-or-later",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "MIT No Attribution License (MIT-0)": "MIT-0",
    "Mozilla Public License 1.1 (MPL 1.1)": "MPL-1.1",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "PostgreSQL License": "PostgreSQL",
    "Python Software Foundation License": "PSF-2.0",
    "The Unlicense (Unlicense)": "Unlicense",
    "Universal Permissive License (UPL)": "UPL-1.0",
    "zlib/libpng License": "Zlib",
    "Zope Public License": "ZPL-2.1",
}
"""Of the classifiers of PyPI, those that name one licence, by their last part."""

_SPOKEN = {
    "0bsd": "0BSD",
    "apache": "Apache-2.0",
    "apache 2": "Apache-2.0",
    "apache 2.0": "Apache-2.0",
    "apache license": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache license, version 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "apache software license 2.0": "Apache-2.0",
    "apache-2": "Apache-2.0",
    "bsd": "BSD-3-Clause",
    "bsd license": "BSD-3-Clause",
    "bsd 3-clause": "BSD-3-Clause",
    "bsd 3-clause license": "BSD-3-Clause",
    "3-clause bsd": "BSD-3-Clause",
    "3-clause bsd license": "BSD-3-Clause",
    "new bsd": "BSD-3-Clause",
    "new bsd license": "BSD-3-Clause",
    "simplified bsd": "BSD-2-Clause",
    "bsd 2-clause": "BSD-2-Clause",
    "gplv2": "GPL-2.0-only",
    "gplv3": "GPL-3.0-only",
    "gplv3+": "GPL-3.0-or-later",
    "isc license": "ISC",
    "lgplv3": "LGPL-3.0-only",
    "mit license": "MIT",
    "the mit license": "MIT",
    "mit/x11": "MIT",
    "mpl 2.0": "MPL-2.0",
    "mozilla public license 2.0": "MPL-2.0",
    "psf": "PSF-2.0",
    "psf license": "PSF-2.0",
    "python software foundation license": "PSF-2.0",
    "public domain": "LicenseRef-scancode-public-domain",
    "the unlicense": "Unlicense",
}
"""What people write instead of an identifier, in lower case."""

_NONE = {"", "unknown", "none", "noassertion", "unlicensed", "see license", "other", "proprietary"}


class Standing(StrEnum):
    """What rules say of a licence. Only `allowed` is clean."""

    ALLOWED = "allowed"
    DENIED = "denied"
    UNKNOWN = "unknown"
    """The package states nothing that can be understood."""
    UNLISTED = "unlisted"
    """There is a list of allowed licences, and this is not in it."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Which licences are wanted, by SPDX identifier or by category, in any case."""

    allow: Sequence[str] = ()
    """Empty: whatever is not denied."""
    deny: Sequence[str] = ()
    """Goes before `allow`."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """What rules say, and why."""

    standing: Standing
    expression: str
    """Normalised; empty when unknown."""
    reason: str
    chosen: tuple[str, ...] = ()
    """Of a choice of licences, the identifiers that were taken."""


@lru_cache(maxsize=1)
def _licensing() -> Any:
    # Builds an index of 2,500 licences in 0.3 s: only when a licence is really judged.
    library: Any = import_module("license_expression")
    return library.get_spdx_licensing()


@lru_cache(maxsize=1)
def _categories() -> dict[str, str]:
    library: Any = import_module("license_expression")
    index = cast("list[dict[str, Any]]", library.get_license_index())
    found: dict[str, str] = {}
    for one in index:
        category = str(one.get("category") or "").lower()
        names = [one.get("spdx_license_key"), one.get("license_key")]
        for name in [*names, *(one.get("other_spdx_license_keys") or ())]:
            if name:
                found.setdefault(str(name).lower(), category)
    return found


def category(identifier: str) -> str:
    """The category of one licence, in lower case, e.g. `permissive`, `copyleft`; empty: unknown."""
    return _categories().get(identifier.lower().removesuffix("+"), "")


@lru_cache(maxsize=4096)
def expression(stated: str) -> str:
    """The SPDX expression that a statement means; empty when it means none.

    Understands expressions, identifiers in any case, npm's `(MIT OR Apache-2.0)`, Cargo's old
    `MIT/Apache-2.0` and names that people use.
    """
    text = " ".join(stated.split())
    if text.lower() in _NONE or len(text) > _LONGEST:
        return ""
    if spoken := _SPOKEN.get(text.lower().removeprefix("the ").rstrip(".")):
        return spoken
    if "/" in text and " " not in text.replace(" / ", "/"):
        text = " OR ".join(part.strip() for part in text.split("/"))
    try:
        parsed: Any = _licensing().parse(text, validate=True)
    except Exception:  # Every kind of error in the library means that this is no expression.
        return ""
    return "" if parsed is None else str(parsed)


def from_classifiers(classifiers: Iterable[str]) -> str:
    """The expression that PyPI's classifiers mean; several are all to be followed, so AND."""
    found: list[str] = []
    for one in classifiers:
        parts = [part.strip() for part in one.split("::")]
        if parts[0] != "License":
            continue
        known = _CLASSIFIERS.get(parts[-1])
        if known is None and parts[-1] != "OSI Approved":
            return ""
        if known is not None:
            found.append(known)
    return " AND ".join(dict.fromkeys(found))


def stated(licence_expression: str = "", text: str = "", classifiers: Iterable[str] = ()) -> str:
    """The expression of a package by its metadata, the most definite field first (PEP 639)."""
    for candidate in (licence_expression, text if len(text) <= 100 else ""):
        if found := expression(candidate):
            return found
    return from_classifiers(classifiers)


def judge(stated_licence: str, rules: Rules) -> Opinion:
    """What rules say of a licence: of OR the best branch counts, of AND the worst.

    A name that nobody knows is unknown by itself, and does not spoil a choice beside it.
    """
    found = expression(stated_licence)
    parsed: Any = None
    if found or re.search(r"\bOR\b", stated_licence[:_LONGEST], re.IGNORECASE):
        try:
            parsed = _licensing().parse(found or " ".join(stated_licence[:_LONGEST].split()))
        except Exception:  # As above.
            parsed = None
    if parsed is None:
        said = f"`{stated_licence[:80]}` is no licence that is known"
        return Opinion(Standing.UNKNOWN, "", said if stated_licence else "it states no licence")
    listed = Rules(_words(rules.allow), _words(rules.deny))
    standing, why, chosen = _weigh(parsed, listed)
    return Opinion(standing, found, why, chosen)


def _words(names: Sequence[str]) -> tuple[str, ...]:
    """Identifiers and categories to compare with; `copyleft-limited` is `copyleft limited`."""
    lowered = [name.strip().lower() for name in names]
    spaced = [name.replace("-", " ") for name in lowered]
    return tuple(
        plain if plain in _category_names() else name
        for name, plain in zip(lowered, spaced, strict=True)
    )


@lru_cache(maxsize=1)
def _category_names() -> frozenset[str]:
    return frozenset(_categories().values())


_GOOD = (Standing.ALLOWED, Standing.UNLISTED, Standing.UNKNOWN, Standing.DENIED)
"""From the best to the worst."""

_Weighed = tuple[Standing, str, tuple[str, ...]]


def _weigh(node: Any, rules: Rules) -> _Weighed:
    operator = type(node).__name__
    if operator in ("AND", "OR"):
        parts = [_weigh(one, rules) for one in node.args]
        if operator == "OR":
            return min(parts, key=lambda p: _GOOD.index(p[0]))
        standing, why, _ = max(parts, key=lambda p: _GOOD.index(p[0]))
        return standing, why, tuple(dict.fromkeys(name for part in parts for name in part[2]))
    licence = getattr(node, "license_symbol", node)
    exception = getattr(node, "exception_symbol", None)
    name, full = str(licence.key), str(node)
    # An exception takes from what its licence asks: its own category is the one that counts.
    kind = category(str(exception.key)) if exception is not None else category(name)
    names = {full.lower(), name.lower(), kind} - {""}
    denied, allowed = names & set(rules.deny), names & set(rules.allow)
    if denied and full.lower() not in allowed:
        return Standing.DENIED, f"{full} is denied{_by(denied, full)}", (full,)
    if not allowed and not kind:
        return Standing.UNKNOWN, f"{full} is no licence that is known", (full,)
    if allowed or not rules.allow:
        return Standing.ALLOWED, f"{full} is allowed{_by(allowed, full)}", (full,)
    return Standing.UNLISTED, f"{full} ({kind}) is not in the list", (full,)


def _by(names: set[str], full: str) -> str:
    word = min(names, default="")
    return "" if not word or word == full.lower() else f" as {word}"
