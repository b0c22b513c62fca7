"""Package URLs: how a package of any ecosystem is named in policies, answers and documents.

Only what a name needs of https://github.com/package-url/purl-spec: type, namespace, name, version.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from urllib.parse import quote, unquote

from headgate.model.errors import BadInput

_PURL = re.compile(
    r"pkg:/*(?P<type>[A-Za-z][A-Za-z0-9.+-]*)/(?P<rest>[^?#\s]+)(?:\?[^#]*)?(?:#.*)?"
)
_SEPARATORS = re.compile(r"[-_.]+")
_MAVEN = "maven"


@dataclass(frozen=True, slots=True)
class Package:
    """A package, of any version or of one."""

    ecosystem: str
    """The purl's type, e.g. `pypi`, `npm`, `golang`."""
    name: str
    """As the index compares names: `@scope/name`, `group:artifact`, `github.com/a/b`."""
    version: str = ""

    @property
    def purl(self) -> str:
        """As a package URL."""
        path = self.name.replace(":", "/", 1) if self.ecosystem == _MAVEN else self.name
        parts = "/".join(quote(part, safe="*._~+-") for part in path.split("/"))
        version = f"@{quote(self.version, safe='._~+-:!')}" if self.version else ""
        return f"pkg:{self.ecosystem}/{parts}{version}"

    def covers(self, ecosystem: str, name: str) -> bool:
        """Whether this, read as a pattern in which `*` stands for anything, is of that package."""
        if self.ecosystem != ecosystem:
            return False
        return self.name == name or ("*" in self.name and fnmatchcase(name, self.name))


def normalised(ecosystem: str, name: str) -> str:
    """A package's name as its index compares it."""
    if ecosystem == "pypi":
        return _SEPARATORS.sub("-", name).lower()
    return name.lower() if ecosystem in ("composer", "github", "githubactions") else name


def parse_purl(text: str) -> Package:
    """The package that a purl names; qualifiers and subpaths are left out.

    Raises BadInput when the text is no purl.
    """
    match = _PURL.fullmatch(text.strip())
    if match is None:
        raise BadInput(
            f"`{text[:120]}` is not a package URL.", "Write it like pkg:pypi/jinja2@3.1.6."
        )
    kind = match["type"].lower()
    rest = match["rest"].strip("/")
    # An `@` that begins a scope is not the one before the version.
    at = rest.rfind("@")
    version = ""
    if at > 0 and rest[at - 1] != "/":
        rest, version = rest[:at], unquote(rest[at + 1 :])
    parts = [unquote(part) for part in rest.split("/") if part]
    if not parts:
        raise BadInput(f"`{text[:120]}` names no package.", "Write it like pkg:pypi/jinja2@3.1.6.")
    if kind == _MAVEN:
        name = ":".join((".".join(parts[:-1]), parts[-1])) if len(parts) > 1 else parts[0]
    else:
        name = "/".join(parts)
    return Package(kind, normalised(kind, name), version)
