"""JavaScript's modules: which file an `import` means, and what it exports."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from typing import Any

from headgate.scan.flow.calls import Calls
from headgate.scan.flow.program import Imported, ModuleRef, ModuleState, Program
from headgate.scan.flow.values import UNKNOWN, Value
from headgate.scan.front.tests import only_tests
from headgate.scan.ir.nodes import Node

_ENDINGS = (
    "", ".js", ".ts", ".mjs", ".cjs", ".jsx", ".tsx", ".mts", ".cts", "/index.js", "/index.ts",
    "/index.mjs", "/index.cjs", "/index.jsx", "/index.tsx",
)  # fmt: skip
_ALIASES = ("@/", "~/", "src/", "app/", "lib/", "@app/", "#")
"""How projects write paths from their root."""
DEFAULT = "export default"


class JavaScriptProgram(Program):
    """Finds files as Node and bundlers do."""

    def resolve(self, folder: str, name: str) -> ModuleState | None:
        key = (folder, name)
        if key not in self._resolved:
            self._resolved[key] = self._file(folder, name)
        return self._resolved[key]

    def _file(self, folder: str, name: str) -> ModuleState | None:
        if name.startswith("."):
            stem = posixpath.normpath(posixpath.join(folder or ".", name))
            return None if stem.startswith("..") else self.at(stem.removeprefix("./"))
        for alias in _ALIASES:
            if name.startswith(alias):
                return self._from_root(folder, name, name[len(alias) :])
        return None

    def _from_root(self, folder: str, name: str, rest: str) -> ModuleState | None:
        while True:
            for tail in (f"src/{rest}", rest, name):
                found = self.at(f"{folder}/{tail}" if folder else tail)
                if found is not None:
                    return found
            if not folder:
                return None
            folder = folder.rpartition("/")[0]

    def at(self, stem: str) -> ModuleState | None:
        if stem == ".":
            stem = "index"
        for ending in _ENDINGS:
            state = self.states.get(stem + ending)
            if state is not None:
                return state
        # TypeScript writes the name of what it will be compiled to.
        if stem.endswith((".js", ".mjs", ".cjs", ".jsx")):
            source = stem.rpartition(".")[0]
            for ending in (".ts", ".tsx", ".mts", ".cts"):
                state = self.states.get(source + ending)
                if state is not None:
                    return state
        return None

    def is_package(self, folder: str, name: str) -> bool:
        return False


def tests_of(imports: Mapping[str, Iterable[str]]) -> set[str]:
    """Files that run in tests only, by what every file imports."""
    program = JavaScriptProgram(lambda _: None, imports)

    def resolve(path: str, name: str) -> str | None:
        found = program.resolve(path.rpartition("/")[0], name)
        return None if found is None else found.path

    return only_tests(imports, resolve)


class JavaScriptModules(Calls):
    """Imports and exports."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)

    def _import(self, node: Node) -> None:
        state = self.frame.module
        for module, name, alias, _ in node[3]:
            found = self.program.resolve(state.folder, module)
            if name == "*":
                if found is not None and found is not state:
                    self._pass_on_all(found)
            elif found is not None:
                self.env.vars[alias] = Imported(found, name)
            elif name in ("", "default"):
                self.env.vars[alias] = Value(name=module)
            else:
                self.env.vars[alias] = Value(name=f"{module}.{name}")

    def _pass_on_all(self, found: ModuleState) -> None:
        self.run_module(found)
        for name, value in found.vars.items():
            if name.startswith("export ") and name != DEFAULT:
                self.env.vars[name] = value

    def module_member(self, state: ModuleState, name: str) -> Value:
        self.run_module(state)
        default = state.vars.get(DEFAULT)
        if not name:
            others = any(one.startswith("export ") and one != DEFAULT for one in state.vars)
            return default if default is not None and not others else Value(obj=ModuleRef(state))
        if name == "default":
            return default if default is not None else Value(obj=ModuleRef(state))
        found = state.vars.get(f"export {name}")
        if found is None and default is not None:
            found = self.attribute(default, name, (0, 0, 0))
            if found.name == f"*.{name}":
                found = None
        if found is None:
            # Running in a circle: what is defined by now.
            found = state.vars.get(name)
        return UNKNOWN if found is None else found
