"""The `[reviewer]` table of policy.toml."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from headgate.model.finding import Confidence
from headgate.model.reviewer import AnswerFormat, LimitName, Prices, ReviewerPolicy
from headgate.model.toml.reader import Table

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SECRET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_CURRENCY = re.compile(r"[A-Z]{3}")
_MOST_TOKENS = 1_000_000
_OVERHEAD = 2_000
"""Tokens of a review that its instructions take, at most."""


def read_reviewer(root: Table) -> ReviewerPolicy | None:
    """The reviewer that the policy switches on; None when it has no such table."""
    table = root.table("reviewer")
    if table is None:
        return None
    endpoint = _endpoint(table)
    model = table.text("model")
    if not model:
        table.fail("", "has no `model`.", "Name one that the endpoint has.")
    if len(model) > 200 or not model.isprintable():
        table.fail("model", "is not the name of a model.", "Copy it from the endpoint's own list.")
    projects = table.texts("projects")
    if not projects:
        table.fail(
            "",
            "has no `projects`, so no code may be sent.",
            'Name those whose code may leave, e.g. projects = ["app"], or ["*"] for all.',
        )
    paths = table.patterns("paths")
    if not paths:
        table.fail(
            "",
            "has no `paths`, so no file may be sent.",
            'Say which files may leave, e.g. paths = ["src/"], or ["**"] for all.',
        )
    per_review = table.integer("tokens-per-review", 30_000, 2 * _OVERHEAD, _MOST_TOKENS)
    per_answer = table.integer("tokens-per-answer", 4_000, 200, 100_000)
    if per_review < 3 * per_answer + _OVERHEAD:
        table.fail(
            "tokens-per-review" if table.has("tokens-per-review") else "tokens-per-answer",
            f"{per_review} tokens for a review leave no room for code beside answers of "
            f"{per_answer}.",
            f"Allow at least {3 * per_answer + _OVERHEAD} tokens for a review, or less for an "
            "answer (tokens-per-answer).",
        )
    found = ReviewerPolicy(
        endpoint=endpoint,
        model=model,
        projects=projects,
        paths=paths,
        never=table.patterns("never"),
        remote=table.flag("remote", False),
        key_secret=_name(
            table, "key-secret", _SECRET, "the name of a secret of the policy project"
        ),
        key_env=_name(table, "key-env", _VARIABLE, "the name of a variable of the environment"),
        tokens_per_review=per_review,
        tokens_per_answer=per_answer,
        tokens_per_day=table.integer("tokens-per-day", 500_000, 1, 1_000_000_000),
        cost_per_day=table.number("cost-per-day", 0.0, 0.0, 1e6),
        prices=_prices(table),
        timeout=table.seconds("timeout", 90.0, 900.0),
        max_findings=table.integer("max-findings", 20, 1, 100),
        min_confidence=Confidence[
            table.choice("min-confidence", [one.word for one in Confidence], "low").upper()
        ],
        answer_format=AnswerFormat(
            table.choice("answer-format", [one.value for one in AnswerFormat], "schema")
        ),
        limit_name=LimitName(
            table.choice("limit-name", [one.value for one in LimitName], "max_tokens")
        ),
    )
    if table.has("key-secret") and table.has("key-env"):
        table.fail("key-env", "there is a `key-secret`, too.", "Keep one of them.")
    if found.tokens_per_day < per_review:
        table.fail(
            "tokens-per-day" if table.has("tokens-per-day") else "tokens-per-review",
            f"{found.tokens_per_day} tokens for a day are less than the {per_review} that one "
            "review may take, so there would be none.",
            "Raise tokens-per-day, or lower tokens-per-review.",
        )
    if found.cost_per_day and not found.prices.known:
        table.fail(
            "cost-per-day",
            "cannot be kept, as no price is known.",
            "Give `price-sent` and `price-received`, per million tokens.",
        )
    table.done()
    return found


def _endpoint(table: Table) -> str:
    remedy = 'E.g. endpoint = "http://127.0.0.1:11434/v1".'
    given = table.text("endpoint")
    if not given:
        table.fail("", "has no `endpoint`.", remedy)
    try:
        parts = urlsplit(given)
        port = parts.port
    except ValueError:
        table.fail("endpoint", "is not an address.", remedy)
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        table.fail("endpoint", f"`{given[:80]}` is not an address of the web.", remedy)
    if parts.username is not None or parts.password is not None:
        table.fail(
            "endpoint",
            "has a user or a key in it.",
            "Take it out; name a secret with `key-secret`, or a variable with `key-env`.",
        )
    if parts.query or parts.fragment or not given.isascii() or not given.isprintable():
        table.fail("endpoint", "has more than host and path.", remedy)
    return given.rstrip("/")


def _prices(table: Table) -> Prices:
    currency = table.text("currency", "USD")
    if not _CURRENCY.fullmatch(currency):
        table.fail("currency", f"`{currency[:20]}` is not three capital letters.", 'E.g. "EUR".')
    return Prices(
        table.number("price-sent", 0.0, 0.0, 1e6),
        table.number("price-received", 0.0, 0.0, 1e6),
        currency,
    )


def _name(table: Table, key: str, pattern: re.Pattern[str], what: str) -> str:
    given = table.text(key)
    if given and not pattern.fullmatch(given):
        # Not shown: whoever mistakes the name for the key itself has written it here.
        table.fail(
            key, f"this is not {what}.", "Never write the key itself into a file; see the guide."
        )
    return given
