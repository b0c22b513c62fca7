"""Programs with known findings, and edits of the kinds that people and agents make."""

from __future__ import annotations

import random
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field

from headgate.model.finding import Anchor, Confidence, Finding, Severity, Span
from headgate.scan.identity import anchor
from headgate.scan.outline import Outline
from headgate.scan.text import Text

SINKS = (
    ("sql", "cursor.execute", '"SELECT {0} FROM {1} WHERE id = " + {2}'),
    ("sql", "db.query", 'f"DELETE FROM {1} WHERE name = {{{2}}}"'),
    ("shell", "os.system", '"convert {0} " + {2}'),
    ("shell", "subprocess.run", 'f"tar -C /{1} -xf {{{2}}}", shell=True'),
    ("path", "open", 'os.path.join(ROOT, {2}), "{0}"'),
    ("hash", "hashlib.md5", "{2}.encode()"),
)
NOUNS = [
    "user", "order", "item", "price", "shop", "basket", "photo", "album", "letter", "invoice",
    "folder", "ticket", "seat", "room",
]  # fmt: skip
VERBS = [
    "load", "store", "list", "find", "drop", "send", "print", "check", "merge", "split", "count",
    "parse", "render", "export",
]  # fmt: skip


@dataclass
class Line:
    """One statement; a finding when it has an id."""

    text: str
    id: int = 0
    rule: str = ""
    indent: int = 1
    wrapped: bool = False


@dataclass
class Function:
    name: str
    variables: list[str]
    lines: list[Line]


@dataclass
class Program:
    """Files of functions."""

    files: dict[str, list[Function]]
    renamed: dict[str, str] = field(default_factory=dict[str, str])
    """New path → old path."""

    def functions(self) -> list[tuple[str, Function]]:
        return [(path, one) for path, functions in self.files.items() for one in functions]


