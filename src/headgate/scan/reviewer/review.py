"""One review: what may be shown is asked about, within the bounds, and the answer judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from headgate.model.finding import CheckResult, Finding, Outcome
from headgate.model.reviewer import MILLION, REVIEW, Prices, ReviewerPolicy
from headgate.scan.reviewer.answer import Answer, Malformed, read_answer
from headgate.scan.reviewer.interface import (
    NOTHING,
    UNSPENT,
    Account,
    Endpoint,
    Material,
    NotAnswered,
    Received,
    Reply,
    Scope,
    Sending,
    Spent,
    Usage,
    price,
)
from headgate.scan.reviewer.prompt import Question, first, repair, room
from headgate.scan.reviewer.sarif import findings_of
from headgate.scan.text import listed, plural, printable

Classes = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What a review came to."""

    outcome: Outcome
    reason: str
    findings: tuple[Finding, ...] = ()
    """Without excerpts and identities: whoever has the files fills both in."""
    usage: Usage = NOTHING
    micros: int = 0
    """Cost in millionths of the currency."""
    spent: Spent = UNSPENT
    """Of the day, this review included."""
    discarded: int = 0
    sent: bool = False
    """Whether anything left."""


def scope_of(policy: ReviewerPolicy, classes: Classes, known: Sequence[Finding] = ()) -> Scope:
    """What a policy lets be shown of a change."""
    return Scope(
        paths=policy.paths,
        never=policy.never,
        tokens=room(policy),
        classes={name: tuple(patterns) for name, patterns in classes.items()},
        known=tuple(known),
    )


def refusal(material: Material) -> str:
    """Why nothing is sent of a material; empty when something may be."""
    if material.problem:
        return material.problem
    if not material.empty:
        return ""
    left = [*material.withheld, *material.cut]
    if left:
        return (
            "no changed line may be shown: " + listed((printable(one) for one in left), 3) + " "
            "(see `paths`, `never` and `tokens-per-review` under [reviewer])"
        )
    return "there is no changed line to show"


async def review(
    material: Material,
    classes: Classes,
    policy: ReviewerPolicy,
    project: str,
    endpoint: Endpoint,
    account: Account,
) -> Reviewed:
    """Ask about a change. Never raises for what the endpoint does."""
    if why := refusal(material):
        return Reviewed(Outcome.NOT_RUN, why)
    return await _Review(material, classes, policy, project, endpoint, account).run()


@dataclass(slots=True)
class _Review:
    material: Material
    classes: Classes
    policy: ReviewerPolicy
    project: str
    endpoint: Endpoint
    account: Account
    usage: Usage = NOTHING

    async def run(self) -> Reviewed:
        question = first(self.policy, self.material, self.classes)
        most = Spent(self.policy.tokens_per_day, int(self.policy.cost_per_day * MILLION))
        sending = self._sending(question)
        number, before = self.account.begin(sending, most)
        if not number:
            return Reviewed(Outcome.NOT_RUN, over(sending, before, self.policy), spent=before)
        answer = Answer()
        try:
            answer = await self._answer(question)
            outcome, reason = self._judged(answer)
        except NotAnswered as error:
            self.usage = self.usage.plus(error.spent)
            outcome, reason = Outcome.NOT_RUN, error.reason
        except BaseException:
            # Stopped from outside; what left has left, and may be paid for.
            self.usage = Usage(sending.reserved, 0, estimated=True)
            self._end(number, Outcome.NOT_RUN, "the review was stopped", answer)
            raise
        findings = () if outcome is Outcome.NOT_RUN else findings_of(answer.claims, self.policy)
        spent = self._end(number, outcome, reason, answer)
        return Reviewed(
            outcome,
            f"{reason.rstrip('.')}; {cost(self.usage, self.policy.prices, spent, self.policy)}",
            findings,
            self.usage,
            price(self.policy.prices, self.usage),
            spent,
            answer.discarded.total(),
            sent=True,
        )

    def _sending(self, question: Question) -> Sending:
        received = 2 * self.policy.tokens_per_answer
        reserved = max(question.tokens + received, self.policy.tokens_per_review)
        most = Usage(reserved - received, received)
        return Sending(
            project=self.project,
            endpoint=self.policy.endpoint,
            model=self.policy.model,
            sources=self.material.sources,
            digest=question.digest,
            size=len(question.body),
            reserved=most.total,
            reserved_micros=price(self.policy.prices, most),
        )

    async def _answer(self, question: Question) -> Answer:
        """The answer, or that to the one more try when its form is wrong. Raises NotAnswered."""
        reply = await self._ask(question)
        try:
            return self._read(reply)
        except Malformed as error:
            why = str(error)
        again = repair(self.policy, reply.text, why)
        left = self.policy.tokens_per_review - self.usage.total
        if again.tokens + self.policy.tokens_per_answer > left:
            raise NotAnswered(
                f"The answer of {self.policy.model} cannot be used: {why}; there are not tokens "
                "enough to ask again: raise `tokens-per-review`."
            )
        reply = await self._ask(again)
        try:
            return self._read(reply)
        except Malformed as error:
            raise NotAnswered(
                f"The answer of {self.policy.model} cannot be used: {error}, also when asked "
                "again: take a model that keeps to a schema."
            ) from None

    async def _ask(self, question: Question) -> Reply:
        reply = await self.endpoint.ask(question.body)
        self.usage = self.usage.plus(reply.usage)
        return reply

    def _read(self, reply: Reply) -> Answer:
        if reply.cut:
            raise Malformed(
                f"it is cut off after the {self.policy.tokens_per_answer} tokens that an answer "
                "may have"
            )
        return read_answer(reply.text, self.material, self.policy)

    def _judged(self, answer: Answer) -> tuple[Outcome, str]:
        outcome = Outcome.FAILED if answer.claims else Outcome.PASSED
        parts = [plural(len(answer.claims), "finding")]
        if answer.discarded:
            parts.append(answer.words)
        if answer.lost and not answer.claims:
            # The model says that something is wrong, if not where.
            outcome = Outcome.UNKNOWN
        if self.material.cut:
            # Not looked at is not clean.
            outcome = Outcome.UNKNOWN
            left = listed((printable(one) for one in self.material.cut), 3)
            parts.append(f"not all of the change was shown: {left}")
        return outcome, "; ".join(parts)

    def _end(self, number: int, outcome: Outcome, reason: str, answer: Answer) -> Spent:
        return self.account.end(
            number,
            Received(
                outcome.value,
                reason,
                self.usage,
                price(self.policy.prices, self.usage),
                len(answer.claims),
                answer.discarded.total(),
            ),
        )


