"""go.mod and go.sum, of Go's modules."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass

from headgate.deps.lockfiles.builder import Builder, decoded
from headgate.deps.lockfiles.interface import Parsed, Relation, Role, SourceKind

_VERSION = re.compile(r"v\d+\.\d+\.\d+[\w.+-]*", re.ASCII)
_MODULE = re.compile(r"[A-Za-z0-9][\w.~/+-]*", re.ASCII)
_KNOWN = {
    "module", "go", "toolchain", "godebug", "require", "replace", "exclude", "retract", "tool",
    "ignore",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Line:
    verb: str
    words: list[str]
    comment: str
    number: int


class GoMod:
    """What a Go module asks for: since Go 1.17, everything that is built, in exact versions."""

    ecosystem = "golang"
    role = Role.LOCK

    def wants(self, path: str) -> bool:
        return posixpath.basename(path) == "go.mod"

    def parse(self, path: str, data: bytes) -> Parsed:
        builder = Builder(path)
        if (text := decoded(data, builder)) is None:
            return builder.done()
        lines = list(_lines(builder, text))
        replaced: dict[str, _Line] = {}
        for one in lines:
            if one.verb == "replace":
                # `old [version] => new [version]`; with a version, only that one is replaced.
                if "=>" in one.words and len(one.words) > one.words.index("=>") + 1 and one.words:
                    replaced[" ".join(one.words[: one.words.index("=>")])] = one
                else:
                    builder.problem(f"`{' '.join(one.words)[:80]}` replaces nothing", one.number)
            elif one.verb == "go" and one.words:
                builder.fact("go", one.words[0])
        for one in lines:
            if one.verb == "require":
                _require(builder, one, replaced)
        return builder.done()


def _require(builder: Builder, one: _Line, replaced: dict[str, _Line]) -> None:
    if (
        len(one.words) != 2
        or not _MODULE.fullmatch(one.words[0])
        or not _VERSION.fullmatch(one.words[1])
    ):
        builder.problem(f"`{' '.join(one.words)[:80]}` is no module and version", one.number)
        return
    name, version = one.words
    requirement, line, source = f"{name} {version}", one.number, ""
    kind = SourceKind.REGISTRY
    other = replaced.get(f"{name} {version}") or replaced.get(name)
    if other is not None:
        target = other.words[other.words.index("=>") + 1 :]
        line, requirement = other.number, f"{name} => {' '.join(target)}"
        if target[0].startswith(("./", "../", "/")):
            source, kind, version = target[0], SourceKind.PATH, ""
        else:
            name = target[0]
            version = target[1] if len(target) > 1 else version
    indirect = one.comment.split(";")[0].strip() == "indirect"
    builder.declare(
        "golang",
        name,
        requirement,
        line,
        source,
        version=version,
        relation=Relation.TRANSITIVE if indirect else Relation.DIRECT,
        kind=kind,
    )


def _lines(builder: Builder, text: str) -> Iterator[_Line]:
    block = ""
    for number, raw in enumerate(text.split("\n"), 1):
        content, _, comment = raw.partition("//")
        words = [word.strip('"`') for word in content.replace("(", " ( ").split()]
        if not words:
            continue
        if block:
            if words[0] == ")":
                block = ""
            else:
                yield _Line(block, words, comment.strip(), number)
        elif words[0] not in _KNOWN:
            builder.problem(f"`{words[0][:80]}` is no directive of go.mod", number)
        elif words[1:] == ["("]:
            block = words[0]
        elif words[0] != "retract":
            yield _Line(words[0], words[1:], comment.strip(), number)
    if block:
        builder.problem(f"the block `{block}` is not closed", text.count("\n") + 1)


class GoSum:
    """The hashes of the modules that Go has seen, those in go.mod and their kin."""

    ecosystem = "golang"
    role = Role.LOCK

    def wants(self, path: str) -> bool:
        return posixpath.basename(path) == "go.sum"

    def parse(self, path: str, data: bytes) -> Parsed:
        builder = Builder(path)
        for number, raw in enumerate((decoded(data, builder) or "").split("\n"), 1):
            words = raw.split()
            if not words:
                continue
            if len(words) != 3 or not words[2].startswith("h1:"):
                builder.problem(f"`{raw.strip()[:80]}` is no module, version and hash", number)
                continue
            name, version, digest = words
            if version.endswith("/go.mod"):
                continue  # Of the description alone, which is no code.
            builder.declare(
                "golang",
                name,
                f"{name} {version}",
                number,
                version=version,
                relation=Relation.TRANSITIVE,
                hashes=[digest],
            )
        return builder.done()
