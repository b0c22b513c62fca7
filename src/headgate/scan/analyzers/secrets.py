"""Secrets in any text file: Kingfisher's rules for structured tokens, our own for passwords.

The secret itself never leaves this module: findings carry its place, and a keyed hash of it that
means nothing outside one run.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from headgate.model.finding import Confidence, Finding, Outcome, Severity, Span
from headgate.scan.analyzers import passwords
from headgate.scan.analyzers.interface import Analysis, Hit, SourceFile
from headgate.scan.text import Offsets, decode, is_test, printable

if TYPE_CHECKING:
    from kingfisher_sdk import Scanner

_REMEDY = (
    "Remove it, read it from the environment or a secret store, and replace it where it is valid: "
    "whoever has seen this text has it."
)
_LEAD_IN = re.compile(
    r"^(?:Uncovered|Identified|Detected|Discovered|Found|Possible|Potential)\s+"
    r"(?:an?\s+)?(?:possible\s+|potential\s+)?",
    re.IGNORECASE,
)
_OWN = frozenset({"secret/generic-credential-uri"})
"""What the search for passwords judges with more care for examples and tests."""
_FILE_TIMEOUT = 10.0


class Secrets:
    """Compiles Kingfisher's rules when it first sees a file, about one CPU-second without cache."""

    name = "kingfisher and passwords"
    check = "secrets"

    def __init__(self, key: bytes, cache: Path | None = None) -> None:
        """`key`: of the hashes that tell secrets apart in one run, at most 64 bytes.
        `cache`: a private directory for compiled rules; None: compile every time."""
        self._key = key
        self._cache = cache
        self._scanner: Scanner | None = None

    def wants(self, path: str, size: int) -> bool:
        return True

    def scan(self, files: Sequence[SourceFile]) -> Analysis:
        hits: list[Hit] = []
        hidden: list[Span] = []
        skipped: list[str] = []
        if not files:
            return Analysis(Outcome.PASSED)
        try:
            scanner = self._ready()
        except (ImportError, OSError, RuntimeError, ValueError) as error:
            return Analysis(Outcome.NOT_RUN, f"Kingfisher could not be started: {error}")
        for file in files:
            text = decode(file.data)
            data = text.encode("utf-8", "replace")
            try:
                found = list(self._tokens(scanner, file.path, data))
            except (TimeoutError, RuntimeError, ValueError) as error:
                skipped.append(f"{file.path}: Kingfisher gave up ({printable(str(error))[:120]})")
                found = []
            taken: list[tuple[int, int]] = []
            offsets = Offsets(data)
            for start, end, finding in found:
                span = offsets.span(file.path, start, end)
                hidden.append(span)
                if finding is None or any(start < last and first < end for first, last in taken):
                    continue
                taken.append((start, end))
                hits.append(self._hit(finding, span, data[start:end]))
            for secret in passwords.find(file.path, text):
                start = len(text[: secret.start].encode("utf-8", "replace"))
                end = start + len(text[secret.start : secret.end].encode("utf-8", "replace"))
                span = offsets.span(file.path, start, end)
                hidden.append(span)
                if not any(start < last and first < end for first, last in taken):
                    hits.append(self._hit(_password(secret), span, data[start:end]))
        outcome = Outcome.NOT_RUN if skipped else Outcome.PASSED
        reason = "some files could not be searched" if skipped else ""
        return Analysis(outcome, reason, tuple(hits), tuple(skipped), tuple(hidden))

    def _ready(self) -> Scanner:
        if self._scanner is None:
            from kingfisher_sdk import DetectionPolicy, Rules, Scanner

            if self._cache is not None:
                self._cache.mkdir(parents=True, exist_ok=True, mode=0o700)
            rules = Rules(cache=self._cache is not None, cache_dir=self._cache)
            # A comment in the change must not silence what the change is judged by.
            policy = DetectionPolicy(inline_ignores=False, markup_context=False)
            self._scanner = Scanner(rules, redact=False, policy=policy)
        return self._scanner

    def _tokens(
        self, scanner: Scanner, path: str, data: bytes
    ) -> Iterator[tuple[int, int, Finding | None]]:
        """Byte range and finding of every token; no finding for what is only part of one."""
        from kingfisher_sdk import ScanInput

        # The path steers Kingfisher's own filters: only its ending is of use to us.
        name = f"file{Path(path).suffix}" if path.isprintable() else "file"
        for one in scanner.scan_input(ScanInput(path=name, data=data), timeout=_FILE_TIMEOUT):
            start, end = one.location["start_offset"], one.location["end_offset"]
            finding = _token(one.rule_id, one.rule_name, one.confidence, path)
            shown = one.visible and finding.rule not in _OWN
            yield start, end, finding if shown else None

    def _hit(self, finding: Finding, span: Span, secret: bytes) -> Hit:
        from dataclasses import replace

        mark = hashlib.blake2b(secret, key=self._key, digest_size=16).hexdigest()
        return Hit(replace(finding, span=span), mark)


def _token(rule: str, name: str, confidence: str, path: str) -> Finding:
    slug = re.sub(r"^(?:betterleaks|kingfisher|veles\.secrets)[./]", "", rule)
    slug = re.sub(r"[^a-z0-9]+", "-", slug.lower()).strip("-")
    title = _LEAD_IN.sub("", name).split(",")[0].rstrip(".")
    title = title[:1].upper() + title[1:]
    sure = {"high": Confidence.HIGH, "medium": Confidence.MEDIUM}.get(confidence, Confidence.LOW)
    if is_test(path) and "private-key" in slug:
        sure = Confidence.LOW
    return Finding(
        rule=f"secret/{slug}",
        title=title,
        message="A credential is written into this file. What it opens is open to every reader.",
        remedy=_REMEDY,
        severity=Severity.HIGH,
        confidence=sure,
        span=Span("", 1),
        cwe=798,
        check="secrets",
    )


def _password(secret: passwords.Secret) -> Finding:
    if secret.name:
        message = f"`{printable(secret.name)[:60]}` is given a value that looks like a real secret."
    else:
        message = "This address has a password in it."
    return Finding(
        rule="secret/hard-coded-password",
        title="Password or key in the code",
        message=f"{message} Every reader of the code has it.",
        remedy=_REMEDY,
        severity=secret.severity,
        confidence=secret.confidence,
        span=Span("", 1),
        cwe=798,
        check="secrets",
    )
