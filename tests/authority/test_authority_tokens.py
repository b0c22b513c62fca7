"""Tokens: shown once, compared slowly, remembered for a minute."""

from __future__ import annotations

import secrets
import time

import pytest

from headgate.authority.tokens import TokenVerifier, issue, lookup_of


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_token_opens_what_it_was_made_for() -> None:
    token, other = issue(secrets.token_bytes), issue(secrets.token_bytes)
    verifier = TokenVerifier()
    assert lookup_of(token.secret) == token.lookup
    assert token.secret not in token.hash
    assert token.hash.startswith("$argon2id$")
    assert verifier.verify(token.secret, token.hash)
    assert not verifier.verify(other.secret, token.hash)
    assert not verifier.verify(token.secret[:-1] + "x", token.hash)


def test_the_same_randomness_makes_the_same_secret() -> None:
    assert issue(bytes).secret == "hg_" + "0" * 16 + "_" + "0" * 64


@pytest.mark.parametrize(
    "text", ["", "hg_", "hg_xyz_abc", "gh_" + "0" * 16 + "_" + "0" * 64, "hg_\udcff", "\n"]
)
def test_text_that_is_no_token(text: str) -> None:
    assert lookup_of(text) == ""
    assert not TokenVerifier().verify(text, issue(bytes).hash)


def test_a_broken_hash_opens_nothing() -> None:
    token = issue(bytes)
    for broken in ("", "$argon2id$v=19$", "plain", token.hash[:-3]):
        assert not TokenVerifier().verify(token.secret, broken)


def test_a_right_token_is_remembered_for_a_while() -> None:
    clock = Clock()
    verifier = TokenVerifier(clock, lifetime=60)
    token, other = issue(secrets.token_bytes), issue(secrets.token_bytes)
    assert not verifier.known(token.secret)
    assert verifier.verify(token.secret, token.hash)
    assert verifier.known(token.secret)
    begun = time.perf_counter()
    assert all(verifier.verify(token.secret, token.hash) for _ in range(1000))
    assert time.perf_counter() - begun < 1
    assert not verifier.verify(token.secret, other.hash)
    clock.now += 61
    assert not verifier.known(token.secret)
    assert verifier.verify(token.secret, token.hash)


def test_a_wrong_token_is_not_remembered_and_forgetting_is_at_once() -> None:
    verifier = TokenVerifier()
    token = issue(secrets.token_bytes)
    assert not verifier.verify("hg_wrong", token.hash)
    assert not verifier.known("hg_wrong")
    assert verifier.verify(token.secret, token.hash)
    verifier.forget()
    assert not verifier.known(token.secret)
