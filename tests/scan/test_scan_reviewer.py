"""One review from the first question to the account of what it took."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from review_endpoint import finding
from reviewer_story import POLICY, SHOWN

from headgate.model.finding import Confidence, Finding, Outcome, Severity, Span
from headgate.model.reviewer import Prices, ReviewerPolicy
from headgate.scan.reviewer.account import LocalAccount
from headgate.scan.reviewer.interface import (
    Account,
    Material,
    NotAnswered,
    Received,
    Reply,
    Sending,
    Spent,
    Usage,
)
from headgate.scan.reviewer.review import Reviewed, as_result, review


class Script:
    """An endpoint of replies, in order."""

    def __init__(self, *replies: Reply | NotAnswered) -> None:
        self.replies = list(replies)
        self.asked: list[bytes] = []

    async def ask(self, body: bytes) -> Reply:
        self.asked.append(body)
        reply = self.replies.pop(0)
        if isinstance(reply, NotAnswered):
            raise reply
        return reply


class Purse:
    """An account in memory."""

    def __init__(self, spent: int = 0) -> None:
        self.tokens = spent
        self.entries: list[Sending | Received] = []

    def begin(self, sending: Sending, most: Spent) -> tuple[int, Spent]:
        if self.tokens + sending.reserved > most.tokens:
            return 0, Spent(self.tokens)
        self.entries.append(sending)
        return 1, Spent(self.tokens)

    def end(self, number: int, received: Received) -> Spent:
        self.entries.append(received)
        self.tokens += received.usage.total
        return Spent(self.tokens, received.micros)


GOOD = json.dumps({"findings": [finding("app.py", 12, "call_12(user)")]})


async def asked(
    *replies: Reply | NotAnswered, policy: ReviewerPolicy = POLICY, purse: Account | None = None
) -> tuple[Reviewed, Script]:
    script = Script(*replies)
    found = await review(SHOWN, {}, policy, "app", script, purse or Purse())
    return found, script


async def test_a_review_tells_its_findings_tokens_and_cost() -> None:
    policy = replace(POLICY, prices=Prices(3.0, 15.0, "EUR"), cost_per_day=1.0)
    found, _ = await asked(Reply(GOOD, Usage(10_000, 2_000)), policy=policy)
    assert found.outcome is Outcome.FAILED
    assert found.micros == 60_000
    assert found.reason == (
        "1 finding; 10,000 tokens sent and 2,000 received, 0.06 EUR; 488,000 of 500,000 tokens "
        "left today, and 0.94 EUR of 1"
    )


async def test_an_answer_of_a_wrong_form_is_asked_for_once_more_without_the_code() -> None:
    found, script = await asked(
        Reply("Sure! Here it is", Usage(900, 10)), Reply(GOOD, Usage(300, 200))
    )
    assert found.outcome is Outcome.FAILED
    assert found.usage == Usage(1200, 210)
    assert b"call_12(user)" not in script.asked[1]
    assert "it is not JSON" in json.loads(script.asked[1])["messages"][2]["content"]
    bad = Reply("no", Usage(1, 1))
    found, script = await asked(bad, bad, Reply(GOOD, Usage(1, 1)))
    assert found.outcome is Outcome.NOT_RUN
    assert "cannot be used: it is not JSON, also when asked again" in found.reason
    assert len(script.asked) == 2


async def test_an_answer_that_is_cut_off_is_none_even_when_it_can_be_read() -> None:
    cut = Reply(GOOD, Usage(900, 4000), cut=True)
    found, _ = await asked(cut, cut)
    assert found.outcome is Outcome.NOT_RUN
    assert "cut off after the 4000 tokens" in found.reason


async def test_nothing_more_is_asked_than_the_review_may_take() -> None:
    found, script = await asked(Reply("no", Usage(28_000, 100)))
    assert "there are not tokens enough to ask again" in found.reason
    assert len(script.asked) == 1


async def test_what_fails_is_not_run_and_counted() -> None:
    purse = Purse()
    found, _ = await asked(NotAnswered("It is down.", Usage(7, 0, True)), purse=purse)
    assert (found.outcome, found.findings) == (Outcome.NOT_RUN, ())
    assert found.reason.startswith("It is down; about 7 tokens sent")
    assert purse.tokens == 7


async def test_a_day_that_is_used_up_sends_nothing() -> None:
    found, script = await asked(purse=Purse(480_000))
    assert found.outcome is Outcome.NOT_RUN
    assert found.reason == (
        "the budget of the day is used up: a review may take 30,000 tokens, and 20,000 of "
        "500,000 are left until midnight UTC (`tokens-per-day` under [reviewer])"
    )
    assert script.asked == []


async def test_a_change_that_was_not_shown_whole_is_never_clean() -> None:
    what = replace(SHOWN, cut=("b.py: 9 changed lines did not fit into 9 tokens",))
    script = Script(Reply('{"findings": []}', Usage(1, 1)))
    found = await review(what, {}, POLICY, "app", script, Purse())
    assert found.outcome is Outcome.UNKNOWN
    assert "not all of the change was shown: b.py: 9 changed lines" in found.reason
    nothing = Material(withheld=("a.py: binary",))
    found = await review(nothing, {}, POLICY, "app", script, Purse())
    assert found.outcome is Outcome.NOT_RUN
    assert "no changed line may be shown: a.py: binary" in found.reason


async def test_a_change_of_which_the_model_says_what_cannot_be_used_is_not_clean() -> None:
    def says(
        path: str = "app.py", line: int = 12, code: str = "call_12(user)", **more: Any
    ) -> Reply:
        one = finding(path, line, code, **more)
        return Reply(json.dumps({"findings": [one]}), Usage(1, 1))

    unusable: list[dict[str, Any]] = [
        {"path": "elsewhere.py"}, {"line": 9_999}, {"code": "no such"}, {"cwe": 99_999},
    ]  # fmt: skip
    for more in unusable:
        found, _ = await asked(says(**more))
        assert found.outcome is Outcome.UNKNOWN, more
        assert "0 findings; 1 discarded" in found.reason
    policy = replace(POLICY, min_confidence=Confidence.HIGH)
    found, _ = await asked(says(confidence="low"), policy=policy)
    assert found.outcome is Outcome.PASSED, "the policy asked for no more"


def test_a_comment_allows_a_finding_like_any_other() -> None:
    one = Finding("r", "", "", "", Severity.HIGH, Confidence.LOW, Span("a", 1), allowed="because")
    reviewed = Reviewed(Outcome.FAILED, "1 finding")
    assert as_result(reviewed, SHOWN, [one], 1.0).outcome is Outcome.PASSED
    assert as_result(reviewed, SHOWN, [replace(one, allowed="")], 1.0).outcome is Outcome.FAILED


# -- the account -----------------------------------------------------------------------------


SENDING = Sending("app", "http://x/v1", "m", (), "00", 10, reserved=100, reserved_micros=5)


def received(tokens: int, micros: int = 0) -> Received:
    return Received("passed", "", Usage(tokens, 0), micros)


def test_what_is_sent_is_written_down_before_and_counts_until_it_is_answered(
    tmp_path: Path,
) -> None:
    now = 86_400.0 * 20_000
    account = LocalAccount(tmp_path / "state" / "reviews.jsonl", lambda: now)
    most = Spent(250, 0)
    number, before = account.begin(SENDING, most)
    assert (number, before) == (1, Spent())
    # A crash now would leave what was set aside as spent.
    assert account.spent() == Spent(100, 5)
    assert account.begin(SENDING, most)[0] == 2
    assert account.begin(SENDING, most) == (0, Spent(200, 10))
    assert account.end(1, received(30)) == Spent(130, 5)
    assert account.begin(SENDING, most)[0] == 3
    now += 86_400
    assert account.spent() == Spent()
    assert account.begin(SENDING, Spent(250, 4)) == (0, Spent())
    assert (tmp_path / "state" / "reviews.jsonl").stat().st_mode & 0o777 == 0o600


def test_an_account_that_cannot_be_read_lets_nothing_leave(tmp_path: Path) -> None:
    from headgate.model.errors import CouldNotRun

    file = tmp_path / "reviews.jsonl"
    file.write_text('{"number": 1}\n')
    with pytest.raises(CouldNotRun, match="line 1 is none of its entries"):
        LocalAccount(file).begin(SENDING, Spent(1000))
    with pytest.raises(CouldNotRun, match=r"cannot be used: not a directory|file exists"):
        LocalAccount(file / "below").begin(SENDING, Spent(1000))
