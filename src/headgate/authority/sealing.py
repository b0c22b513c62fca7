"""Secrets at rest: sealed with a key that only this machine's data directory holds."""

from __future__ import annotations

import base64
import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from headgate.model.errors import CouldNotRun

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_KEY_BYTES = 32
_NONCE_BYTES = 12


class Sealer:
    """Seals texts with AES-256-GCM; what they are about is bound to them.

    Moving a sealed text to another project or name makes it unreadable.
    """

    def __init__(self, file: Path, random: Callable[[int], bytes]) -> None:
        """Use the key in `file`; it is made on first use, for nobody else to read."""
        self._file = file
        self._random = random

    def seal(self, text: str, about: str) -> str:
        """Raises CouldNotRun when the key cannot be made or used."""
        nonce = self._random(_NONCE_BYTES)
        data = text.encode("utf-8", "surrogateescape")
        sealed = _cipher(self._key(make=True)).encrypt(nonce, data, about.encode("utf-8"))
        return base64.b64encode(nonce + sealed).decode("ascii")

    def open(self, sealed: str, about: str) -> str:
        """Raises CouldNotRun when the key is gone, or is not the one it was sealed with."""
        # Imported here: most servers never need it.
        from cryptography.exceptions import InvalidTag

        data = base64.b64decode(sealed)
        nonce, rest = data[:_NONCE_BYTES], data[_NONCE_BYTES:]
        try:
            text = _cipher(self._key(make=False)).decrypt(nonce, rest, about.encode("utf-8"))
        except InvalidTag:
            raise CouldNotRun(
                f"The secret {about} cannot be opened with the key in {self._file}.",
                "Restore the key that it was stored with, or set the secret again.",
            ) from None
        return text.decode("utf-8", "surrogateescape")

    def _key(self, *, make: bool) -> bytes:
        try:
            key = self._read()
            if key is None and make:
                self._make()
                key = self._read()
        except OSError as error:
            raise CouldNotRun(
                f"The key of the secrets, {self._file}, cannot be used: {error.strerror}.",
                "Mend its permissions.",
            ) from None
        if key is None:
            raise CouldNotRun(
                f"The key of the secrets, {self._file}, is gone.",
                "Restore it from a copy, or set every secret again.",
            )
        if len(key) != _KEY_BYTES:
            raise CouldNotRun(
                f"The key of the secrets, {self._file}, is damaged.",
                "Restore it from a copy, or remove it and set every secret again.",
            )
        return key

    def _read(self) -> bytes | None:
        try:
            fd = os.open(self._file, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        with os.fdopen(fd, "rb") as file:
            mode = os.fstat(fd).st_mode
            if mode & 0o077:
                raise CouldNotRun(
                    f"The key of the secrets, {self._file}, may be read by others "
                    f"(mode {mode & 0o777:04o}).",
                    f"Run chmod 600 {self._file}, and set the secrets again if it was.",
                )
            return file.read(_KEY_BYTES + 1)

    def _make(self) -> None:
        fresh = self._file.with_suffix(f".{os.getpid()}")
        fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(fd, "wb") as file:
            os.fchmod(fd, 0o600)
            file.write(self._random(_KEY_BYTES))
            file.flush()
            os.fsync(fd)
        # A link does not replace what somebody else has made in the same moment.
        with contextlib.suppress(FileExistsError):
            os.link(fresh, self._file)
        fresh.unlink()


def _cipher(key: bytes) -> AESGCM:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key)
