"""Dockerfiles: the images that an image is made from."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from headgate.deps.lockfiles.builder import Builder, decoded
from headgate.deps.lockfiles.interface import Parsed, Role, Scope

_FILE = re.compile(
    r"(?:Dockerfile|Containerfile)(?:[.-].+)?|.+\.(?:dockerfile|containerfile)", re.IGNORECASE
)
_DIRECTIVE = re.compile(r"#\s*(\w+)\s*=\s*(.*\S)\s*")
_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)(?::([-+])([^}]*))?\})")
_HEREDOC = re.compile(r"<<-?\s*(['\"]?)([A-Za-z_][\w.]*)\1")
_IMAGE = re.compile(
    r"(?P<name>[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?::\d+(?=/))?(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*)"
    r"(?::(?P<tag>[\w][\w.-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?",
    re.ASCII,
)
_LONGEST = 2000
"""Characters of an image's name, arguments filled in; arguments may stand for each other."""


class Dockerfile:
    """The images that are built upon or copied from.

    An image of a tag is a package whose content may change; only a digest pins it.
    """

    ecosystem = "docker"
    role = Role.MANIFEST

    def wants(self, path: str) -> bool:
        name = posixpath.basename(path)
        return _FILE.fullmatch(name) is not None and not name.endswith((".md", ".dockerignore"))

    def parse(self, path: str, data: bytes) -> Parsed:
        builder = Builder(path)
        text = decoded(data, builder)
        if text is not None:
            _read(builder, text)
        return builder.done()


def _read(builder: Builder, text: str) -> None:
    arguments: dict[str, str | None] = {}
    stages: set[str] = set()
    begun = False
    count = 0
    for line, content in _instructions(text):
        words = content.split()
        verb = words[0].upper()
        if verb == "ARG" and not begun:
            for word in words[1:]:
                name, given, value = word.partition("=")
                arguments[name] = _filled(value.strip("\"'"), arguments) if given else None
        elif verb == "FROM":
            begun = True
            rest = [word for word in words[1:] if not word.startswith("--")]
            if not rest:
                builder.problem("this FROM names no image", line)
                continue
            _from(builder, rest[0], arguments, stages, line)
            stages.add(str(count))
            count += 1
            if len(rest) >= 3 and rest[1].upper() == "AS":
                stages.add(rest[2].lower())
        elif verb in ("COPY", "ADD", "RUN"):
            for image in _copied(words):
                if image.lower() not in stages:
                    _from(builder, image, arguments, stages, line)
    if not begun:
        builder.problem("this has no FROM", 1)


def _copied(words: list[str]) -> Iterator[str]:
    """The images that files are copied or mounted from."""
    for word in words:
        if word.startswith("--from=") and len(word) > len("--from="):
            yield word.removeprefix("--from=")
        elif word.startswith("--mount="):
            for part in word.removeprefix("--mount=").split(","):
                name, _, value = part.partition("=")
                if name == "from" and value:
                    yield value


def _from(
    builder: Builder,
    written: str,
    arguments: dict[str, str | None],
    stages: set[str],
    line: int,
) -> None:
    image = _filled(written.strip("\"'"), arguments)
    if image is None:
        builder.problem(
            f"the image `{written[:80]}` hangs on an argument that has no default", line
        )
    elif image.lower() not in stages and image != "scratch":
        declare_image(builder, image, line)


def declare_image(builder: Builder, image: str, line: int, scope: Scope = Scope.PRODUCTION) -> None:
    """Note an image by name, tag and digest; a problem when it is none."""
    match = _IMAGE.fullmatch(image)
    if match is None:
        builder.problem(f"`{image[:80]}` is no image", line)
        return
    name = match["name"]
    for prefix in ("docker.io/", "index.docker.io/"):
        name = name.removeprefix(prefix)
    name = name.removeprefix("library/")
    digest = match["digest"] or ""
    builder.declare(
        "docker",
        name,
        image,
        line,
        version=match["tag"] or ("" if digest else "latest"),
        scope=scope,
        hashes=[digest] if digest else [],
    )


def _filled(text: str, arguments: dict[str, str | None]) -> str | None:
    """The text with its variables replaced; None when one has no value, or it grows too long."""
    missing = len(text) > _LONGEST
    if missing:
        return None

    def value(match: re.Match[str]) -> str:
        nonlocal missing
        given = arguments.get(match[1] or match[2])
        if match[3] == "+":
            return match[4] if given else ""
        if given:
            return given
        if match[3] == "-":
            return match[4]
        missing = True
        return ""

    found = _VARIABLE.sub(value, text)
    return None if missing or len(found) > _LONGEST else found


def _instructions(text: str) -> Iterator[tuple[int, str]]:
    """Instructions joined over their lines, with where they begin; no comments, no documents."""
    lines = text.splitlines()
    escape = "\\"
    for raw in lines:
        directive = _DIRECTIVE.fullmatch(raw.strip())
        if directive is None:
            break
        if directive[1].lower() == "escape" and directive[2] in ("`", "\\"):
            escape = directive[2]
    joined, start = "", 0
    ends: list[str] = []
    for number, raw in enumerate(lines, 1):
        stripped = raw.strip()
        if ends:
            if stripped == ends[0]:
                ends.pop(0)
            continue
        if not stripped or stripped.startswith("#"):
            continue
        start = start if joined else number
        if stripped.endswith(escape):
            joined += stripped[:-1] + " "
            continue
        content, joined = joined + stripped, ""
        if content.split()[0].upper() in ("RUN", "COPY", "ADD"):
            ends = [match[2] for match in _HEREDOC.finditer(content)]
        yield start, content
    if joined.strip():
        yield start, joined.strip()
