"""Whether a value looks like a secret, by its own shape and by the name that it is given to.

Placeholders, references, words of an interface and digests are told from what a person thought of
or a generator made.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from headgate.model.finding import Confidence, Severity
from headgate.scan.late import late
from headgate.scan.rules.shipped import table

Judgement = tuple[Severity, Confidence] | None

VOCABULARY: Mapping[str, Sequence[str]] = table(
    Path(__file__).parent.parent / "rules" / "passwords.toml"
)
_DEMONSTRATED = frozenset({"postgres", "guest", "mysql", "redis", "minio", "rabbitmq", "tiger"})
"""What products are delivered or explained with, e.g. Oracle's `scott:tiger`."""
_OTHER_THING = late("|".join(VOCABULARY["other_things"]), re.IGNORECASE)
_PUBLIC = late(r"public|csrf|xsrf|css|design|syntax|lexer|parser|pagination|next|cursor|page")
_SHOWN = late(
    r"(?:^|[_.-])(?:labels?|titles?|texts?|captions?|messages?|msg|errors?|buttons?|i18n|placeholders?)"
    r"[_.-]"
)
"""Names of what people read."""
_NAMES_ONE = late(
    r"(?:[a-z]|[-_.:])(?:Pass(?:word)?|Secret|Token|Key|Credentials?)$"
    r"|[-_.:](?:pass(?:word)?|secret|token|key|credentials?)$"
)
"""Words that end so name a secret: `UserPassword`, `db-secret`."""
_PLACEHOLDER = late("|".join(VOCABULARY["placeholders"]), re.DOTALL)
_PLACEHOLDER_WORDS = late("|".join(VOCABULARY["placeholder_words"]), re.IGNORECASE)
_COMMON = frozenset(VOCABULARY["common"])
_HASHED = late(
    r"^(?:\$(?:2[aby]|argon2\w*|5|6|1|apr1|pbkdf2[\w-]*)\$|pbkdf2[_:]|bcrypt|scrypt[:$]|\{SSHA)"
)
_REFERENCE = late(
    r"~?\.{0,2}/[\w./-]*|[A-Za-z]:\\.*|https?://.*|[\w-]+\.[\w.-]*[a-z]{2,}\(.*|\w+\(.*\)"
    r"|[a-z_][\w-]*(?:\.[A-Za-z_][\w-]*)+|[#.]?[a-z]+(?:[-_][a-z]+)+"
)
_REGULAR_EXPRESSION = late(r"\\[dwsb]|\(\?|\[\^?[a-zA-Z0]-|\.\*|\{\d|\]\+$")
_CLASSES = tuple(late(one) for one in (r"[a-z]", r"[A-Z]", r"[0-9]", r"[^A-Za-z0-9]"))


def judge_url(value: str, host: str) -> Judgement:
    if is_placeholder(value) or value.startswith(("$", "{", "%", "<", ":")) or "{" in value:
        return None
    weak = value.lower() in _COMMON or host in ("localhost", "127.0.0.1", "host", "example.com")
    if weak or host.endswith((".example.com", ".example", ".test", ".invalid")):
        return (Severity.LOW, Confidence.LOW) if is_generated(value) else None
    if value.lower() in _DEMONSTRATED:
        return None
    if _is_word(value):
        return Severity.MEDIUM, Confidence.LOW
    return Severity.HIGH, Confidence.HIGH if is_generated(value) else Confidence.MEDIUM


def judge(name: str, value: str) -> Judgement:
    plain_name = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).strip("_-.$@")
    lower = plain_name.lower()
    last = re.split(r"[_.-]", lower)[-1]
    if _OTHER_THING.fullmatch(last) and last not in ("key", "token", "secret"):
        return None
    if _is_word(value) and (_SHOWN.search(lower) or _NAMES_ONE.search(value)):
        return None
    if is_placeholder(_plain(value)):
        return None
    if _PUBLIC.search(lower) or is_placeholder(value) or _HASHED.match(value):
        return None
    squeezed = re.sub(r"[^a-z0-9]", "", value.lower())
    if squeezed in re.sub(r"[^a-z0-9]", "", lower) or _looks_like_reference(value):
        return None
    return _password(value) if re.search(r"pass|pwd|psw|pw$", lower) else _token(value)


def judge_password(value: str) -> Judgement:
    """A value that is a password by where it stands."""
    if is_placeholder(value) or _HASHED.match(value) or _looks_like_reference(value):
        return None
    return _password(value)


def judge_token(value: str) -> Judgement:
    """A value that is a key or token by where it stands: it has to look generated."""
    if is_placeholder(value) or _HASHED.match(value) or _looks_like_reference(value):
        return None
    return _token(value)


def _password(value: str) -> Judgement:
    if len(value) < 4 or value.count(" ") >= 2:
        return None
    if value.isalpha() and (value.islower() or value.istitle()) and len(value) < 8:
        return Severity.MEDIUM, Confidence.LOW
    if _is_word(value):
        return Severity.MEDIUM, Confidence.LOW
    return Severity.HIGH, Confidence.HIGH if is_generated(value) else Confidence.MEDIUM


def _token(value: str) -> Judgement:
    if len(value) < 8 or " " in value or _is_word(value):
        return None
    if is_generated(value):
        return Severity.HIGH, Confidence.HIGH if len(value) >= 20 else Confidence.MEDIUM
    if _classes(value) >= 3 and "/" not in value:
        return Severity.HIGH, Confidence.MEDIUM
    return None


def _plain(value: str) -> str:
    """What a value in base64 says, as Kubernetes writes it; the value itself when it is none."""
    if len(value) < 12 or len(value) % 4:
        return value
    try:
        text = base64.b64decode(value, validate=True).decode("ascii").strip()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return value
    return text if text.isprintable() else value


def is_placeholder(value: str) -> bool:
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


def is_generated(value: str) -> bool:
    """Whether it looks like the work of a generator: long, mixed and without words."""
    if len(value) < 12 or " " in value or not re.search(r"[0-9]", value):
        return False
    if re.fullmatch(r"[0-9a-f-]+", value, re.IGNORECASE):
        return len(value) >= 32 and len(set(value.lower())) >= 10
    return _classes(value) >= 2 and entropy(value) >= 3.2


def is_random(value: str) -> bool:
    """Whether it is generated and has no word in it, as people's own passwords do: letters in
    both cases and digits take turns."""
    kinds = ["a" if c.islower() else "A" if c.isupper() else "0" for c in value]
    turns = sum(one != other for one, other in pairwise(kinds))
    return is_generated(value) and turns * 3 >= len(value) - 1


def entropy(text: str) -> float:
    """Shannon entropy in bits per character."""
    size = len(text)
    return -sum(n / size * math.log2(n / size) for n in Counter(text).values())
