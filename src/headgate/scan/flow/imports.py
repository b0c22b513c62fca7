"""Imports and exports: where what they name comes from."""

from __future__ import annotations

from headgate.scan.flow.expressions import Expressions
from headgate.scan.flow.program import Imported, ModuleRef, ModuleState, PackageRef
from headgate.scan.flow.values import (
    Value,
)
from headgate.scan.ir.nodes import Node


class Imports(Expressions):
    """Names that other modules give."""

    def _import(self, node: Node) -> None:
        state = self.frame.module
        for module, name, alias, level in node[3]:
            if name == "*":
                self._import_all(state, module, level)
                continue
            if not name:
                self.env.vars[alias] = self._module_value(state, module, alias)
                continue
            self.env.vars[alias] = self._imported(state, module, name, level)

    def _module_value(self, state: ModuleState, module: str, alias: str) -> Value:
        first = module.partition(".")[0]
        if alias == first and "." in module:
            inside = self.program.resolve(state.folder, first)
            if inside is not None or self.program.is_package(state.folder, first):
                return Value(obj=PackageRef(first, state.folder))
            return Value(name=first)
        found = self.program.resolve(state.folder, module)
        if found is not None and found is not state:
            return Value(obj=ModuleRef(found))
        if self.program.is_package(state.folder, module):
            return Value(obj=PackageRef(module, state.folder))
        return Value(name=module)

    def _source(self, state: ModuleState, module: str, level: int) -> ModuleState | None:
        if level:
            return self.program.relative(state, level, module)
        found = self.program.resolve(state.folder, module)
        return None if found is state else found

    def _imported(self, state: ModuleState, module: str, name: str, level: int) -> Value:
        found = self._source(state, module, level)
        below: ModuleState | None = None
        if level:
            folder = self.program.above(state, level)
            if folder is not None:
                stem = "/".join(part for part in (folder, module.replace(".", "/"), name) if part)
                below = self.program.at(stem)
        else:
            below = self.program.resolve(state.folder, f"{module}.{name}")
        if found is None:
            if below is not None and below is not state:
                return Value(obj=ModuleRef(below))
            return Value(name=f"{module}.{name}" if not level else name)
        return Imported(found, name)

    def _import_all(self, state: ModuleState, module: str, level: int) -> None:
        found = self._source(state, module, level)
        if found is None:
            return
        self.run_module(found)
        for name, value in found.vars.items():
            if not name.startswith("_") and "." not in name:
                self.tracker.read_variable(found.path, name)
                self.env.vars[name] = value

    def _export(self, node: Node) -> None:
        for name, value_node in node[3]:
            self.env.vars[f"export {name}"] = self.eval(value_node)
