"""Tables that Headgate ships as TOML, without reading the TOML every time.

To load Python's reader of TOML and to read what a scan of one file needs takes a twentieth of the
scan. What came of it is kept in the user's cache, by when and how large the file was written.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from headgate.scan.kept import keep_values, take_values, tidy

KEPT = ("kinds-", "remedies-", "packs-", "forms-", "table-")
"""How the names of our files beside Kingfisher's compiled rules begin."""


def table(place: Path) -> dict[str, Any]:
    """What is in a TOML file of this package: texts, numbers, and lists and tables of them."""
    kept = _kept_at(place)
    found = None if kept is None else take_values(kept)
    if isinstance(found, dict):
        return found  # pyright: ignore[reportUnknownVariableType] - kept as it was read
    import tomllib

    read = tomllib.loads(place.read_text("utf-8"))
    if kept is not None:
        keep_values(kept, read)
        tidy(kept.parent, KEPT)
    return read


def _kept_at(place: Path) -> Path | None:
    try:
        return rule_cache() / f"table-{place.stem}-{written((place,))}"
    except (OSError, RuntimeError):
        return None


def written(places: Iterable[Path]) -> str:
    """Of files of this package: another text when one of them was written again."""
    sum_ = hashlib.sha256(sys.version.encode())
    for place in places:
        status = place.stat()
        known = f"{place}\0{status.st_size}\0{status.st_mtime_ns}\0"
        sum_.update(known.encode("utf-8", "surrogateescape"))
    return sum_.hexdigest()[:32]


def rule_cache() -> Path:
    """Where compiled rules are kept between runs: `headgate/rules` in the user's cache."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    root = Path(base) if base.startswith("/") else Path.home() / ".cache"
    return root / "headgate" / "rules"
