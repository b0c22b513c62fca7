"""osv-scanner.toml: https://google.github.io/osv-scanner/configuration/"""

from __future__ import annotations

from headgate.deps.importing.draft import Draft, Excepted, day_of
from headgate.deps.importing.read import fail, toml_table
from headgate.deps.index.shapes import table, tables

_TYPES = {
    "pypi": "pypi",
    "npm": "npm",
    "go": "golang",
    "crates.io": "cargo",
    "maven": "maven",
    "rubygems": "gem",
    "packagist": "composer",
    "nuget": "nuget",
}


def read_osv_scanner(text: str, file: str) -> Draft:
    """`IgnoredVulns` become exceptions; what `PackageOverrides` ignore is told, not taken."""
    root = toml_table(text, file)
    exceptions: list[Excepted] = []
    for number, one in enumerate(tables(root.get("IgnoredVulns"))):
        if not isinstance(name := one.get("id"), str) or not name:
            raise fail(file, f"IgnoredVulns[{number}] has no id")
        exceptions.append(
            Excepted("", (name,), str(one.get("reason") or ""), day_of(one.get("ignoreUntil")))
        )
    left_out: list[str] = []
    allowed: tuple[str, ...] = ()
    for number, one in enumerate(tables(root.get("PackageOverrides"))):
        name = str(one.get("name") or "*")
        kind = _TYPES.get(str(one.get("ecosystem") or "").lower())
        what = f"PackageOverrides[{number}] ({kind or 'any ecosystem'} {name})"
        if one.get("ignore") is True or table(one.get("vulnerability")).get("ignore") is True:
            left_out.append(f"{what} ignores every vulnerability; name those that are meant")
        if table(one.get("license")):
            left_out.append(f"{what} overrides a licence; write an exception of rule `licence`")
    for key in sorted(root.keys() - {"IgnoredVulns", "PackageOverrides"}):
        left_out.append(f"{key} has no counterpart")
    return Draft(tuple(exceptions), licences_allowed=allowed, left_out=tuple(left_out))
