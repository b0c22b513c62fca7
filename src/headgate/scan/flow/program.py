"""The files of a project as modules that import one another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from headgate.scan.flow.uses import SharedHeap, Tracker
from headgate.scan.flow.values import Value
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Module, Node

if TYPE_CHECKING:
    from headgate.scan.flow.core import Frame


_LONGEST = 50
"""Classes in one lineage."""
NAMED_TUPLE = "namedtuple"
PATTERNS = "<patterns>"
"""What the patterns of a class are called among its members."""


class ModuleState:
    """A file: what its names mean, once its top level was run."""

    __slots__ = ("done", "folder", "ir", "nested", "path", "starts", "text", "tracker", "vars")

    def __init__(self, path: str, tracker: Tracker | None = None) -> None:
        self.path = path
        self.tracker = tracker or Tracker()
        self.folder = path.rpartition("/")[0]
        self.ir: Module | None = None
        self.vars: dict[str, Value] = {}
        self.done = 0
        """0: not run; 1: running; 2: run."""
        self.nested: list[tuple[FunctionRef, ClassRef | None]] = []
        """Functions that were defined in what it called while it ran."""


class FunctionRef:
    """A function of the project, with what it closes over and is bound to."""

    __slots__ = ("bound", "captured", "cls", "frame", "module", "node", "wrapped")

    def __init__(
        self,
        module: ModuleState,
        node: Node,
        cls: ClassRef | None = None,
        captured: dict[str, Value] | None = None,
        frame: Frame | None = None,
        bound: Value | None = None,
    ) -> None:
        self.module = module
        self.node = node
        self.cls = cls
        """The class in whose body it is defined."""
        self.captured = captured
        self.frame = frame
        """Where it was defined; while that runs, its names are read from there."""
        self.bound = bound
        """`self` of a bound method."""


class ClassRef:
    """A class of the project."""

    __slots__ = (
        "_line", "bases", "fields", "kind", "library", "members", "module", "name", "node", "order",
        "patterns", "place",
    )  # fmt: skip

    def __init__(self, module: ModuleState, node: Node) -> None:
        self.module = module
        self.node = node
        self.name: str = node[3]
        self.place = (module.path, node[1])
        self.bases: list[ClassRef] = []
        self._line: tuple[ClassRef, ...] | None = None
        self.library: list[str] = []
        """Canonical names of bases that are not of the project."""
        self.members: dict[str, Value] = {}
        """What the body binds: methods, constants."""
        self.order: list[tuple[str, Node | None]] = []
        """Annotated fields with their defaults, for dataclasses and the like."""
        self.fields: dict[str, Value] = {}
        """Attributes of instances, over all methods that were analysed."""
        self.patterns: list[str] = []
        """Of routes that it answers, registered by `as_view`."""
        self.kind = ""
        """`dataclass` or `NAMED_TUPLE` when its constructor takes its fields."""

    def lineage(self) -> Sequence[ClassRef]:
        """The class and those it derives from, nearest first."""
        if self._line is None:
            out: dict[ClassRef, None] = {}
            waiting: list[ClassRef] = [self]
            while waiting and len(out) < _LONGEST:
                one = waiting.pop()
                if one not in out:
                    out[one] = None
                    waiting.extend(reversed(one.bases))
            self._line = tuple(out)
        return self._line

    def derive(self, base: ClassRef) -> None:
        """Give it one more base; before anybody asks for its lineage."""
        self.bases.append(base)
        self._line = None

    def member(self, name: str) -> Value | None:
        if self.module.tracker.classes:
            self._reads_up_to("members", name)
        for one in self._line or self.lineage():
            found = one.members.get(name)
            if found is not None:
                return found
        return None

    def field(self, name: str) -> Value | None:
        if self.module.tracker.classes:
            self._reads_up_to("fields", name)
        for one in self._line or self.lineage():
            found = one.fields.get(name)
            if found is not None:
                return found
        return None

    def _reads_up_to(self, where: str, name: str) -> None:
        """It is asked for something by name: so are those that it derives from, up to the one
        that has it."""
        classes = self.module.tracker.classes
        for one in self._line or self.lineage():
            if one.place in classes:
                one.reads(name)
            if name in getattr(one, where):
                return

    def reads(self, name: str) -> None:
        """A member or a field is read."""
        self.module.tracker.read(("class", *self.place, name))

    def changes(self, name: str) -> None:
        """A member or a field gets something else."""
        self.module.tracker.change(("class", *self.place, name))

    @property
    def fills(self) -> bool:
        """Whether its constructor takes its fields, in their order."""
        return any(one.kind for one in self.lineage())

    @property
    def is_tuple(self) -> bool:
        """Whether its instances are tuples, too."""
        return any(one.kind == NAMED_TUPLE for one in self.lineage())

    def field_names(self) -> dict[str, Node | None]:
        """The fields with their defaults, in the order of the constructor."""
        out: dict[str, Node | None] = {}
        for one in reversed(self.lineage()):
            out.update(dict(one.order))
        return out

    def demands(self, name: str) -> tuple[Node | None, Node | None]:
        """Annotation and default of a field, as they are written."""
        for one in self.lineage():
            for statement in one.node[7]:
                if statement[0] == ir.ASSIGN and statement[5] is not None:
                    target = statement[3][0]
                    if target[0] == ir.NAME and target[3] == name:
                        return statement[5], statement[4]
        return None, None

    def library_bases(self) -> Iterable[str]:
        for one in self.lineage():
            yield from one.library


class ModuleRef:
    """A module of the project as a value."""

    __slots__ = ("state",)

    def __init__(self, state: ModuleState) -> None:
        self.state = state


class PackageRef:
    """The first part of an `import a.b.c`, or a folder without `__init__`: names below it are
    looked up as modules of the project first."""

    __slots__ = ("folder", "name")

    def __init__(self, name: str, folder: str) -> None:
        self.name = name
        self.folder = folder


class Imported(Value):
    """A name imported from a module of the project: looked up when it is used."""

    __slots__ = ("module", "wanted")

    def __init__(self, module: ModuleState, wanted: str) -> None:
        super().__init__()
        self.module = module
        self.wanted = wanted


class Program:
    """Every module, by path; and what is shared between all of them."""

    def __init__(self, load: Callable[[str], Module | None], paths: Iterable[str]) -> None:
        self._load = load
        self.loaded: Callable[[str, Module], None] = self._nothing
        """Told of every module whose tree is read."""
        self.tracker = Tracker()
        self.states = {path: ModuleState(path, self.tracker) for path in paths}
        self.heap = SharedHeap(self.tracker)
        """Objects that modules hold."""
        self._resolved: dict[tuple[str, str], ModuleState | None] = {}
        self._folders = {path.rpartition("/")[0] for path in self.states}
        for folder in list(self._folders):
            while folder:
                folder = folder.rpartition("/")[0]
                self._folders.add(folder)

    def module_of(self, state: ModuleState) -> Module | None:
        """The IR of a module, loaded when it is first asked for."""
        if state.ir is None:
            state.ir = self._load(state.path)
            if state.ir is not None:
                self.loaded(state.path, state.ir)
        return state.ir

    @staticmethod
    def _nothing(path: str, module: Module) -> None:
        pass

    def resolve(self, folder: str, name: str) -> ModuleState | None:
        """The module that an absolute import of `name` means in a file of the folder."""
        key = (folder, name)
        if key not in self._resolved:
            self._resolved[key] = self._search(folder, name.replace(".", "/"))
        return self._resolved[key]

    def _search(self, folder: str, relative: str) -> ModuleState | None:
        while True:
            for root in (folder, f"{folder}/src" if folder else "src"):
                prefix = f"{root}/" if root else ""
                found = self.at(prefix + relative)
                if found is not None:
                    return found
            if not folder:
                return None
            folder = folder.rpartition("/")[0]

    def at(self, stem: str) -> ModuleState | None:
        """The module with this path, without its ending."""
        for ending in (".py", "/__init__.py", ".pyw"):
            state = self.states.get(stem + ending)
            if state is not None:
                return state
        return None

    def relative(self, state: ModuleState, level: int, name: str) -> ModuleState | None:
        """The module that a relative import means."""
        folder = self.above(state, level)
        if folder is None:
            return None
        parts = name.replace(".", "/")
        stem = f"{folder}/{parts}" if folder and parts else folder or parts
        return self.at(stem)

    def above(self, state: ModuleState, level: int) -> str | None:
        folder = state.folder
        for _ in range(level - 1):
            if not folder:
                return None
            folder = folder.rpartition("/")[0]
        return folder

    def is_package(self, folder: str, name: str) -> bool:
        """Whether files of the project are below this name."""
        relative = name.replace(".", "/")
        while True:
            if (f"{folder}/{relative}" if folder else relative) in self._folders:
                return True
            if not folder:
                return False
            folder = folder.rpartition("/")[0]


def free_names(function: Node) -> frozenset[str]:
    """Names that a function uses and does not bind."""
    return function[11].difference(function[9])


def is_method_kind(function: Node, name: str) -> bool:
    """Whether a decorator with this last name is on it."""
    return any(_last_name(one) == name for one in function[6])


def _last_name(node: Node) -> str:
    op = node[0]
    if op == ir.NAME:
        return node[3]
    if op == ir.ATTR:
        return node[4]
    if op == ir.CALL:
        return _last_name(node[3])
    return ""


def decorator_names(function: Node) -> list[str]:
    """Last names of its decorators."""
    return [_last_name(one) for one in function[6]]