def as_result(
    reviewed: Reviewed, material: Material, findings: Sequence[Finding], seconds: float
) -> CheckResult:
    """The check `review`, with findings that have their places and identities."""
    outcome, reason = reviewed.outcome, reviewed.reason
    allowed = sum(bool(one.allowed) for one in findings)
    if allowed:
        reason += f"; {plural(allowed, 'finding')} allowed by comments"
    if outcome is Outcome.FAILED and allowed == len(findings):
        outcome = Outcome.PASSED
    return CheckResult(
        REVIEW,
        outcome,
        reason,
        tuple(findings),
        seconds,
        skipped=tuple(dict.fromkeys(material.withheld)),
        reduced=material.cut,
    )


def cost(usage: Usage, prices: Prices, spent: Spent, policy: ReviewerPolicy) -> str:
    """What was used, what it cost, and what is left of the day, in words."""
    about = "about " if usage.estimated else ""
    words = f"{about}{usage.sent:,} tokens sent and {usage.received:,} received"
    if prices.known:
        words += f", {money(price(prices, usage), prices.currency)}"
    left = max(0, policy.tokens_per_day - spent.tokens)
    words += f"; {left:,} of {policy.tokens_per_day:,} tokens left today"
    if policy.cost_per_day:
        rest = max(0, int(policy.cost_per_day * MILLION) - spent.micros)
        words += f", and {money(rest, prices.currency)} of {policy.cost_per_day:g}"
    return words


def over(sending: Sending, before: Spent, policy: ReviewerPolicy) -> str:
    """Why the bounds of the day refuse a review."""
    if before.tokens + sending.reserved > policy.tokens_per_day:
        left = max(0, policy.tokens_per_day - before.tokens)
        return (
            f"the budget of the day is used up: a review may take {sending.reserved:,} tokens, and "
            f"{left:,} of {policy.tokens_per_day:,} are left until midnight UTC (`tokens-per-day` "
            "under [reviewer])"
        )
    left = max(0, int(policy.cost_per_day * MILLION) - before.micros)
    currency = policy.prices.currency
    return (
        f"the budget of the day is used up: a review may cost "
        f"{money(sending.reserved_micros, currency)}, and {money(left, currency)} of "
        f"{policy.cost_per_day:g} are left until midnight UTC (`cost-per-day` under [reviewer])"
    )


def money(micros: int, currency: str) -> str:
    """`0.0123 USD`; as many digits as it takes to be no zero."""
    value = micros / MILLION
    return f"{value:.2f} {currency}" if value >= 1 or not micros else f"{value:.4g} {currency}"
