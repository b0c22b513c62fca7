"""Tokens: what principals prove themselves with, of which only a hash is kept."""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

PREFIX = "hg_"
_LOOKUP_BYTES = 8
_SECRET_BYTES = 32
_MOST_REMEMBERED = 4096
_SHAPE = re.compile(r"hg_([0-9a-f]{16})_[0-9a-f]{64}")

# The secret has 256 random bits, so the hash need not slow guessing; OWASP's least parameters
# are kept so that a stolen database stays worthless even if the source of randomness was weak.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token just made; the secret is shown once and kept nowhere."""

    secret: str
    """`hg_LOOKUP_REST`."""
    lookup: str
    """Finds the stored hash; not secret."""
    hash: str
    """argon2id over the whole secret."""


def issue(random: Callable[[int], bytes]) -> NewToken:
    """A new token from a source of random bytes; takes some 20 ms for the hash."""
    lookup = random(_LOOKUP_BYTES).hex()
    secret = f"{PREFIX}{lookup}_{random(_SECRET_BYTES).hex()}"
    return NewToken(secret, lookup, _HASHER.hash(secret))


def lookup_of(secret: str) -> str:
    """What finds the stored hash of a token; empty for text that is not a token at all."""
    match = _SHAPE.fullmatch(secret)
    return match[1] if match else ""


class TokenVerifier:
    """Compares secrets with stored hashes, and remembers for a while which ones were right.

    Only digests are remembered. Whether a token is expired or revoked is not its question: ask
    the database each time. May be used from several threads.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, lifetime: float = 60.0) -> None:
        self._clock = clock
        self._lifetime = lifetime
        self._right: dict[bytes, tuple[str, float]] = {}
        """Digest of a secret → the hash it was compared with, and until when that holds."""
        self._lock = threading.Lock()

    def verify(self, secret: str, stored_hash: str) -> bool:
        """Whether the secret belongs to the hash; some 20 ms, or microseconds when remembered."""
        if not lookup_of(secret) or not stored_hash:
            return False
        digest = _digest(secret)
        if self._remembered(digest) == stored_hash:
            return True
        try:
            _HASHER.verify(stored_hash, secret)
        except (Argon2Error, InvalidHashError):
            return False
        with self._lock:
            if len(self._right) >= _MOST_REMEMBERED:
                now = self._clock()
                self._right = {k: v for k, v in self._right.items() if v[1] > now}
            if len(self._right) >= _MOST_REMEMBERED:
                self._right.clear()
            self._right[digest] = (stored_hash, self._clock() + self._lifetime)
        return True

    def known(self, secret: str) -> bool:
        """Whether this secret was right a moment ago."""
        return bool(self._remembered(_digest(secret)))

    def forget(self) -> None:
        """Compare every secret anew, as after a revocation."""
        with self._lock:
            self._right.clear()

    def _remembered(self, digest: bytes) -> str:
        with self._lock:
            stored, until = self._right.get(digest, ("", 0.0))
            return stored if self._clock() < until else ""


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
