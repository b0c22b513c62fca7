"""Secrets in any file: Kingfisher's rules for structured tokens, our own for passwords.

The secret itself never leaves this module: findings carry its place, and a keyed hash of it that
means nothing outside one run.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from headgate.model.finding import Confidence, Finding, Outcome, Severity, Span
from headgate.model.record import record, replace
from headgate.scan.analyzers import passwords, token_forms
from headgate.scan.analyzers.interface import Analysis, Hit, SourceFile, together
from headgate.scan.kept import keep_values, take_values, told_apart
from headgate.scan.late import late
from headgate.scan.readings import readings
from headgate.scan.text import Offsets, decode, printable

if TYPE_CHECKING:
    from kingfisher_sdk import Rules, Scanner

_REMEDY = (
    "Remove it, read it from the environment or a secret store, and replace it where it is valid: "
    "whoever has seen this text has it."
)
_LEAD_IN = late(
    r"^(?:Uncovered|Identified|Detected|Discovered|Found|Possible|Potential)\s+"
    r"(?:an?\s+)?(?:possible\s+|potential\s+)?",
    re.IGNORECASE,
)
_OWN = frozenset({"secret/generic-credential-uri"})
"""What the search for passwords judges with more care for examples and tests."""
_TIMEOUT = 10.0
"""Seconds for one chunk."""
_CHUNK = 4 << 20
_OVERLAP = 128 << 10
"""Bytes that two neighbouring chunks share."""


class Secrets:
    """Looks for secrets. Kingfisher's rules are loaded, a third of a CPU-second, when it first sees
    a text that one of them may match; compiled, three and a half, when they were not kept."""

    name = "kingfisher and passwords"
    check = "secrets"

    def __init__(self, key: bytes, cache: Path | None = None) -> None:
        """`key`: of the hashes that tell secrets apart in one run, at most 64 bytes.
        `cache`: a private directory for compiled rules; None: compile every time."""
        self._key = key
        self._cache = cache
        self._scanner: Scanner | None = None
        self._forms = _FormsOf(cache)

    @property
    def loaded(self) -> bool:
        """Whether Kingfisher's rules are in memory."""
        return self._scanner is not None

    def wants(self, path: str, start: bytes) -> bool:
        return True

    def version(self) -> str:
        library = _library()
        return "" if library is None else told_apart(library)

    def scan(self, files: Sequence[SourceFile]) -> Analysis:
        found = self.each(files)
        return found if isinstance(found, Analysis) else together(found)

    def each(self, files: Sequence[SourceFile]) -> list[Analysis] | Analysis:
        if not files:
            return []
        try:
            scanner = None if self._scanner is None and self._hopeless(files) else self._ready()
        except (ImportError, OSError, RuntimeError, ValueError) as error:
            return Analysis(Outcome.NOT_RUN, f"Kingfisher could not be started: {error}")
        return [self._searched(scanner, file) for file in files]

    def mark(self, file: SourceFile, place: tuple[int, int, int]) -> str:
        number, start, end = place
        texts = (_text(file), *(reading.text for reading in readings(file.data)))
        return self._mark(texts[number].encode("utf-8", "replace")[start:end])

    def _searched(self, scanner: Scanner | None, file: SourceFile) -> Analysis:
        try:
            hits, hidden = self._search(scanner, file)
        except (TimeoutError, RuntimeError, ValueError) as error:
            why = f"{file.path}: Kingfisher gave up ({printable(str(error))[:120]})"
            return Analysis(Outcome.NOT_RUN, "some files could not be searched", skipped=(why,))
        return Analysis(Outcome.PASSED, "", tuple(hits), hidden=tuple(hidden))

    def _hopeless(self, files: Sequence[SourceFile]) -> bool:
        """Whether no rule of Kingfisher's can match anything in the files, as far as is known."""
        if sum(len(file.data) for file in files) > token_forms.LARGEST:
            return False
        forms = self._forms.kept()
        if forms is None:
            return False
        return not any(
            token_forms.possible(forms, _name(file.path), text)
            for file in files
            for text in (_text(file), *(reading.text for reading in readings(file.data)))
        )

    def _search(self, scanner: Scanner | None, file: SourceFile) -> tuple[list[Hit], list[Span]]:
        """What is found in a file, and every place of it that must not be shown."""
        text = decode(file.data)
        offsets = Offsets(text.encode("utf-8", "replace"))
        hits: list[Hit] = []
        hidden: list[Span] = []
        for one in self._found(scanner, file.path, _text(file)):
            span = offsets.span(file.path, one.start, one.end)
            hidden.append(span)
            if one.finding is not None:
                hits.append(self._hit(one.finding, span, one, 0))
        marks = {hit.mark for hit in hits}
        shown = [hit.finding.span for hit in hits]
        for number, reading in enumerate(readings(file.data), 1):
            others = self._found(scanner, file.path, reading.text)
            places = reading.places(at for one in others for at in (one.start, one.end))
            for one in others:
                span = Span(file.path, *places[one.start], *places[one.end])
                hidden.append(span)
                if one.finding is not None and not any(_overlap(span, other) for other in shown):
                    hit = self._hit(one.finding, span, one, number)
                    if hit.mark not in marks:
                        marks.add(hit.mark)
                        hits.append(hit)
        return hits, hidden

    def _found(self, scanner: Scanner | None, path: str, text: str) -> list[_Found]:
        """Tokens and passwords of a text; of two at one place, the first is a finding."""
        data = text.encode("utf-8", "replace")
        found: list[_Found] = []
        taken: list[tuple[int, int]] = []
        for start, end, finding in _tokens(scanner, path, data) if scanner is not None else ():
            if finding is not None:
                if any(start < last and first < end for first, last in taken):
                    finding = None
                else:
                    taken.append((start, end))
            found.append(_Found(start, end, data[start:end], finding))
        for secret in passwords.find(path, text):
            start = len(text[: secret.start].encode("utf-8", "replace"))
            end = start + len(text[secret.start : secret.end].encode("utf-8", "replace"))
            free = not any(start < last and first < end for first, last in taken)
            found.append(_Found(start, end, data[start:end], _password(secret) if free else None))
        return found

    def _ready(self) -> Scanner:
        if self._scanner is None:
            from kingfisher_sdk import DetectionPolicy, Rules, Scanner

            if self._cache is not None:
                self._cache.mkdir(parents=True, exist_ok=True, mode=0o700)
            rules = Rules(cache=self._cache is not None, cache_dir=self._cache)
            # A comment in the change must not silence what the change is judged by.
            policy = DetectionPolicy(inline_ignores=False, markup_context=False)
            self._scanner = Scanner(rules, redact=False, policy=policy)
            self._forms.keep(rules)
        return self._scanner

    def _hit(self, finding: Finding, span: Span, one: _Found, number: int) -> Hit:
        """`number`: of the reading that it was found in; 0: in the text of the file."""
        where = number, one.start, one.end
        return Hit(replace(finding, span=span), self._mark(one.secret), where)

    def _mark(self, secret: bytes) -> str:
        return hashlib.blake2b(secret, key=self._key, digest_size=16).hexdigest()


