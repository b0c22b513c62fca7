"""Tokens saved by `headgate login`, in a file that only its owner reads."""

from __future__ import annotations

import json
import os
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from headgate.model.errors import BadInput, CouldNotRun


@dataclass(frozen=True, slots=True)
class Credentials:
    """Servers and the tokens for them."""

    default: str = ""
    """Address of the server that is meant when none is named."""
    tokens: Mapping[str, str] = field(default_factory=dict[str, str])
    """Address → token."""

    def with_token(self, url: str, token: str) -> Credentials:
        """With one more token, whose server becomes the default."""
        return replace(self, default=url, tokens={**self.tokens, url: token})

    def without(self, url: str) -> Credentials:
        """Without the token for a server."""
        left = {key: token for key, token in self.tokens.items() if key != url}
        default = self.default if self.default != url else next(iter(left), "")
        return Credentials(default, left)


def credentials_file(environ: Mapping[str, str]) -> Path:
    """`$XDG_CONFIG_HOME/headgate/credentials.toml`, by default below `~/.config`."""
    base = environ.get("XDG_CONFIG_HOME")
    return (Path(base) if base else Path.home() / ".config") / "headgate" / "credentials.toml"


def load_credentials(environ: Mapping[str, str]) -> Credentials:
    """What is saved; nothing when there is no file.

    Raises BadInput when the file is broken or others may read it.
    """
    file = credentials_file(environ)
    try:
        with file.open("rb") as opened:
            if stat.S_IMODE(os.fstat(opened.fileno()).st_mode) & 0o077:
                raise BadInput(
                    f"{file} holds tokens, and others may read it.",
                    f"Run `chmod 600 {file}`, and revoke the tokens if the machine is shared.",
                )
            table = tomllib.load(opened)
    except (FileNotFoundError, NotADirectoryError):
        return Credentials()
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{file} is not valid TOML: {error}.", "Mend it or delete it.") from None
    except OSError as error:
        raise CouldNotRun(f"{file} cannot be read: {error.strerror}.") from None
    return _parsed(table, file)


def _parsed(table: Mapping[str, Any], file: Path) -> Credentials:
    default, servers = table.get("default", ""), table.get("servers", {})
    if not isinstance(default, str) or not isinstance(servers, dict):
        raise BadInput(f"{file} does not have the form that `headgate login` writes.", "Delete it.")
    tokens: dict[str, str] = {}
    for url, token in servers.items():  # pyright: ignore[reportUnknownVariableType]
        if not isinstance(token, str) or not isinstance(url, str):
            raise BadInput(f"{file}: the token for {url!r} is not a text.", "Delete the line.")
        tokens[url] = token
    return Credentials(default, tokens)


def save_credentials(environ: Mapping[str, str], credentials: Credentials) -> Path:
    """Write the file anew, readable by its owner only. Raises CouldNotRun."""
    file = credentials_file(environ)
    lines = ["# Written by `headgate login`; whoever reads this can act in your name."]
    lines.append(f"default = {_toml(credentials.default)}")
    lines.append("[servers]")
    lines.extend(f"{_toml(url)} = {_toml(token)}" for url, token in credentials.tokens.items())
    part = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
            opened.write("\n".join(lines) + "\n")
        part.replace(file)
    except OSError as error:
        raise CouldNotRun(f"{file} cannot be written: {error.strerror}.") from None
    return file


def _toml(text: str) -> str:
    # A JSON string is a TOML basic string, except for the one control character JSON leaves.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