class Author:
    """Writes programs and edits them, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.ids = 0

    def name(self) -> str:
        return f"{self.random.choice(VERBS)}_{self.random.choice(NOUNS)}{self.random.randint(1, 9)}"

    def sink(self, variables: list[str]) -> Line:
        rule, call, argument = self.random.choice(SINKS)
        self.ids += 1
        words = self.random.sample(NOUNS, 2)
        argument = argument.format(*words, self.random.choice(variables))
        return Line(f"result = {call}({argument})", self.ids, rule)

    def filler(self, variables: list[str]) -> Line:
        one, other = self.random.choice(variables), self.random.choice(variables)
        noun, verb = self.random.choice(NOUNS), self.random.choice(VERBS)
        texts = (
            f"{one} = {verb}_{noun}({other})",
            f'log.info("{verb} {noun}", {one})',
            f"total += len({one})",
            f"check_{noun}({one}, {other})",
            f"{one} = {other}.{noun}",
            f"# {verb} the {noun}",
        )
        return Line(self.random.choice(texts))

    def function(self) -> Function:
        variables = self.random.sample(["name", "path", "value", "key", "query", "data"], 3)
        lines = [self.filler(variables) for _ in range(self.random.randint(2, 9))]
        for _ in range(self.random.choice((0, 1, 1, 2))):
            lines.insert(self.random.randint(0, len(lines)), self.sink(variables))
        return Function(self.name(), variables, lines)

    def program(self) -> Program:
        return Program(
            {
                f"app/{noun}.py": [self.function() for _ in range(self.random.randint(2, 7))]
                for noun in self.random.sample(NOUNS, self.random.randint(2, 4))
            }
        )

    # -- edits: each gives a new program -----------------------------------------------------

    def edit(self, program: Program, kind: str) -> Program:
        program = deepcopy(program)
        edit: Callable[[Program], None] = getattr(self, f"_{kind}")
        edit(program)
        return program

    def _pick(self, program: Program, bad: bool = False) -> tuple[str, Function]:
        some = program.functions()
        with_findings = [one for one in some if any(line.id for line in one[1].lines)]
        return self.random.choice((bad and with_findings) or some)

    def _insert(self, program: Program) -> None:
        for _ in range(self.random.randint(1, 6)):
            _, function = self._pick(program)
            at = self.random.randint(0, len(function.lines))
            function.lines.insert(at, self.filler(function.variables))

    def _delete(self, program: Program) -> None:
        _, function = self._pick(program, bad=True)
        gone = self.random.randint(1, 3)
        kept = [line for line in function.lines if not line.id][gone:]
        function.lines = [line for line in function.lines if line.id or line in kept]

    def _rename_variables(self, program: Program) -> None:
        _, function = self._pick(program, bad=True)
        for index, old in enumerate(function.variables):
            new = f"{old}_{self.random.choice(('text', 'raw', 'given'))}"
            function.variables[index] = new
            for line in function.lines:
                for before, after in (("(", ")"), ("{", "}"), (" ", ")"), (", ", ")"), (" ", ",")):
                    line.text = line.text.replace(f"{before}{old}{after}", f"{before}{new}{after}")
                if line.text.endswith(f" {old}") or f"({old}." in line.text:
                    line.text = line.text.replace(f" {old}", f" {new}").replace(
                        f"({old}.", f"({new}."
                    )

    def _rename_function(self, program: Program) -> None:
        self._pick(program, bad=True)[1].name = self.name()

    def _move_function(self, program: Program) -> None:
        path, function = self._pick(program, bad=True)
        program.files[path].remove(function)
        target = self.random.choice([other for other in program.files if other != path])
        at = self.random.randint(0, len(program.files[target]))
        program.files[target].insert(at, function)

    def _reorder(self, program: Program) -> None:
        self.random.shuffle(program.files[self._pick(program)[0]])

    def _reformat(self, program: Program) -> None:
        for _, function in program.functions():
            for line in function.lines:
                line.wrapped = not line.wrapped and bool(line.id)
                if "{" not in line.text:
                    line.text = line.text.replace('"', "'")

    def _wrap(self, program: Program) -> None:
        _, function = self._pick(program, bad=True)
        for line in function.lines:
            line.indent += 1
        function.lines.insert(0, Line(f"if {function.variables[0]} is not None:"))

    def _duplicate(self, program: Program) -> None:
        path, function = self._pick(program, bad=True)
        copy = deepcopy(function)
        for line in copy.lines:
            if line.id:
                self.ids += 1
                line.id = self.ids
        if self.random.random() < 0.5:
            copy.name = self.name()
            program.files[path].append(copy)
        else:
            function.lines.extend(copy.lines)

    def _rename_file(self, program: Program) -> None:
        path, _ = self._pick(program, bad=True)
        new = path.replace("app/", "service/")
        program.files = {new if one == path else one: fs for one, fs in program.files.items()}
        program.renamed[new] = path

    def _fix(self, program: Program) -> None:
        _, function = self._pick(program, bad=True)
        for line in function.lines:
            if line.id:
                line.text, line.id = "result = safe()", 0

    def _add(self, program: Program) -> None:
        _, function = self._pick(program)
        at = self.random.randint(0, len(function.lines))
        function.lines.insert(at, self.sink(function.variables))

    def _swap(self, program: Program) -> None:
        """One is mended, and another of its kind comes in elsewhere."""
        self._fix(program)
        self._add(program)

    def _argument(self, program: Program) -> None:
        _, function = self._pick(program, bad=True)
        for line in function.lines:
            if line.id:
                line.text = f"{line.text[:-1]}, timeout={self.random.randint(1, 90)})"


EDITS = (
    "insert", "delete", "rename_variables", "rename_function", "move_function", "reorder",
    "reformat", "wrap", "duplicate", "rename_file", "fix", "add", "swap", "argument",
)  # fmt: skip


def render(program: Program) -> tuple[dict[str, Text], list[tuple[int, Anchor]]]:
    """The texts, and the anchor of every finding with its id."""
    texts: dict[str, Text] = {}
    found: list[tuple[int, Anchor]] = []
    for path, functions in program.files.items():
        lines = ["import os", ""]
        places: list[tuple[Line, int, int]] = []
        for function in functions:
            lines += ["", f"def {function.name}({', '.join(function.variables)}):"]
            for line in function.lines:
                first = len(lines) + 1
                lines += _layout(line)
                if line.id:
                    places.append((line, first, len(lines)))
            lines.append("")
        text = texts[path] = Text("\n".join(lines))
        outline = Outline(text, path)
        for line, first, last in places:
            span = Span(path, first, 9, last, 12)
            finding = Finding(line.rule, "", "", "", Severity.HIGH, Confidence.HIGH, span)
            found.append((line.id, anchor(finding, text, "", outline)))
    return texts, found


def _layout(line: Line) -> list[str]:
    indent = "    " * line.indent
    if not line.wrapped:
        return [indent + line.text]
    head, _, rest = line.text.partition("(")
    return [f"{indent}{head}(", f"{indent}    {rest[:-1]},", f"{indent})"]
