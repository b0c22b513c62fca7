"""`[reviewer]` in policy.toml."""

from __future__ import annotations

import pytest

from headgate.model.errors import BadInput
from headgate.model.finding import Confidence
from headgate.model.reviewer import AnswerFormat, LimitName, Prices, ReviewerPolicy
from headgate.model.toml.policy_file import parse_policy

LEAST = """\
[reviewer]
endpoint = "http://127.0.0.1:11434/v1/"
model = "qwen"
projects = ["app"]
paths = ["src/"]
"""


def read(text: str) -> ReviewerPolicy | None:
    return parse_policy({"policy.toml": text.encode()}).reviewer


def test_without_the_table_it_is_off() -> None:
    assert read("") is None


def test_the_least_that_must_be_said() -> None:
    found = read(LEAST)
    assert found == ReviewerPolicy(
        "http://127.0.0.1:11434/v1", "qwen", ("app",), ("src/",), remote=False
    )
    assert found.tool == "reviewer:qwen"
    assert found.reviews("app")
    assert not found.reviews("other")


def test_all_that_can_be_said() -> None:
    found = read(
        LEAST
        + """\
never = ["*.pem"]
remote = true
key-secret = "reviewer-key"
tokens-per-review = 20000
tokens-per-answer = 2000
tokens-per-day = 100000
cost-per-day = 2.5
price-sent = 1.25
price-received = 10
currency = "EUR"
timeout = "2m"
max-findings = 5
min-confidence = "medium"
answer-format = "object"
limit-name = "max_completion_tokens"
"""
    )
    assert found is not None
    assert found.never == ("*.pem",)
    assert (found.remote, found.key_secret, found.key_env) == (True, "reviewer-key", "")
    assert (found.tokens_per_review, found.tokens_per_answer) == (20_000, 2_000)
    assert (found.tokens_per_day, found.cost_per_day) == (100_000, 2.5)
    assert found.prices == Prices(1.25, 10.0, "EUR")
    assert (found.timeout, found.max_findings) == (120.0, 5)
    assert found.min_confidence is Confidence.MEDIUM
    assert found.answer_format is AnswerFormat.OBJECT
    assert found.limit_name is LimitName.MAX_COMPLETION_TOKENS


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[reviewer]\n", "policy.toml:1: reviewer: has no `endpoint`."),
        (LEAST.replace("model", "modell"), "has no `model`"),
        (LEAST.replace("projects", "#"), "has no `projects`, so no code may be sent."),
        (LEAST.replace("paths", "#"), "has no `paths`, so no file may be sent."),
        (LEAST + "stream = true\n", "policy.toml:6: reviewer.stream: unknown key."),
        (LEAST.replace("http://", "ftp://"), "policy.toml:2: reviewer.endpoint: `ftp://127"),
        (LEAST.replace("http://", "http://u:p@"), "has a user or a key in it."),
        (LEAST.replace("/v1/", "/v1?key=x"), "has more than host and path."),
        (LEAST.replace(":11434", ":x"), "reviewer.endpoint: is not an address."),
        (LEAST.replace("qwen", "q\\nwen"), "reviewer.model: is not the name of a model."),
        (LEAST + 'key-env = "sk-1"\n', "reviewer.key-env: this is not the name of a variable"),
        (LEAST + 'key-secret = "a b"\n', "this is not the name of a secret"),
        (LEAST + 'key-env = "K"\nkey-secret = "k"\n', "reviewer.key-env: there is a `key-secret`"),
        (LEAST + "tokens-per-answer = 20000\n", "policy.toml:6: reviewer.tokens-per-answer: 30000"),
        (LEAST + "tokens-per-day = 10\n", "are less than the 30000 that one review may take"),
        (LEAST + "cost-per-day = 1\n", "cannot be kept, as no price is known."),
        (LEAST + 'currency = "dollar"\n', "`dollar` is not three capital letters."),
        (LEAST + 'answer-format = "json"\n', "`json` is none of schema, object, text."),
        (LEAST + "remote = 1\n", "reviewer.remote: expected true or false"),
        (LEAST + 'timeout = "2h"\n', "is not more than 0 and at most 900"),
        (LEAST + "max-findings = 0\n", "0 is not between 1 and 100."),
    ],
)
def test_what_cannot_be_names_line_and_key(text: str, why: str) -> None:
    with pytest.raises(BadInput) as caught:
        read(text)
    assert why in caught.value.message
    assert caught.value.message.startswith("policy.toml:")


def test_a_key_in_the_place_of_its_name_is_not_repeated() -> None:
    key = "sk" + "-" + "a" * 30 + "+b"
    for name in ("key-env", "key-secret"):
        with pytest.raises(BadInput) as caught:
            read(f'{LEAST}{name} = "{key}"\n')
        assert key not in str(caught.value)


def test_costs_are_rounded_up() -> None:
    assert Prices(2.5, 10.0).micros(1200, 90) == 3900
    assert Prices(0.0000001, 0).micros(1, 0) == 1
    assert not Prices().known
