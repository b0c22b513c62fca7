"""Passwords and keys written into code or configuration, found by the name they are given to.

Structured tokens have detectors of their own; this is for what has no shape but its name.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from importlib import resources

from headgate.model.finding import Confidence, Severity
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


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that looks like a secret; offsets are in characters of the text."""

    start: int
    end: int
    name: str
    """What it is given to, as written; empty for a password in an address."""
    severity: Severity
    confidence: Confidence


_DATA: dict[str, list[str]] = tomllib.loads(
    resources.files("headgate.scan.rules").joinpath("passwords.toml").read_text("utf-8")
)
_CODE = frozenset(_DATA["code"])
_CONFIGURATION = frozenset(_DATA["configuration"])
_CONFIGURATION_NAMES = frozenset({"dockerfile", "containerfile", "makefile", ".npmrc", ".pypirc"})

_WORDS = (
    r"pass(?:word|wd|phrase|code)|passwd|pwd|psw|secret|token|api[_-]?key|apikey|access[_-]?key|"
    r"private[_-]?key|auth[_-]?key|encryption[_-]?key|signing[_-]?key|credentials?"
)
# Bounded, so that a line without end takes no more than linear time.
_NAME = (
    rf"(?P<name>[A-Za-z0-9_.$@-]{{0,60}}?(?:(?:{_WORDS})(?:s|key|id)?|(?<![A-Za-z])(?:pass|pw))"
    r"(?-i:(?![a-z]))[A-Za-z0-9_-]{0,40})"
)
_QUOTED = r"(?P<quote>[\"'`])(?P<value>(?:\\.|(?!(?P=quote))[^\\\n])*)(?P=quote)"
_TYPE = r"(?:\s{0,4}:\s{0,4}[A-Za-z_][\w.\[\], |<>?]{0,60}?)?"
_HINTS = ("pass", "pwd", "psw", "pw", "secret", "token", "key", "credential", "://")
"""No pattern matches a line that has none of these in lower case."""
_PATTERN_CODE = re.compile(
    rf"(?<![A-Za-z0-9_.$@-]){_NAME}(?:[\"'`]\s*\])?[\"'`]?{_TYPE}\s*"
    rf"(?:=>|:=|===?|=|:|,(?=\s*[\"'`]))\s*(?:[rbuf]{{1,2}}(?=[\"'`])|@)?{_QUOTED}",
    re.IGNORECASE,
)
_PATTERN_BARE = re.compile(
    rf"^\s*(?:export\s+|set\s+|ENV\s+|ARG\s+|-\s+|\$env:)?[\"']?{_NAME}[\"']?\s*[=:]\s*"
    r"(?P<value>[^\s\"'`#;,<][^\s\"'`#;,]*)\s*(?:[#;].*|,)?$",
    re.IGNORECASE,
)
_PATTERN_XML = re.compile(
    rf"<{_NAME}>(?P<value>[^<\s]+)</", re.IGNORECASE
)  # <password>value</password>
_PATTERN_ENVIRONMENT = re.compile(
    r"(?:^|[\s\"'])(?P<name>[A-Z0-9_]{0,60}?(?:PASS|PWD|SECRET|TOKEN|KEY|CREDENTIAL)[A-Z0-9_]{0,40})"
    r"=(?P<value>[^\s\"'`;&|$<>()]+)"
)
_PATTERN_ENV_WORDS = re.compile(r"^\s*ENV\s+(?P<name>\w+)\s+(?P<value>[^\s=]+)\s*$")
_PATTERN_URL = re.compile(
    r"(?P<name>[a-z][a-z0-9+.-]{1,20})://[^\s/:@\"'`<>{}$%]{0,64}:(?P<value>[^\s/@\"'`<>]{3,128})@"
    r"(?P<host>[A-Za-z0-9.-]+|\[)",
    re.IGNORECASE,
)

_OTHER_THING = re.compile("|".join(_DATA["other_things"]), re.IGNORECASE)
_SETTER = re.compile(r"\b(set\w*|put|add|define|with\w*)\(\s*[\"'`]$", re.IGNORECASE)
_PUBLIC = re.compile(r"public|csrf|xsrf|css|design|syntax|lexer|parser|pagination|next|cursor|page")
_PLACEHOLDER = re.compile("|".join(_DATA["placeholders"]), re.DOTALL)
_PLACEHOLDER_WORDS = re.compile("|".join(_DATA["placeholder_words"]), re.IGNORECASE)
_COMMON = frozenset(_DATA["common"])
_HASHED = re.compile(
    r"^(?:\$(?:2[aby]|argon2\w*|5|6|1|apr1|pbkdf2[\w-]*)\$|pbkdf2[_:]|bcrypt|scrypt[:$]|\{SSHA)"
)
_REFERENCE = re.compile(
    r"~?\.{0,2}/[\w./-]*|[A-Za-z]:\\.*|https?://.*|[\w-]+\.[\w.-]*[a-z]{2,}\(.*|\w+\(.*\)"
    r"|[a-z_][\w-]*(?:\.[A-Za-z_][\w-]*)+|[#.]?[a-z]+(?:[-_][a-z]+)+"
)
_REGULAR_EXPRESSION = re.compile(r"\\[dwsb]|\(\?|\[\^?[a-zA-Z0]-|\.\*|\{\d|\]\+$")
_CLASSES = tuple(re.compile(one) for one in (r"[a-z]", r"[A-Z]", r"[0-9]", r"[^A-Za-z0-9]"))


