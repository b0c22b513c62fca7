""".snyk: https://docs.snyk.io/manage-risk/policies/the-.snyk-file"""

from __future__ import annotations

from headgate.deps.importing.draft import Draft, Excepted, day_of
from headgate.deps.importing.read import fail, yaml_table
from headgate.deps.index.shapes import items, table


def read_snyk(text: str, file: str) -> Draft:
    """Ignored vulnerabilities become exceptions for the package at the end of each path.

    Snyk's identifiers are its own: they match only where an advisory carries them as aliases,
    so each is told as something to look up.
    """
    root = yaml_table(text, file)
    exceptions: list[Excepted] = []
    left_out: list[str] = []
    for name, paths in table(root.get("ignore")).items():
        for number, path in enumerate(items(paths)):
            if not table(path):
                raise fail(file, f"ignore.{name}[{number}] is no mapping of a path")
            for where, said in table(path).items():
                entry = table(said)
                exceptions.append(
                    Excepted(
                        _package(str(where), str(name)),
                        (str(name),),
                        str(entry.get("reason") or ""),
                        day_of(entry.get("expires")),
                    )
                )
        left_out.append(f"{name} is Snyk's own name; add the CVE or GHSA that it stands for")
    left_out += [f"patch of {name}" for name in table(root.get("patch"))]
    return Draft(tuple(exceptions), left_out=tuple(left_out))


def _package(where: str, identifier: str) -> str:
    """The package of a path such as `a > b > lodash@4.17.20`; `*` tells nothing."""
    last = where.split(">")[-1].strip()
    at = last.rfind("@")
    name = last[:at] if at > 0 else last
    if name in ("", "*"):
        return ""
    kind = "pypi" if identifier.upper().startswith("SNYK-PYTHON") else "npm"
    return f"pkg:{kind}/{name.replace('@', '%40')}"