class _FormsOf:
    """What texts have to hold for Kingfisher's rules, kept beside its compiled rules."""

    def __init__(self, cache: Path | None) -> None:
        self._place = None if cache is None else _place(cache)

    def kept(self) -> token_forms.Forms | None:
        """None when it is not known: then every text may hold a token."""
        return None if self._place is None else take_values(self._place)

    def keep(self, rules: Rules) -> None:
        if self._place is not None and take_values(self._place) is None:
            listed = [rules.detail(str(one["id"])) for one in rules.metadata()]
            forms = token_forms.derive(listed)
            if forms is not None:
                keep_values(self._place, forms)


def _place(cache: Path) -> Path | None:
    """Where the forms of the rules of the Kingfisher that is installed are; None without it."""
    library = _library()
    known = "" if library is None else told_apart(library)
    if not known:
        return None
    name = hashlib.sha256(known.encode("utf-8", "surrogateescape")).hexdigest()[:32]
    return cache / f"forms-{token_forms.VERSION}-{name}"


def _library() -> Path | None:
    """The compiled part of the Kingfisher that is installed."""
    spec = find_spec("kingfisher_sdk")
    folders = spec.submodule_search_locations if spec is not None else None
    if not folders:
        return None
    try:
        folder = Path(folders[0])
        (library,) = (
            folder / name
            for name in os.listdir(folder)  # noqa: PTH208 - a pattern of paths is compiled
            if name.startswith("_native.") and name.endswith("so")
        )
    except (OSError, ValueError):
        return None
    return library


def _text(file: SourceFile) -> str:
    return decode(file.data).replace("\0", "\n")


def _name(path: str) -> str:
    """What Kingfisher is told a file is called: the path steers its own filters, and some endings
    switch it off altogether."""
    ending = Path(path).suffix
    return f"file{ending}" if ending.isascii() and passwords.is_known(path) else "file"


@record
class _Found:
    """A place in the bytes of a text."""

    start: int
    end: int
    secret: bytes = field(repr=False)
    finding: Finding | None
    """None: only to be hidden."""


def _overlap(one: Span, other: Span) -> bool:
    return (one.line, one.column) < (other.end_line, other.end_column) and (
        other.line,
        other.column,
    ) < (one.end_line, one.end_column)


def _tokens(scanner: Scanner, path: str, data: bytes) -> Iterator[tuple[int, int, Finding | None]]:
    """Byte range and finding of every token; no finding for what is only part of one."""
    from kingfisher_sdk import ScanInput

    name = _name(path)
    # Half of the overlap belongs to either chunk: a token is whole in the one that it begins in.
    half = _OVERLAP // 2
    for at in range(0, max(1, len(data) - _OVERLAP), _CHUNK - _OVERLAP):
        last = at + _CHUNK >= len(data)
        first = at + half if at else 0
        limit = len(data) if last else at + _CHUNK - half
        source = ScanInput(path=name, data=data[at : at + _CHUNK])
        for one in scanner.scan_input(source, timeout=_TIMEOUT):
            start, end = at + one.location["start_offset"], at + one.location["end_offset"]
            if first <= start < limit:
                finding = _token(one.rule_id, one.rule_name, one.confidence)
                shown = one.visible and finding.rule not in _OWN
                yield start, end, finding if shown else None


def _token(rule: str, name: str, confidence: str) -> Finding:
    slug = re.sub(r"^(?:betterleaks|kingfisher|veles\.secrets)[./]", "", rule)
    slug = re.sub(r"[^a-z0-9]+", "-", slug.lower()).strip("-")
    title = _LEAD_IN.sub("", name).split(",")[0].rstrip(".")
    title = title[:1].upper() + title[1:]
    sure = {"high": Confidence.HIGH, "medium": Confidence.MEDIUM}.get(confidence, Confidence.LOW)
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