def style_of(path: str, text: str = "") -> Style:
    """How the file with this path that begins with this text writes values."""
    if is_message(path):
        return Style.PROSE
    name = path.rpartition("/")[2].lower()
    ending = name.rpartition(".")[2] if "." in name else ""
    if ending in _CODE:
        return Style.CODE
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
    test = is_test(path)
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
    at = 0
    for line in text.split("\n"):
        low = line.lower()
        if any(hint in low for hint in _HINTS):
            for secret in _in_line(line, patterns):
                # A test's own passwords protect nothing; what looks generated may be real.
                if test and not _generated(line[secret.start : secret.end]):
                    continue
                sure = Confidence.LOW if test else secret.confidence
                start, end = at + secret.start, at + secret.end
                yield Secret(start, end, secret.name, secret.severity, sure)
        at += len(line) + 1


def _in_line(line: str, patterns: Sequence[re.Pattern[str]]) -> Iterator[Secret]:
    taken: list[tuple[int, int]] = []
    for pattern in patterns:
        for match in pattern.finditer(line):
            start, end = match.span("value")
            name, value = match["name"], match["value"]
            if any(start < last and first < end for first, last in taken):
                continue
            if pattern is _PATTERN_URL:
                name, judged = "", _judge_url(value, match["host"])
            elif "," in line[match.end("name") : start] and not _is_setter(line[: match.start()]):
                judged = None
            else:
                judged = _judge(name, value)
            if judged is not None:
                taken.append((start, end))
                yield Secret(start, end, name, *judged)


def _is_setter(before: str) -> bool:
    """Whether the name is the key of a call like `put("password", "…")`."""
    return bool(_SETTER.search(before))


def _judge_url(value: str, host: str) -> tuple[Severity, Confidence] | None:
    if _is_placeholder(value) or value.startswith(("$", "{", "%", "<", ":")) or "{" in value:
        return None
    weak = value.lower() in _COMMON or host in ("localhost", "127.0.0.1", "host", "example.com")
    if weak or host.endswith((".example.com", ".example", ".test", ".invalid")):
        return (Severity.LOW, Confidence.LOW) if _generated(value) else None
    if value.lower() in ("postgres", "guest", "mysql", "redis", "minio", "rabbitmq"):
        return None
    if _is_word(value):
        return Severity.MEDIUM, Confidence.LOW
    return Severity.HIGH, Confidence.HIGH if _generated(value) else Confidence.MEDIUM


def _judge(name: str, value: str) -> tuple[Severity, Confidence] | None:
    plain_name = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).strip("_-.$@")
    lower = plain_name.lower()
    last = re.split(r"[_.-]", lower)[-1]
    if _OTHER_THING.fullmatch(last) and last not in ("key", "token", "secret"):
        return None
    if _PUBLIC.search(lower) or _is_placeholder(value) or _HASHED.match(value):
        return None
    squeezed = re.sub(r"[^a-z0-9]", "", value.lower())
    if squeezed in re.sub(r"[^a-z0-9]", "", lower) or _looks_like_reference(value):
        return None
    is_password = bool(re.search(r"pass|pwd|psw|pw$", lower))
    if is_password:
        if len(value) < 4 or value.count(" ") >= 2:
            return None
        if value.isalpha() and (value.islower() or value.istitle()) and len(value) < 8:
            return Severity.MEDIUM, Confidence.LOW
        if _is_word(value):
            return Severity.MEDIUM, Confidence.LOW
        return Severity.HIGH, Confidence.HIGH if _generated(value) else Confidence.MEDIUM
    if len(value) < 8 or " " in value or _is_word(value):
        return None
    if _generated(value):
        return Severity.HIGH, Confidence.HIGH if len(value) >= 20 else Confidence.MEDIUM
    if _classes(value) >= 3 and "/" not in value:
        return Severity.HIGH, Confidence.MEDIUM
    return None


def _is_placeholder(value: str) -> bool:
    stripped = value.strip()
    return (
        len(stripped) < 3
        or stripped.lower() in _COMMON
        or bool(_PLACEHOLDER.fullmatch(stripped))
        or bool(_PLACEHOLDER_WORDS.search(stripped))
        or "${" in stripped
        or "{{" in stripped
        or bool(re.search(r"\{\w*\}|%[sd]|%\(\w+\)", stripped))
        or stripped.rstrip("?").lower() in _COMMON
        or len(set(stripped)) <= 2
    )


def _looks_like_reference(value: str) -> bool:
    """A path, an address, a dotted name, a call, a selector or a pattern: not the secret itself."""
    return bool(_REFERENCE.fullmatch(value) or _REGULAR_EXPRESSION.search(value))


def _is_word(value: str) -> bool:
    """An identifier of words, as in `access-token`, `UserPassword` or `Invalid`."""
    if not re.fullmatch(r"[A-Za-z]+(?:[-_ :./][A-Za-z]+)*:?", value):
        return False
    words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+", value)
    return all(len(word) >= 2 for word in words) and len(words) <= max(1, len(value) // 4)


def _classes(value: str) -> int:
    return sum(bool(pattern.search(value)) for pattern in _CLASSES)


def _generated(value: str) -> bool:
    """Whether it looks like the work of a generator: long, mixed and without words."""
    if len(value) < 12 or " " in value or not re.search(r"[0-9]", value):
        return False
    if re.fullmatch(r"[0-9a-f-]+", value, re.IGNORECASE):
        return len(value) >= 32 and len(set(value.lower())) >= 10
    return _classes(value) >= 2 and entropy(value) >= 3.2


def entropy(text: str) -> float:
    """Shannon entropy in bits per character."""
    size = len(text)
    return -sum(n / size * math.log2(n / size) for n in Counter(text).values())
