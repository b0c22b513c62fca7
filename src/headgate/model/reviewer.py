"""What the policy says of the reviewer: a language model that may be asked about a change."""

from __future__ import annotations

from enum import StrEnum

from headgate.model.finding import Confidence
from headgate.model.patterns import name_matches
from headgate.model.project import POLICY_PROJECT
from headgate.model.record import record

REVIEW = "review"
"""The check that the reviewer's findings belong to."""
ADVISORY = frozenset({REVIEW})
"""Checks that only advise: neither what they find nor that they did not run ever denies."""
MILLION = 1_000_000


class AnswerFormat(StrEnum):
    """How the endpoint is asked for JSON; not every one knows every way."""

    SCHEMA = "schema"
    """`response_format` with the JSON schema."""
    OBJECT = "object"
    """`response_format` that asks for any JSON object."""
    TEXT = "text"
    """Only the prompt asks for it."""


class LimitName(StrEnum):
    """What the endpoint calls the most tokens that an answer may have."""

    MAX_TOKENS = "max_tokens"
    MAX_COMPLETION_TOKENS = "max_completion_tokens"


@record
class Prices:
    """What tokens cost, in `currency` per million."""

    sent: float = 0.0
    received: float = 0.0
    currency: str = "USD"

    @property
    def known(self) -> bool:
        return self.sent > 0 or self.received > 0

    def micros(self, sent: int, received: int) -> int:
        """The cost in millionths of the currency, rounded up."""
        cost = self.sent * sent + self.received * received
        return -int(-cost // 1)


@record
class ReviewerPolicy:
    """The `[reviewer]` table of policy.toml; where it is missing nothing is ever sent."""

    endpoint: str
    """Address below which `/chat/completions` is asked, without a slash at its end."""
    model: str
    projects: tuple[str, ...]
    """Patterns over the names of projects whose code may be sent."""
    paths: tuple[str, ...]
    """Patterns of files that may be sent."""
    never: tuple[str, ...] = ()
    """Patterns of files that may not, whatever `paths` says."""
    remote: bool = False
    """Whether the endpoint may be on an address that is neither loopback nor private."""
    key_secret: str = ""
    """Name of a secret of the policy project that holds the key."""
    key_env: str = ""
    """Name of a variable in the environment that holds the key."""
    tokens_per_review: int = 30_000
    """Sent and received, a second question included."""
    tokens_per_answer: int = 4_000
    tokens_per_day: int = 500_000
    """Of all reviews since midnight UTC."""
    cost_per_day: float = 0.0
    """In the currency of the prices; 0: only the tokens are bounded."""
    prices: Prices = Prices()
    timeout: float = 90.0
    """Seconds for one review, every attempt included."""
    max_findings: int = 20
    min_confidence: Confidence = Confidence.LOW
    answer_format: AnswerFormat = AnswerFormat.SCHEMA
    limit_name: LimitName = LimitName.MAX_TOKENS

    @property
    def tool(self) -> str:
        """What its findings say they are from."""
        return f"reviewer:{self.model}"

    def reviews(self, project: str) -> bool:
        """Whether code of this project may be sent; the policy itself only where it is named."""
        if project == POLICY_PROJECT:
            return project in self.projects
        return name_matches(project, self.projects)
