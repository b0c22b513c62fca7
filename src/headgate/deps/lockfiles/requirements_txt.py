"""pip's requirement files: requirements.txt and its kin."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from headgate.deps.lockfiles.builder import Builder, decoded
from headgate.deps.lockfiles.interface import Parsed, Role, Scope
from headgate.deps.lockfiles.python_lock import for_development

_NAME = re.compile(r"(?:.*[-_.])?requirements(?:[-_.].*)?\.(?:txt|in)", re.IGNORECASE)
_DIRECTORY = re.compile(r"(?:.*[-_.])?(?:requirements|requires|reqs)", re.IGNORECASE)
_COMMENT = re.compile(r"(?:^|\s)#.*$")
_OPTION = re.compile(r"(--?[A-Za-z][\w-]*)(?:\s*=\s*|\s+|$)(.*)")
_TRAILING = re.compile(r"\s--(?:hash|global-option|config-settings?)\b.*$")
_HASH = re.compile(r"\s--hash(?:=|\s+)(\S+)")
_GLUED = re.compile(r"-([rcefi])(?=[^\s=-])(.*)")

_INCLUDE = {"-r", "--requirement", "--requirements"}
_CONSTRAINT = {"-c", "--constraint", "--constraints"}
_INDEX = {
    "-i",
    "--index-url",
    "--pypi-url",
    "--extra-index-url",
    "-f",
    "--find-links",
    "--trusted-host",
}
_EDITABLE = {"-e", "--editable"}


class RequirementsTxt:
    """A list of requirements and options, one a line."""

    ecosystem = "pypi"
    role = Role.MANIFEST

    def wants(self, path: str) -> bool:
        directory, name = posixpath.split(path)
        if _NAME.fullmatch(name):
            return True
        return name.endswith((".txt", ".in")) and bool(
            _DIRECTORY.fullmatch(posixpath.basename(directory))
        )

    def parse(self, path: str, data: bytes) -> Parsed:
        builder = Builder(path)
        text = decoded(data, builder)
        scope = Scope.DEVELOPMENT if for_development(path) else Scope.PRODUCTION
        for line, content in _logical_lines(text or ""):
            if content.startswith("-"):
                self._option(builder, content, line, scope)
            else:
                hashes = _HASH.findall(content)
                builder.python(_TRAILING.sub("", content), line, scope=scope, hashes=hashes)
        return builder.done()

    def _option(self, builder: Builder, content: str, line: int, scope: Scope) -> None:
        if glued := _GLUED.fullmatch(content):
            name, value = f"-{glued[1]}", glued[2].strip()
        elif match := _OPTION.fullmatch(content):
            name, value = match[1], match[2].strip()
        else:
            builder.problem(f"`{content[:80]}` is not an option of pip", line)
            return
        if name in _INCLUDE or name in _CONSTRAINT:
            if "://" in value:
                builder.problem(f"`{content[:80]}` takes requirements from the network", line)
            else:
                builder.include(value, line, constraint=name in _CONSTRAINT)
        elif name in _INDEX:
            builder.index("pypi", content, line)
        elif name in _EDITABLE:
            builder.python(_TRAILING.sub("", value), line, scope=scope)
        # Hashes and build options name no further package.


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines without comments, joined where a backslash continues them, with where they begin."""
    start, joined = 0, ""
    for number, raw in enumerate(text.splitlines(), 1):
        comment_only = raw.lstrip().startswith("#")
        if joined and comment_only:
            raw = ""
        start = start if joined else number
        if raw.endswith("\\") and not comment_only:
            joined += raw[:-1] + " "
            continue
        content = _COMMENT.sub("", joined + raw).strip()
        joined = ""
        if content:
            yield start, content
    if content := _COMMENT.sub("", joined).strip():
        yield start, content
