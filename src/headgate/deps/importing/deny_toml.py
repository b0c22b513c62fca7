"""deny.toml of cargo-deny: https://embarkstudios.github.io/cargo-deny/"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from headgate.deps.importing.draft import Denied, Draft, Excepted
from headgate.deps.importing.read import fail, toml_table
from headgate.deps.index.shapes import items, table

_PLAIN = re.compile(r"=?\s*(\d+(?:\.\d+)*[\w.+-]*)")
_COMPARED = re.compile(r"(<=|>=|<|>)\s*(\d[\w.+-]*)")


def read_deny(text: str, file: str) -> Draft:
    """Ignored advisories become exceptions, banned crates denials, licences lists of licences."""
    root = toml_table(text, file)
    left_out: list[str] = []
    exceptions: list[Excepted] = []
    for number, one in enumerate(items(table(root.get("advisories")).get("ignore"))):
        entry = table(one)
        name = one if isinstance(one, str) else entry.get("id")
        if isinstance(name, str) and name:
            exceptions.append(Excepted("", (name,), str(entry.get("reason") or "")))
        elif entry.get("crate"):
            left_out.append(f"advisories.ignore[{number}] ignores yanked {entry['crate']}")
        else:
            raise fail(file, f"advisories.ignore[{number}] has no id")
    denials: list[Denied] = []
    for number, one in enumerate(items(table(root.get("bans")).get("deny"))):
        entry = table(one)
        crate = one if isinstance(one, str) else entry.get("crate") or entry.get("name")
        if not isinstance(crate, str) or not crate:
            raise fail(file, f"bans.deny[{number}] names no crate")
        denials.append(_denied(crate, entry, left_out))
    licences = table(root.get("licenses"))
    if items(licences.get("exceptions")):
        left_out.append("licenses.exceptions; write exceptions of rule `licence`")
    if table(root.get("sources")):
        left_out.append("sources; see [dependencies.sources]")
    return Draft(
        tuple(exceptions),
        tuple(denials),
        tuple(str(one) for one in items(licences.get("allow"))),
        tuple(str(one) for one in items(licences.get("deny"))),
        tuple(left_out),
    )


def _denied(crate: str, entry: Mapping[str, Any], left_out: list[str]) -> Denied:
    # `name`, `name@1.2`, `name = "…", version = "…"`.
    name, _, version = crate.partition("@")
    name, _, after = name.partition(":")
    wanted = str(entry.get("version") or version or after).strip()
    versions = _range(wanted)
    if wanted not in ("", "*") and not versions:
        left_out.append(f"the range `{wanted}` of {name}: all of its versions are denied")
    return Denied(
        f"pkg:cargo/{name}",
        str(entry.get("reason") or ""),
        versions,
        str(entry.get("use-instead") or ""),
    )


def _range(wanted: str) -> str:
    if match := re.fullmatch(_PLAIN, wanted):
        if wanted.startswith("="):
            return f"vers:cargo/{match[1]}"
        return ""  # Cargo reads a bare version as a caret, which has no short form.
    parts = [part.strip() for part in wanted.split(",")]
    found = [m for part in parts if (m := _COMPARED.fullmatch(part))]
    if wanted and len(found) == len(parts):
        return "vers:cargo/" + "|".join(f"{m[1]}{m[2]}" for m in found)
    return ""
