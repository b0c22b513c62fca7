"""Passwords and keys written into code or configuration, found by the name they are given to.

Structured tokens have detectors of their own; this is for what has no shape but its name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from enum import Enum

from headgate.model.finding import Confidence, Severity
from headgate.model.record import record, replace
from headgate.scan.analyzers.credential_forms import forms
from headgate.scan.analyzers.credential_values import (
    VOCABULARY,
    is_generated,
    is_random,
    judge,
    judge_url,
)
from headgate.scan.analyzers.python_ast import idle_texts
from headgate.scan.late import late
from headgate.scan.notes import is_message
from headgate.scan.text import is_test


class Style(Enum):
    """How a kind of file writes values."""

    CODE = "code"
    """Only quoted text is a value."""
    PROSE = "prose"
    """As in code, or given to a variable of the environment."""
    CONFIGURATION = "configuration"
    """What follows the separator is a value, quoted or not."""
    NONE = "none"


@record
class Secret:
    """A value that looks like a secret; offsets are in characters of the text."""

    start: int
    end: int
    name: str
    """What it is given to, as written; empty for a password in an address."""
    severity: Severity
    confidence: Confidence


_CODE = frozenset(VOCABULARY["code"])
_CONFIGURATION = frozenset(VOCABULARY["configuration"])
_PROSE = frozenset(VOCABULARY["prose"])
_CONFIGURATION_NAMES = frozenset({"dockerfile", "containerfile", "makefile", ".npmrc", ".pypirc"})

_WORDS = (
    r"pass(?:word|wd|phrase|code)|passwd|pwd|psw|secret|token|api[_-]?key|apikey|access[_-]?key|"
    r"private[_-]?key|auth[_-]?key|encryption[_-]?key|signing[_-]?key|credentials?"
)
# Bounded, so that a line without end takes no more than linear time.
_NAME = (
    rf"(?P<name>[A-Za-z0-9_.$@-]{{0,60}}?(?:(?:{_WORDS})(?:s|key|id)?|(?<![A-Za-z])(?:pass|pw)|(?-i:(?<=[a-z0-9])P(?:ass|w)))"
    r"(?-i:(?![a-z]))[A-Za-z0-9_-]{0,40})"
)
_QUOTED = r"(?P<quote>[\"'`])(?P<value>(?:\\.|(?!(?P=quote))[^\\\n])*)(?P=quote)"
_TYPE = r"(?:\s{0,4}:\s{0,4}(?:&(?:'\w{1,20} )?)?[A-Za-z_][\w.\[\], |<>?]{0,60}?)?"
_WRAPPED = (
    r"(?:(?:\[\]byte|String::from|SecretStr(?:ing)?(?:::(?:new|from))?|std::string|bytes|str|"
    r"Buffer\.from)\(\s*)?"
)
"""What only makes another type of a text."""
_HINTS = ("pass", "pwd", "psw", "pw", "secret", "token", "key", "credential", "://")
"""No pattern matches a line that has none of these in lower case."""
_PATTERN_CODE = late(
    rf"(?<![A-Za-z0-9_.$@-]){_NAME}(?:[\"'`]\s*\])?[\"'`]?{_TYPE}\s*"
    rf"(?:=>|:=|===?|=|:|,(?=\s*[\"'`]))\s*{_WRAPPED}(?:[rbuf]{{1,2}}(?=[\"'`])|@)?{_QUOTED}",
    re.IGNORECASE,
)
_PATTERN_BARE = late(
    rf"^\s*(?:export\s+|set\s+|ENV\s+|ARG\s+|-\s+|\$env:)?[\"']?{_NAME}[\"']?\s*[=:]\s*"
    r"(?P<value>[^\s\"'`#;,<][^\s\"'`;,]*)\s*(?:\s[#;].*|,|;)?$",
    re.IGNORECASE,
)
_PATTERN_XML = late(rf"<{_NAME}>(?P<value>[^<\s]+)</", re.IGNORECASE)  # <password>value</password>
_PATTERN_ENVIRONMENT = late(
    r"(?:^|[\s\"'])(?P<name>[A-Z0-9_]{0,60}?(?:PASS|PWD|SECRET|TOKEN|KEY|CREDENTIAL)[A-Z0-9_]{0,40})"
    r"=(?P<value>[^\s\"'`;&|$<>()]+)"
)
_PATTERN_ENV_WORDS = late(r"^\s*ENV\s+(?P<name>\w+)\s+(?P<value>[^\s=]+)\s*$")
_PATTERN_URL = late(
    r"(?P<name>[a-z][a-z0-9+.-]{1,20})://[^\s/:@\"'`<>{}$%]{0,64}:(?P<value>[^\s/@\"'`<>]{3,128})@"
    r"(?P<host>[A-Za-z0-9.-]+|\[)",
    re.IGNORECASE,
)

_DISOWNED = late(r"\b(?:e\.g\.|for example|not a real|fake|dummy|placeholder)\b", re.IGNORECASE)
_TRANSLATIONS = late(
    r"(?:^|/)(?:locales?|i18n|l10n|lang|languages?|translations?|messages)(?:/|[._-])",
    re.IGNORECASE,
)
_TEST = late(
    r"(?:^|/)(?:__tests__|e2e|cypress|androidTest)/|[._-](?:test|spec|cy)\.[jt]sx?$"
    r"|_(?:test|spec)\.[a-z]+$|[a-z0-9]Tests?\.(?:java|kt|cs|php|swift|scala|groovy)$"
)
"""Paths of test code in the languages that `is_test` does not know of."""
_SETTER = late(r"\b(set\w*|put|add|define|with\w*)\(\s*[\"'`]$", re.IGNORECASE)


def style_of(path: str, text: str = "") -> Style:
    """How the file with this path that begins with this text writes values."""
    if is_message(path):
        return Style.PROSE
    name = path.rpartition("/")[2].lower()
    ending = name.rpartition(".")[2] if "." in name else ""
    if ending in _CODE:
        return Style.CODE
    if ending in _PROSE or name in ("readme", "jenkinsfile", "vagrantfile"):
        return Style.PROSE
    base = name.partition(".")[0] or name
    if ending in _CONFIGURATION or name in _CONFIGURATION_NAMES or base in _CONFIGURATION_NAMES:
        return Style.CONFIGURATION
    if name.startswith(".env") or ".env." in name:
        return Style.CONFIGURATION
    return _style_of_script(text)


def _style_of_script(text: str) -> Style:
    if not text.startswith("#!"):
        return Style.NONE
    first = text[:200].partition("\n")[0]
    return Style.CONFIGURATION if re.search(r"sh\b", first) else Style.CODE


def is_known(path: str) -> bool:
    """Whether the path is of a kind of text that has a style."""
    return style_of(path) is not Style.NONE


def find(path: str, text: str) -> Iterator[Secret]:
    """Every value in the text that looks like a password or key, by its name and shape."""
    style = style_of(path, text[:200])
    test = is_test(path) or bool(_TEST.search(path))
    translated = bool(_TRANSLATIONS.search(path))
    patterns: list[re.Pattern[str]] = []
    if style is not Style.NONE:
        patterns.append(_PATTERN_CODE)
    if style is Style.PROSE:
        patterns.append(_PATTERN_ENVIRONMENT)
    if style is Style.CONFIGURATION:
        patterns += [_PATTERN_BARE, _PATTERN_XML, _PATTERN_ENVIRONMENT]
        if "file" in path.rpartition("/")[2].lower():
            patterns.append(_PATTERN_ENV_WORDS)
    patterns.append(_PATTERN_URL)
    taken: list[tuple[int, int]] = []
    idle: Sequence[tuple[int, int]] | None = None
    for secret in _everywhere(path, text, patterns):
        value = text[secret.start : secret.end]
        if any(secret.start < last and first < secret.end for first, last in taken):
            continue
        taken.append((secret.start, secret.end))
        # A test's own passwords protect nothing; what looks generated may be real.
        if (test or translated) and not is_random(value):
            continue
        if path.endswith((".py", ".pyi")) and not is_random(value):
            if idle is None:
                idle = idle_texts(text)
            if any(first <= secret.start and secret.end <= last for first, last in idle):
                # A docstring shows how something is used: nobody signs in with it.
                continue
        prose = style is Style.PROSE and not is_message(path)
        if prose and not _is_mixed(value):
            continue
        soft = test or prose or _disowned(text, secret.start)
        sure = Confidence.LOW if soft else secret.confidence
        yield Secret(secret.start, secret.end, secret.name, secret.severity, sure)


def _everywhere(path: str, text: str, patterns: Sequence[re.Pattern[str]]) -> Iterator[Secret]:
    at = 0
    for line in text.split("\n"):
        low = line.lower()
        if any(hint in low for hint in _HINTS):
            for secret in _in_line(line, patterns):
                yield replace(secret, start=at + secret.start, end=at + secret.end)
        at += len(line) + 1
    for match in forms(path, text):
        if match.judged is not None:
            yield Secret(match.start, match.end, match.name, *match.judged)


def _is_mixed(value: str) -> bool:
    """Whether it is no word of a sentence."""
    return bool(re.search(r"\d", value) and re.search(r"[A-Za-z]", value)) or is_generated(value)


def _disowned(text: str, at: int) -> bool:
    """Whether the line itself says that the value is only an example."""
    start, end = text.rfind("\n", 0, at) + 1, text.find("\n", at)
    line = text[start : end if end >= 0 else len(text)]
    return len(line) < 500 and bool(_DISOWNED.search(line))


def _in_line(line: str, patterns: Sequence[re.Pattern[str]]) -> Iterator[Secret]:
    taken: list[tuple[int, int]] = []
    for pattern in patterns:
        for match in pattern.finditer(line):
            start, end = match.span("value")
            name, value = match["name"], match["value"]
            if any(start < last and first < end for first, last in taken):
                continue
            if pattern is _PATTERN_URL:
                name, judged = "", judge_url(value, match["host"])
            elif "," in line[match.end("name") : start] and not _is_setter(line[: match.start()]):
                judged = None
            else:
                judged = judge(name, value)
            if judged is not None:
                taken.append((start, end))
                yield Secret(start, end, name, *judged)


def _is_setter(before: str) -> bool:
    """Whether the name is the key of a call like `put("password", "…")`."""
    return bool(_SETTER.search(before))
