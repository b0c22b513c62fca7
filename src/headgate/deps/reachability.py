"""Whether a project's own code imports a package: level 0 of reachability.

Imports are read line by line, and what looks like one counts as one. So a package that is used is
never called unused because of a strange way of writing; it may be called used when it is not. What
is found only lowers the rank of a finding, and never hides it: code can be loaded in ways that no
reader of imports sees.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from headgate.deps.import_names import modules_of
from headgate.deps.inventory import Component
from headgate.deps.lockfiles.graph import reach
from headgate.deps.lockfiles.interface import Scope

LARGEST_SOURCE = 2 << 20
"""Bytes of a source file that is read for its imports."""

_PYTHON = (".py", ".pyi", ".pyx", ".ipynb")
_SCRIPT = (".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts", ".tsx", ".vue", ".svelte")

_IMPORT = re.compile(
    r"^[ \t\"]*(?:from\s+([A-Za-z_][\w]*)[\w.]*\s+import\b|import\s+([A-Za-z_][\w.]*"
    r"(?:\s+as\s+\w+)?(?:\s*,\s*[A-Za-z_][\w.]*(?:\s+as\s+\w+)?)*))"
    r"|(?:import_module|__import__)\(\s*[rbu]?['\"]([A-Za-z_]\w*)",
    re.MULTILINE,
)
_REQUIRE = re.compile(
    r"(?:\bfrom\s*|\bimport\s*(?:\(\s*)?|\brequire\s*(?:\.resolve\s*)?\(\s*)['\"`]"
    r"((?:@[\w.~-]+/)?[\w.~-]+)"
)
_TEST = re.compile(
    r"(?:^|/)(?:tests?|testing|__tests__|__mocks__|specs?|e2e|fixtures)/"
    r"|(?:^|/)(?:test_[^/]*|[^/]*_test|conftest)\.py$|\.(?:test|spec)\.[cm]?[jt]sx?$"
)
_DEVELOPMENT = re.compile(
    r"(?:^|/)(?:docs?|examples?|bench(?:marks?)?|scripts|tools)/"
    r"|(?:^|/)(?:setup|noxfile|fabfile|tasks)\.py$|(?:^|/)[^/]*\.config\.[cm]?[jt]s$"
)


class Use(StrEnum):
    """How close a package is to what runs in production."""

    IMPORTED = "imported"
    """By production code of the project."""
    BROUGHT = "needed by what is imported"
    TESTS = "imported by tests only"
    DEVELOPMENT = "for development only"
    UNSEEN = "not seen imported"
    UNKNOWN = "unknown"
    """Of an ecosystem whose imports are not read."""

    @property
    def rank(self) -> int:
        """How much nearer to the top a finding belongs; 0 is the least."""
        return _RANKS[self]


_RANKS = {
    Use.IMPORTED: 3,
    Use.UNKNOWN: 3,
    Use.BROUGHT: 2,
    Use.UNSEEN: 1,
    Use.TESTS: 0,
    Use.DEVELOPMENT: 0,
}


@dataclass(frozen=True, slots=True)
class Imports:
    """What the code of a tree imports: ecosystem and name, in lower case."""

    production: frozenset[tuple[str, str]] = frozenset()
    tests: frozenset[tuple[str, str]] = frozenset()
    """Tests, documentation and tools."""

    def joined(self, other: Imports) -> Imports:
        """What both import."""
        return Imports(self.production | other.production, self.tests | other.tests)


def is_source(path: str) -> bool:
    """Whether imports are read from a file of this name."""
    return path.endswith(_PYTHON + _SCRIPT) and "node_modules/" not in path


def imports_of(path: str, data: bytes) -> Imports:
    """What one source file imports."""
    text = data[:LARGEST_SOURCE].decode("utf-8", "replace")
    if path.endswith(_PYTHON):
        found = frozenset(("pypi", name) for name in _python(text))
    else:
        names = (match[1].lower() for match in _REQUIRE.finditer(text))
        found = frozenset(("npm", name) for name in names if not name.startswith("."))
    if _TEST.search(path) or _DEVELOPMENT.search(path):
        return Imports(tests=found)
    return Imports(production=found)


def _python(text: str) -> Iterable[str]:
    for match in _IMPORT.finditer(text):
        if single := match[1] or match[3]:
            yield single.lower()
        else:
            for part in match[2].split(","):
                yield part.split()[0].partition(".")[0].lower()


def uses(components: Iterable[Component], imports: Imports) -> Mapping[str, Use]:
    """How each component is used, by package URL."""
    listed = list(components)
    direct = {c.purl for c in listed if _imported(c, imports.production)}
    edges = {c.purl: c.requires for c in listed}
    needed = reach(edges, direct)
    tested = reach(edges, {c.purl for c in listed if _imported(c, imports.tests)})
    found: dict[str, Use] = {}
    for one in listed:
        if one.ecosystem not in ("pypi", "npm"):
            use = Use.DEVELOPMENT if one.scope is Scope.DEVELOPMENT else Use.UNKNOWN
        elif one.purl in direct:
            # What production code imports is used, whatever a manifest says it is for.
            use = Use.IMPORTED
        elif one.purl in needed:
            use = Use.BROUGHT
        elif one.scope is Scope.DEVELOPMENT:
            use = Use.DEVELOPMENT
        else:
            use = Use.TESTS if one.purl in tested else Use.UNSEEN
        found[one.purl] = use
    return found


def _imported(one: Component, names: frozenset[tuple[str, str]]) -> bool:
    if one.ecosystem == "npm":
        plain = one.name.lower()
        bare = plain.removeprefix("@types/")
        return ("npm", plain) in names or ("npm", bare) in names
    if one.ecosystem == "pypi":
        return any(("pypi", module) in names for module in modules_of(one.name))
    return False
