""".pre-commit-config.yaml: repositories of hooks, and what hooks install besides."""

from __future__ import annotations

import posixpath
import re

from headgate.deps.lockfiles.builder import Builder
from headgate.deps.lockfiles.interface import Parsed, Role, Scope, SourceKind
from headgate.deps.lockfiles.plain_yaml import Block
from headgate.deps.lockfiles.yaml_text import yaml_block

_FORGE = re.compile(r"(?:https?://|git@|ssh://git@)(github\.com|gitlab\.com)[/:](.+?)(?:\.git)?/?")
_NPM = re.compile(r"(@[\w.~-]+/[\w.~-]+|[\w.~-]+)(?:@([^@\s]+))?")
_TYPES = {"github.com": "github", "gitlab.com": "gitlab"}


class PreCommit:
    """The hooks that run on the machines of those who commit."""

    ecosystem = "github"
    role = Role.MANIFEST

    def wants(self, path: str) -> bool:
        return posixpath.basename(path) in (".pre-commit-config.yaml", ".pre-commit-config.yml")

    def parse(self, path: str, data: bytes) -> Parsed:
        builder = Builder(path)
        block = yaml_block(data, builder)
        if block is not None:
            line = block.line("repos")
            if "repos" not in block:
                builder.problem("`repos` is missing", 1)
            for one in builder.sequence(block.get("repos"), "repos", line):
                if isinstance(one, Block):
                    _repository(builder, one)
                else:
                    builder.problem("a repository is no table", line)
        return builder.done()


def _repository(builder: Builder, one: Block) -> None:
    line = one.line("repo")
    address = builder.text(one.get("repo"), "repo", line)
    revision = builder.text(one.get("rev"), "rev", line)
    if address not in ("local", "meta"):
        match = _FORGE.fullmatch(address)
        if not address or not revision:
            builder.problem("a repository has no address or no revision", line)
        elif match:
            builder.declare(
                _TYPES[match[1]],
                match[2].lower(),
                f"{address} {revision}",
                line,
                version=revision,
                scope=Scope.DEVELOPMENT,
                kind=SourceKind.GIT,
            )
        else:
            name = posixpath.basename(address.rstrip("/")).removesuffix(".git") or address
            builder.declare(
                "generic",
                name,
                f"{address} {revision}",
                line,
                f"git+{address}@{revision}",
                version=revision,
                scope=Scope.DEVELOPMENT,
                kind=SourceKind.GIT,
            )
    for hook in builder.sequence(one.get("hooks"), "hooks", one.line("hooks")):
        if isinstance(hook, Block):
            _additional(builder, hook)


def _additional(builder: Builder, hook: Block) -> None:
    line = hook.line("additional_dependencies")
    language = str(hook.get("language") or "")
    for given in builder.sequence(
        hook.get("additional_dependencies"), "additional_dependencies", line
    ):
        text = builder.text(given, "additional_dependencies", line)
        # Without a language of its own, a hook's is told only in its repository: the way of
        # writing versions tells those of JavaScript from those of Python.
        npm = language == "node" or (
            not language and (text.startswith("@") or re.search(r"[\w~-]@[\d^~]", text))
        )
        if npm and (match := _NPM.fullmatch(text)):
            version = match[2] or ""
            exact = version if re.fullmatch(r"\d[\w.+-]*", version) else ""
            builder.declare("npm", match[1], text, line, version=exact, scope=Scope.DEVELOPMENT)
        elif language in ("", "python"):
            builder.python(text, line, scope=Scope.DEVELOPMENT)
        else:
            builder.declare(
                "generic",
                text.partition("@")[0].partition(":")[0].strip() or "?",
                text,
                line,
                scope=Scope.DEVELOPMENT,
            )
